import { createServer, type Server, type Socket } from 'node:net'
import { Departures, systemClock, type Listen, type Milliseconds } from '../../core/index.ts'
import { Http1Reader } from '../../http1/index.ts'
import {
  CertificateShelf,
  ConnectionCount,
  plainAddress,
  type CertificatePair,
  type ConnectionCaps,
} from '../../inbound/index.ts'
import { Connections } from './connections.ts'
import { guardEntry } from './entry.ts'
import type { Incoming, Outgoing } from '../exchange.ts'
import { LIMITS, MAX_HEAD_BYTES, type ViewerLimits } from './limits.ts'
import { createFullHttp1 } from './full-http1.ts'
import type { OnUpgrade } from './leavers.ts'
import { openHttp2 } from './open-http2.ts'
import { readBy } from './answering.ts'
import type { NameTerms } from './name-terms.ts'
import { createTlsServer } from './tls-server.ts'
import { TurnedAway } from './turned-away.ts'
import { compileTrustedProxies, type TrustedProxies } from '../viewer.ts'

export type { ViewerLimits } from './limits.ts'

/** Fewer than a process may have open, and what a machine of 2 GB can hold. */
export const CONNECTION_CAPS: ConnectionCaps = { connections: 20_000, connectionsPerAddress: 1000 }

export interface ViewerServerOptions {
  listen: Listen
  /** The files are read again when they change. */
  tls?: {
    certificateFile: string
    keyFile: string
    /** Shown to who asks for one of their names. */
    certificates?: readonly CertificatePair[]
  }
  /** What TLS is to be for a server name, by the distribution that answers under it. */
  termsOf?: (serverName: string) => NameTerms | undefined
  handle: (request: Incoming, response: Outgoing) => void
  /** Takes the connection of a request for a WebSocket; without it, that is answered like any other. */
  onUpgrade?: OnUpgrade
  /** Of TLS: how long a viewer's address took to answer, there and back, in milliseconds. */
  onRoundTrip?: (address: string, milliseconds: Milliseconds) => void
  /** The same as the steps'. */
  trustedProxies?: TrustedProxies
  /** Shared by the ports of a process, as are `count` and `turnedAway`; without it answers wait for nothing. */
  departures?: Departures
  count?: ConnectionCount
  turnedAway?: TurnedAway
  log?: { info(fields: object, text: string): void; warn(fields: object, text: string): void }
  /** Changed by tests only. */
  limits?: Partial<ViewerLimits>
}

export interface ViewerServer {
  /** The port that it listens on. */
  port: number
  /** 48 bytes, shared by processes that resume each other's TLS sessions; of no effect without TLS. */
  setTicketKeys(keys: Buffer): void
  /** Ends connections without a request at once and the others when their answers are out, at most after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** One listening server for viewers: HTTP/1.1, or HTTP/2 and 1.1 over TLS. */
export async function startViewerServer(options: ViewerServerOptions): Promise<ViewerServer> {
  const limits = { ...LIMITS, ...options.limits }
  const turnedAway = options.turnedAway ?? new TurnedAway()
  const connections = new Connections()
  const { handle, onUpgrade, termsOf = () => undefined } = options
  const departures = options.departures ?? new Departures(() => {})
  const full = await createFullHttp1({ handle, onUpgrade, connections, turnedAway, limits, departures })
  const reader = new Http1Reader({
    departures,
    onRequest: handle,
    handOver: full.take,
    leaving: () => connections.draining,
    ...{ idle: limits.idle, stalled: limits.stalled, longestHead: MAX_HEAD_BYTES },
  })
  const onHttp1 = (socket: Socket): void => readBy(socket, reader.open(socket))
  const onHttp2 = (socket: Socket): void =>
    connections.watchSession(openHttp2(socket, { limits, turnedAway, departures, onRequest: handle }))
  const shelf = openShelf(options)
  const onRoundTrip = (socket: Socket, milliseconds: Milliseconds): void => {
    const address = plainAddress(socket.remoteAddress ?? '')
    // How far a proxy is says nothing of its viewers.
    if (options.trustedProxies?.has(address) !== true) options.onRoundTrip?.(address, milliseconds)
  }
  const tls = shelf && createTlsServer({ shelf, termsOf, limits, turnedAway, onHttp1, onHttp2, onRoundTrip })
  const server = tls?.server ?? createServer({ allowHalfOpen: true, noDelay: true }, onHttp1)
  guardEntry(server, {
    count: options.count ?? new ConnectionCount(CONNECTION_CAPS),
    proxies: options.trustedProxies ?? compileTrustedProxies([]),
    within: limits.request,
    turnedAway,
  })
  connections.watch(server)
  await listen(server, options.listen)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.listen.port,
    setTicketKeys: keys => tls?.setTicketKeys(keys),
    async close(graceMs) {
      shelf?.close()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      const told = full.close()
      departures.flush()
      connections.drain()
      const timer = setTimeout(() => connections.destroy(), graceMs)
      await Promise.all([closed, told])
      clearTimeout(timer)
    },
  }
}

function listen(server: Server, { host = '::', port }: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function openShelf({ tls, log }: ViewerServerOptions): CertificateShelf | undefined {
  return (
    tls &&
    new CertificateShelf({
      own: tls,
      others: tls.certificates ?? [],
      clock: systemClock,
      log: log ?? { info: () => {}, warn: () => {} },
    })
  )
}
