import type { Coding } from '../../http/index.ts'
import { compressing, decoding } from './compress.ts'
import type { Chunks } from './send-stream.ts'

/** Each takes up to some megabytes while it runs, for as long as its viewer reads. */
const MOST: number = 64

/** Bodies that change their coding while they are sent, a bounded number at once. Nothing runs before it is read. */
export class CodingStreams {
  #running = 0

  get running(): number {
    return this.#running
  }

  /** Undefined when too many run. */
  compressed(chunks: () => Chunks, coding: Coding): AsyncIterable<Uint8Array> | undefined {
    return this.#running < MOST ? this.#counted(() => compressing(chunks(), coding)) : undefined
  }

  /** As `compressed`; of codings that can be decoded. */
  decoded(chunks: () => Chunks, codings: readonly string[]): AsyncIterable<Uint8Array> | undefined {
    return this.#running < MOST ? this.#counted(() => decoding(chunks(), codings)) : undefined
  }

  async *#counted(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    this.#running++
    try {
      yield* open()
    } finally {
      this.#running--
    }
  }
}
