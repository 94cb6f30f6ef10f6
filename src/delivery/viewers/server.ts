import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { systemClock, type Listen } from '../../core/index.ts'
import { CertificateShelf, ConnectionCount, type ConnectionCaps } from '../../inbound/index.ts'
import { Connections } from './connections.ts'
import { guardEntry } from './entry.ts'
import type { Incoming, Outgoing } from '../exchange.ts'
import type { Http2Answer } from './http2-answer.ts'
import type { Http2Request } from './http2-request.ts'
import { LIMITS, MAX_HEAD_BYTES, type ViewerLimits } from './limits.ts'
import { takeLeavers, type OnUpgrade } from './leavers.ts'
import { createTlsServer, type TlsServer } from './tls-server.ts'
import { TurnedAway } from './turned-away.ts'
import { refuseUnreadable, type BodiesUnderWay } from './unreadable.ts'
import { compileTrustedProxies, type TrustedProxies } from '../viewer.ts'
import { whenWhole } from './whole-request.ts'

export type { ViewerLimits } from './limits.ts'

/** Fewer than a process may have open, and what a machine of 2 GB can hold. */
export const CONNECTION_CAPS: ConnectionCaps = { connections: 20_000, connectionsPerAddress: 1000 }

export interface ViewerServerOptions {
  listen: Listen
  /** The files are read again when they change. */
  tls?: {
    certificateFile: string
    keyFile: string
    /** Shown to who asks for one of their names. */
    certificates?: readonly { certificateFile: string; keyFile: string }[]
  }
  handle: (request: Incoming, response: Outgoing) => void
  /** Takes the connection of a request for a WebSocket; without it, that is answered like any other. */
  onUpgrade?: OnUpgrade
  /** The same as the steps'. */
  trustedProxies?: TrustedProxies
  /** Shared by the ports of a process, and so is `turnedAway`. */
  count?: ConnectionCount
  turnedAway?: TurnedAway
  log?: { info(fields: object, text: string): void; warn(fields: object, text: string): void }
  /** Changed by tests only. */
  limits?: Partial<ViewerLimits>
}

export interface ViewerServer {
  /** The port that it listens on. */
  port: number
  /** 48 bytes, shared by processes that resume each other's TLS sessions; of no effect without TLS. */
  setTicketKeys(keys: Buffer): void
  /** Ends connections without a request at once and the others when their answers are out, at most after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** Fastify knows no others, and would answer them itself. */
const ROUTED = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE'])

/** One listening server for viewers: HTTP/1.1, or HTTP/2 and 1.1 over TLS. The delivery room's door to Fastify. */
export async function startViewerServer(options: ViewerServerOptions): Promise<ViewerServer> {
  const limits = { ...LIMITS, ...options.limits }
  const turnedAway = options.turnedAway ?? new TurnedAway()
  const bodies: BodiesUnderWay = new WeakMap()
  const shelf = openShelf(options)
  let tls: TlsServer | undefined
  const app: FastifyInstance = fastify({
    logger: false,
    // The router must not judge viewers' paths: `read` makes them canonical and refuses with a reason.
    rewriteUrl: () => '/',
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket, { bodies, turnedAway }),
    forceCloseConnections: false,
    serverFactory(route) {
      const dispatch = (request: IncomingMessage, response: ServerResponse): void => {
        // While it closes, Fastify tells whoever asks anew to go; all the rest is none of its business.
        if (connections.draining && ROUTED.has(request.method ?? '')) route(request, response)
        else serve(request, response)
      }
      const http1 = http1Options(limits)
      if (!shelf) return createServer(http1, dispatch).setTimeout(limits.stalled)
      tls = createTlsServer({
        ...{ shelf, limits, http1, turnedAway },
        listener: dispatch,
        onStream: (request, answer) => whenWhole(request, limits.request, () => serveStream(request, answer)),
      })
      return tls.server as unknown as Server // Fastify types each kind of server apart; it needs what both have
    },
  })
  guardEntry(app.server, {
    count: options.count ?? new ConnectionCount(CONNECTION_CAPS),
    proxies: options.trustedProxies ?? compileTrustedProxies([]),
    within: limits.request,
    turnedAway,
  })
  // Whoever waits to be asked for his body is asked by the step that takes it, and by none that refuses.
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response))
  const connections = new Connections(app.server)
  /** What stands behind a request that was said to be the last is none: Node would go on with it, and somebody else may have put it there. */
  const ending = new Set<Socket>()
  const serveStream = (request: Http2Request, answer: Http2Answer): void => {
    connections.serve(request)
    options.handle(request, answer)
  }
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    if (ending.size > 0 && ending.has(socket)) return
    connections.serve(request)
    if (hasBody(request)) bodies.set(socket, request)
    options.handle(request, response)
    if (response.shouldKeepAlive || socket.destroyed) return
    ending.add(socket)
    socket.once('close', () => ending.delete(socket))
  }
  takeLeavers(app.server, { serve, connections, onUpgrade: options.onUpgrade, stalled: limits.stalled })
  // Steps write raw heads and bytes, so the reply is theirs before Fastify looks at path or body.
  app.addHook('onRequest', (request, reply) => {
    reply.hijack()
    request.raw.url = request.originalUrl
    serve(request.raw, reply.raw)
  })
  app.all('/', (_request, reply) => reply.code(500).send())
  await app.listen({ host: options.listen.host ?? '::', port: options.listen.port, backlog: 4096 })
  const address = app.server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.listen.port,
    setTicketKeys: keys => tls?.setTicketKeys(keys),
    async close(graceMs) {
      shelf?.close()
      const closed = app.close()
      connections.drain()
      const timer = setTimeout(() => connections.destroy(), graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}

function openShelf({ tls, log }: ViewerServerOptions): CertificateShelf | undefined {
  return (
    tls &&
    new CertificateShelf({
      own: tls,
      others: tls.certificates ?? [],
      clock: systemClock,
      log: log ?? { info: () => {}, warn: () => {} },
    })
  )
}

function http1Options(limits: ViewerLimits): object {
  return {
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
