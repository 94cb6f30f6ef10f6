import type { Milliseconds } from '../core/index.ts'

/**
 * Calls `late` when something that has begun has not ended in time. It begins and ends for nearly every packet, so its
 * timer is not set anew for each: it looks whether it came too early.
 */
export class Deadline {
  readonly #within: Milliseconds
  readonly #late: () => void
  #since: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(within: Milliseconds, late: () => void) {
    this.#within = within
    this.#late = late
  }

  get running(): boolean {
    return this.#since !== undefined
  }

  begin(): void {
    this.#since = performance.now()
    this.#timer ??= setTimeout(() => this.#look(), this.#within)
  }

  end(): void {
    this.#since = undefined
  }

  /** For good. */
  close(): void {
    this.#since = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    this.#timer = undefined
    if (this.#since === undefined) return
    // Timers come up to a millisecond early.
    const rest = this.#since + this.#within - performance.now()
    if (rest > 1) this.#timer = setTimeout(() => this.#look(), rest)
    else this.#late()
  }
}
