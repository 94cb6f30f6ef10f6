import type { Bytes } from '../core/index.ts'

/**
 * The memory that fills under way may take together. Whoever comes when it is used up waits in turn, its body unread,
 * until others end; fills never wait for viewers, so they do end.
 */
export class FillRoom {
  #free: Bytes
  readonly #waiting: { bytes: Bytes; enter: () => void }[] = []

  constructor(bytes: Bytes) {
    this.#free = bytes
  }

  /** `bytes` must not be more than the whole room. */
  async take(bytes: Bytes): Promise<void> {
    if (this.#waiting.length === 0 && bytes <= this.#free) {
      this.#free -= bytes
      return
    }
    await new Promise<void>(enter => this.#waiting.push({ bytes, enter }))
  }

  /** More for one who is inside. It does not wait: two who did could wait for each other. */
  grow(bytes: Bytes): void {
    this.#free -= bytes
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
