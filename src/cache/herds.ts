import type { CacheKey } from '../http/index.ts'

/** More than a crowd of one page's own visitors is, and few enough for any origin. */
const MOST_AT_ONCE = 64

/**
 * Requests for one key that go on side by side by a mere guess that their answers are not to be shared. Where that is
 * wrong, no more than these ask for the same.
 */
export class Herds {
  readonly #sizes = new Map<CacheKey, number>()

  /** Undefined when the key has its number of them; who runs leaves when it is answered. */
  run<T>(key: CacheKey, ask: () => Promise<T>): Promise<T> | undefined {
    const size = this.#sizes.get(key) ?? 0
    if (size >= MOST_AT_ONCE) return undefined
    this.#sizes.set(key, size + 1)
    return ask().finally(() => this.#leave(key))
  }

  #leave(key: CacheKey): void {
    const size = (this.#sizes.get(key) ?? 1) - 1
    if (size === 0) this.#sizes.delete(key)
    else this.#sizes.set(key, size)
  }
}
