import type { Bytes, Milliseconds } from '../../core/index.ts'

const PATIENCE: Milliseconds = 2_000

/**
 * The memory that reads under way may take together. Whoever comes when it is used up waits in turn until others end,
 * and goes without when that takes too long.
 */
export class ReadingRoom {
  #free: Bytes
  readonly #waiting: { bytes: Bytes; enter: () => void }[] = []

  constructor(bytes: Bytes) {
    this.#free = bytes
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
      }, PATIENCE)
      this.#waiting.push(place)
    })
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
