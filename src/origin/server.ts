import type { IncomingMessage } from 'node:http'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import {
  canonicalPath,
  codeOf,
  messageOf,
  SluiceError,
  type Clock,
  type Listen,
  type Milliseconds,
} from '../core/index.ts'
import type { Channel } from '../distribution/index.ts'
import { isAuthorised, speakAlsoTls, type NodeCredentials } from '../inbound/index.ts'
import { ALIVE_PATH, HAND_OVER, HAND_OVER_PATH, type PeerVerifier } from '../membership/index.ts'
import { loggedPath } from '../signing/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { answer, elsewhere, notFound, type Answer, type Asked } from './answer.ts'
import type { Counters, RequestKind } from './counters.ts'
import type { Library } from './library.ts'
import { takeHandOver } from './live/hand-over.ts'
import type { Live } from './live/live.ts'
import { readLiveResource } from './live/live-resource.ts'
import type { LiveChannel } from './live/channel.ts'
import type { Passed, Passing } from './passing.ts'
import { readResource } from './resource.ts'

export interface OriginServerOptions {
  listen: Listen
  /** What is shown to other machines; undefined where none can come. */
  credentials?: NodeCredentials | undefined
  library: Library
  live: Live
  peers: PeerVerifier
  /** To the other origins, where there may be any. */
  passing?: Passing | undefined
  counters: Counters
  clock: Clock
  log: Logger
}

export interface OriginServer {
  port: number
  /** Shows another certificate from now on. */
  show(credentials: NodeCredentials): void
  /** Takes no new request, lets those under way end for a few seconds. */
  close(): Promise<void>
}

/** Roles that may fetch from an origin; control never does. */
const ASKERS = new Set(['edge', 'regional', 'origin'])
/** Roles that may hand an encoder over; an origin that of a gateway which came to the wrong one. */
const GIVERS = new Set(['gateway', 'origin'])

const DRAIN_LIMIT: Milliseconds = 3_000

/** Within this a request has arrived whole, its head and its body; a hand-over's body has no such end. */
const ARRIVAL_LIMIT: Milliseconds = 30_000
/** A refused hand-over is read on for so long, so that the refusal is heard. */
const LINGER: Milliseconds = 1_000
const HAND_OVER_ROUTE = '/hand-over'
const ALIVE_ROUTE = '/alive'

/** CloudFront's words for a request that did not come through the CDN. */
const STRANGER =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>'

