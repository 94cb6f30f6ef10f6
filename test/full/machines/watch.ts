/** The longest time in which a viewer had nothing new, from mark to mark. */
export class Watch {
  #since = performance.now()
  #longest = 0
  #news = 0

  /** Something arrived. */
  tick(): void {
    const now = performance.now()
    this.#longest = Math.max(this.#longest, now - this.#since)
    this.#since = now
    this.#news++
  }

  /** How often something arrived. */
  get news(): number {
    return this.#news
  }

  /** Milliseconds since the last mark, with what has not ended yet. */
  get longest(): number {
    return Math.max(this.#longest, performance.now() - this.#since)
  }

  mark(): void {
    this.#longest = 0
  }
}
