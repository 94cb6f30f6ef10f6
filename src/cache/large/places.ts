import type { Bytes } from '../../core/index.ts'

/** Somebody who reads, and where he is. */
export interface Reader {
  at: Bytes
  readonly last: Bytes
  index: number
  /** In a row, that brought nothing. */
  tries: number
}

/** At which slices readers are, and how many at each: asked often, so by number and not by reader. */
export class Places {
  readonly #at = new Map<number, number>()

  enter(index: number): void {
    this.#at.set(index, (this.#at.get(index) ?? 0) + 1)
  }

  leave(index: number): void {
    const left = (this.#at.get(index) ?? 1) - 1
    if (left === 0) this.#at.delete(index)
    else this.#at.set(index, left)
  }

  /** The furthest slice of these, both included, at which there is a reader. */
  furthest(from: number, to: number): number | undefined {
    if (this.#at.size === 0) return undefined
    for (let index = to; index >= from; index--) if (this.#at.has(index)) return index
    return undefined
  }

  get isEmpty(): boolean {
    return this.#at.size === 0
  }
}
