import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { messageOf, type Clock, type Listen, type Milliseconds } from '../core/index.ts'
import {
  CertificateShelf,
  plainAddress,
  type CertificatePair,
  type ConnectionCount,
  type TrustedProxies,
} from '../inbound/index.ts'
import { ALIVE_PATH } from '../membership/index.ts'
import {
  isSteeredTo,
  portOf as portAt,
  redirectOf,
  STEERING_PATH,
  steeringManifest,
  type Reason,
} from '../routing/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { askerOf } from './asker.ts'
import type { Guide } from './guide.ts'

export interface HttpServerOptions {
  http: Listen
  https: { listen: Listen; certificates?: readonly CertificatePair[] } & CertificatePair
  guide: Guide
  trusted: TrustedProxies
  count: ConnectionCount
  /** For metrics. */
  told: { redirected(by: Reason): void; steered(): void; refused(): void }
  clock: Clock
  log: Logger
}

export interface HttpServer {
  ports: { http: number; https: number }
  close(): Promise<void>
}

const NO_STORE = 'no-store'
const DRAIN_LIMIT: Milliseconds = 3_000
/** As much as an edge takes, of a target (path and query) and of all that is said before a body. */
const LONGEST_TARGET = 8192
const MOST_HEAD_BYTES = 20_480

/** The router's server for viewers: the room's door to Fastify. Two ports, one set of routes. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { https, http, count, clock, log } = options
  const app = fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: 30_000,
    http: { maxHeaderSize: MOST_HEAD_BYTES },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    // Paths are an edge's matter: here they are passed on as they came.
    rewriteUrl: ({ url = '' }) => routeOf(url),
    routerOptions: { querystringParser: () => ({}) },
  })
  addRoutes(app, options)
  const shelf = new CertificateShelf({ own: https, others: https.certificates ?? [], clock, log })
  await app.ready()
  const tls = createTlsServer(
    {
      ...{ cert: shelf.own.cert, key: shelf.own.key, minVersion: 'TLSv1.2' },
      ...{ maxHeaderSize: MOST_HEAD_BYTES, requestTimeout: 30_000 },
      SNICallback: (name, done) => done(null, shelf.context(name)),
    },
    (request, response) => app.routing(request, response),
  )
  shelf.onOwn(({ cert, key }) => tls.setSecureContext({ cert, key, minVersion: 'TLSv1.2' }))
  limit(app.server, count)
  limit(tls, count)
  await app.listen({ host: http.host ?? '::', port: http.port })
  await new Promise<void>((resolve, reject) => {
    tls.once('error', reject)
    tls.listen({ host: https.listen.host ?? '::', port: https.listen.port }, resolve)
  })
  return {
    ports: { http: portOf(app.server), https: portOf(tls) },
    async close() {
      shelf.close()
      const cut = setTimeout(() => {
        app.server.closeAllConnections()
        tls.closeAllConnections()
      }, DRAIN_LIMIT)
      const closed = new Promise(resolve => tls.close(resolve))
      tls.closeIdleConnections()
      await app.close()
      await closed
      clearTimeout(cut)
    },
  }
}

const STEERING_ROUTE = '/steering'
const ALIVE_ROUTE = '/alive'
const REDIRECT_ROUTE = '/redirect'

function routeOf(url: string): string {
  const [path = ''] = url.split('?', 1)
  if (path === STEERING_PATH) return STEERING_ROUTE
  return path === ALIVE_PATH ? ALIVE_ROUTE : REDIRECT_ROUTE
}

function addRoutes(app: FastifyInstance, options: HttpServerOptions): void {
  const { guide, log } = options
  app.route({
    method: ['GET', 'HEAD'],
    url: ALIVE_ROUTE,
    handler: (_request, reply) =>
      reply
        .code(guide.isReady ? 204 : 503)
        .header('Cache-Control', NO_STORE)
        .send(),
  })
  app.route({
    method: ['GET', 'HEAD'],
    url: STEERING_ROUTE,
    handler: (request, reply) => steer(options, request, reply),
  })
  app.route({
    method: ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: REDIRECT_ROUTE,
    // At once: of a request that is sent elsewhere neither the body is read nor of what type it might be.
    onRequest: (request, reply) => Promise.resolve(send(options, request, reply)),
    handler: (_request, reply) => reply,
  })
  app.setNotFoundHandler((_request, reply) => reply.code(405).header('Cache-Control', NO_STORE).send())
  app.setErrorHandler((error, _request, reply) => {
    log.error({ error: messageOf(error) }, 'request failed')
    return reply.code(500).header('Cache-Control', NO_STORE).send()
  })
}

/** The manifest is nobody's secret: it names edges, and any page may read it, also one whose player sends cookies with all. */
function steer(
  { guide, trusted, told }: HttpServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { address, scheme } = askerOf(request.raw, trusted)
  const query = new URLSearchParams(request.originalUrl.split('?')[1] ?? '')
  const distribution = guide.distributionOf(query.get('d') ?? '')
  void reply.headers({ 'Cache-Control': NO_STORE, ...corsFor(request) })
  if (distribution === undefined) return refuse(reply, told, 404, 'there is no such distribution\n')
  const said = query.get('port') ?? ''
  const port = /^\d{1,5}$/.test(said) ? Number(said) : undefined
  told.steered()
  const at = { scheme, port }
  const ranked = guide.rank(distribution, address, edge => isSteeredTo(edge, at))
  const manifest = steeringManifest(distribution, ranked, at)
  return reply.type('application/json').send(JSON.stringify(manifest))
}

