import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import {
  canonicalPath,
  codeOf,
  messageOf,
  type Clock,
  type Listen,
  type Milliseconds,
} from '../core/index.ts'
import type { PeerVerifier } from '../membership/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { answer, notFound, type Answer, type Asked } from './answer.ts'
import type { Counters, RequestKind } from './counters.ts'
import type { Library } from './library.ts'
import { readResource } from './resource.ts'

export interface OriginServerOptions {
  listen: Listen
  library: Library
  peers: PeerVerifier
  counters: Counters
  clock: Clock
  log: Logger
}

export interface OriginServer {
  port: number
  /** Takes no new request, lets those under way end for a few seconds. */
  close(): Promise<void>
}

/** Roles that may fetch from an origin; control never does. */
const ASKERS = new Set(['edge', 'regional', 'origin'])

const DRAIN_LIMIT: Milliseconds = 3_000

/** CloudFront's words for a request that did not come through the CDN. */
const STRANGER =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>'

/** The origin's server for nodes: the room's door to Fastify. */
export async function startOriginServer(options: OriginServerOptions): Promise<OriginServer> {
  const server = fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: 30_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    // Paths are read by `readResource`; the router's own idea of a bad one must not answer before the gate does.
    rewriteUrl: request => `/?${request.url ?? ''}`,
    routerOptions: { querystringParser: () => ({}) },
  })
  server.addHook('onRequest', async (request, reply) => {
    const verdict = await options.peers.verify(header(request, 'sluice-node'))
    if (verdict.kind === 'peer' && ASKERS.has(verdict.role)) return
    options.counters.refused()
    // Fastify's way to end a request in a hook is to return the reply.
    return reply
      .code(403)
      .headers({ 'X-Sluice-Reason': 'not-a-node', 'Cache-Control': 'no-store', 'Content-Type': 'text/xml' })
      .send(STRANGER)
  })
  server.route({
    method: ['GET', 'HEAD'],
    url: '/',
    handler: (request, reply) => serve(options, request, reply),
  })
  server.setNotFoundHandler((_request, reply) =>
    reply.code(405).header('Allow', 'GET, HEAD').send('method not allowed\n'),
  )
  server.setErrorHandler((error, request, reply) => {
    const overloaded = codeOf(error) === 'overloaded'
    options.log.error(
      { error: messageOf(error), code: codeOf(error), path: request.originalUrl },
      'request failed',
    )
    return reply
      .code(overloaded ? 503 : 500)
      .headers({ 'Cache-Control': 'no-store', 'Content-Type': 'text/plain; charset=utf-8' })
      .send(overloaded ? 'overloaded, try again\n' : 'internal error\n')
  })
  await server.listen({ host: options.listen.host ?? '::', port: options.listen.port, backlog: 1024 })
  const address = server.server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.listen.port,
    async close() {
      // Whoever is connected and asks nothing would otherwise hold the end up for as long as it likes.
      const cut = setTimeout(() => server.server.closeAllConnections(), DRAIN_LIMIT)
      await server.close()
      clearTimeout(cut)
    },
  }
}

async function serve(
  options: OriginServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { kind, made } = await make(options, request)
  options.counters.served(kind, made.status, made.body?.length ?? 0)
  return reply.code(made.status).headers(made.headers).send(made.body)
}

async function make(
  options: OriginServerOptions,
  request: FastifyRequest,
): Promise<{ kind: RequestKind; made: Answer }> {
  const target = request.originalUrl
  const canonical = canonicalPath(target.split('?', 1)[0] ?? '')
  const resource = canonical.kind === 'ok' ? readResource(canonical.path) : undefined
  if (!resource) return { kind: 'other', made: notFound() }
  const found = await options.library.find(resource, sequenceOf(header(request, 'sluice-seq')))
  const made = found ? await answer(found, askedBy(request), options.clock.now()) : notFound()
  return { kind: resource.kind, made }
}

function askedBy(request: FastifyRequest): Asked {
  return {
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    range: header(request, 'range'),
    ifRange: header(request, 'if-range'),
    ifNoneMatch: header(request, 'if-none-match'),
    ifModifiedSince: header(request, 'if-modified-since'),
  }
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function sequenceOf(value: string | undefined): number {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : 0
}
