import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import type { Departures } from '../../core/index.ts'
import type { Connections } from './connections.ts'
import { leavingResponse } from '../leaving-response.ts'
import { IdleConnections } from './idle-connections.ts'
import { takeLeavers, type OnUpgrade } from './leavers.ts'
import { MAX_HEAD_BYTES, type ViewerLimits } from './limits.ts'
import type { TurnedAway } from './turned-away.ts'
import { refuseUnreadable, type BodiesUnderWay } from './unreadable.ts'

export interface FullHttp1Options {
  handle: (request: IncomingMessage, response: ServerResponse) => void
  /** Takes the connection of a request for a WebSocket; without it, that is answered like any other. */
  onUpgrade: OnUpgrade | undefined
  connections: Connections
  turnedAway: TurnedAway
  limits: ViewerLimits
  departures: Departures
}

/** Reads all of HTTP/1.1 from connections that others have accepted. */
export interface FullHttp1 {
  take: (socket: Socket) => void
  /** Whoever asks anew from now on is told to go. */
  close: () => Promise<void>
}

/** Fastify knows no others, and would answer them itself. */
const ROUTED = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE'])

/** Bodies, uploads, upgrades, older versions, and what has to be refused: Node's parser, under Fastify. The room's door to it. */
export async function createFullHttp1(options: FullHttp1Options): Promise<FullHttp1> {
  const { connections, turnedAway, limits } = options
  const bodies: BodiesUnderWay = new WeakMap()
  const idle = new IdleConnections(limits.idle)
  const app: FastifyInstance = fastify({
    logger: false,
    // The router must not judge viewers' paths: `read` makes them canonical and refuses with a reason.
    rewriteUrl: () => '/',
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket, { bodies, turnedAway }),
    forceCloseConnections: false,
    serverFactory: route =>
      createServer(serverOptions(options), (request, response) => {
        // While it closes, Fastify tells whoever asks anew to go; all the rest is none of its business.
        if (connections.draining && ROUTED.has(request.method ?? '')) route(request, response)
        else serve(request, response)
      }).setTimeout(limits.stalled),
  })
  // Whoever waits to be asked for his body is asked by the step that takes it, and by none that refuses.
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response))
  /** What stands behind a request that was said to be the last is none: Node would go on with it, and somebody else may have put it there. */
  const ending = new Set<Socket>()
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    if (ending.size > 0 && ending.has(socket)) return
    connections.serve(request)
    idle.serve(request, response)
    if (hasBody(request)) bodies.set(socket, request)
    options.handle(request, response)
    if (response.shouldKeepAlive || socket.destroyed) return
    ending.add(socket)
    socket.once('close', () => ending.delete(socket))
  }
  app.server.on('upgrade', (_request, socket: Socket) => idle.delete(socket))
  takeLeavers(app.server, { serve, connections, onUpgrade: options.onUpgrade, stalled: limits.stalled })
  // Steps write raw heads and bytes, so the reply is theirs before Fastify looks at path or body.
  app.addHook('onRequest', (request, reply) => {
    reply.hijack()
    request.raw.url = request.originalUrl
    serve(request.raw, reply.raw)
  })
  app.all('/', (_request, reply) => reply.code(500).send())
  await app.ready()
  const { server } = app as { server: Server }
  // Who listens begins with this to look for heads that are late; this server is handed its connections.
  server.emit('listening')
  return {
    take: socket => void server.emit('connection', socket),
    async close() {
      await app.close()
      server.close()
    },
  }
}

function serverOptions({ limits, departures }: FullHttp1Options): object {
  return {
    ServerResponse: leavingResponse(departures),
    maxHeaderSize: MAX_HEAD_BYTES,
    // `read` refuses what has none, and with it nothing behind it is lost.
    requireHostHeader: false,
    keepAliveTimeout: limits.idle,
    headersTimeout: limits.request,
    // A body may take as long as it moves: who sends one too slowly is let go by the steps.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(limits.request, 5000),
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}
