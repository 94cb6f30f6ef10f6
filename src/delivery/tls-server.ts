import { randomBytes } from 'node:crypto'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { ServerOptions } from 'node:http'
import { Socket } from 'node:net'
import type { CertificateShelf } from '../inbound/index.ts'
import { MAX_FIELDS, MAX_HEAD_BYTES, type ViewerLimits } from './limits.ts'
import type { TurnedAway } from './turned-away.ts'

export interface TlsServerOptions {
  shelf: CertificateShelf
  limits: ViewerLimits
  /** What both versions of HTTP/1.1's servers are given. */
  http1: ServerOptions
  turnedAway: TurnedAway
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void
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
export function createTlsServer({ shelf, limits, http1, turnedAway, listener }: TlsServerOptions): TlsServer {
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
    listener,
  )
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
