import { refuse } from './refusal.ts'

/** Reads single bits, most significant first; past the end the movie is refused as malformed. */
export class Bits {
  private readonly bytes: Uint8Array
  private readonly name: string
  private at = 0

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes
    this.name = name
  }

  get left(): number {
    return this.bytes.length * 8 - this.at
  }

  bit(): number {
    const byte =
      this.bytes[this.at >> 3] ?? refuse('malformed', `The ${this.name} ends before its content does.`)
    return (byte >> (7 - (this.at++ & 7))) & 1
  }

  flag(): boolean {
    return this.bit() === 1
  }

  /** Up to 32 bits. */
  bits(count: number): number {
    let value = 0
    for (let read = 0; read < count; read++) value = value * 2 + this.bit()
    return value
  }

  /** Exp-Golomb, ITU-T H.264 9.1. */
  ue(): number {
    let zeros = 0
    while (!this.flag()) {
      if (++zeros > 31) refuse('malformed', `The ${this.name} holds a number that cannot be.`)
    }
    return 2 ** zeros - 1 + this.bits(zeros)
  }

  /** Signed Exp-Golomb, ITU-T H.264 9.1.1. */
  se(): number {
    const code = this.ue()
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2
  }
}
