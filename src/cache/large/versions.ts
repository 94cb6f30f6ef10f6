import type { Bytes, Clock, DistributionId, Instant, Milliseconds } from '../../core/index.ts'
import type { CacheKey } from '../../http/index.ts'
import type { StoredObject } from '../contract.ts'
import type { Asked } from './generation-options.ts'
import { Generation, MOST_AHEAD } from './generation.ts'
import { sliceKey } from './slices.ts'
import type { Resting } from './underway.ts'

export interface VersionsOptions {
  /** Where descriptions and slices are kept; what is there may be gone at any time. */
  store: {
    get(key: CacheKey): StoredObject | undefined | Promise<StoredObject | undefined>
    set(object: StoredObject): void
    delete(key: CacheKey): void
  }
  clock: Clock
  size: Bytes
  /** Longer objects are not served. */
  limit: Bytes
  /** What all transfers may hold of what they have run ahead. */
  room: Bytes
  /** What is asked for now counts as asked for then. */
  asking: (of: Place) => Asked
  /** Whether nothing has undone what was asked for then. */
  isUsable: (asked: Asked & Place) => boolean
  /** So long does a transfer wait for its first reader. */
  patience?: Milliseconds
}

interface Place {
  distributionId: DistributionId
  path: string
}

/** One version of a large object. */
export interface Version {
  /** Names its slices. */
  name: string
  validator: string | undefined
  length: Bytes | undefined
  /** Somebody is on his way to where the first transfer begins. */
  isAwaited?: () => boolean
}

/** What a large object is known by, and whose it is. */
export type Kept = Omit<StoredObject, 'body' | 'large'>

const PATIENCE: Milliseconds = 2_000
/** Of a slice; it is fresh for as long as its description is, and asked for no longer. */
const SLICE_LIFETIME: Milliseconds = 30 * 86_400_000
const EMPTY = Buffer.alloc(0)
/** Transfers at once, however small the memory is. */
const LEAST_TRANSFERS = 16

/** The versions of large objects that are being read or fetched, and what they share: memory and store. */
export class Versions {
  readonly #options: VersionsOptions
  readonly #generations = new Map<string, Generation>()

  constructor(options: VersionsOptions) {
    this.#options = options
  }

  get transfers(): number {
    let count = 0
    for (const generation of this.#generations.values()) count += generation.transfers
    return count
  }

  /**
   * Whether there is memory for another transfer: each holds the slice that its reader is at and the one before. Those
   * that rest make way, the longest resting first; their readers ask for the rest when they come to it.
   */
  makeRoom(): 'made' | 'crowded' {
    const { room, size } = this.#options
    const most = Math.max(LEAST_TRANSFERS, Math.floor(room / size / 2))
    while (this.transfers >= most) {
      const longest = this.#longestResting()
      if (longest === undefined) return 'crowded'
      longest.end()
    }
    return 'made'
  }

  #longestResting(): Resting | undefined {
    let longest: Resting | undefined
    for (const generation of this.#generations.values()) {
      const resting = generation.resting()
      if (resting !== undefined && resting.since < (longest?.since ?? Infinity)) longest = resting
    }
    return longest
  }

  /** The one that is there, as long as somebody reads or fetches it, or another. */
  of(kept: Kept, version: Version): Generation {
    const id = `${kept.key} ${version.name}`
    const present = this.#generations.get(id)
    if (present) return present
    const generation = this.#make(kept, version, id)
    this.#generations.set(id, generation)
    return generation
  }

  #make(kept: Kept, version: Version, id: string): Generation {
    const { limit, store, clock, asking, patience = PATIENCE } = this.#options
    const { distributionId, path } = kept
    const { size } = this.#options
    const keyOf = (index: number): CacheKey => sliceKey(kept.key, version.name, size, index)
    const isUsable = (each: Asked): boolean => this.#options.isUsable({ ...each, distributionId, path })
    const usable = (found: StoredObject | undefined): StoredObject | undefined =>
      found && isUsable(asked(found)) ? found : undefined
    let stays = version.length !== undefined
    let most = -1
    const forget = (): void => {
      const last = generation.lastIndex === Infinity ? most : generation.lastIndex
      for (let index = 0; index <= last; index++) store.delete(keyOf(index))
    }
    const forgetAll = (): void => {
      stays = false
      this.#forgetDescription(kept.key, version.name)
      forget()
    }
    const generation = new Generation({
      ...{ size, limit, isUsable, patience, validator: version.validator, length: version.length },
      ...(version.isAwaited && { isAwaited: version.isAwaited }),
      load: index => {
        const found = store.get(keyOf(index))
        return found instanceof Promise ? found.then(usable) : usable(found)
      },
      ahead: () => this.#ahead(),
      isCrowded: () => this.makeRoom() === 'crowded',
      now: () => asking({ distributionId, path }),
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
      unshared: forgetAll,
      changed: error => {
        this.#generations.delete(id)
        forgetAll()
        generation.end(error)
      },
    })
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
    for (const generation of this.#generations.values()) held += generation.holds * generation.size
    const least = held < room ? 1 : 0
    return Math.max(least, Math.min(MOST_AHEAD, Math.floor(room / size / Math.max(1, this.transfers)) - 1))
  }
}

/** When what is stored was asked for. */
export function asked({
  sequence,
  askedAt,
  bornAt,
}: Pick<StoredObject, 'sequence' | 'askedAt' | 'bornAt'>): Asked {
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
