import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FIRST_WINDOW,
  FRAME_BYTES,
  FRAME_HEAD,
  HEADERS,
} from './codes.ts'
import { dateField, prepare, roomFor, writeFields, writeStatus, type Fields } from './hpack-encoder.ts'
import type { Output } from './output.ts'
import type { Http2Stream } from './stream.ts'

/** A frame that carries less than this, though there is more, waits for the next write. */
const LEAST_BYTES = 1024

/** RFC 7541 §6.3: nothing is kept from one block to the next. */
const NO_TABLE = 0x20

/** Of a head: its status, what is the same each time, and what is not. */
export interface AnswerHead {
  status: number
  fixed: Fields
  own: Fields
}

/** Sends the answers of one connection's streams, whose content takes turns of one frame each. */
export class Sender {
  readonly #output: Output
  /** Streams whose content may go as far as their own windows are concerned, in the order of their turns. */
  readonly #ready: Http2Stream[] = []
  /** What the peer takes on all streams together. */
  window = FIRST_WINDOW
  /** And at first on each new one. */
  streamWindow = FIRST_WINDOW
  /** The peer has set what he keeps of our fields, and waits to be told how much of that we use (RFC 7541 §4.2). */
  owesTable = false
  /** Frames with content so far. */
  sent = 0
  /** The last head that was written, which may still be told that nothing follows it. */
  #headOf: Http2Stream | undefined
  #headAt = 0
  #headEnd = 0
  #headWrite = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** An interim answer has a status below 200, and no Date. Throws for fields that cannot be sent, and sends nothing. */
  head(stream: Http2Stream, { status, fixed, own }: AnswerHead): void {
    const prepared = prepare(fixed)
    const date = status < 200 || prepared.dated || hasDate(own) ? undefined : dateField()
    const room = prepared.bytes.length + roomFor(own) + 64
    const output = this.#output
    output.reserve(room + FRAME_HEAD * (2 + Math.ceil(room / FRAME_BYTES)))
    const { buffer, at } = output
    let end = at + FRAME_HEAD
    if (this.owesTable) buffer[end++] = NO_TABLE
    end = writeStatus(buffer, end, status)
    end += prepared.bytes.copy(buffer, end)
    end = writeFields(buffer, end, own)
    if (date !== undefined) end += date.copy(buffer, end)
    this.owesTable = false
    this.#headOf = stream
    this.#headWrite = output.writes
    this.#headAt = at
    this.#headEnd = output.at = this.#frameHead(stream, end)
  }

  /** Puts heads of frames before the block that ends at `end`, and tells where that ends then. */
  #frameHead({ id }: Http2Stream, end: number): number {
    const { buffer, at } = this.#output
    const length = end - at - FRAME_HEAD
    if (length <= FRAME_BYTES) {
      writeFrameHead(buffer, at, { length, type: HEADERS, flags: END_HEADERS, id })
      return end
    }
    const block = Buffer.from(buffer.subarray(at + FRAME_HEAD, end))
    let to = at
    for (let from = 0; from < length; from += FRAME_BYTES) {
      const size = Math.min(FRAME_BYTES, length - from)
      const flags = from + size === length ? END_HEADERS : 0
      writeFrameHead(buffer, to, { length: size, type: from === 0 ? HEADERS : CONTINUATION, flags, id })
      to += FRAME_HEAD + block.copy(buffer, to + FRAME_HEAD, from, from + size)
    }
    return to
  }

  /** Ends a stream that has sent all its content. */
  end(stream: Http2Stream): void {
    const output = this.#output
    // Nothing stands behind its head, so that has not gone yet.
    if (this.#headOf === stream && this.#headWrite === output.writes && output.at === this.#headEnd) {
      const flags = this.#headAt + 4
      output.buffer[flags] = (output.buffer[flags] ?? 0) | END_STREAM
      return
    }
    output.reserve(FRAME_HEAD)
    writeFrameHead(output.buffer, output.at, { length: 0, type: DATA, flags: END_STREAM, id: stream.id })
    output.at += FRAME_HEAD
  }

  /** Sends the whole content of a stream in one frame, if that may go at once; false when it has to wait. */
  endWith(stream: Http2Stream, content: Uint8Array): boolean {
    const { length } = content
    if (length > FRAME_BYTES || length > stream.window || length > this.window) return false
    const output = this.#output
    if (this.#ready.length > 0 || output.flying) return false
    if (output.room < length + FRAME_HEAD) {
      output.flush()
      return false
    }
    const { buffer, at } = output
    writeFrameHead(buffer, at, { length, type: DATA, flags: END_STREAM, id: stream.id })
    buffer.set(content, at + FRAME_HEAD)
    output.at = at + FRAME_HEAD + length
    this.window -= length
    stream.window -= length
    this.sent++
    return true
  }

  /** A stream has something to send. */
  ready(stream: Http2Stream): void {
    if (stream.queued || stream.waiting === 0 || stream.window <= 0) return
    stream.queued = true
    this.#ready.push(stream)
  }

  /** A stream has nothing to send any more: who never opens the connection's window would have it kept until the end of that. */
  forget(stream: Http2Stream): void {
    if (this.#headOf === stream) this.#headOf = undefined
    if (!stream.queued) return
    stream.queued = false
    // As long as the list of those that are open at the most.
    const at = this.#ready.indexOf(stream)
    if (at >= 0) this.#ready.splice(at, 1)
  }

  /** Sends what may go: the peer's windows and one write at a time are the bounds. */
  pump(): void {
    const output = this.#output
    while (this.#ready.length > 0 && this.window > 0 && !output.flying) {
      const room = output.room - FRAME_HEAD
      if (room < LEAST_BYTES) {
        output.flush()
        return
      }
      const stream = this.#ready.shift()
      if (stream === undefined) return
      stream.queued = false
      if (stream.waiting === 0) continue
      const length = Math.min(stream.waiting, stream.window, this.window, FRAME_BYTES, room)
      if (length > 0) this.#content(stream, length)
    }
  }

  #content(stream: Http2Stream, length: number): void {
    const { buffer, at } = this.#output
    stream.take(buffer, at + FRAME_HEAD, length)
    const flags = stream.waiting === 0 && stream.ended ? END_STREAM : 0
    writeFrameHead(buffer, at, { length, type: DATA, flags, id: stream.id })
    this.#output.at = at + FRAME_HEAD + length
    this.window -= length
    stream.window -= length
    this.sent++
    this.ready(stream)
    stream.sent(flags === END_STREAM ? 'whole' : 'part')
  }
}

function hasDate(fields: Fields): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'date') return true
  }
  return false
}

export interface FrameHead {
  length: number
  type: number
  flags: number
  /** Of its stream. */
  id: number
}

export function writeFrameHead(out: Buffer, at: number, { length, type, flags, id }: FrameHead): void {
  out[at] = length >>> 16
  out[at + 1] = length >>> 8
  out[at + 2] = length
  out[at + 3] = type
  out[at + 4] = flags
  out[at + 5] = id >>> 24
  out[at + 6] = id >>> 16
  out[at + 7] = id >>> 8
  out[at + 8] = id
}
