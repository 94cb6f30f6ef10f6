import { codeOf, KiB, MiB, type Bytes, type Milliseconds } from '../../core/index.ts'
import type { Exchange, Outgoing } from '../exchange.ts'
import type { Http2Stream } from '../../http2/index.ts'
import { heldWhole, type Whole } from './held-bodies.ts'
import type { HeldBody } from './slow-readers.ts'

/**
 * Written at once, and taken within the time for one write. TLS encrypts the whole of a write into memory of the
 * connection's own, so without this bound each viewer who stops reading would cost a copy of the object.
 */
const AT_ONCE: Bytes = 256 * KiB

/** The same without TLS, where a write refers to the object: it costs as much in one piece as in parts, and less work. */
const AT_ONCE_PLAIN: Bytes = 2 * MiB

/** The same of one stream of many, each of which refers to what it has written until its turn comes. */
const STREAM_AT_ONCE = 64 * KiB

/** What is no longer is copied behind its head by HTTP/1.1. */
const COPIED: Bytes = 16 * KiB

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** What of a chunk stays in memory while it is not taken; of what nobody shares nothing is told. */
export type HeldBy = (chunk: Uint8Array) => HeldBody

/** Writes chunks no faster than the viewer takes them. A body that fails is cut, never ended, so that it cannot look whole. */
export function sendStream(x: Exchange, chunks: Chunks, held?: HeldBy): void {
  write(x, chunks, held).catch((error: unknown) => {
    // What he no longer wants is ended for that very reason.
    if (hasLeft(x.response)) return
    x.brokenBy = 'origin'
    x.node.log.warn({ id: x.id, code: codeOf(error), path: x.loggedPath }, 'an answer was cut')
    cut(x.response)
  })
}

/**
 * Writes bytes of a body that are all there; in one go when that is bounded and the connection's own time limit holds for
 * them.
 */
export function sendBytes(x: Exchange, bytes: Uint8Array, of: Whole): void {
  const { response } = x
  if ('stream' in response) return sendOnStream(x, response, bytes, of)
  if (bytes.length > atOnce(response)) return sendStream(x, [bytes], () => heldWhole(x, of))
  x.bodyBytes = bytes.length
  x.node.usage.counts.sent(x)
  response.end(bytes)
  if (bytes.length > COPIED && !response.writableFinished) holdToTheEnd(x, of)
  // The connection's own limit starts anew whenever the viewer says something.
  if (!response.writableFinished && !hasLeft(response)) cutLate(x, bytes.length)
}

function atOnce({ socket }: Exclude<Outgoing, Http2Stream>): Bytes {
  return !socket || 'encrypted' in socket ? AT_ONCE : AT_ONCE_PLAIN
}

/** Cuts who takes what was written as a whole more slowly than he would have had to take its parts. */
export function cutLate({ node, response }: Exchange, length: Bytes): void {
  const limit = setTimeout(() => cut(response), node.takenWithin * Math.ceil(length / AT_ONCE))
  const taken = (): void => clearTimeout(limit)
  response.once('finish', taken)
  response.once('close', taken)
}

/** Until he has taken all of it, or is gone. */
function holdToTheEnd(x: Exchange, of: Whole): void {
  const { response } = x
  if (hasLeft(response)) return
  const leave = hold(x, heldWhole(x, of))
  response.once('finish', leave)
  response.once('close', leave)
}

function hold(x: Exchange, held: HeldBody): () => void {
  return x.node.slowReaders.hold(held, () => {
    x.reason = 'too-slow'
    const told = { id: x.id, reason: x.reason, path: x.loggedPath }
    x.node.log.warn(told, 'a viewer was cut: slow ones hold more bodies than there is memory for')
    cut(x.response)
  })
}

/** Most is small, and out at once. */
function sendOnStream(x: Exchange, answer: Http2Stream, bytes: Uint8Array, of: Whole): void {
  if (bytes.length > STREAM_AT_ONCE) return sendPieces(x, answer, bytes, of)
  x.bodyBytes = bytes.length
  x.node.usage.counts.sent(x)
  answer.end(bytes)
  if (answer.writableFinished || answer.destroyed) return
  cutLate(x, bytes.length)
  holdToTheEnd(x, of)
}

/** Who does not take a piece in time is cut; one timer serves for all of them. */
function sendPieces(x: Exchange, answer: Http2Stream, bytes: Uint8Array, of: Whole): void {
  if (answer.destroyed) return
  const held = heldWhole(x, of)
  let leave = (): void => {}
  const late = setTimeout(() => cut(answer), x.node.takenWithin)
  const taken = (): void => {
    clearTimeout(late)
    leave()
  }
  answer.once('finish', taken).once('close', taken)
  const next = (): void => {
    late.refresh()
    leave()
    leave = hold(x, held)
    const piece = bytes.subarray(x.bodyBytes, x.bodyBytes + STREAM_AT_ONCE)
    x.bodyBytes += piece.length
    x.node.usage.counts.sent(x)
    if (x.bodyBytes < bytes.length) answer.write(piece, next)
    else answer.end(piece)
  }
  next()
}

async function write(x: Exchange, chunks: Chunks, held: HeldBy | undefined): Promise<void> {
  const { response } = x
  const most = 'stream' in response ? STREAM_AT_ONCE : AT_ONCE
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += most) {
      if (hasLeft(response)) return
      const bytes = chunk.subarray(at, at + most)
      x.bodyBytes += bytes.length
      x.node.usage.counts.sent(x)
      if (response.write(bytes)) continue
      const leave = held && hold(x, held(chunk))
      await settled(response, 'drain', x.node.takenWithin)
      leave?.()
    }
  }
  response.end()
  if ('stream' in response) await settled(response, 'finish', x.node.takenWithin)
}

/** Whether the viewer is gone. */
export function hasLeft(response: Outgoing): boolean {
  return response.destroyed || (!('stream' in response) && response.closed)
}

/** Cuts who does not take a write in time: other limits are put off by each byte, ping or other stream. */
function settled(response: Outgoing, event: 'drain' | 'finish', within: Milliseconds): Promise<void> {
  return new Promise(resolve => {
    // What is waited for may be over already.
    if (hasLeft(response) || response.writableFinished) return resolve()
    const limit = setTimeout(() => cut(response), within)
    const go = (): void => {
      clearTimeout(limit)
      response.off(event, go)
      response.off('close', go)
      resolve()
    }
    response.once(event, go)
    response.once('close', go)
  })
}

/** HTTP/1: the connection is reset; HTTP/2: the stream alone is. */
export function cut(response: Outgoing): void {
  response.destroy()
}
