import { ServerResponse } from 'node:http'
import { KiB, type Bytes } from '../../core/index.ts'
import type { BodiedRequest, Exchange, Incoming, Outgoing } from '../exchange.ts'
import { mayBeRelayed } from '../methods.ts'
import { cut } from '../answer/send-stream.ts'

/** More than this of a body that nobody takes is not worth the line. */
const LARGEST_UNTAKEN: Bytes = 64 * KiB

/** Less than this in the time that one write may take is no pace; a telephone line brings a hundred times as much. */
const LEAST_PACE: Bytes = 4 * KiB

/**
 * Sees to it that a request's body ends, whatever becomes of the request. What no step takes is read away up to a bound,
 * so that the connection stays usable; beyond it, or too slowly, the connection is given up (over HTTP/2 the stream).
 */
export function settleBody(x: Exchange): void {
  const { request, response } = x
  if (!hasBody(request)) return
  // What may be meant for the origin is read by the step that relays it.
  if (!mayBeRelayed(request.method ?? '')) return readAway(x, request)
  watchPace(x, request)
  if (!(response instanceof ServerResponse)) return
  // Of what nobody has read by then Node would read all, without bound.
  response.once('prefinish', () => {
    if (request.readableFlowing === null) readAway(x, request)
  })
}

/** Whether one was announced, of whatever length. */
export function hasBody(request: Incoming): request is BodiedRequest {
  if ('stream' in request) return !request.stream.endAfterHeaders
  const { headers } = request
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

function readAway({ response, node }: Exchange, request: BodiedRequest): void {
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_UNTAKEN) endAfter(response)
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > LARGEST_UNTAKEN) stopReading(request, response)
  })
  const late = setTimeout(() => giveUp(request, response), node.takenWithin)
  request.once('end', () => clearTimeout(late)).once('close', () => clearTimeout(late))
}

function watchPace({ response, node }: Exchange, request: BodiedRequest): void {
  const { socket } = request
  let before = socket.bytesRead
  const timer = setInterval(() => {
    const since = socket.bytesRead - before
    before += since
    // While something waits to be read, it is not the viewer who is slow.
    if (!request.complete && since < LEAST_PACE && !isUnread(request)) giveUp(request, response)
  }, node.takenWithin)
  const stop = (): void => clearInterval(timer)
  request.once('end', stop).once('close', stop)
  response.once('close', stop)
}

function isUnread(request: BodiedRequest): boolean {
  return 'stream' in request ? request.unread : request.readableLength > 0
}

function endAfter(response: Outgoing): void {
  if (!('stream' in response) && !response.headersSent) response.shouldKeepAlive = false
}

/** The answer still goes out, and is the last; nothing more of the body is taken meanwhile. */
function stopReading(request: BodiedRequest, response: Outgoing): void {
  if (response.writableFinished) return giveUp(request, response)
  request.pause()
  endAfter(response)
  response.once('finish', () => giveUp(request, response))
}

/** The answer may be out already, and then it holds no connection any more. */
function giveUp(request: BodiedRequest, response: Outgoing): void {
  cut(response)
  if (!('stream' in request)) request.socket.destroy()
}
