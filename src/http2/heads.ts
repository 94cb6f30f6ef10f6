import {
  ConnectionError,
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  CONTINUATION,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from './codes.ts'
import type { Http2Connection } from './connection.ts'
import { contentOf, FieldBlock, type BlockStart } from './field-block.ts'
import { HeadMemo } from './head-memo.ts'
import { HpackDecoder } from './hpack-decoder.ts'
import type { Of } from './inbound.ts'
import { HeadReader, type HeadFault, type RequestHead } from './request-head.ts'

/** Reads the heads and trailers that a peer sends, in one frame or several. Each is decoded, whatever becomes of it. */
export class Heads {
  readonly #connection: Http2Connection
  readonly #decoder = new HpackDecoder()
  readonly #memo = new HeadMemo()
  readonly #reader: HeadReader
  #block: FieldBlock | undefined

  constructor(connection: Http2Connection) {
    this.#connection = connection
    this.#reader = new HeadReader(connection.limits.head)
  }

  /** Whether a head has begun and not ended. */
  get open(): boolean {
    return this.#block !== undefined
  }

  /** Throws for a frame that may not stand here (RFC 9113 §6.10). */
  expect(type: number, id: number): void {
    if (this.#block !== undefined) this.#block.expect(type, id)
    else if (type === CONTINUATION)
      throw new ConnectionError(PROTOCOL_ERROR, 'CONTINUATION stands behind no head')
  }

  /** HEADERS. */
  begin(bytes: Buffer, at: number, { length, flags, id }: Of): void {
    if (id === 0 || id % 2 === 0)
      throw new ConnectionError(PROTOCOL_ERROR, 'a client opens streams of odd numbers')
    const { from, to, dependency } = contentOf(bytes, at, length, flags)
    const start = { id, endStream: (flags & END_STREAM) !== 0, dependency }
    if ((flags & END_HEADERS) === 0) this.#block = new FieldBlock(start, bytes.subarray(from, to))
    else this.#read(start, bytes, from, to)
  }

  /** CONTINUATION. */
  continue(bytes: Buffer, at: number, { length, flags }: Of): void {
    const block = this.#block
    if (block === undefined) return
    if (length === 0) this.#connection.patience.wrong()
    block.add(bytes.subarray(at, at + length))
    if ((flags & END_HEADERS) === 0) return
    this.#block = undefined
    const whole = block.whole()
    this.#read(block.start, whole, 0, whole.length)
  }

  #read(start: BlockStart, bytes: Buffer, from: number, to: number): void {
    const { streams } = this.#connection
    if (streams.get(start.id) !== undefined) return this.#trailers(start, bytes, from, to)
    if (!streams.opens(start.id)) {
      this.#decoder.decode(bytes, from, to, () => {})
      return this.#connection.patience.useless(this.#connection.sender.sent)
    }
    this.#request(start, this.#requestOf(bytes, from, to))
  }

  #requestOf(bytes: Buffer, from: number, to: number): RequestHead | HeadFault {
    const key = this.#memo.keyOf(bytes, from, to)
    const known = key === undefined ? undefined : this.#memo.get(key, this.#decoder.version)
    if (known !== undefined) return known
    const before = this.#decoder.version
    this.#decoder.decode(bytes, from, to, this.#reader.onField)
    const head = this.#reader.takeRequest()
    // One that has changed the table means something else the next time.
    if (key !== undefined && typeof head === 'object' && this.#decoder.version === before)
      this.#memo.set(key, before, head)
    return head
  }

  #request({ id, endStream, dependency }: BlockStart, head: RequestHead | HeadFault): void {
    const connection = this.#connection
    if (!connection.takesMore) return connection.decline(id, REFUSED_STREAM)
    if (dependency === id || head === 'malformed') return connection.refuse(id, PROTOCOL_ERROR)
    if (head === 'too-large') return connection.refuse(id, ENHANCE_YOUR_CALM)
    // §8.1.1: what says that something follows must not say that nothing does.
    if (endStream && (head.contentLength ?? 0) > 0) return connection.refuse(id, PROTOCOL_ERROR)
    connection.open(id, head, endStream ? 'bodiless' : 'bodied')
  }

  /** §8.1. */
  #trailers({ id, endStream, dependency }: BlockStart, bytes: Buffer, from: number, to: number): void {
    const connection = this.#connection
    this.#decoder.decode(bytes, from, to, this.#reader.onField)
    const judged = this.#reader.takeTrailers()
    const stream = connection.streams.get(id)
    if (stream === undefined) return
    if (stream.remoteEnded) return connection.refuse(id, STREAM_CLOSED)
    if (judged === 'too-large') return connection.refuse(id, ENHANCE_YOUR_CALM)
    if (judged === 'malformed' || !endStream || dependency === id)
      return connection.refuse(id, PROTOCOL_ERROR)
    if (stream.body?.measure(0, 'last') === false) return connection.refuse(id, PROTOCOL_ERROR)
    stream.endRemote()
  }
}
