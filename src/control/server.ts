import { setMaxListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import {
  MiB,
  reader,
  SluiceError,
  type Clock,
  type Listen,
  type NodeId,
  type TSchema,
} from '../core/index.ts'
import { ApiError } from '../client/index.ts'
import { speakAlsoTls, type NodeCredentials } from '../inbound/index.ts'
import { CLOCK_FIELD, softwareVersion, VERSION_FIELD } from '../membership/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { problemOf } from './problem.ts'
import { ReadyJson, type Access, type RawRoute, type Route } from './route.ts'

export interface ServerOptions {
  routes: (Route | RawRoute)[]
  /** Throws SluiceError for who may not; gives the node's id where a node asked. */
  authorise(access: Access, request: IncomingMessage): Promise<NodeId | undefined>
  /** What is shown over TLS; undefined where nobody but this machine can come. */
  credentials: NodeCredentials | undefined
  /** Called once for each answer. */
  answered(status: number): void
  clock: Clock
  log: Logger
}

export interface RunningServer {
  port: number
  /** Shows another certificate from now on. */
  show(credentials: NodeCredentials): void
  /** Ends long polls, lets what runs finish for a moment, then cuts. */
  close(): Promise<void>
}

const LARGEST_BODY = 1 * MiB
const DRAIN_MS = 3_000

/** The door to Fastify: routes come in as values, everything that is HTTP is settled here. */
export async function startServer(listen: Listen, options: ServerOptions): Promise<RunningServer> {
  const closing = new AbortController()
  // As many listen as there are requests.
  setMaxListeners(0, closing.signal)
  const below = options.routes.flatMap(each =>
    each.kind === 'raw' && each.foreign === 'below' ? [each.path] : [],
  )
  const app = fastify({
    logger: false,
    // The router sees what they begin with alone; Node's request keeps what was sent as `originalUrl`.
    rewriteUrl: ({ url = '' }) => below.find(path => url.startsWith(path)) ?? url,
    bodyLimit: LARGEST_BODY,
    // A tus client may send a whole film in one request; a socket that is silent is cut.
    requestTimeout: 0,
    connectionTimeout: 120_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1024 },
  })
  await app.register(swagger, { openapi: document })
  app.setSerializerCompiler(() => value => JSON.stringify(value))
  app.addContentTypeParser('application/offset+octet-stream', (_request, _payload, done) => done(null))
  app.setErrorHandler((error, _request, reply) => problem(reply, error, options.log))
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${request.url.split('?')[0]}: GET /v1/openapi.json lists what there is`
    return problem(reply, new SluiceError('not-found', message, { kind: 'not-found' }), options.log)
  })
  app.addHook('onResponse', async (_request, reply) => options.answered(reply.statusCode))
  for (const each of options.routes) {
    if (each.kind === 'json') addRoute(app, each, options, closing.signal)
    else if (each.foreign === undefined) addRawRoute(app, each, options)
    else addForeignRoute(app, each, options)
  }
  app.get('/v1/openapi.json', { schema: { hide: true } }, () => app.swagger())
  const { credentials } = options
  const nodePort = credentials && speakAlsoTls(app.server, { credentials, certificates: 'asked-for' })
  await app.listen({ port: listen.port, ...(listen.host === undefined ? {} : { host: listen.host }) })
  const address = app.server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : listen.port,
    show: next => nodePort?.show(next),
    async close() {
      closing.abort()
      const cut = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS)
      await app.close().finally(() => clearTimeout(cut))
    },
  }
}

/** Which node asked, between the check and the handler. */
const nodeOf = new WeakMap<FastifyRequest, NodeId>()

function guard(
  access: Access,
  options: ServerOptions,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    // Also of a refusal: a node whose clock is wrong learns it here.
    if (access.kind === 'node') reply.header(CLOCK_FIELD, String(options.clock.now()))
    const node = await options.authorise(access, request.raw)
    if (access.kind === 'node') reply.header(VERSION_FIELD, softwareVersion())
    if (node !== undefined) nodeOf.set(request, node)
  }
}

function addRoute(app: FastifyInstance, each: Route, options: ServerOptions, closing: AbortSignal): void {
  app.route({
    method: each.method,
    url: each.path,
    bodyLimit: each.largestBody ?? LARGEST_BODY,
    // Before the body is read: a stranger's ten megabytes are not parsed.
    onRequest: guard(each.access, options),
    schema: schemaOf(each),
    validatorCompiler: ({ schema, httpPart }) =>
      validator(
        schema as TSchema,
        httpPart ?? 'body',
        each.path.startsWith(NODE_API) ? 'allowed' : 'refused',
      ), // ours, from the route
    async handler(request, reply) {
      const over = new AbortController()
      const end = (): void => over.abort()
      reply.raw.on('close', end)
      if (closing.aborted) end()
      // Not `AbortSignal.any`: of a signal that lives as long as this process it would keep something for each request.
      closing.addEventListener('abort', end)
      const asked = { params: request.params, query: request.query, body: request.body }
      const answer = await each
        .handle({ ...asked, headers: request.headers, node: nodeOf.get(request), signal: over.signal })
        .finally(() => closing.removeEventListener('abort', end))
      reply.code(answer.status).headers({ 'cache-control': 'no-store', ...answer.headers })
      if (answer.body === undefined) return reply.send()
      reply.type('application/json; charset=utf-8')
      return reply.send(answer.body instanceof ReadyJson ? answer.body.json : JSON.stringify(answer.body))
    },
  })
}

function addRawRoute(app: FastifyInstance, each: RawRoute, options: ServerOptions): void {
  app.route({
    method: each.methods,
    url: each.path,
    exposeHeadRoute: false,
    onRequest: guard(each.access, options),
    schema: { summary: each.summary, ...security(each.access), ...eventsOf(each) },
    handler: (request, reply) => handleRaw(each, { request, reply }, options.log),
  })
}

/** Answered before Fastify would judge the body by its type, which clients of this API leave out or make up. */
function addForeignRoute(app: FastifyInstance, each: RawRoute, options: ServerOptions): void {
  app.route({
    method: each.methods,
    url: each.path,
    exposeHeadRoute: false,
    schema: { hide: true },
    async onRequest(request, reply) {
      await options.authorise(each.access, request.raw)
      request.raw.url = request.originalUrl
      await handleRaw(each, { request, reply }, options.log)
    },
    handler: () => {}, // nothing comes so far
  })
}

async function handleRaw(
  each: RawRoute,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  log: Logger,
): Promise<void> {
  reply.hijack()
  try {
    await each.handle(request.raw, reply.raw, request.params as Record<string, string>) // a path's parameters are text
  } catch (error) {
    const { status, body } = problemOf(error, log)
    if (reply.raw.headersSent) return void reply.raw.destroy()
    // The rest of the request's body is not waited for.
    reply.raw.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      connection: 'close',
    })
    reply.raw.end(JSON.stringify(body))
  }
}

function problem(reply: FastifyReply, error: unknown, log: Logger): FastifyReply {
  const { status, body, headers } = problemOf(error, log)
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(body))
}

/** Of nodes, which may be of the next version already and have more to say. People's mistakes are told to them. */
const NODE_API = '/v1/node/'

function validator(
  schema: TSchema,
  part: string,
  strangers: 'allowed' | 'refused',
): (value: unknown) => { value: unknown } | { error: Error } {
  const what = part === 'querystring' ? 'the query' : part === 'params' ? 'the path' : 'the body'
  const read = reader(schema, what)
  return given => {
    const value = part === 'querystring' ? withNumbers(schema, given) : given
    const stranger = strangers === 'allowed' ? undefined : unknownField(schema, value)
    if (stranger !== undefined) {
      const message = `${what} has the unknown field "${stranger.slice(0, 80)}": GET /v1/openapi.json lists the known ones`
      return { error: new SluiceError('unknown-field', message, { side: 'operator', kind: 'usage' }) }
    }
    try {
      return { value: read(value) }
    } catch (error) {
      return { error: error as Error } // the reader throws SluiceError alone
    }
  }
}

/** A query is text; what the schema calls an integer becomes one, and what is none stays text and is refused. */
function withNumbers(schema: TSchema, given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given
  const properties = propertiesOf(schema) ?? {}
  const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
    const numeric =
      properties[name]?.type === 'integer' && typeof value === 'string' && /^\d{1,15}$/.test(value)
    return [name, numeric ? Number(value) : value]
  })
  return Object.fromEntries(entries)
}

function unknownField(schema: TSchema, value: unknown): string | undefined {
  const properties = propertiesOf(schema)
  if (!properties || typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.keys(value).find(name => !Object.hasOwn(properties, name))
}

function propertiesOf(schema: TSchema): Record<string, { type?: unknown }> | undefined {
  return 'properties' in schema ? (schema.properties as Record<string, { type?: unknown }>) : undefined // JSON Schema, of an object
}

function schemaOf(each: Route): object {
  const answers = Object.entries(each.answers).map(([status, schema]) => [
    status,
    schema ?? { type: 'null', description: 'no body' },
  ])
  const parts = { params: each.params, querystring: each.query, body: each.body }
  return {
    summary: each.summary,
    ...security(each.access),
    ...(Object.fromEntries(Object.entries(parts).filter(([, schema]) => schema)) as object), // those that there are
    response: { ...(Object.fromEntries(answers) as object), default: ApiError }, // by status
  }
}

/** For the document only: a raw route writes its answers itself. */
function eventsOf({ events }: RawRoute): object {
  if (!events) return {}
  const content = { 'text/event-stream': { schema: events } }
  return { response: { 200: { description: 'The data of each event is JSON.', content }, default: ApiError } }
}

function security(access: Access): object {
  switch (access.kind) {
    case 'public':
      return {}
    case 'token':
      return { tags: ['people'], security: [{ token: [] }], description: `Scope: ${access.scope}.` }
    case 'node':
      return { tags: ['nodes'], security: [{ node: [] }], description: `Roles: ${access.roles.join(', ')}.` }
  }
}

const document = {
  openapi: '3.1.0',
  info: {
    title: 'Sluice',
    description: 'The control API of a media CDN. Errors are `{"error":{"code","message"}}`.',
    version: '1',
  },
  components: {
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer' },
      node: { type: 'apiKey', in: 'header', name: 'Sluice-Node' },
    },
  },
} as const
