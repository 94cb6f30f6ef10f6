import { pause, type Milliseconds } from '../core/index.ts'

/** Pauses that double from 100 ms to two seconds, each drawn from its upper half so that nodes do not return in step. */
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
// Short, since control's restart is promised to take five seconds and nodes should not add much.
const LONGEST: Milliseconds = 2_000
