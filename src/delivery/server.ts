import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { codeOf, type Listen, type Milliseconds } from '../core/index.ts'
import { Connections } from './connections.ts'
import type { Incoming, Outgoing } from './exchange.ts'

/** CloudFront's limit on a request's head. */
const MAX_HEAD_BYTES = 20_480

/** How long a viewer may hold something of ours without using it, and how much at once. */
export interface ViewerLimits {
  /** Until the TLS handshake is done. */
  handshake: Milliseconds
  /** Until a request's head has come. */
  request: Milliseconds
  /** Of a connection without a request. */
  idle: Milliseconds
  /** Of a connection with a request on which nothing moves. */
  stalled: Milliseconds
  /** Requests of one HTTP/2 connection that are under way at once. */
  streams: number
}

const LIMITS: ViewerLimits = {
  handshake: 10_000,
  request: 30_000,
  idle: 65_000,
  stalled: 75_000,
  streams: 128,
}

export interface ViewerServerOptions {
  listen: Listen
  tls?: { certificateFile: string; keyFile: string }
  handle: (request: Incoming, response: Outgoing) => void
  /** Changed by tests only. */
  limits?: Partial<ViewerLimits>
}

export interface ViewerServer {
  /** The port that it listens on. */
  port: number
  /** Ends connections without a request at once and the others when their answers are out, at most after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** One listening server for viewers: HTTP/1.1, or HTTP/2 and 1.1 over TLS. The delivery room's door to Fastify. */
export async function startViewerServer(options: ViewerServerOptions): Promise<ViewerServer> {
  const limits = { ...LIMITS, ...options.limits }
  const server = createServer(options, limits)
  const connections = new Connections(server.server)
  // Steps write raw heads and bytes, so the reply is theirs before Fastify looks at path or body.
  server.addHook('onRequest', (request, reply) => {
    reply.hijack()
    request.raw.url = request.originalUrl
    connections.serve(request.raw, reply.raw)
    options.handle(request.raw, reply.raw)
  })
  server.all('/', (_request, reply) => reply.code(500).send())
  await server.listen({ host: options.listen.host ?? '::', port: options.listen.port, backlog: 4096 })
  const address = server.server.address()
  const port = typeof address === 'object' && address ? address.port : options.listen.port
  return {
    port,
    async close(graceMs) {
      const closed = server.close()
      connections.drain()
      const timer = setTimeout(() => connections.destroy(), graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}

function createServer(options: ViewerServerOptions, limits: ViewerLimits): FastifyInstance {
  const common = {
    logger: false,
    // The router must not judge viewers' paths: `read` makes them canonical and refuses with a reason.
    rewriteUrl: keepRawUrl,
    clientErrorHandler: refuseUnreadable,
    forceCloseConnections: false,
    connectionTimeout: limits.stalled,
    keepAliveTimeout: limits.idle,
    requestTimeout: limits.request,
    http2SessionTimeout: limits.idle,
  } as const
  if (!options.tls) return fastify({ ...common, http: { maxHeaderSize: MAX_HEAD_BYTES } })
  const https = {
    allowHTTP1: true,
    cert: readFileSync(options.tls.certificateFile),
    key: readFileSync(options.tls.keyFile),
    maxHeaderSize: MAX_HEAD_BYTES,
    minVersion: 'TLSv1.2' as const,
    handshakeTimeout: limits.handshake,
    settings: { maxConcurrentStreams: limits.streams },
  }
  // Fastify types each kind of server apart; raw requests and answers are all that is used of it here.
  const both = fastify({ ...common, http2: true, https }) as unknown as FastifyInstance
  // Fastify gives these to its HTTP/1 servers only, and this one speaks HTTP/1.1 as well.
  Object.assign(both.server, { keepAliveTimeout: limits.idle, requestTimeout: limits.request })
  // Node ends a quiet HTTP/2 connection together with the answers that it waits for, unless somebody else takes care
  // of that: Fastify does, and lets them come first. Of HTTP/1.1 connections nobody does.
  both.server.on('timeout', (quiet: unknown) => {
    if (quiet instanceof Socket) quiet.destroy()
  })
  return both
}

/**
 * What cannot be read as HTTP has no end, so nothing behind it can be read either: the connection is said to end, and
 * ends. A proxy before us would otherwise send somebody else's request on it.
 */
function refuseUnreadable(error: Error, socket: Socket): void {
  const code = codeOf(error) ?? ''
  // Where TLS has not begun, nothing can be said, and the end would wait for it for ever.
  if (!OF_HTTP.test(code) || !socket.writable) return void socket.destroy()
  const status = UNREADABLE[code] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}

/** Node's parser and its time limits; other errors are the connection's own. */
const OF_HTTP = /^(?:HPE|ERR_HTTP)_/

const UNREADABLE: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

function keepRawUrl(): string {
  return '/'
}
