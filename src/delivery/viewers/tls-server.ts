import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { Socket } from 'node:net'
import type { CertificateShelf } from '../../inbound/index.ts'
import { Http2Answer } from './http2-answer.ts'
import { requestOf, type Http2Request } from './http2-request.ts'
import { MAX_FIELDS, MAX_HEAD_BYTES, type ViewerLimits } from './limits.ts'
import type { TurnedAway } from './turned-away.ts'

export interface TlsServerOptions {
  shelf: CertificateShelf
  limits: ViewerLimits
  /** What both versions of HTTP/1.1's servers are given. */
  http1: ServerOptions
  turnedAway: TurnedAway
  /** Of requests over HTTP/1.1. */
  listener: (request: IncomingMessage, response: ServerResponse) => void
  /** And over HTTP/2. */
  onStream: (request: Http2Request, answer: Http2Answer) => void
}

export interface TlsServer {
  server: Http2SecureServer
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
  const { shelf, limits, http1, turnedAway, listener, onStream } = options
  let ticketKeys: Buffer = randomBytes(48)
  const shared = { minVersion: 'TLSv1.2', sessionIdContext: SESSION_CONTEXT } as const
  const server = createSecureServer(
    {
      ...http1,
      ...shared,
      allowHTTP1: true,
      cert: shelf.own.cert,
      key: shelf.own.key,
      ticketKeys,
      SNICallback: (name, done) => done(null, shelf.context(name)),
      handshakeTimeout: limits.handshake,
      maxHeaderListPairs: HEAD_ROOM * MAX_FIELDS,
      maxSessionInvalidFrames: MOST_INVALID_FRAMES,
      settings: {
        maxConcurrentStreams: limits.streams,
        maxHeaderListSize: HEAD_ROOM * MAX_HEAD_BYTES,
        enablePush: false,
      },
    },
    listener as () => void, // streams do not come this way
  )
  takeStreams(server, onStream)
  shelf.onOwn(({ cert, key }) => server.setSecureContext({ ...shared, cert, key, ticketKeys }))
  // A quiet session takes no new requests and ends when its answers are out.
  server.on('session', session => session.setTimeout(limits.idle, () => session.close()))
  server.on('sessionError', () => turnedAway.add('http2'))
  server.on('tlsClientError', () => turnedAway.add('tls'))
  server.setTimeout(limits.stalled)
  // Node ends a quiet HTTP/2 connection together with the answers that it waits for, unless somebody else takes care
  // of that, as is done above. Of HTTP/1.1 connections nobody does.
  server.on('timeout', (quiet: unknown) => {
    if (quiet instanceof Socket) quiet.destroy()
  })
  return {
    server,
    setTicketKeys(keys) {
      ticketKeys = keys
      server.setTicketKeys(keys)
    },
  }
}

/** Node would dress each stream up as an exchange of HTTP/1.1. */
function takeStreams(server: Http2SecureServer, onStream: TlsServerOptions['onStream']): void {
  server.removeAllListeners('stream')
  server.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) => {
      const answer = new Http2Answer(stream)
      // RFC 9110 §10.1.1
      if ((headers.expect ?? CONTINUE) !== CONTINUE) {
        answer.on('error', () => {}) // the viewer left
        answer.writeHead(417, [])
        return answer.end()
      }
      onStream(requestOf(stream, headers, rawHeaders), answer)
    },
  )
}

const CONTINUE = '100-continue'
