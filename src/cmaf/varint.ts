import { SluiceError } from '../core/index.ts'

/** Whole numbers in as few bytes as they need, seven bits each, lowest first. */
export class VarintWriter {
  private bytes = new Uint8Array(64 * 1024)
  private length = 0

  /** From 0 to 2^53. */
  unsigned(value: number): void {
    if (this.bytes.length - this.length < 8) this.grow()
    let rest = value
    while (rest > 127) {
      this.bytes[this.length++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    this.bytes[this.length++] = rest
  }

  /** Within 2^52 of 0; small either way takes few bytes. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value)
  }

  /** What was written; valid until the next write. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  private grow(): void {
    const larger = new Uint8Array(this.bytes.length * 2)
    larger.set(this.bytes)
    this.bytes = larger
  }
}

/** Reads what `VarintWriter` wrote; throws SluiceError `index-damaged` at the end of the bytes. */
export class VarintReader {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  unsigned(): number {
    let value = 0
    for (let weight = 1; weight <= 2 ** 49; weight *= 128) {
      const byte = this.bytes[this.at++] ?? damaged()
      value += (byte & 127) * weight
      if (byte < 128) return value
    }
    return damaged()
  }

  signed(): number {
    const value = this.unsigned()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }
}

export function damaged(): never {
  throw new SluiceError('index-damaged', 'The stored index of a movie is damaged; publish the movie again.')
}
