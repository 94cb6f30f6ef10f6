import { SluiceError, type Bytes, type Instant } from '../core/index.ts'
import type { FlatHeaders, Validators } from '../http/index.ts'
import type { Filling, UpstreamAnswer } from './contract.ts'
import { contentLength, validatorsOf } from './declared.ts'
import type { Place } from './fill-room.ts'
import { Signal } from './signal.ts'

/** A body starts with room for this many bytes, less where it is shorter, and is given more as it grows. */
const FIRST_ROOM = 64 * 1024
/** How many times as much: where nobody knows how long it is, less of it may turn out to be of no use. */
const GROWTH = { known: 4, unknown: 2 }

/** Who goes on with a body that there is no room for in one piece. */
export interface Overflow {
  /** One of unknown length from this size on; what may not be kept whole, or finds no memory, is so in any case. */
  above: Bytes
  /**
   * Goes on behind what has come; only from where that ends is its fill read, or from the start if it can be joined.
   * While `isAwaited`, somebody still reads what has come.
   */
  go: (had: Uint8Array, rest: AsyncIterable<Uint8Array>, isAwaited: () => boolean) => Overflowing
}

export interface Overflowing {
  fill: Filling
  /** Whether who comes later can be given what has passed. */
  canBeJoined: boolean
  /** Resolves when nothing more comes. */
  done: Promise<void>
}

export interface FillLimits {
  /** Nothing larger is stored in one piece. */
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
  readonly #place: Place
  readonly #overflow: Overflow
  /** Reads on where this has been too small. */
  #successor: Filling | undefined
  #room: Buffer = Buffer.alloc(0)
  #filled = 0
  #state: 'running' | 'complete' | { failure: unknown } = 'running'
  readonly #news = new Signal()
  /** Those who read what is here, and not yet what the successor has. */
  #readers = 0
  /** What was here is read by nobody any more. */
  #isGone = false

  /** It takes of its place what it needs, and leaves it when it ends. */
  constructor(answer: UpstreamAnswer, bornAt: Instant, limits: FillLimits, place: Place, overflow: Overflow) {
    this.#overflow = overflow
    this.status = answer.status
    this.headers = answer.headers
    this.validators = validatorsOf(answer.headers)
    this.length = contentLength(answer.headers)
    this.bornAt = bornAt
    this.#limits = limits
    this.#place = place
    this.done = this.#pump(answer)
    // Readers see the failure too; the cache may not be waiting yet when it happens.
    this.done.catch(() => {})
  }

  async *read(first: number, last = Infinity): AsyncGenerator<Uint8Array> {
    let at = first
    this.#readers++
    try {
      while (at <= last) {
        if (at < this.#filled && !this.#isGone) {
          const end = Math.min(this.#filled, last + 1)
          const bytes = this.#room.subarray(at, end)
          at = end
          yield bytes
          continue
        }
        if (this.#successor) break
        if (this.#state === 'complete') return
        if (this.#state !== 'running') throw this.#state.failure
        await this.#news.next()
      }
    } finally {
      this.#readers--
      if (this.#successor && this.#readers === 0) this.#letGo()
    }
    if (this.#successor && at <= last) yield* this.#successor.read(at, last)
  }

  async #pump(answer: UpstreamAnswer): Promise<Buffer> {
    try {
      const chunks = answer.body[Symbol.asyncIterator]()
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
        if (!this.#hasRoom(next.value)) return await this.#handOver(next.value, chunks)
        this.#append(next.value)
      }
      if (this.length !== undefined && this.#filled !== this.length) {
        throw new SluiceError('upstream-short', `the origin sent ${this.#filled} of ${this.length} bytes`, {
          side: 'upstream',
        })
      }
      // What is kept owns exactly its bytes.
      if (this.#filled < this.#room.length) {
        const own = Buffer.allocUnsafeSlow(this.#filled)
        this.#room.copy(own, 0, 0, this.#filled)
        this.#room = own
      }
      this.#state = 'complete'
      return this.#room
    } catch (error) {
      if (!(error instanceof HandedOver)) answer.destroy()
      this.#state = { failure: error }
      throw error
    } finally {
      if (!this.#successor) this.#place.leave()
      this.#news.fire()
    }
  }

  /** Makes room for what has come; false where it cannot go on in one piece. Throws when it is more than was announced. */
  #hasRoom(chunk: Uint8Array): boolean {
    const needed = this.#filled + chunk.length
    if (needed > (this.length ?? Infinity)) throw tooLong(this.length)
    if (needed <= this.#room.length) return true
    const size = this.#roomFor(needed)
    if (size === undefined || this.#place.grow(size) === 'full') return false
    // Readers that hold slices of the old room go on reading it; it is let go with the last of them.
    // allocUnsafeSlow: a slice of Node's shared slab would keep 8 KiB of strangers alive in the cache.
    const larger = Buffer.allocUnsafeSlow(size)
    this.#room.copy(larger, 0, 0, this.#filled)
    this.#room = larger
    return true
  }

  /** Undefined for what is not to be in one piece. */
  #roomFor(needed: Bytes): Bytes | undefined {
    const { length } = this
    const { largestObject } = this.#limits
    const most = length ?? Math.min(this.#overflow.above, largestObject)
    if (needed > most || most > largestObject) return undefined
    // What would not fit if it all came at once is not begun; who is in the middle of it may still be lucky.
    if (this.#room.length === 0 && length !== undefined && !this.#place.mayGrow(length)) return undefined
    const step = this.#room.length * (length === undefined ? GROWTH.unknown : GROWTH.known)
    return Math.min(most, Math.max(needed, FIRST_ROOM, step))
  }

  /** Never resolves: there will be no body in one piece. Rejects when nobody can join any more. */
  async #handOver(chunk: Uint8Array, chunks: AsyncIterator<Uint8Array>): Promise<never> {
    const had = this.#room.subarray(0, this.#filled)
    const { fill, canBeJoined, done } = this.#overflow.go(had, rest(chunk, chunks), () => this.#readers > 0)
    this.#successor = fill
    this.#news.fire()
    void done.then(() => this.#letGo())
    if (canBeJoined) await done
    throw new HandedOver()
  }

  /** Of what was handed over: no more memory is taken for it than the successor takes. */
  #letGo(): void {
    if (this.#readers > 0 || this.#isGone) return
    this.#isGone = true
    this.#room = Buffer.alloc(0)
    this.#place.leave()
  }

  #append(chunk: Uint8Array): void {
    this.#room.set(chunk, this.#filled)
    this.#filled += chunk.length
    this.#news.fire()
  }
}

function tooLong(announced: Bytes | undefined): SluiceError {
  return new SluiceError(
    'upstream-long',
    `the origin sent more than the ${announced} bytes that it announced`,
    { side: 'upstream' },
  )
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
