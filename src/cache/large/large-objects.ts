import { randomBytes } from 'node:crypto'
import { codeOf, type Bytes } from '../../core/index.ts'
import {
  askedRanges,
  fieldValue,
  type ByteRange,
  type CacheKey,
  type ForwardReason,
} from '../../http/index.ts'
import type { CacheRequest, Found, Piece, StoredObject, UpstreamAnswer } from '../contract.ts'
import { contentLength } from '../declared.ts'
import type { Overflow, Overflowing } from '../fill.ts'
import type { Generation } from './generation.ts'
import { largeFilling } from './large-filling.ts'
import { servesRanges, validatorOf, validatorOfStored, type KnownVersion } from './partial.ts'
import { readPast } from './past-slices.ts'
import { tooLarge } from './refusals.ts'
import { SharedPass, type SharedPassOptions } from './shared-pass.ts'
import { bytesOf, generationOf, sliceKey } from './slices.ts'
import { asked, Versions, type Kept, type Version, type VersionsOptions } from './versions.ts'

export interface LargeObjectsOptions extends VersionsOptions {
  /** What is longer and can be sliced is. */
  above: Bytes
}

const EMPTY = Buffer.alloc(0)

/** Large objects: descriptions under their keys, bytes in slices, and the transfers that bring those (SEAMS 26). */
export class LargeObjects {
  readonly #options: LargeObjectsOptions
  readonly #versions: Versions
  /** What all are told who want one whole: an error for each of them costs more than all the rest of a hit. */
  readonly #whole: Promise<StoredObject>

  constructor(options: LargeObjectsOptions) {
    this.#options = options
    this.#versions = new Versions(options)
    this.#whole = Promise.reject(tooLarge(options.above))
    this.#whole.catch(() => {}) // who asks hears it
  }

  /** Longest object that is kept in one body where it could be sliced. */
  get above(): Bytes {
    return this.#options.above
  }

  get transfers(): number {
    return this.#versions.transfers
  }

