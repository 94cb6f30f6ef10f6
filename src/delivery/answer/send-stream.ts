import { codeOf, KiB, MiB, type Bytes, type Milliseconds } from '../../core/index.ts'
import type { Exchange, Outgoing } from '../exchange.ts'
import type { Http2Answer } from '../viewers/http2-answer.ts'

/**
 * Written at once, and taken within the time for one write. TLS encrypts the whole of a write into memory of the
 * connection's own, so without this bound each viewer who stops reading would cost a copy of the object.
 */
const AT_ONCE: Bytes = 256 * KiB

/** The same without TLS, where a write refers to the object: it costs as much in one piece as in parts, and less work. */
const AT_ONCE_PLAIN: Bytes = 2 * MiB

/** The same of one stream of many; Node encrypts what all streams of a connection write in one piece. */
const STREAM_AT_ONCE = 64 * KiB

/** What an HTTP/2 stream takes whether its viewer reads or not; more of it is written with a time limit. */
const STREAM_HOLDS = 16 * KiB

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Writes chunks no faster than the viewer takes them. A body that fails is cut, never ended, so that it cannot look whole. */
export function sendStream(x: Exchange, chunks: Chunks): void {
  write(x, chunks).catch((error: unknown) => {
    x.node.log.warn({ id: x.id, code: codeOf(error), path: x.loggedPath }, 'an answer was cut')
    cut(x.response)
  })
}

/** Writes bytes that are all there; in one go when that is bounded and the connection's own time limit holds for them. */
export function sendBytes(x: Exchange, bytes: Uint8Array): void {
  const { response } = x
  if ('stream' in response && bytes.length > STREAM_HOLDS) return sendPieces(x, response, bytes)
  if (bytes.length > atOnce(response)) return sendStream(x, [bytes])
  x.bodyBytes = bytes.length
  response.end(bytes)
  // The connection's own limit starts anew whenever the viewer says something.
  if (bytes.length > AT_ONCE) cutLate(x, bytes.length)
}

function atOnce(response: Outgoing): Bytes {
  if ('stream' in response) return STREAM_AT_ONCE
  const { socket } = response
  return !socket || 'encrypted' in socket ? AT_ONCE : AT_ONCE_PLAIN
}

/** Cuts who takes what was written as a whole more slowly than he would have had to take its parts. */
function cutLate({ node, response }: Exchange, length: Bytes): void {
  const limit = setTimeout(() => cut(response), node.takenWithin * Math.ceil(length / AT_ONCE))
  response.once('close', () => clearTimeout(limit))
}

/** Who does not take a piece in time is cut; one timer serves for all of them. */
function sendPieces(x: Exchange, answer: Http2Answer, bytes: Uint8Array): void {
  const { stream } = answer
  if (stream.destroyed) return
  const late = setTimeout(() => cut(answer), x.node.takenWithin)
  const taken = (): void => clearTimeout(late)
  const next = (): void => {
    // A stream that was reset has ended.
    if (stream.destroyed || stream.writableEnded) return
    late.refresh()
    const piece = bytes.subarray(x.bodyBytes, x.bodyBytes + STREAM_AT_ONCE)
    x.bodyBytes += piece.length
    if (x.bodyBytes < bytes.length) stream.write(piece, next)
    else stream.end(piece)
  }
  stream.once('finish', taken).once('close', taken)
  next()
}

async function write(x: Exchange, chunks: Chunks): Promise<void> {
  const { response } = x
  const most = 'stream' in response ? STREAM_AT_ONCE : AT_ONCE
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += most) {
      if (hasLeft(response)) return
      const bytes = chunk.subarray(at, at + most)
      x.bodyBytes += bytes.length
      if (!response.write(bytes)) await drained(response, x.node.takenWithin)
    }
  }
  response.end()
}

/** Whether the viewer is gone. */
export function hasLeft(response: Outgoing): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed || response.closed
}

/** Cuts who does not take a write in time: other limits are put off by each byte, ping or other stream. */
function drained(response: Outgoing, within: Milliseconds): Promise<void> {
  return new Promise(resolve => {
    // Its `close` may be over already.
    if (hasLeft(response)) return resolve()
    const limit = setTimeout(() => cut(response), within)
    const go = (): void => {
      clearTimeout(limit)
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.once('drain', go)
    response.once('close', go)
  })
}

/** HTTP/1: the connection is reset; HTTP/2: the stream alone is. */
export function cut(response: Outgoing): void {
  // With an error it is reset as INTERNAL_ERROR (RFC 9113 §7); `close` would end the body first, which then looks whole.
  if ('stream' in response) response.stream.destroy(new Error('the answer broke off'))
  else response.destroy()
}
