/** How often a peer may do what costs us more than him: so often at once, and then so often a second. */
export class Budget {
  readonly #most: number
  readonly #perSecond: number
  #left: number
  #at: number

  /** `now` in milliseconds of a clock that only goes forward. */
  constructor(most: number, perSecond: number, now: number) {
    this.#most = most
    this.#perSecond = perSecond
    this.#left = most
    this.#at = now
  }

  /** False when it is used up; only who has used all needs to know how late it is. */
  take(now: () => number): boolean {
    if (--this.#left >= 0) return true
    const at = now()
    const more = Math.floor(((at - this.#at) / 1000) * this.#perSecond)
    if (more < 1) {
      this.#left = 0
      return false
    }
    this.#at = at
    // What was asked for in vain costs nothing.
    this.#left = Math.min(this.#most, Math.max(0, this.#left + 1) + more) - 1
    return this.#left >= 0
  }

  /** What is useful gives something back. */
  give(count: number): void {
    this.#left = Math.min(this.#most, this.#left + count)
  }
}
