import { SluiceError, type Bytes, type Instant } from '../core/index.ts'
import { fieldValue, type FlatHeaders, type Validators } from '../http/index.ts'
import type { Filling, UpstreamAnswer } from './contract.ts'
import type { FillRoom } from './fill-room.ts'

/** An object of unknown length starts with room for this many bytes and doubles. */
const FIRST_ROOM = 64 * 1024

/** What a fill of this answer takes at its start. */
export function firstRoom(answer: UpstreamAnswer, limits: FillLimits): Bytes {
  return contentLength(answer.headers) ?? Math.min(FIRST_ROOM, limits.largestObject)
}

export interface FillLimits {
  /** Nothing larger is stored; a body of unknown length that grows past it fails. */
  largestObject: Bytes
}

/**
 * One response being fetched, read by any number of viewers meanwhile. The bytes stand in one buffer that every
 * reader looks into, so a slow reader costs nothing and delays nobody. The fill is a transaction: `done` resolves
 * with the whole body, or rejects and nothing may be kept.
 */
export class Fill implements Filling {
  readonly status: number
  readonly headers: FlatHeaders
  readonly validators: Validators
  readonly length: number | undefined
  readonly bornAt: Instant
  readonly done: Promise<Buffer>
  readonly #limits: FillLimits
  readonly #shared: FillRoom
  #taken: Bytes
  #room: Buffer
  #filled = 0
  #state: 'running' | 'complete' | { failure: unknown } = 'running'
  #arrival = deferred()

  /** `room` holds `firstRoom` for it already; the fill gives back all that it took when it ends. */
  constructor(answer: UpstreamAnswer, bornAt: Instant, limits: FillLimits, room: FillRoom) {
    this.status = answer.status
    this.headers = answer.headers
    this.validators = validatorsOf(answer.headers)
    this.length = contentLength(answer.headers)
    this.bornAt = bornAt
    this.#limits = limits
    this.#shared = room
    // allocUnsafeSlow: a slice of Node's shared slab would keep 8 KiB of strangers alive in the cache.
    this.#room = Buffer.allocUnsafeSlow(firstRoom(answer, limits))
    this.#taken = this.#room.length
    this.done = this.#pump(answer)
    // Readers see the failure too; the cache may not be waiting yet when it happens.
    this.done.catch(() => {})
  }

  async *read(first: number, last = Infinity): AsyncGenerator<Uint8Array> {
    let at = first
    while (at <= last) {
      if (at < this.#filled) {
        const end = Math.min(this.#filled, last + 1)
        const bytes = this.#room.subarray(at, end)
        at = end
        yield bytes
        continue
      }
      if (this.#state === 'complete') return
      if (this.#state !== 'running') throw this.#state.failure
      await this.#arrival.promise
    }
  }

  async #pump(answer: UpstreamAnswer): Promise<Buffer> {
    try {
      for await (const chunk of answer.body) this.#append(chunk)
      if (this.length !== undefined && this.#filled !== this.length) {
        throw new SluiceError('upstream-short', `the origin sent ${this.#filled} of ${this.length} bytes`, {
          side: 'upstream',
        })
      }
      // What is kept owns exactly its bytes.
      if (this.#filled < this.#room.length) this.#room = Buffer.from(this.#room.subarray(0, this.#filled))
      this.#state = 'complete'
      return this.#room
    } catch (error) {
      answer.destroy()
      this.#state = { failure: error }
      throw error
    } finally {
      this.#shared.give(this.#taken)
      this.#arrival.resolve()
    }
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#filled + chunk.length
    if (needed > this.#room.length) {
      if (this.length !== undefined) {
        throw new SluiceError(
          'upstream-long',
          `the origin sent more than the ${this.length} bytes that it announced`,
          { side: 'upstream' },
        )
      }
      if (needed > this.#limits.largestObject) {
        throw new SluiceError(
          'too-large',
          `an answer of unknown length passed ${this.#limits.largestObject} bytes`,
          { side: 'upstream' },
        )
      }
      // Readers that hold slices of the old room go on reading it; it is let go with the last of them.
      const larger = Buffer.allocUnsafeSlow(
        Math.min(this.#limits.largestObject, Math.max(needed, this.#room.length * 2)),
      )
      this.#shared.grow(larger.length - this.#room.length)
      this.#taken += larger.length - this.#room.length
      this.#room.copy(larger, 0, 0, this.#filled)
      this.#room = larger
    }
    this.#room.set(chunk, this.#filled)
    this.#filled = needed
    const woken = this.#arrival
    this.#arrival = deferred()
    woken.resolve()
  }
}

/** Content-Length when it is one plain number; anything else is an unknown length. */
export function contentLength(headers: FlatHeaders): number | undefined {
  const text = fieldValue(headers, 'content-length')
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export function validatorsOf(headers: FlatHeaders): Validators {
  return { etag: fieldValue(headers, 'etag'), lastModified: fieldValue(headers, 'last-modified') }
}

interface Deferred {
  promise: Promise<void>
  resolve(): void
}

function deferred(): Deferred {
  let resolve = (): void => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
