import { readFileSync } from 'node:fs'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import type { Listen } from '../core/index.ts'
import type { Incoming, Outgoing } from './exchange.ts'

/** CloudFront's limit on a request's head. */
const MAX_HEAD_BYTES = 20_480

export interface ViewerServerOptions {
  listen: Listen
  tls?: { certificateFile: string; keyFile: string }
  handle: (request: Incoming, response: Outgoing) => void
}

export interface ViewerServer {
  /** The port that it listens on. */
  port: number
  /** Ends idle connections at once and busy ones when their answers are out, at most after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** One listening server for viewers: HTTP/1.1, or HTTP/2 and 1.1 over TLS. The delivery room's door to Fastify. */
export async function startViewerServer(options: ViewerServerOptions): Promise<ViewerServer> {
  const server = createServer(options)
  // Steps write raw heads and bytes, so the reply is theirs before Fastify looks at path or body.
  server.addHook('onRequest', (request, reply) => {
    reply.hijack()
    request.raw.url = request.originalUrl
    options.handle(request.raw, reply.raw)
  })
  server.all('/', (_request, reply) => reply.code(500).send())
  const connections = trackConnections(server.server)
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

interface Connections {
  /** Tells HTTP/2 peers that no new request is taken; idle ones end. */
  drain(): void
  destroy(): void
}

/** An HTTP/2 server does not close while sessions are open, and Node keeps no list of them. */
function trackConnections(server: FastifyInstance['server']): Connections {
  const sessions = new Set<Http2Session>()
  const sockets = new Set<Socket>()
  server.on('session', (session: Http2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    drain: () => sessions.forEach(session => session.close()),
    destroy: () => {
      sessions.forEach(session => session.destroy())
      sockets.forEach(socket => socket.destroy())
    },
  }
}

function createServer(options: ViewerServerOptions): FastifyInstance {
  const common = {
    logger: false,
    // The router must not judge viewers' paths: `read` makes them canonical and refuses with a reason.
    rewriteUrl: keepRawUrl,
    forceCloseConnections: false,
    keepAliveTimeout: 65_000,
    requestTimeout: 30_000,
  } as const
  if (!options.tls) return fastify({ ...common, http: { maxHeaderSize: MAX_HEAD_BYTES } })
  const https = {
    allowHTTP1: true,
    cert: readFileSync(options.tls.certificateFile),
    key: readFileSync(options.tls.keyFile),
    maxHeaderSize: MAX_HEAD_BYTES,
    minVersion: 'TLSv1.2' as const,
  }
  // Fastify types each kind of server apart; raw requests and answers are all that is used of it here.
  return fastify({ ...common, http2: true, https }) as unknown as FastifyInstance
}

function keepRawUrl(): string {
  return '/'
}
