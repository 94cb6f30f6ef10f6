import { SluiceError, type Bytes, type Instant } from '../core/index.ts'
import { fieldValue, type FlatHeaders, type Validators } from '../http/index.ts'
import type { Filling, UpstreamAnswer } from './contract.ts'
import type { FillRoom } from './fill-room.ts'

/** An object of unknown length starts with room for this many bytes and doubles. */
const FIRST_ROOM = 64 * 1024

/** Who goes on with a body of unknown length that has become too large to be kept in one piece. */
export interface Overflow {
  /** From this size on; what may not be kept whole is handed over in any case. */
  above: Bytes
  /** Whether who comes later can be given what has passed. */
  canBeJoined: boolean
  /**
   * Goes on behind what has come; only from where that ends is its fill read, or from the start if it can be joined.
   * `done` resolves when nothing more comes.
   */
  go: (had: Uint8Array, rest: AsyncIterable<Uint8Array>) => { fill: Filling; done: Promise<void> }
}

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
  readonly #overflow: Overflow | undefined
  /** Reads on where this has been too small. */
  #successor: Filling | undefined
  #taken: Bytes
  #room: Buffer
  #filled = 0
  #state: 'running' | 'complete' | { failure: unknown } = 'running'
  #arrival = deferred()

  /** `room` holds `firstRoom` for it already; the fill gives back all that it took when it ends. */
  constructor(
    answer: UpstreamAnswer,
    bornAt: Instant,
    limits: FillLimits,
    room: FillRoom,
    overflow?: Overflow,
  ) {
    this.#overflow = overflow
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
      if (this.#successor) {
        for await (const bytes of this.#successor.read(at, last)) yield bytes
        return
      }
      if (this.#state === 'complete') return
      if (this.#state !== 'running') throw this.#state.failure
      await this.#arrival.promise
    }
  }

  async #pump(answer: UpstreamAnswer): Promise<Buffer> {
    try {
      const chunks = answer.body[Symbol.asyncIterator]()
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
        if (this.#overflows(next.value)) return await this.#handOver(next.value, chunks)
        this.#append(next.value)
      }
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
      if (!(error instanceof HandedOver)) answer.destroy()
      this.#state = { failure: error }
      throw error
    } finally {
      this.#shared.give(this.#taken)
      this.#arrival.resolve()
    }
  }

  #overflows(chunk: Uint8Array): boolean {
    if (this.length !== undefined || this.#overflow === undefined) return false
    return this.#filled + chunk.length > Math.min(this.#overflow.above, this.#limits.largestObject)
  }

  /** Never resolves: there will be no body in one piece. Rejects when nobody can join any more. */
  async #handOver(chunk: Uint8Array, chunks: AsyncIterator<Uint8Array>): Promise<never> {
    const { go, canBeJoined } = this.#overflow ?? never()
    const { fill, done } = go(this.#room.subarray(0, this.#filled), rest(chunk, chunks))
    this.#successor = fill
    const woken = this.#arrival
    this.#arrival = deferred()
    woken.resolve()
    this.#shared.give(this.#taken)
    this.#taken = 0
    if (canBeJoined) await done
    throw new HandedOver()
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

/** Whoever wants it whole hears that it is too large for that. */
class HandedOver extends SluiceError {
  constructor() {
    super('too-large', 'the answer is too large to be kept in one piece', { side: 'upstream' })
  }
}

async function* rest(first: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
}

function never(): never {
  throw new Error('a fill without an overflow does not overflow')
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
