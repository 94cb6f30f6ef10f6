import type { Filling } from '../../cache/index.ts'
import type { Bytes, Instant } from '../../core/index.ts'
import type { FlatHeaders, Validators } from '../../http/index.ts'

/**
 * A text on its way, in a coding: made once while it arrives, and read from its beginning by any number of viewers
 * meanwhile. How long it is shows at its end. It fails where the text does.
 */
export class CodedFill implements Filling {
  readonly status: number
  readonly headers: FlatHeaders
  readonly validators: Validators
  readonly length = undefined
  readonly bornAt: Instant
  readonly #made: Uint8Array[] = []
  #bytes: Bytes = 0
  #source: AsyncIterable<Uint8Array> | undefined
  #state: 'running' | 'complete' | { failure: unknown } = 'running'
  #wake: (() => void)[] = []

  constructor(fill: Filling, headers: FlatHeaders, source: AsyncIterable<Uint8Array>) {
    this.status = fill.status
    this.headers = headers
    this.validators = fill.validators
    this.bornAt = fill.bornAt
    this.#source = source
  }

  /** What has been made by now, all of which is in memory as long as anybody reads it. */
  get made(): Bytes {
    return this.#bytes
  }

  /** From the beginning to the end: nobody is sent a range of it. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#begin()
    for (let at = 0; ; at++) {
      while (at >= this.#made.length) {
        if (this.#state === 'complete') return
        if (this.#state !== 'running') throw this.#state.failure
        await new Promise<void>(resolve => this.#wake.push(resolve))
      }
      yield this.#made[at] ?? NOTHING
    }
  }

  /** A HEAD reads nothing, and then nothing is made. */
  #begin(): void {
    const source = this.#source
    if (source === undefined) return
    this.#source = undefined
    void this.#pump(source)
  }

  async #pump(source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of source) {
        this.#made.push(piece)
        this.#bytes += piece.length
        this.#woken()
      }
      this.#state = 'complete'
    } catch (failure) {
      this.#state = { failure }
    }
    this.#woken()
  }

  #woken(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const wake of waiting) wake()
  }
}

const NOTHING = new Uint8Array()
