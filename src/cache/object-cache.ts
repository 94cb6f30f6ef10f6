import {
  instant,
  Lru,
  type Bytes,
  type Clock,
  type DistributionId,
  type Instant,
  type Milliseconds,
} from '../core/index.ts'
import type { CacheKey } from '../http/index.ts'
import type { Asking, Landing } from './asking.ts'
import type { CacheRequest, CacheTier, Found, StoredObject } from './contract.ts'
import { Fetcher } from './fetcher.ts'
import { FillRoom } from './fill-room.ts'
import { Forgotten } from './forgotten.ts'
import { Herds } from './herds.ts'
import { LargeObjects, sliceSizes } from './large/index.ts'
import { MemoryTier, type MemoryTierOptions } from './memory-tier.ts'
import type { Glance } from './packed/index.ts'
import { mayStandIn } from './stand-in.ts'
import { Store } from './store.ts'
import { bears, refused, UnsharedKeys } from './unshared.ts'
import { variantKey } from './variants.ts'

/** For so long a stale object is served without asking an upstream that has just failed. */
const REMEMBER_TROUBLE_MS = 1_000
const MOST_TROUBLED = 10_000
/** A key whose answers vary by other fields each time is asked for alone in the end. */
const MOST_TURNS = 2

export interface ObjectCacheOptions {
  maxBytes: Bytes
  /** Larger objects are kept in slices where that can be done, and pass through unstored otherwise. */
  largestObject: Bytes
  /** Bytes of a slice, and of the longest object that is served at all. */
  slices?: { size?: Bytes; limit?: Bytes }
  clock: Clock
  /** The number of the newest invalidation of a path, and the newest that this node has applied (SEAMS 24). */
  invalidations: { newest(distribution: DistributionId, path: string): number; applied(): number }
  /** Behind the memory. */
  disk?: CacheTier
  /** How plain answers of small objects begin; without it none is packed. */
  render?: MemoryTierOptions['render']
  /** So long is a body that is not kept held for its readers; changed by tests only. */
  patience?: Milliseconds
}

/** A fetch under way that others wait for. */
interface Flight {
  sequence: number
  askedAt: Instant
  landing: Promise<Landing>
  /** Whoever comes later asks anew; undefined: for as long as it takes. */
  joinUntil: Instant | undefined
}

/** One node's cache: looks up, fetches what is missing once however many ask, revalidates what is stale. */
export class ObjectCache {
  readonly #options: ObjectCacheOptions
  readonly #store: Store
  readonly #flights = new Map<CacheKey, Flight>()
  readonly #unshared = new UnsharedKeys()
  readonly #herds = new Herds()
  readonly #troubled: Lru<CacheKey, true>
  readonly #forgotten = new Forgotten()
  readonly #large: LargeObjects
  readonly #fetcher: Fetcher

