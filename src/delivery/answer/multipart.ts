import { randomBytes } from 'node:crypto'
import type { Bytes } from '../../core/index.ts'
import { contentRange, type ByteRange } from '../../http/index.ts'
import type { Chunks } from './send-stream.ts'

/** Several ranges of one object in one body (RFC 9110 §14.6). */
export class Multipart {
  /** Of the whole answer. */
  readonly type: string
  readonly length: Bytes
  readonly #parts: readonly { range: ByteRange; head: Buffer }[]
  readonly #end: Buffer

  /** `type` is the object's own, if it says one. */
  constructor(ranges: readonly ByteRange[], length: Bytes, type: string | undefined) {
    // 24 random bytes: nobody can make an object that holds what divides its parts.
    const boundary = randomBytes(24).toString('hex')
    const own = type === undefined ? '' : `Content-Type: ${type}\r\n`
    this.type = `multipart/byteranges; boundary=${boundary}`
    this.#parts = ranges.map((range, at) => ({
      range,
      head: Buffer.from(
        `${at === 0 ? '' : '\r\n'}--${boundary}\r\n${own}Content-Range: ${contentRange(range, length)}\r\n\r\n`,
        'latin1',
      ),
    }))
    this.#end = Buffer.from(`\r\n--${boundary}--\r\n`)
    let sum = this.#end.length
    for (const { range, head } of this.#parts) sum += head.length + range.last - range.first + 1
    this.length = sum
  }

  get first(): ByteRange | undefined {
    return this.#parts[0]?.range
  }

  async *read(read: (first: number, last: number) => Chunks): AsyncGenerator<Uint8Array> {
    for (const { range, head } of this.#parts) {
      yield head
      yield* read(range.first, range.last)
    }
    yield this.#end
  }
}
