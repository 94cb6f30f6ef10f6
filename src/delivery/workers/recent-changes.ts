import type { Changed } from '../peers/changed.ts'

export const MOST_CHANGES = 5_000
/** Characters of all of them together. */
const MOST_TEXT = 4_000_000

interface Kept {
  changed: Changed
  text: number
}

/**
 * The latest changes that requests have made, for a worker that was not there to hear of them, or had not done what
 * they mean for its disk. The oldest go when there are too many.
 */
export class RecentChanges {
  #kept: Kept[] = []
  #text = 0
  #count = 0

  /** How many there have been. */
  get count(): number {
    return this.#count
  }

  add(changed: Changed): void {
    const text = changed.keys.reduce((sum, key) => sum + key.length, changed.path.length)
    this.#count++
    this.#kept.push({ changed, text })
    this.#text += text
    while (this.#kept.length > MOST_CHANGES || this.#text > MOST_TEXT)
      this.#text -= this.#kept.shift()?.text ?? 0
  }

  /** All that are known; undefined when some are not that came after the first `count`. */
  after(count: number): Changed[] | undefined {
    const dropped = this.#count - this.#kept.length
    return dropped > count ? undefined : this.#kept.map(({ changed }) => changed)
  }
}
