import type { Bytes } from '../core/index.ts'
import { FIRST_WINDOW } from './codes.ts'

/** What the peer may send on a stream or on the connection, of which he is told when half of it is used (RFC 9113 §5.2). */
export class Inflow {
  #window: Bytes = FIRST_WINDOW
  #used: Bytes = 0

  /** False for more than was allowed. */
  receive(bytes: Bytes): boolean {
    this.#window -= bytes
    return this.#window >= 0
  }

  /** As many may follow; gives what he has to be told of by now, or zero. */
  consume(bytes: Bytes): Bytes {
    this.#used += bytes
    if (this.#used < FIRST_WINDOW / 2) return 0
    const more = this.#used
    this.#window += more
    this.#used = 0
    return more
  }
}
