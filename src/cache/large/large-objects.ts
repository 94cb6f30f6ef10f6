import { randomBytes } from 'node:crypto'
import {
  codeOf,
  type Bytes,
  type Clock,
  type DistributionId,
  type Instant,
  type Milliseconds,
} from '../../core/index.ts'
import {
  askedRanges,
  fieldValue,
  type ByteRange,
  type CacheKey,
  type ForwardReason,
} from '../../http/index.ts'
import type { CacheRequest, Filling, Found, StoredObject, UpstreamAnswer } from '../contract.ts'
import type { Overflow } from '../fill.ts'
import type { Asked } from './generation-options.ts'
import { Generation, MOST_AHEAD } from './generation.ts'
import { largeFilling } from './large-filling.ts'
import { servesRanges, validatorOf, validatorOfStored } from './partial.ts'
import { tooLarge } from './refusals.ts'
import { bytesOf, generationOf, sliceKey } from './slices.ts'

export interface LargeObjectsOptions {
  /** Where descriptions and slices are kept; what is there may be gone at any time. */
  store: {
    get(key: CacheKey): StoredObject | undefined | Promise<StoredObject | undefined>
    set(object: StoredObject): void
    delete(key: CacheKey): void
  }
  clock: Clock
  size: Bytes
  /** What is longer and can be sliced is. */
  above: Bytes
  /** Longer objects are not served. */
  limit: Bytes
  /** What all transfers may hold of what they have run ahead. */
  room: Bytes
  /** The newest invalidation that is applied. */
  applied: () => number
  /** Whether nothing has undone what was asked for then. */
  isUsable: (asked: Asked & { distributionId: DistributionId; path: string }) => boolean
  /** So long does a transfer wait for its first reader. */
  patience?: Milliseconds
}

const PATIENCE: Milliseconds = 2_000
/** Of a slice; it is fresh for as long as its description is, and asked for no longer. */
const SLICE_LIFETIME: Milliseconds = 30 * 86_400_000
const EMPTY = Buffer.alloc(0)

/** Transfers at once, however small the memory is. */
const LEAST_TRANSFERS = 16

/** What a large object is known by, and whose it is. */
export type Kept = Omit<StoredObject, 'body' | 'large'>

/** Large objects: descriptions under their keys, bytes in slices, and the transfers that bring those (SEAMS 26). */
export class LargeObjects {
  readonly #options: LargeObjectsOptions
  /** Those that are being read or fetched. */
  readonly #generations = new Map<string, Generation>()

  constructor(options: LargeObjectsOptions) {
    this.#options = options
  }

  /** Longest object that is kept in one body where it could be sliced. */
  get above(): Bytes {
    return this.#options.above
  }