  /** Whether there is memory for another transfer, by now if not before. */
  makeRoom(): 'made' | 'crowded' {
    return this.#versions.makeRoom()
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
  takes(answer: Pick<UpstreamAnswer, 'status' | 'headers' | 'requestedAt' | 'respondedAt'>): boolean {
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
    const name = generationOf(validator, length)
    const description: StoredObject = { ...kept, body: EMPTY, large: { length, generation: name } }
    this.#options.store.set(description)
    const reading = this.#reading(description, () => ({ name, validator, length }))
    const { size } = this.#options
    const index = (byte: Bytes): number => Math.floor(byte / size)
    const slices = more.part
      ? { first: index(more.part.first), last: index(more.part.last) }
      : { first: 0, last: index(length - 1), goal: index(Math.min(more.wanted?.first ?? 0, length - 1)) }
    reading().adopt(answer, slices, asked(kept))
    return this.#found(request, description, reading, more)
  }

  /** What was found in store, with a body that can be read: nothing is done for that before somebody reads. */
  open(
    request: CacheRequest,
    stored: StoredObject,
    more: { source: 'hit' | 'refreshed' | 'stale'; again: Again },
  ): Found {
    const { length, generation: name } = stored.large ?? { length: 0, generation: '' }
    const version = (): Version => ({ name, validator: validatorOfStored(stored), length })
    const reading = this.#reading(stored, version)
    return this.#found(request, stored, reading, { ...more, reason: 'partial' })
  }

  /**
   * Goes on with a body that there is no room for in one piece: one of unknown length in slices where something ties them
   * together, or with what those who read along still need; and where there is no memory, past all who read it.
   */
  overflow(request: CacheRequest, kept: Kept, answer: UpstreamAnswer): Overflow {
    const loose = fieldValue(answer.headers, 'accept-ranges')?.toLowerCase() === 'none'
    const validator = loose ? undefined : validatorOf(answer)
    return {
      // Without a validator there is no use in slices before there is no room for it in one piece.
      above: validator === undefined ? Infinity : this.#options.above,
      go: (had, rest, isAwaited) => {
        const length = contentLength(answer.headers)
        const destroy = (): void => answer.destroy()
        if (length !== undefined || this.makeRoom() === 'crowded') {
          const known = validator === undefined || length === undefined ? undefined : { validator, length }
          const body = { rest, destroy, first: had.length, length, isAwaited }
          return this.#passOn(request, kept, body, known)
        }
        // Under a name of its own: nobody knows yet whether it ends as the version that it began as.
        const name = randomBytes(16).toString('base64url')
        const generation = this.#versions.of(kept, { name, validator, length, isAwaited })
        const canBeJoined = validator !== undefined
        // What has come is read where it is; slices are made of it only where somebody else may want them.
        const goal = Math.floor(had.length / generation.size)
        const first = canBeJoined ? 0 : goal
        const body = joined(had.subarray(first * generation.size), rest)
        const slices = { first, goal, last: Infinity }
        const transfer = generation.adopt({ body, destroy }, slices, asked(kept))
        const fill = largeFilling(() => generation, kept, request)
        return { fill, canBeJoined, done: transfer.done }
      },
    }
  }

  /** Who falls behind asks for the rest himself, where what he gets is known to be the same. */
  #passOn(
    request: CacheRequest,
    { status, headers, validators, bornAt }: Kept,
    body: { rest: AsyncIterable<Uint8Array>; destroy: () => void; first: Bytes } & Pick<
      SharedPassOptions,
      'length' | 'isAwaited'
    >,
    known: KnownVersion | undefined,
  ): Overflowing {
    const { rest, destroy, first, length, isAwaited } = body
    const nothing = (): void => {}
    const again = (from: Bytes, last: Bytes): AsyncIterable<Uint8Array> =>
      readPast(request.ask, { first: from, last }, known ?? { validator: '', length }, {
        length: nothing,
        changed: nothing,
      })
    const { patience, limit } = this.#options
    const more = { ...{ first, length, limit, isAwaited, patience }, again: known && again }
    const pass = new SharedPass(rest, destroy, more)
    const fill = { status, headers, validators, length, bornAt }
    return {
      fill: { ...fill, read: (from, last = Infinity) => pass.read(from, last) },
      canBeJoined: false,
      done: pass.done,
    }
  }

  /** Looked up each time that somebody reads, since what nobody reads is let go of. */
  #reading(kept: Kept, version: () => Version): () => Generation {
    let last: Generation | undefined
    return () => {
      // Who has heard that it is not to be shared asks no second time.
      if (last?.isUnshared !== true) last = this.#versions.of(kept, version())
      return last
    }
  }

  #found(
    request: CacheRequest,
    description: StoredObject,
    reading: () => Generation,
    more: { reason: ForwardReason; source?: 'hit' | 'refreshed' | 'stale'; again: Again },
  ): Found {
    const { again, reason, source } = more
    const fill = largeFilling(reading, description, request)
    if (description.large) fill.pieceAt = pieces(description.key, description.large, this.#options.size)
    fill.reach = async (first, last) => {
      try {
        return { kind: await reading().reach(request, first, last) }
      } catch (error) {
        if (codeOf(error) !== 'upstream-changed') throw error
        return { kind: 'changed', found: await again(request) }
      }
    }
    const { freshUntil } = description
    const whole = this.#whole
    return source === undefined
      ? { kind: 'filling', fill, joined: false, reason, whole }
      : { kind: 'filling', fill, joined: false, reason, whole, source, freshUntil }
  }
}

/** Looks up anew. */
export type Again = (request: CacheRequest) => Found | Promise<Found>

async function* joined(had: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (had.length > 0) yield had
  yield* rest
}

function pieces(
  key: CacheKey,
  { generation, length }: NonNullable<StoredObject['large']>,
  size: Bytes,
): (byte: Bytes) => Piece {
  return byte => {
    const index = Math.floor(byte / size)
    const { first, last } = bytesOf(index, index, size, length)
    return { key: sliceKey(key, generation, size, index), first, length: last - first + 1 }
  }
}