/** 302 for who reads, 307 for the rest: the method stays, and so does the body (RFC 9110 §15.4.8). */
function send(
  { guide, trusted, told }: HttpServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const target = request.originalUrl
  void reply.headers({ 'Cache-Control': NO_STORE, ...corsFor(request) })
  const { address, scheme, host } = askerOf(request.raw, trusted)
  if (request.method === 'OPTIONS') return preflight(request, reply)
  if (!guide.isReady) return refuse(reply.header('Retry-After', '1'), told, 503, 'no configuration yet\n')
  if (!target.startsWith('/') || target.startsWith('/.sluice/') || target.length > LONGEST_TARGET)
    return refuse(reply, told, 404, 'this is a router: nothing is here\n')
  const distribution = guide.distributionAt(host)
  if (distribution === undefined)
    return refuse(
      reply.header('X-Sluice-Reason', 'unknown-host'),
      told,
      403,
      'this host is not served here\n',
    )
  const ranked = guide.rank(distribution, address, edge => portAt(edge, scheme) !== undefined)
  const sent = redirectOf(distribution, ranked, { scheme, target })
  if (sent === undefined)
    return refuse(reply.header('Retry-After', '1'), told, 503, 'no edge serves this now\n')
  told.redirected(sent.to.by)
  const reads = request.method === 'GET' || request.method === 'HEAD'
  return reply
    .code(reads ? 302 : 307)
    .headers({ Location: sent.location, 'X-Sluice-Edge': sent.to.edge.id, 'X-Sluice-Routed-By': sent.to.by })
    .send()
}

/** What is answered tells nothing but what was asked, so any page may follow it, with its viewer's cookies or without. */
function corsFor({ headers }: FastifyRequest): Record<string, string> {
  const { origin } = headers
  if (origin === undefined) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': 'X-Sluice-Edge, X-Sluice-Routed-By',
  }
}

function preflight({ headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const asked = headers['access-control-request-headers']
  return reply
    .code(204)
    .headers({
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      ...(typeof asked === 'string' && { 'Access-Control-Allow-Headers': asked }),
      'Access-Control-Max-Age': '600',
    })
    .send()
}

function refuse(
  reply: FastifyReply,
  told: HttpServerOptions['told'],
  status: number,
  why: string,
): FastifyReply {
  told.refused()
  return reply.code(status).type('text/plain; charset=utf-8').send(why)
}

function limit(server: Server, count: ConnectionCount): void {
  server.prependListener('connection', socket => {
    const leave = count.admit(plainAddress(socket.remoteAddress ?? ''))
    if (leave) socket.once('close', leave)
    else socket.destroy()
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
