import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { Milliseconds } from '../core/index.ts'
import type { PemPair } from './authority.ts'
import { plainAddress } from './proxies.ts'

/** What a node or control shows on its ports, and whom it takes for one of its own. PEM. */
export interface NodeCredentials extends PemPair {
  authority: string
}

export interface NodePortOptions {
  credentials: NodeCredentials
  /** `required`: who shows no certificate of the authority is not listened to. */
  certificates: 'asked-for' | 'required'
  /** Changed by tests only. */
  isThisMachine?: (socket: Socket) => boolean
}

export interface NodePort {
  /** For connections from now on. */
  show(credentials: NodeCredentials): void
}

/** The first byte of every TLS connection: a handshake record (RFC 8446 §5.1). */
const HANDSHAKE = 0x16
/** Within this something is said. */
const FIRST_BYTE: Milliseconds = 10_000

/**
 * Makes a server of `node:http` speak TLS on the same port: from everywhere over TLS, in the clear from this machine
 * alone (SEAMS 25). To be called before it listens. Requests that came over TLS have a `TLSSocket`.
 */
export function speakAlsoTls(server: Server, options: NodePortOptions): NodePort {
  const { credentials, certificates } = options
  const isNear = options.isThisMachine ?? isThisMachine
  const serve = server.listeners('connection') as ((this: Server, socket: Socket) => void)[] // node:http's own
  server.removeAllListeners('connection')
  const plain = (socket: Socket): void => serve.forEach(each => each.call(server, socket))
  const tls = createTlsServer({
    ...shown(credentials),
    requestCert: true,
    rejectUnauthorized: certificates === 'required',
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: FIRST_BYTE,
  })
  tls.on('secureConnection', plain)
  tls.on('tlsClientError', (_error, socket) => void socket.destroy())
  server.on('connection', (socket: Socket) => {
    if (!isNear(socket)) return void tls.emit('connection', socket)
    whenBegun(socket, first => {
      if (first === HANDSHAKE) tls.emit('connection', socket)
      else plain(socket)
    })
  })
  return { show: next => tls.setSecureContext(shown(next)) }
}

/**
 * Whether a request comes from one of ours: over TLS with a certificate of the authority, whose subject is the one that
 * is given; or in the clear, from this machine.
 */
export function isAuthorised(socket: Socket, subject?: string): boolean {
  if (!('encrypted' in socket)) return isThisMachine(socket)
  const tls = socket as TLSSocket // node:tls says so of its own
  return tls.authorized && (subject === undefined || subjectOf(tls) === subject)
}

const subjects = new WeakMap<TLSSocket, unknown>()

/** Read once for each connection: that takes longer than to answer a small request. */
function subjectOf(tls: TLSSocket): unknown {
  if (!subjects.has(tls)) subjects.set(tls, tls.getPeerCertificate().subject.CN)
  return subjects.get(tls)
}

function shown({ certificate, key, authority }: NodeCredentials): { cert: string; key: string; ca: string } {
  return { cert: certificate, key, ca: authority }
}

/** Nobody else's packets come from an address of this machine and find their way back. */
function isThisMachine({ remoteAddress, localAddress }: Socket): boolean {
  const address = plainAddress(remoteAddress ?? '')
  return address === '::1' || address.startsWith('127.') || (address !== '' && remoteAddress === localAddress)
}

/** Calls back with the first byte, which is still to be read. */
function whenBegun(socket: Socket, begin: (first: number | undefined) => void): void {
  const giveUp = setTimeout(() => socket.destroy(), FIRST_BYTE)
  const look = (): void => {
    const chunk = socket.read() as Buffer | null // no encoding was set
    if (chunk === null) return void socket.once('readable', look)
    clearTimeout(giveUp)
    socket.off('error', quit)
    socket.unshift(chunk)
    begin(chunk[0])
  }
  const quit = (): void => void socket.destroy()
  socket.on('error', quit)
  socket.once('close', () => clearTimeout(giveUp))
  socket.once('readable', look)
}