/** The origin's server for nodes: the room's door to Fastify. */
export async function startOriginServer(options: OriginServerOptions): Promise<OriginServer> {
  const server = fastify({
    logger: false,
    bodyLimit: 1024,
    // Bounds whole requests of any kind, so it cannot stay; ARRIVAL_LIMIT takes its place below.
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    // Paths are read by `readResource`; the router's own idea of a bad one must not answer before the gate does.
    rewriteUrl: ({ method, url = '' }) =>
      method === 'POST' && url === HAND_OVER_PATH
        ? HAND_OVER_ROUTE
        : method === 'GET' && url === ALIVE_PATH
          ? ALIVE_ROUTE
          : `/?${url}`,
    routerOptions: { querystringParser: () => ({}) },
  })
  server.server.headersTimeout = ARRIVAL_LIMIT
  const { credentials } = options
  const nodePort = credentials && speakAlsoTls(server.server, { credentials, certificates: 'required' })
  server.addHook('onRequest', async (request, reply) => {
    limitArrival(request)
    // Beyond this machine nobody comes here without a certificate of a node, and it tells nothing.
    if (request.routeOptions.url === ALIVE_ROUTE) return
    const verdict = await options.peers.verify(header(request, 'sluice-node'))
    const roles = request.routeOptions.url === HAND_OVER_ROUTE ? GIVERS : ASKERS
    // Token and certificate are of one node (SEAMS 25).
    const isOne = verdict.kind === 'peer' && isAuthorised(request.raw.socket, verdict.id)
    if (isOne && roles.has(verdict.role)) return
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
  server.route({ method: 'GET', url: ALIVE_ROUTE, handler: (_request, reply) => reply.code(204).send() })
  // The body is read by whoever takes it: without an end, and without the limit of other bodies.
  server.addContentTypeParser('*', (_request, body, done) => done(null, body))
  server.route({
    method: 'POST',
    url: HAND_OVER_ROUTE,
    handler: (request, reply) => {
      clearTimeout(arrivals.get(request.raw))
      reply.hijack()
      void give(options, request, reply)
    },
  })
  server.setNotFoundHandler((_request, reply) =>
    reply.code(405).header('Allow', 'GET, HEAD').send('method not allowed\n'),
  )
  server.setErrorHandler((error, request, reply) => {
    // Too much at once, or storage that is away: an edge serves what it has, and asks again.
    const passing = error instanceof SluiceError && error.kind === 'unavailable'
    options.log.error(
      { error: messageOf(error), code: codeOf(error), path: loggedPath(request.originalUrl) },
      'request failed',
    )
    return reply
      .code(passing ? 503 : 500)
      .headers({ 'Cache-Control': 'no-store', 'Content-Type': 'text/plain; charset=utf-8' })
      .send(
        passing
          ? `${error.code === 'overloaded' ? 'overloaded' : 'storage is away'}, try again\n`
          : 'internal error\n',
      )
  })
  await server.listen({ host: options.listen.host ?? '::', port: options.listen.port, backlog: 1024 })
  const address = server.server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.listen.port,
    show: next => nodePort?.show(next),
    async close() {
      // Whoever is connected and asks nothing would otherwise hold the end up for as long as it likes.
      const cut = setTimeout(() => server.server.closeAllConnections(), DRAIN_LIMIT)
      await server.close()
      clearTimeout(cut)
    },
  }
}

const arrivals = new WeakMap<IncomingMessage, NodeJS.Timeout>()

/** Hangs up on a request whose body is not there in time. One without a body has arrived with its head. */
function limitArrival({ raw }: FastifyRequest): void {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = raw.headers
  if (length === '0' && coding === undefined) return
  const timer = setTimeout(() => raw.socket.destroy(), ARRIVAL_LIMIT)
  arrivals.set(raw, timer)
  raw.once('close', () => clearTimeout(timer))
}

async function serve(
  options: OriginServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const passed = await passOn(options, request, reply)
  if (passed === 'passed') return reply
  const { kind, made } = passed ?? (await make(options, request, leaving(reply)))
  options.counters.served(kind, made.status, made.body?.length ?? 0)
  return reply.code(made.status).headers(made.headers).send(made.body)
}

/** A hand-over goes to whom the channel was given; one of a channel that nobody was given stays here if need be. */
async function give(
  options: OriginServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { live, passing, counters } = options
  const channel = live.table.at(header(request, HAND_OVER.channel) ?? '')
  const owner = channel && passing?.ownerOf(channelOf(channel), request.raw)
  if (owner) {
    if ((await passing?.pass(owner, passedOf(HAND_OVER_PATH, request, reply))) === 'passed')
      return counters.passed('hand-over')
    if (owner.how === 'named') return void (await refuseHandOver(request, reply))
  }
  takeHandOver({ ...live, clock: options.clock, log: options.log }, request.raw, reply.raw)
}

/** The gateway asks again, and perhaps another. */
async function refuseHandOver({ raw }: FastifyRequest, { raw: response }: FastifyReply): Promise<void> {
  const { status, headers, body } = elsewhere()
  response.on('error', () => {})
  response.writeHead(status, { ...headers, Connection: 'close' }).end(body)
  raw.resume()
  await new Promise(resolve => setTimeout(resolve, LINGER))
  raw.destroy()
}

/** Undefined where this origin answers by itself. */
async function passOn(
  { live, passing, counters }: OriginServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<'passed' | { kind: RequestKind; made: Answer } | undefined> {
  if (passing === undefined) return undefined
  const canonical = canonicalPath(splitTarget(request.originalUrl)[0])
  const resource = canonical.kind === 'bad' ? undefined : readLiveResource(canonical.path)
  const channel = resource && live.desk.find(resource)
  const owner = channel && passing.ownerOf(channelOf(channel), request.raw)
  if (!resource || !owner) return undefined
  if ((await passing.pass(owner, passedOf(request.originalUrl, request, reply))) === 'passed') {
    reply.hijack()
    counters.passed('request')
    return 'passed'
  }
  return owner.how === 'named' ? { kind: resource.kind, made: elsewhere() } : undefined
}

function passedOf(target: string, { raw }: FastifyRequest, reply: FastifyReply): Passed {
  return { target, request: raw, response: reply.raw }
}

function channelOf({ settings, current }: LiveChannel): { settings: Channel; isHere: boolean } {
  return { settings, isHere: current !== undefined }
}

async function make(
  options: OriginServerOptions,
  request: FastifyRequest,
  signal: () => AbortSignal,
): Promise<{ kind: RequestKind; made: Answer }> {
  const [target = '', query = ''] = splitTarget(request.originalUrl)
  const canonical = canonicalPath(target)
  if (canonical.kind === 'bad') return { kind: 'other', made: notFound() }
  const { desk } = options.live
  const live = readLiveResource(canonical.path)
  const channel = live && desk.find(live)
  if (channel) {
    const asked = { ...askedBy(request), query, signal: signal() }
    return { kind: live.kind, made: await desk.answer(channel, live, asked) }
  }
  const resource = readResource(canonical.path)
  if (!resource) return { kind: 'other', made: notFound() }
  const found = await options.library.find(resource, sequenceOf(header(request, 'sluice-seq')))
  const made = found ? await answer(found, askedBy(request), options.clock.now()) : notFound()
  return { kind: resource.kind, made }
}

function splitTarget(target: string): [string, string] {
  const mark = target.indexOf('?')
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
}

/** Aborts when the connection closes before the answer has left. */
function leaving(reply: FastifyReply): () => AbortSignal {
  return () => {
    const controller = new AbortController()
    // After an answer nobody waits, and an abort would cost a stack trace for each request.
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) controller.abort()
    })
    return controller.signal
  }
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
