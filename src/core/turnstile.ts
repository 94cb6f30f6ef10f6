import { SluiceError } from './errors.ts'

export interface TurnstileOptions {
  width: number
  queue: number
  /** The sentence for who is sent away. */
  busy?: string
}

/**
 * Lets `width` through at a time and `queue` wait. Whoever comes beyond that is sent away with SluiceError `overloaded`:
 * waiting longer would only make every answer late.
 */
export class Turnstile {
  readonly #options: TurnstileOptions
  readonly #waiting: (() => void)[] = []
  #inside = 0

  constructor(options: TurnstileOptions) {
    this.#options = options
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
    const { width, queue, busy = 'too much is asked at once: try again' } = this.#options
    if (this.#inside < width) {
      this.#inside++
      return
    }
    if (this.#waiting.length >= queue) throw new SluiceError('overloaded', busy, { kind: 'unavailable' })
    await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  #leave(): void {
    const next = this.#waiting.shift()
    // The place is handed on, so nobody can slip in between.
    if (next) next()
    else this.#inside--
  }
}
