import type { Bytes, Clock, Instant } from '../core/index.ts'

/** So much at once, and so much a second in the long run. */
export interface AllowanceLimits {
  atOnce: Bytes
  perSecond: Bytes
}

/** What somebody may still spend: full at first, and filled again as time passes. */
export class Allowance {
  readonly #limits: AllowanceLimits
  readonly #clock: Clock
  #left: Bytes
  #at: Instant

  constructor(limits: AllowanceLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#left = limits.atOnce
    this.#at = clock.now()
  }

  /** `exceeded`: so much is not left, and nothing was spent. */
  spend(bytes: Bytes): 'spent' | 'exceeded' {
    const { atOnce, perSecond } = this.#limits
    const now = this.#clock.now()
    // A clock that was set back fills nothing.
    const gained = (Math.max(0, now - this.#at) * perSecond) / 1000
    this.#at = now
    this.#left = Math.min(atOnce, this.#left + gained)
    if (bytes > this.#left) return 'exceeded'
    this.#left -= bytes
    return 'spent'
  }
}