  get transfers(): number {
    let count = 0
    for (const generation of this.#generations.values()) count += generation.transfers
    return count
  }

  /**
   * Whether so many transfers are under way that another one would take more memory than there is for them: each holds
   * the slice that its reader is at and the one before.
   */
  get isCrowded(): boolean {
    const { room, size } = this.#options
    return this.transfers >= Math.max(LEAST_TRANSFERS, Math.floor(room / size / 2))
  }

  /** The part to ask for when nothing is known of an object and only a range of it is wanted: its first slice. */
  firstPart({ method = 'GET', range }: Pick<CacheRequest, 'method' | 'range'>): ByteRange | undefined {
    const [first] = method === 'GET' ? (askedRanges(range) ?? []) : []
    if (first === undefined) return undefined
    const { size } = this.#options
    // From the end nobody can count who does not know where that is.
    const index = 'suffix' in first ? 0 : Math.floor(first.first / size)
    return Number.isSafeInteger((index + 1) * size) ? bytesOf(index, index, size, undefined) : undefined
  }

  /** Throws where an answer says that it is longer than any object may be. */
  admit({ headers, destroy }: Pick<UpstreamAnswer, 'headers' | 'destroy'>): void {
    if ((contentLength(headers) ?? 0) <= this.#options.limit) return
    destroy()
    throw tooLarge(this.#options.limit)
  }

  /** Whether this whole answer is to be sliced. */
  takes(answer: Pick<UpstreamAnswer, 'status' | 'headers' | 'respondedAt'>): boolean {
    if (answer.status !== 200 || (contentLength(answer.headers) ?? 0) <= this.#options.above) return false
    return servesRanges(answer.headers) && validatorOf(answer) !== undefined
  }

  /** Begins to keep an object with an answer that has all of it, or the slices of `part`; its headers are a 200's. */
  begin(
    request: CacheRequest,
    kept: Kept,
    answer: UpstreamAnswer,
    more: { part?: ByteRange; wanted?: ByteRange; reason: ForwardReason; again: Again },
  ): Found {
    const length = contentLength(answer.headers) ?? 0
    const validator = validatorOf(answer) ?? ''
    const description: StoredObject = {
      ...{ ...kept, body: EMPTY },
      large: { length, generation: generationOf(validator, length) },
    }
    this.#options.store.set(description)
    const generation = this.#of(description, { name: generationOf(validator, length), validator, length })
    const { size } = this.#options
    const index = (byte: Bytes): number => Math.floor(byte / size)
    const slices = more.part
      ? { first: index(more.part.first), last: index(more.part.last) }
      : { first: 0, last: generation.lastIndex, goal: index(Math.min(more.wanted?.first ?? 0, length - 1)) }
    generation.adopt(answer, slices, asked(kept))
    return this.#found(request, description, generation, { ...more, joined: false })
  }

  /** What was found in store, with a body that can be read. */
  open(
    request: CacheRequest,
    stored: StoredObject,
    more: { source: 'hit' | 'refreshed' | 'stale'; again: Again },
  ): Found {
    const { length, generation: name } = stored.large ?? { length: 0, generation: '' }
    const validator = validatorOfStored(stored)
    return this.#found(request, stored, this.#of(stored, { name, validator, length }), {
      ...{ ...more, reason: 'partial', joined: false },
    })
  }

  /**
   * Goes on with a body of unknown length that has become too large to be kept in one: slices where something ties
   * them together, and otherwise what those who read along still need.
   */
  overflow(request: CacheRequest, kept: Kept, answer: UpstreamAnswer): Overflow {
    const loose = fieldValue(answer.headers, 'accept-ranges')?.toLowerCase() === 'none'
    const validator = loose ? undefined : validatorOf(answer)
    return {
      // Without a validator there is no use in slices before there is no room for it in one piece.
      above: validator === undefined ? Infinity : this.#options.above,
      canBeJoined: validator !== undefined,
      go: (had, rest) => {
        // Under a name of its own: nobody knows yet whether it ends as the version that it began as.
        const name = randomBytes(16).toString('base64url')
        const generation = this.#of(kept, { name, validator, length: undefined })
        const { size } = this.#options
        // What has come is read where it is; slices are made of it only where somebody else may want them.
        const goal = Math.floor(had.length / size)
        const first = validator === undefined ? goal : 0
        const body = joined(had.subarray(first * size), rest)
        const slices = { first, goal, last: Infinity }
        const transfer = generation.adopt({ body, destroy: () => answer.destroy() }, slices, asked(kept))
        return {
          fill: largeFilling(generation, { ...kept, length: undefined }, request.ask),
          done: transfer.done,
        }
      },
    }
  }

  #found(
    request: CacheRequest,
    description: StoredObject,
    generation: Generation,
    more: Omit<Found & { kind: 'filling' }, 'kind' | 'fill' | 'whole'> & { again: Again },
  ): Found {
    const { again, joined, reason, source } = more
    const length = description.large?.length
    const fill: Filling = {
      ...largeFilling(generation, { ...description, length }, request.ask),
      reach: async (first, last) => {
        try {
          return { kind: await generation.reach(request.ask, first, last) }
        } catch (error) {
          if (codeOf(error) !== 'upstream-changed') throw error
          return { kind: 'changed', found: await again(request) }
        }
      },
    }
    const whole = Promise.reject<StoredObject>(tooLarge(this.#options.above))
    whole.catch(() => {}) // hardly anybody asks for it
    return { kind: 'filling', fill, joined, reason, whole, ...(source && { source }) }
  }

  #of(
    kept: Kept,
    version: { name: string; validator: string | undefined; length: Bytes | undefined },
  ): Generation {
    const id = `${kept.key} ${version.name}`
    const present = this.#generations.get(id)
    if (present) return present
    const { size, limit, store, clock, applied } = this.#options
    const { distributionId, path } = kept
    const keyOf = (index: number): CacheKey => sliceKey(kept.key, version.name, size, index)
    const isUsable = (each: Asked): boolean => this.#options.isUsable({ ...each, distributionId, path })
    const load = (index: number): StoredObject | undefined | Promise<StoredObject | undefined> => {
      const found = store.get(keyOf(index))
      if (found instanceof Promise)
        return found.then(slice => (slice && isUsable(asked(slice)) ? slice : undefined))
      return found && isUsable(asked(found)) ? found : undefined
    }
    let stays = version.length !== undefined
    let most = -1
    const forget = (): void => {
      const last = generation.lastIndex === Infinity ? most : generation.lastIndex
      for (let index = 0; index <= last; index++) store.delete(keyOf(index))
    }
    const generation = new Generation({
      ...{ size, limit, load, isUsable, validator: version.validator, length: version.length },
      patience: this.#options.patience ?? PATIENCE,
      ahead: () => this.#ahead(),
      isCrowded: () => this.isCrowded,
      now: () => ({ sequence: applied(), askedAt: clock.now() }),
      keep: (index, body, each) => {
        most = Math.max(most, index)
        store.set(slice({ ...kept, ...each, key: keyOf(index), body }, clock.now()))
        // What is asked for least goes first, and the description is asked for no more while all are reading.
        void store.get(kept.key)
      },
      ended: length => {
        stays = true
        if (version.validator !== undefined && isUsable(asked(kept)))
          store.set({ ...kept, body: EMPTY, large: { length, generation: version.name } })
      },
      idle: () => {
        if (this.#generations.get(id) !== generation) return
        this.#generations.delete(id)
        if (!stays) forget()
      },
      changed: error => {
        this.#generations.delete(id)
        this.#forgetDescription(kept.key, version.name)
        forget()
        generation.end(error)
      },
    })
    this.#generations.set(id, generation)
    return generation
  }

  #forgetDescription(key: CacheKey, name: string): void {
    const { store } = this.#options
    const found = store.get(key)
    const judge = (stored: StoredObject | undefined): void => {
      if (stored?.large?.generation === name) store.delete(key)
    }
    if (found instanceof Promise) void found.then(judge, () => {})
    else judge(found)
  }

  #ahead(): number {
    const { room, size } = this.#options
    let held = 0
    for (const generation of this.#generations.values()) held += generation.holds
    const least = held * size < room ? 1 : 0
    return Math.max(least, Math.min(MOST_AHEAD, Math.floor(room / size / Math.max(1, this.transfers)) - 1))
  }
}

/** Looks up anew. */
export type Again = (request: CacheRequest) => Found | Promise<Found>

async function* joined(had: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (had.length > 0) yield had
  yield* rest
}

function asked({ sequence, askedAt, bornAt }: Pick<StoredObject, 'sequence' | 'askedAt' | 'bornAt'>): Asked {
  return { sequence, askedAt: askedAt ?? bornAt }
}

function slice(kept: Kept & { body: Buffer }, now: Instant): StoredObject {
  const { key, distributionId, path, sequence, askedAt, bornAt, validators, body } = kept
  return {
    ...{ key, distributionId, path, sequence, bornAt, validators, body },
    ...(askedAt !== undefined && { askedAt }),
    ...{ status: 206, headers: [], staleOnError: false, slice: true as const }, // no other value is
    freshUntil: (now + SLICE_LIFETIME) as Instant, // an instant, moved
  }
}

function contentLength(headers: UpstreamAnswer['headers']): number | undefined {
  const text = fieldValue(headers, 'content-length')
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
