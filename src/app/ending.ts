import type { Clock, Milliseconds } from '../core/index.ts'

/** The signals of a process, for tests to hand in their own. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', handle: () => void): unknown
  off(signal: 'SIGTERM' | 'SIGINT', handle: () => void): unknown
}

/** npm hands Ctrl-C to its child a second time, at once; a person's second one comes later. */
const SECOND_COUNTS_AFTER: Milliseconds = 1000

/** Turns signals into the two wishes they stand for: end politely, and end at once (INTERFACE.md, "Command line"). */
export class Ending {
  /** Aborted by the first signal. */
  readonly politely: AbortSignal
  #signals: SignalSource
  #handle: () => void

  constructor(signals: SignalSource, clock: Clock, atOnce: () => void) {
    const controller = new AbortController()
    this.politely = controller.signal
    this.#signals = signals
    let first: number | undefined
    this.#handle = () => {
      const now = clock.now()
      if (first === undefined) {
        first = now
        controller.abort()
      } else if (now - first >= SECOND_COUNTS_AFTER) {
        atOnce()
      }
    }
    signals.on('SIGTERM', this.#handle)
    signals.on('SIGINT', this.#handle)
  }

  /** Stops listening for signals. */
  close(): void {
    this.#signals.off('SIGTERM', this.#handle)
    this.#signals.off('SIGINT', this.#handle)
  }
}