  constructor(options: ObjectCacheOptions) {
    this.#options = options
    for (const path of options.disk?.forgotten ?? []) this.#forgotten.restore(path)
    const memory = new MemoryTier(options)
    this.#store = new Store({ memory, ...(options.disk && { disk: options.disk }) })
    // As much again as half of what is stored, so that a burst of cold keys does not take a multiple of it.
    const room = new FillRoom({
      bytes: Math.max(options.largestObject, Math.floor(options.maxBytes / 2)),
      largest: options.largestObject,
    })
    this.#troubled = new Lru({ max: MOST_TROUBLED, ttl: REMEMBER_TROUBLE_MS })
    this.#large = new LargeObjects({
      ...{ ...options, store: this.#store, asking: of => this.#askedNow(of) },
      ...sliceSizes(options),
      isUsable: asked => this.#isCurrent(asked, asked),
    })
    this.#fetcher = new Fetcher({
      ...{ clock: options.clock, limits: options, store: this.#store, room, large: this.#large },
      ...{ unshared: this.#unshared, troubled: this.#troubled, again: this.#again },
    })
  }

  /** Answers at once for a fresh hit in memory; rejects with a SluiceError of side `upstream` when nothing can be served. */
  lookup(request: CacheRequest): Found | Promise<Found> {
    const found = this.#lookup(request, 1)
    return found instanceof Promise
      ? found.then(value => this.#opened(request, value))
      : this.#opened(request, found)
  }

  /**
   * A fresh hit in memory, if it is packed: what a plain answer needs, until the next call. Whoever wants more than that
   * looks it up.
   */
  glance(of: Pick<CacheRequest, 'key' | 'distributionId' | 'path'>, now: Instant): Glance | undefined {
    const glance = this.#store.glance(of.key)
    if (glance === undefined || glance.bornAt > now || now >= glance.freshUntil) return undefined
    return this.#isCurrent(of, glance) ? glance : undefined
  }

  #opened(request: CacheRequest, found: Found): Found {
    if (!('object' in found) || found.object.large === undefined) return found
    const opened = this.#large.open(request, found.object, { source: found.kind, again: this.#again })
    if (opened.kind !== 'filling') return opened
    const { sequence } = found.object
    return found.kind === 'refreshed'
      ? { ...opened, sequence, joinUntil: found.joinUntil }
      : { ...opened, sequence }
  }

  readonly #again = (request: CacheRequest): Found | Promise<Found> => this.lookup(request)

  /** Whether this is being fetched. */
  fetches(key: CacheKey): boolean {
    return this.#flights.has(key)
  }

  /**
   * All that was asked for up to now under this path, with whatever query and in whatever variant, is used no more from
   * this moment: something has changed what it is of (RFC 9111 §4.4). Resolves when that would outlive this process too.
   */
  async forget({
    distributionId,
    path,
    keys = [],
  }: {
    distributionId: DistributionId
    path: string
    keys?: readonly CacheKey[]
  }): Promise<void> {
    const added = this.#forgotten.add(distributionId, path, this.#options.clock.now())
    for (const key of keys) this.#store.delete(key)
    await this.#options.disk?.keepForgotten?.(added, () => this.#forgotten.all())
  }

  /** What was asked for up to this instant is not used under this path; 0 where nothing was forgotten. */
  forgottenUntil({ distributionId, path }: Pick<CacheRequest, 'distributionId' | 'path'>): Instant {
    return this.#forgotten.until(distributionId, path)
  }

  /** Whether these very bytes are stored in memory under the key. */
  holds(key: CacheKey, body: Uint8Array): boolean {
    return this.#store.holds(key, body)
  }

  get objects(): number {
    return this.#store.objects
  }

  get bytes(): Bytes {
    return this.#store.bytes
  }

  get fills(): number {
    return new Set(this.#flights.values()).size + this.#large.transfers
  }

  #lookup(request: CacheRequest, turn: number): Found | Promise<Found> {
    const stored = this.#store.get(request.key)
    return stored instanceof Promise
      ? stored.then(object => this.#select(request, object, turn))
      : this.#select(request, stored, turn)
  }

  /** What stands under the key, or the variant of it that this request selects (RFC 9111 §4.1). */
  #select(request: CacheRequest, primary: StoredObject | undefined, turn: number): Found | Promise<Found> {
    const usable = this.#usable(request, primary)
    if (usable?.varies === undefined) return this.#answer(request, request.key, usable, turn)
    const key = variantKey(usable.varies, request)
    const variant = this.#store.get(key)
    return variant instanceof Promise
      ? variant.then(object => this.#answer(request, key, this.#usable(request, object), turn))
      : this.#answer(request, key, this.#usable(request, variant), turn)
  }

  #answer(
    request: CacheRequest,
    key: CacheKey,
    stored: StoredObject | undefined,
    turn: number,
  ): Found | Promise<Found> {
    const now = this.#options.clock.now()
    if (stored !== undefined) {
      // Born later than now: the clock was set back, and nobody knows how old it is.
      const datable = stored.bornAt <= now
      if (datable && now < stored.freshUntil) return { kind: 'hit', object: stored }
      const refreshing = datable && now < (stored.refreshUntil ?? stored.freshUntil)
      if ((refreshing || mayStandIn(stored, now)) && this.#troubled.has(key))
        return { kind: 'stale', object: stored, why: 'upstream-failed' }
      if (refreshing) {
        this.#refreshBehind(this.#asking(request, key, stored))
        return { kind: 'stale', object: stored, why: 'revalidating' }
      }
    }
    const flight = this.#joinable(key)
    if (flight && this.#isCurrent(request, flight)) return this.#join(flight, request, key, turn)
    const asking = this.#asking(request, key, stored)
    if (turn > MOST_TURNS || this.#unshared.knows(key, request)) return this.#fetchApart(asking)
    const guessed = stored === undefined && this.#unshared.guesses(request)
    return (guessed && this.#herds.run(key, () => this.#fetchApart(asking))) || this.#lead(asking)
  }

  #joinable(key: CacheKey): Flight | undefined {
    const flight = this.#flights.get(key)
    const until = flight?.joinUntil
    return until === undefined || this.#options.clock.now() < until ? flight : undefined
  }

  #asking(request: CacheRequest, key: CacheKey, stored: StoredObject | undefined): Asking {
    return {
      ...{ request, key, stored, ...this.#askedNow(request) },
      reason: stored === undefined ? (key === request.key ? 'uri-miss' : 'vary-miss') : 'stale',
      extent: 'as-needed',
    }
  }

  #askedNow({ distributionId, path }: Pick<CacheRequest, 'distributionId' | 'path'>): {
    sequence: number
    askedAt: Instant
  } {
    // A clock that was set back must not make what is asked for now look forgotten.
    const since = this.#forgotten.until(distributionId, path)
    return {
      sequence: this.#options.invalidations.applied(),
      askedAt: instant(Math.max(this.#options.clock.now(), since + 1)),
    }
  }

  #usable(request: CacheRequest, stored: StoredObject | undefined): StoredObject | undefined {
    if (stored === undefined || this.#isCurrent(request, stored)) return stored
    this.#store.delete(stored.key)
    return undefined
  }

  #isCurrent(
    { distributionId, path }: Pick<CacheRequest, 'distributionId' | 'path'>,
    of: { sequence: number; askedAt?: Instant },
  ): boolean {
    const forgotten = this.#forgotten.until(distributionId, path)
    return (
      of.sequence >= this.#options.invalidations.newest(distributionId, path) &&
      (forgotten === 0 || (of.askedAt ?? 0) > forgotten)
    )
  }

  async #join(flight: Flight, request: CacheRequest, key: CacheKey, turn: number): Promise<Found> {
    const { found, shared, varies, key: landed } = await flight.landing
    if (shared.kind === 'refused') {
      if (shared.blame === 'origin' || turn >= MOST_TURNS) throw refused(shared.status)
      return this.#lookup(request, turn + 1)
    }
    if (shared.kind === 'with-nobody') {
      const { trait } = shared
      if (trait !== undefined && !bears(request, trait)) return this.#lookup(request, turn + 1)
      return this.#fetchApart(this.#asking(request, key, this.#peek(request, key)))
    }
    // What varies is for those alone who select the same of it.
    if (varies !== undefined && variantKey(varies, request) !== landed) {
      // What told of the variants is gone, or undone: the next look would find this same flight.
      if (turn >= MOST_TURNS) return this.#fetchApart(this.#asking(request, key, undefined))
      return this.#lookup(request, turn + 1)
    }
    return found.kind === 'filling' ? { ...found, fill: found.shared ?? found.fill, joined: true } : found
  }

  /** What there is of it by now, to be asked about. */
  #peek(request: CacheRequest, key: CacheKey): StoredObject | undefined {
    const stored = this.#store.peek(key)
    return stored?.varies === undefined ? this.#usable(request, stored) : undefined
  }

  async #lead(asking: Asking): Promise<Found> {
    const landing = this.#fetcher.fetch(asking)
    landing.catch(() => {}) // the leader reports it; there may be no one else
    const { sequence, askedAt } = asking
    const flight: Flight = { sequence, askedAt, landing, joinUntil: undefined }
    this.#flights.set(asking.key, flight)
    try {
      const { found, key, shared } = await landing
      if (found.kind === 'filling' && shared.kind === 'with-all')
        this.#keepFlying(flight, [asking.key, key], found)
      else this.#land(flight, [asking.key])
      return found
    } catch (error) {
      this.#land(flight, [asking.key])
      throw error
    }
  }

  /** Nobody waits for it until it turns out to be for all. */
  async #fetchApart(asking: Asking): Promise<Found> {
    const landed = await this.#fetcher.fetch({ ...asking, extent: 'own' })
    const { found, key, shared } = landed
    if (found.kind === 'filling' && shared.kind === 'with-all' && this.#joinable(key) === undefined) {
      const { sequence, askedAt } = asking
      const landing = Promise.resolve(landed)
      this.#keepFlying({ sequence, askedAt, landing, joinUntil: undefined }, [key], found)
    }
    return found
  }

  #keepFlying(flight: Flight, keys: CacheKey[], found: Found & { kind: 'filling' }): void {
    const { whole, joinUntil } = found
    flight.joinUntil = joinUntil
    for (const key of keys) this.#flights.set(key, flight)
    const land = (): void => this.#land(flight, keys)
    void whole.then(land, land)
  }

  #land(flight: Flight, keys: CacheKey[]): void {
    for (const key of keys) if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }

  /** RFC 5861 §3: once, whoever else asks meanwhile. */
  #refreshBehind(asking: Asking): void {
    if (this.#flights.has(asking.key)) return
    this.#lead(asking).then(
      found => {
        if (found.kind === 'passing') found.answer.destroy()
      },
      () => this.#troubled.set(asking.key, true),
    )
  }
}
