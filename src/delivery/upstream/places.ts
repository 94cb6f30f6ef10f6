/** Of the places that are free, nobody takes more than one in so many. */
const SHARE = 4

/**
 * Places for questions that wait, a bounded number of them. Whoever has many already gets another one only while far
 * more are free, so that those who ask for one thing leave room for all others: the first may take a fifth, and ten
 * together leave more than a quarter free.
 */
export class Places {
  readonly #most: number
  readonly #byOwner = new Map<string, number>()
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Gives the way to leave, to be used once; undefined when there is no place. Without an owner, any that is free. */
  take(owner: string | undefined): (() => void) | undefined {
    const free = this.#most - this.#taken
    const own = owner === undefined ? 0 : (this.#byOwner.get(owner) ?? 0)
    if (free <= 0 || (own > 0 && own >= free / SHARE)) return undefined
    this.#taken++
    if (owner !== undefined) this.#byOwner.set(owner, own + 1)
    return () => this.#leave(owner)
  }

  #leave(owner: string | undefined): void {
    this.#taken--
    if (owner === undefined) return
    const left = (this.#byOwner.get(owner) ?? 1) - 1
    if (left > 0) this.#byOwner.set(owner, left)
    else this.#byOwner.delete(owner)
  }
}
