import { pause, type Milliseconds } from '../core/index.ts'

/** Pauses that double from 100 ms to one second, each drawn from its upper half so that nodes do not return in step. */
export class BackOff {
  #next: Milliseconds = FIRST

  reset(): void {
    this.#next = FIRST
  }

  /** Ends early, without an error, when the signal aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    const span = this.#next * (0.5 + Math.random() / 2)
    this.#next = Math.min(LONGEST, this.#next * 2)
    await pause(span, signal)
  }
}

const FIRST: Milliseconds = 100
// Short, since a node that is cut off may show what was undone meanwhile until it has asked again.
const LONGEST: Milliseconds = 1_000
