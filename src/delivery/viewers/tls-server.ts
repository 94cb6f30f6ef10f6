import { randomBytes } from 'node:crypto'
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { createServer as createTls, type Server, type TLSSocket } from 'node:tls'
import type { CertificateShelf } from '../../inbound/index.ts'
import { Http2Answer } from './http2-answer.ts'
import { requestOf, type Http2Request } from './http2-request.ts'
import { MAX_FIELDS, MAX_HEAD_BYTES, type ViewerLimits } from './limits.ts'
import type { TurnedAway } from './turned-away.ts'

export interface TlsServerOptions {
  shelf: CertificateShelf
  limits: ViewerLimits
  turnedAway: TurnedAway
  /** Of connections on which HTTP/1.1 is spoken. */
  onHttp1: (socket: TLSSocket) => void
  /** Of requests over HTTP/2. */
  onStream: (request: Http2Request, answer: Http2Answer) => void
}

export interface TlsServer {
  server: Server
  http2: Http2Server
  /** 48 bytes. Whoever has the same resumes the sessions that tickets of this server name; those of before end. */
  setTicketKeys(keys: Buffer): void
}

/** Tickets are good where this is the same, whatever the process was started with. */
const SESSION_CONTEXT = 'sluice-viewers'

/** A peer whose frames are refused more often than this loses its connection; each costs an answer of ours. */
const MOST_INVALID_FRAMES = 100

/** Beyond what is refused with a status, so that who sends somewhat too much is told so. */
const HEAD_ROOM = 4

/** HTTP/2 and 1.1 over TLS 1.2 or above, chosen by ALPN. */
export function createTlsServer(options: TlsServerOptions): TlsServer {
  const { shelf, limits, turnedAway, onHttp1, onStream } = options
  let ticketKeys: Buffer = randomBytes(48)
  const shared = { minVersion: 'TLSv1.2', sessionIdContext: SESSION_CONTEXT } as const
  const http2 = createHttp2(limits, onStream)
  http2.on('sessionError', () => turnedAway.add('http2'))
  const server = createTls(
    {
      ...shared,
      ALPNProtocols: ['h2', 'http/1.1'],
      ...{ cert: shelf.own.cert, key: shelf.own.key, ticketKeys },
      SNICallback: (name, done) => done(null, shelf.context(name)),
      handshakeTimeout: limits.handshake,
    },
    socket => {
      // Without this a connection that breaks off before somebody listens would end the process.
      socket.on('error', ignore)
      if (socket.alpnProtocol === 'h2') http2.emit('connection', socket)
      else onHttp1(socket)
    },
  )
  shelf.onOwn(({ cert, key }) => server.setSecureContext({ ...shared, cert, key, ticketKeys }))
  server.on('tlsClientError', () => turnedAway.add('tls'))
  return {
    server,
    http2,
    setTicketKeys(keys) {
      ticketKeys = keys
      server.setTicketKeys(keys)
    },
  }
}

/** `close` follows. */
function ignore(): void {}

function createHttp2(limits: ViewerLimits, onStream: TlsServerOptions['onStream']): Http2Server {
  const server = createServer({
    maxHeaderListPairs: HEAD_ROOM * MAX_FIELDS,
    maxSessionInvalidFrames: MOST_INVALID_FRAMES,
    settings: {
      maxConcurrentStreams: limits.streams,
      maxHeaderListSize: HEAD_ROOM * MAX_HEAD_BYTES,
      enablePush: false,
    },
  })
  takeStreams(server, onStream)
  // A quiet session takes no new requests and ends when its answers are out.
  server.on('session', session => session.setTimeout(limits.idle, () => session.close()))
  // Node ends a quiet HTTP/2 connection together with the answers that it waits for, unless somebody else takes care
  // of that, as is done above.
  server.on('timeout', ignore)
  return server
}

/** Node would dress each stream up as an exchange of HTTP/1.1. */
function takeStreams(server: Http2Server, onStream: TlsServerOptions['onStream']): void {
  server.removeAllListeners('stream')
  server.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) => {
      const answer = new Http2Answer(stream)
      // RFC 9110 §10.1.1
      if ((headers.expect ?? CONTINUE) !== CONTINUE) {
        answer.on('error', ignore) // the viewer left
        answer.writeHead(417, [])
        return answer.end()
      }
      onStream(requestOf(stream, headers, rawHeaders), answer)
    },
  )
}

const CONTINUE = '100-continue'
