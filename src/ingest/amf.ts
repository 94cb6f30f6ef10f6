import { fault } from './fault.ts'

/** A value of AMF0. Objects are maps, so that no name of a property (`__proto__`, `constructor`) means anything. */
export type AmfValue = number | boolean | string | null | undefined | AmfValue[] | AmfObject
export type AmfObject = ReadonlyMap<string, AmfValue>

/** Deep enough for what encoders send (3), far from the end of the stack. */
const DEEPEST = 32

/**
 * Reads all values of a message (Adobe AMF0, 2). Strangers send these before anything is known of them, so each
 * length is compared with what is left before a byte is read, and nesting is bounded. Throws `bad-rtmp`.
 */
export function readAmf0(bytes: Uint8Array): AmfValue[] {
  const reader = new AmfReader(bytes)
  const values: AmfValue[] = []
  while (reader.left > 0) values.push(reader.value(0))
  return values
}

class AmfReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  value(depth: number): AmfValue {
    if (depth > DEEPEST) throw fault(`AMF is nested deeper than ${DEEPEST}.`)
    const marker = this.#bytes[this.#take(1)]
    switch (marker) {
      case 0x00:
        return this.#bytes.readDoubleBE(this.#take(8))
      case 0x01:
        return this.#bytes[this.#take(1)] !== 0
      case 0x02:
        return this.#text(this.#uint16())
      case 0x03:
        return this.#object(depth)
      case 0x05:
        return null
      case 0x06:
      case 0x0d:
        return undefined
      case 0x07:
        // A reference to an earlier object; nothing that is read here can be one.
        this.#take(2)
        return undefined
      case 0x08:
        // The count of an ECMA array is only a hint (AMF0, 2.10).
        this.#take(4)
        return this.#object(depth)
      case 0x0a:
        return this.#array(depth)
      case 0x0b: {
        const milliseconds = this.#bytes.readDoubleBE(this.#take(8))
        this.#take(2)
        return milliseconds
      }
      case 0x0c:
      case 0x0f:
        return this.#text(this.#uint32())
      case 0x10:
        this.#text(this.#uint16())
        return this.#object(depth)
      default:
        throw fault(`AMF marker ${marker} is not understood.`)
    }
  }

  #object(depth: number): AmfObject {
    const properties = new Map<string, AmfValue>()
    for (;;) {
      const name = this.#text(this.#uint16())
      if (name === '') {
        if (this.#bytes[this.#take(1)] !== 0x09) throw fault('An AMF property has no name.')
        return properties
      }
      properties.set(name, this.value(depth + 1))
    }
  }

  #array(depth: number): AmfValue[] {
    const count = this.#uint32()
    // Each value takes a byte at least.
    if (count > this.left) throw fault(`An AMF array of ${count} ends early.`)
    const values: AmfValue[] = []
    for (let index = 0; index < count; index++) values.push(this.value(depth + 1))
    return values
  }

  #text(length: number): string {
    const from = this.#take(length)
    return this.#bytes.toString('utf8', from, from + length)
  }

  #uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  #uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  /** Steps over `length` bytes and returns where they begin. */
  #take(length: number): number {
    if (length > this.left) throw fault('AMF ends early.')
    const from = this.#at
    this.#at += length
    return from
  }
}
