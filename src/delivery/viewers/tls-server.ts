import { randomBytes } from 'node:crypto'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Milliseconds } from '../../core/index.ts'
import type { CertificateShelf } from '../../inbound/index.ts'
import type { ViewerLimits } from './limits.ts'
import { isTooOld, type NameTerms } from './name-terms.ts'
import type { TurnedAway } from './turned-away.ts'

export interface TlsServerOptions {
  shelf: CertificateShelf
  /** Of a server name; empty where the client names none. */
  termsOf: (serverName: string) => NameTerms | undefined
  limits: ViewerLimits
  turnedAway: TurnedAway
  /** Of connections on which HTTP/1.1 is spoken. */
  onHttp1: (socket: TLSSocket) => void
  /** Between our answer to a client's first words and his, which is once there and back (RFC 8446 §2). */
  onRoundTrip: (socket: TLSSocket, milliseconds: Milliseconds) => void
  /** And HTTP/2. */
  onHttp2: (socket: TLSSocket) => void
}

export interface TlsServer {
  server: Server
  /** 48 bytes. Whoever has the same resumes the sessions that tickets of this server name; those of before end. */
  setTicketKeys(keys: Buffer): void
}

/** Tickets are good where this is the same, whatever the process was started with. */
const SESSION_CONTEXT = 'sluice-viewers'

/** HTTP/2 and 1.1 over TLS 1.2 or above, chosen by ALPN, as far as the name that is asked for has them. */
export function createTlsServer(options: TlsServerOptions): TlsServer {
  const { shelf, termsOf, limits, turnedAway, onHttp1, onHttp2, onRoundTrip } = options
  let ticketKeys: Buffer = randomBytes(48)
  const greeted = new WeakMap<TLSSocket, number>()
  const shared = { minVersion: 'TLSv1.2', sessionIdContext: SESSION_CONTEXT } as const
  const server = createServer(
    {
      ...shared,
      noDelay: true,
      ALPNCallback: ({ servername, protocols }) => {
        // Who asks by an address names nobody (RFC 6066 §3), for which Node says false, whatever its types have.
        const offered = termsOf(servername || '')?.http === '1.1' ? ONE : BOTH
        return offered.find(each => protocols.includes(each))
      },
      ...{ cert: shelf.own.cert, key: shelf.own.key, ticketKeys },
      SNICallback(this: TLSSocket, name, done) {
        greeted.set(this, performance.now())
        const terms = termsOf(name)
        if (isTooOld(this, terms)) done(new Error('a version of TLS that this name has not'))
        else done(null, shelf.named(terms?.certificate) ?? shelf.context(name))
      },
      handshakeTimeout: limits.handshake,
    },
    socket => {
      // Without this a connection that breaks off before somebody listens would end the process.
      socket.on('error', ignore)
      const since = greeted.get(socket)
      if (since !== undefined) onRoundTrip(socket, performance.now() - since)
      // Once more, for who names nobody, and for sessions that are resumed.
      if (isTooOld(socket, termsOf(socket.servername || ''))) {
        turnedAway.add('tls')
        socket.destroy()
      } else if (socket.alpnProtocol === 'h2') onHttp2(socket)
      else onHttp1(socket)
    },
  )
  shelf.onOwn(({ cert, key }) => server.setSecureContext({ ...shared, cert, key, ticketKeys }))
  server.on('tlsClientError', (_error, socket) => {
    turnedAway.add('tls')
    // One that says nothing would stay for ever.
    socket.destroy()
  })
  return {
    server,
    setTicketKeys(keys) {
      ticketKeys = keys
      server.setTicketKeys(keys)
    },
  }
}

const BOTH = ['h2', 'http/1.1']
const ONE = ['http/1.1']

/** `close` follows. */
function ignore(): void {}
