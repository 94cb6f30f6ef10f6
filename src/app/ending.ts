import type { Clock, Milliseconds } from '../core/index.ts'

type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

/** The signals of a process, for tests to hand in their own. */
export interface SignalSource {
  on(signal: Signal, handle: () => void): unknown
  off(signal: Signal, handle: () => void): unknown
}

/** What SIGHUP means: where there is a terminal, that it is gone; elsewhere, by custom, that files have changed. */
export type HangUp = 'end' | 'look'

export interface EndingOptions {
  clock: Clock
  hangUp: HangUp
  /** The second wish, and what else a signal may mean. */
  atOnce: () => void
  look: () => void
}

/** npm hands Ctrl-C to its child a second time, at once; a person's second one comes later. */
const SECOND_COUNTS_AFTER: Milliseconds = 1000

/**
 * Turns signals into the wishes they stand for: end politely, end at once (INTERFACE.md, "Command line"), and look after
 * what was read from files.
 */
export class Ending {
  /** Aborted by the first signal. */
  readonly politely: AbortSignal
  #signals: SignalSource
  #handles: [Signal, () => void][]

  constructor(signals: SignalSource, { clock, hangUp, atOnce, look }: EndingOptions) {
    const controller = new AbortController()
    this.politely = controller.signal
    this.#signals = signals
    let first: number | undefined
    const end = (): void => {
      const now = clock.now()
      if (first === undefined) {
        first = now
        controller.abort()
      } else if (now - first >= SECOND_COUNTS_AFTER) {
        atOnce()
      }
    }
    this.#handles = [
      ['SIGTERM', end],
      ['SIGINT', end],
      ['SIGHUP', hangUp === 'end' ? end : look],
    ]
    for (const [signal, handle] of this.#handles) signals.on(signal, handle)
  }

  /** Stops listening for signals. */
  close(): void {
    for (const [signal, handle] of this.#handles) this.#signals.off(signal, handle)
  }
}
