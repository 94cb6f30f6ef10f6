import { randomBytes } from 'node:crypto'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { CertificateShelf } from '../../inbound/index.ts'
import type { ViewerLimits } from './limits.ts'
import type { TurnedAway } from './turned-away.ts'

export interface TlsServerOptions {
  shelf: CertificateShelf
  limits: ViewerLimits
  turnedAway: TurnedAway
  /** Of connections on which HTTP/1.1 is spoken. */
  onHttp1: (socket: TLSSocket) => void
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

/** HTTP/2 and 1.1 over TLS 1.2 or above, chosen by ALPN. */
export function createTlsServer(options: TlsServerOptions): TlsServer {
  const { shelf, limits, turnedAway, onHttp1, onHttp2 } = options
  let ticketKeys: Buffer = randomBytes(48)
  const shared = { minVersion: 'TLSv1.2', sessionIdContext: SESSION_CONTEXT } as const
  const server = createServer(
    {
      ...shared,
      ...{ ALPNProtocols: ['h2', 'http/1.1'], noDelay: true },
      ...{ cert: shelf.own.cert, key: shelf.own.key, ticketKeys },
      SNICallback: (name, done) => done(null, shelf.context(name)),
      handshakeTimeout: limits.handshake,
    },
    socket => {
      // Without this a connection that breaks off before somebody listens would end the process.
      socket.on('error', ignore)
      if (socket.alpnProtocol === 'h2') onHttp2(socket)
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

/** `close` follows. */
function ignore(): void {}
