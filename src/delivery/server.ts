import { readFileSync } from 'node:fs'
import fastify, { type FastifyInstance } from 'fastify'
import type { Listen } from '../core/index.ts'
import { Connections } from './connections.ts'
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
  /** Ends connections without a request at once and the others when their answers are out, at most after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** One listening server for viewers: HTTP/1.1, or HTTP/2 and 1.1 over TLS. The delivery room's door to Fastify. */
export async function startViewerServer(options: ViewerServerOptions): Promise<ViewerServer> {
  const server = createServer(options)
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
