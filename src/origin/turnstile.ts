import { SluiceError } from '../core/index.ts'

/**
 * Lets `width` through at a time and `queue` wait. Whoever comes beyond that is sent away with SluiceError `overloaded`:
 * waiting longer would only make every answer late.
 */
export class Turnstile {
  readonly #width: number
  readonly #queue: number
  readonly #waiting: (() => void)[] = []
  #inside = 0

  constructor(options: { width: number; queue: number }) {
    this.#width = options.width
    this.#queue = options.queue
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter()
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  async #enter(): Promise<void> {
    if (this.#inside < this.#width) {
      this.#inside++
      return
    }
    if (this.#waiting.length >= this.#queue) {
      throw new SluiceError('overloaded', 'too many segments are being made at once', { kind: 'unavailable' })
    }
    await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  #leave(): void {
    const next = this.#waiting.shift()
    // The place is handed on, so nobody can slip in between.
    if (next) next()
    else this.#inside--
  }
}
