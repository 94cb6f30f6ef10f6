import { ServerResponse, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../core/index.ts'
import type { Connections } from './connections.ts'
import type { Leaving } from '../exchange.ts'

/** Answers as HTTP does, or takes the connection. */
export type OnUpgrade = (request: IncomingMessage, response: ServerResponse, leaving: Leaving) => void

export interface LeaversOptions {
  serve: (request: IncomingMessage, response: ServerResponse) => void
  connections: Connections
  onUpgrade: OnUpgrade | undefined
  stalled: Milliseconds
}

/**
 * Requests that would leave HTTP: Node hands them out with the bare connection. WebSockets go to `onUpgrade`; whatever
 * else is asked for is declined, which is to answer the request as if it had not been (RFC 9110 §7.8). CONNECT is
 * refused like any method that is not served, and its connection ends with the answer.
 */
export function takeLeavers(
  server: Server,
  { serve, connections, onUpgrade, stalled }: LeaversOptions,
): void {
  const answer = (request: IncomingMessage, socket: Socket): void =>
    serve(request, responseOn(request, socket, stalled))
  server.on('connect', answer)
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (!onUpgrade || request.headers.upgrade?.toLowerCase() !== 'websocket') return answer(request, socket)
    connections.serveUpgraded(socket)
    onUpgrade(request, responseOn(request, socket, stalled), { socket, head })
  })
}

/** The last answer of a connection that Node has let go of. */
function responseOn(request: IncomingMessage, socket: Socket, stalled: Milliseconds): ServerResponse {
  socket.on('error', () => socket.destroy())
  socket.setTimeout(stalled, () => socket.destroy())
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  socket.on('drain', () => response.emit('drain'))
  response.once('finish', () => socket.end())
  return response
}
