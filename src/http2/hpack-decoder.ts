import { COMPRESSION_ERROR, ConnectionError } from './codes.ts'
import { decodeHuffman } from './hpack-huffman.ts'
import { DynamicTable, STATIC_TABLE } from './hpack-tables.ts'

/** More than a text of a head may be unpacked, so that what is larger need not be kept to be counted. */
const FIRST_SCRATCH = 32_768

/** Told of each field; the table changes whether somebody wants it or not. */
export type OnField = (name: string, value: string) => void

/** Reads the field blocks of one connection (RFC 7541 §3). Whatever is wrong with one ends the connection (§4.3). */
export class HpackDecoder {
  readonly #table = new DynamicTable()
  #bytes: Uint8Array = EMPTY
  #at = 0
  #end = 0

  /** Grows with each change of what the same bytes would mean. */
  get version(): number {
    return this.#table.version
  }

  /** Reads the block between `from` and `to`. */
  decode(bytes: Buffer, from: number, to: number, onField: OnField): void {
    this.#bytes = bytes
    this.#at = from
    this.#end = to
    let begun = false
    while (this.#at < this.#end) {
      const first = bytes[this.#at] ?? 0
      if (first >= 0x80) {
        this.#indexed(onField)
      } else if (first >= 0x40) {
        this.#literal(6, bytes, onField)
      } else if (first >= 0x20) {
        // §4.2: at the beginning of a block, and nowhere else.
        if (begun) throw bad('a table size stands behind a field')
        if (!this.#table.resize(this.#integer(5))) throw bad('the table would be larger than was announced')
        continue
      } else {
        this.#literal(4, bytes, onField)
      }
      begun = true
    }
    this.#bytes = EMPTY
  }

  #indexed(onField: OnField): void {
    const index = this.#integer(7)
    const known = STATIC_TABLE[index - 1]
    if (known !== undefined) return onField(known[0], known[1])
    const name = this.#table.name(index - 1 - STATIC_TABLE.length)
    const value = this.#table.value(index - 1 - STATIC_TABLE.length)
    if (index === 0 || name === undefined || value === undefined) throw bad('an index names nothing')
    onField(name, value)
  }

  /** With a prefix of six bits the field enters the table. */
  #literal(prefix: 4 | 6, bytes: Buffer, onField: OnField): void {
    const index = this.#integer(prefix)
    const name = index === 0 ? this.#text(bytes) : this.#nameAt(index)
    const value = this.#text(bytes)
    if (prefix === 6) this.#table.add(name, value)
    onField(name, value)
  }

  #nameAt(index: number): string {
    const name = STATIC_TABLE[index - 1]?.[0] ?? this.#table.name(index - 1 - STATIC_TABLE.length)
    if (name === undefined) throw bad('an index names nothing')
    return name
  }

  #text(bytes: Buffer): string {
    const coded = ((bytes[this.#at] ?? 0) & 0x80) !== 0
    const length = this.#integer(7)
    const from = this.#at
    const to = from + length
    if (to > this.#end) throw bad('a text is longer than its block')
    this.#at = to
    if (!coded) return bytes.toString('latin1', from, to)
    if (scratch.length < length * 2) scratch = Buffer.allocUnsafeSlow(length * 2)
    const size = decodeHuffman(bytes, from, to, scratch)
    if (size < 0) throw bad('a text is coded wrongly')
    return scratch.toString('latin1', 0, size)
  }

  /** §5.1. More than 28 bits are none that anybody needs. */
  #integer(prefix: number): number {
    const bytes = this.#bytes
    if (this.#at >= this.#end) throw bad('a block ends within a field')
    const most = (1 << prefix) - 1
    let value = (bytes[this.#at++] ?? 0) & most
    if (value < most) return value
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) throw bad('a block ends within a number')
      if (shift > 21) throw bad('a number is too large')
      const byte = bytes[this.#at++] ?? 0
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
}

const EMPTY = new Uint8Array(0)

/** Shared by all connections: a text is read out of it before another one is written. */
let scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH)

function bad(message: string): ConnectionError {
  return new ConnectionError(COMPRESSION_ERROR, message)
}
