import { createServer, type Server, type Socket } from 'node:net'
import type { Clock, Listen } from '../core/index.ts'
import {
  CertificateShelf,
  ConnectionCount,
  plainAddress,
  readOpening,
  trustProxies,
  type CertificatePair,
  type TrustedProxies,
} from '../inbound/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { Connection } from './connection.ts'
import type { PublishRequest, PublishVerdict } from './contract.ts'
import { INGEST_LIMITS, type IngestLimits } from './limits.ts'

export interface IngestOptions {
  listen: Listen
  /** Present: RTMPS. The files are read again when they change; what is open keeps what it has. */
  tls?: CertificatePair & { certificates?: readonly CertificatePair[] }
  /** Awaited before the encoder hears any status and before one byte of media is read; a throw is a refusal. */
  authorize(request: PublishRequest): Promise<PublishVerdict>
  limits?: Partial<IngestLimits>
  /** Shared by several servers, so that the caps hold for all of them together; by default one of its own. */
  count?: ConnectionCount
  /** Addresses and networks whose PROXY protocol counts; anyone else's is not even read. */
  trustedProxies?: readonly string[]
  log: Logger
  clock: Clock
}

export interface Ingest {
  /** The port that it listens on. */
  port: number
  /** Connections that are open, whatever they have reached. */
  connections(): number
  /** Connections that publish. */
  publishers(): number
  /** Takes no new connection and ends all: the publishers' sinks hear `lost`. */
  close(): Promise<void>
}

/** One listening server for encoders, RTMP or RTMPS. Rejects when it cannot listen, or read the certificate. */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const door = new Door(options)
  const server = createServer({ noDelay: true }, socket => door.open(socket))
  await listening(server, options.listen)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.listen.port,
    connections: () => door.sockets.size,
    publishers: () => door.publishers(),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        door.close()
      }),
  }
}

/** Where connections come in: counted, with the address of the encoder behind a trusted proxy. */
class Door {
  readonly sockets = new Set<Socket>()
  readonly #options: IngestOptions
  readonly #limits: IngestLimits
  readonly #count: ConnectionCount
  readonly #shelf: CertificateShelf | undefined
  readonly #trusted: TrustedProxies
  readonly #connections = new Set<Connection>()

  constructor(options: IngestOptions) {
    this.#options = options
    this.#limits = { ...INGEST_LIMITS, ...options.limits }
    this.#count = options.count ?? new ConnectionCount(this.#limits)
    this.#trusted = trustProxies(options.trustedProxies ?? [])
    const { tls, clock, log } = options
    this.#shelf = tls && new CertificateShelf({ own: tls, others: tls.certificates ?? [], clock, log })
  }

  publishers(): number {
    return [...this.#connections].filter(({ publishing }) => publishing).length
  }

  open(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '')
    if (this.#trusted.has(address)) return this.#openProxied(socket, address)
    if (this.#admit(socket, address)) this.#begin(socket, address)
  }

  close(): void {
    this.#shelf?.close()
    for (const connection of this.#connections) connection.destroy()
    for (const socket of this.sockets) socket.destroy()
  }

  #openProxied(socket: Socket, proxy: string): void {
    const leave = this.#admit(socket, undefined)
    if (!leave) return
    const late = setTimeout(() => socket.destroy(), this.#limits.handshake)
    const failed = (): void => void socket.destroy()
    socket.on('error', failed).once('close', () => clearTimeout(late))
    readOpening(socket, address => {
      clearTimeout(late)
      leave()
      socket.off('error', failed)
      if (this.#admit(socket, address ?? proxy)) this.#begin(socket, address ?? proxy)
    })
  }

  /** Takes a place for a socket until it closes; without one, the socket is destroyed. */
  #admit(socket: Socket, address: string | undefined): (() => void) | undefined {
    const leave = this.#count.admit(address)
    if (leave === undefined) {
      this.#options.log.debug({ address }, 'too many connections')
      socket.destroy()
      return undefined
    }
    this.sockets.add(socket)
    socket.once('close', () => {
      leave()
      this.sockets.delete(socket)
    })
    return leave
  }

  #begin(socket: Socket, address: string): void {
    const { log, clock } = this.#options
    const connection = new Connection({
      ...{ socket, address, shelf: this.#shelf, limits: this.#limits, log, clock },
      authorize: request => this.#options.authorize(request),
    })
    this.#connections.add(connection)
    socket.once('close', () => this.#connections.delete(connection))
  }
}

function listening(server: Server, { host, port }: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: host ?? '::', port, backlog: 1024 }, () => {
      server.off('error', reject)
      // A failed accept (no file descriptors left) concerns one connection only.
      server.on('error', () => undefined)
      resolve()
    })
  })
}
