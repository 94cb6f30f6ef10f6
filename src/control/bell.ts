import { SluiceError, type Milliseconds } from '../core/index.ts'

/** Past this many a long poll is answered at once, as if its time were over. */
const MOST_WAITING = 10_000

/** Wakes those who wait for something to change. It says that, not what: they look again. */
export class Bell {
  #rings = 0
  readonly #waiting = new Set<() => void>()

  /** To be read before looking; what rings between the look and the wait is not missed. */
  get rings(): number {
    return this.#rings
  }

  ring(): void {
    this.#rings++
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves at the next ring after `since`, after the span, or when the signal aborts. */
  wait(since: number, span: Milliseconds, signal: AbortSignal): Promise<void> {
    if (this.#rings !== since || span <= 0 || signal.aborted || this.#waiting.size >= MOST_WAITING) {
      return Promise.resolve()
    }
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, span)
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }
}

export interface PollOptions {
  /** How long in all. */
  span: Milliseconds
  /** Looks again at least this often, for what changes without a ring. */
  every?: Milliseconds
  signal: AbortSignal
}

/** How often one looks again while the database is away. */
const PATIENCE: Milliseconds = 500

/**
 * A long poll: looks, and looks again after each ring, until `look` gives something or the time is over. That the
 * database is away counts as a change that has not come yet, until the time is over.
 */
export async function poll<T>(
  bell: Bell,
  options: PollOptions,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  const end = performance.now() + options.span
  for (;;) {
    const since = bell.rings
    let found: T | undefined
    let away: SluiceError | undefined
    try {
      found = await look()
    } catch (error) {
      if (!(error instanceof SluiceError && error.kind === 'unavailable')) throw error
      away = error
    }
    const left = end - performance.now()
    if (found !== undefined) return found
    if (left <= 0 || options.signal.aborted) {
      if (away) throw away
      return undefined
    }
    const span = away ? PATIENCE : (options.every ?? left)
    await bell.wait(since, Math.min(left, span), options.signal)
  }
}
