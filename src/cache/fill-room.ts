import type { Bytes, Milliseconds } from '../core/index.ts'

/** An origin that sends its bodies byte by byte may hold all of it for as long as it likes. */
const PATIENCE: Milliseconds = 2_000

/**
 * The memory that fills under way may take together. Whoever comes when it is used up waits in turn, its body unread,
 * until others end, and goes without when that takes too long: fills never wait for viewers, but for their origins.
 */
export class FillRoom {
  #free: Bytes
  readonly #patience: Milliseconds
  readonly #waiting: { bytes: Bytes; enter: () => void }[] = []

  constructor(bytes: Bytes, patience = PATIENCE) {
    this.#free = bytes
    this.#patience = patience
  }

  /** `bytes` must not be more than the whole room. */
  async take(bytes: Bytes): Promise<'taken' | 'full'> {
    if (this.#waiting.length === 0 && bytes <= this.#free) {
      this.#free -= bytes
      return 'taken'
    }
    return new Promise(resolve => {
      const enter = (): void => {
        clearTimeout(late)
        resolve('taken')
      }
      const place = { bytes, enter }
      const late = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1)
        // Whoever comes behind may need less.
        this.give(0)
        resolve('full')
      }, this.#patience)
      this.#waiting.push(place)
    })
  }

  /** More for one who is inside. It does not wait: two who did could wait for each other. */
  grow(bytes: Bytes): 'taken' | 'full' {
    if (bytes > this.#free) return 'full'
    this.#free -= bytes
    return 'taken'
  }

  give(bytes: Bytes): void {
    this.#free += bytes
    for (let next = this.#waiting[0]; next && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.bytes
      next.enter()
    }
  }
}
