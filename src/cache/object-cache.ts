import { Lru, type Bytes, type Clock, type DistributionId } from '../core/index.ts'
import { judgeStorability, withoutFields, type CacheKey, type Storability } from '../http/index.ts'
import type { CacheRequest, Found, StoredObject, UpstreamAnswer } from './contract.ts'
import { contentLength, Fill, validatorsOf } from './fill.ts'
import { MemoryTier } from './memory-tier.ts'

/** For so long a key that turned out not to be shareable is not queued behind another's fetch. */
const REMEMBER_UNSHAREABLE_MS = 60_000
/** For so long a stale object is served without asking an upstream that has just failed. */
const REMEMBER_TROUBLE_MS = 1_000
const MOST_REMEMBERED = 10_000

export interface ObjectCacheOptions {
  maxBytes: Bytes
  /** Larger objects pass through unstored. */
  largestObject: Bytes
  clock: Clock
  /** The number of the newest invalidation of a path, and the newest that this node has applied (SEAMS 24). */
  invalidations: { newest(distribution: DistributionId, path: string): number; applied(): number }
}

/** What a fetch under way turned out to be, for those who wait on it. */
type Flight = { sequence: number; outcome: Promise<Found | { kind: 'unshareable' }> }

/** One node's cache: looks up, fetches what is missing once however many ask, revalidates what is stale. */
export class ObjectCache {
  readonly #options: ObjectCacheOptions
  readonly #memory: MemoryTier
  readonly #flights = new Map<CacheKey, Flight>()
  readonly #unshareable: Lru<CacheKey, true>
  readonly #troubled: Lru<CacheKey, true>

  constructor(options: ObjectCacheOptions) {
    this.#options = options
    this.#memory = new MemoryTier(options)
    this.#unshareable = new Lru({ max: MOST_REMEMBERED, ttl: REMEMBER_UNSHAREABLE_MS })
    this.#troubled = new Lru({ max: MOST_REMEMBERED, ttl: REMEMBER_TROUBLE_MS })
  }

  /** Answers at once for a fresh hit; rejects with a SluiceError of side `upstream` when nothing can be served. */
  lookup(request: CacheRequest): Found | Promise<Found> {
    const stored = this.#usable(request)
    if (stored && this.#options.clock.now() < stored.freshUntil) return { kind: 'hit', object: stored }
    if (stored?.staleOnError && this.#troubled.has(request.key)) return { kind: 'stale', object: stored }
    const flight = this.#flights.get(request.key)
    if (flight && flight.sequence >= this.#newest(request)) return this.#join(flight, request)
    if (this.#unshareable.has(request.key)) return this.#fetchAlone(request)
    return this.#lead(request, stored)
  }

  get objects(): number {
    return this.#memory.count
  }

  get bytes(): Bytes {
    return this.#memory.bytes
  }

  get fills(): number {
    return this.#flights.size
  }

  #newest(request: CacheRequest): number {
    return this.#options.invalidations.newest(request.distributionId, request.path)
  }

  #usable(request: CacheRequest): StoredObject | undefined {
    const stored = this.#memory.get(request.key)
    if (!stored || stored.sequence >= this.#newest(request)) return stored
    this.#memory.delete(request.key)
    return undefined
  }

  async #join(flight: Flight, request: CacheRequest): Promise<Found> {
    const outcome = await flight.outcome
    if (outcome.kind === 'unshareable') return this.#fetchAlone(request)
    return outcome.kind === 'filling' ? { ...outcome, joined: true } : outcome
  }

  async #lead(request: CacheRequest, stored: StoredObject | undefined): Promise<Found> {
    const sequence = this.#options.invalidations.applied()
    const found = this.#fetch(request, stored, sequence)
    const flight: Flight = {
      sequence,
      outcome: found.then(outcome => (outcome.kind === 'passing' ? { kind: 'unshareable' } : outcome)),
    }
    flight.outcome.catch(() => {}) // the leader reports it; there may be no one else
    this.#flights.set(request.key, flight)
    const land = (): void => {
      if (this.#flights.get(request.key) === flight) this.#flights.delete(request.key)
    }
    try {
      const outcome = await found
      if (outcome.kind === 'filling' && outcome.fill instanceof Fill) void outcome.fill.done.then(land, land)
      else land()
      return outcome
    } catch (error) {
      land()
      throw error
    }
  }

  async #fetch(request: CacheRequest, stored: StoredObject | undefined, sequence: number): Promise<Found> {
    let answer: UpstreamAnswer
    try {
      answer = await request.ask({
        validators: stored?.validators,
        patience: stored?.staleOnError ? 'brief' : 'full',
      })
    } catch (error) {
      if (stored?.staleOnError) return this.#fallBack(stored)
      throw error
    }
    if (stored && answer.status === 304) return this.#refresh(request, stored, answer, sequence)
    if (stored?.staleOnError && answer.status >= 500) {
      answer.destroy()
      return this.#fallBack(stored)
    }
    const verdict = judgeStorability(answer, request.bounds)
    if (verdict.kind === 'pass') return this.#pass(request, answer, verdict.reason)
    if ((contentLength(answer.headers) ?? 0) > this.#options.largestObject) {
      return this.#pass(request, answer, 'too-large')
    }
    return this.#fill(request, answer, verdict, Math.min(sequence, answer.sequence ?? sequence))
  }

  #fallBack(stored: StoredObject): Found {
    this.#troubled.set(stored.key, true)
    return { kind: 'stale', object: stored }
  }

  #fill(request: CacheRequest, answer: UpstreamAnswer, verdict: Storable, sequence: number): Found {
    const fill = new Fill(answer, verdict.bornAt, this.#options)
    const { key, distributionId, path } = request
    const { status, headers, validators } = fill
    const { bornAt, freshUntil, staleOnError } = verdict
    fill.done.then(
      body => {
        const object = { key, distributionId, path, sequence, status, headers, validators, body }
        this.#keep({ ...object, bornAt, freshUntil, staleOnError })
      },
      () => {}, // a failed fill leaves nothing; its readers are told by the fill itself
    )
    return { kind: 'filling', fill, joined: false }
  }

  /** A fill from before an invalidation may end after one from behind it; the newer stays. */
  #keep(object: StoredObject): void {
    const present = this.#memory.get(object.key)
    if (!present || present.sequence <= object.sequence) this.#memory.set(object)
  }

  #pass(
    request: CacheRequest,
    answer: UpstreamAnswer,
    reason: (Found & { kind: 'passing' })['reason'],
  ): Found {
    this.#unshareable.set(request.key, true)
    return { kind: 'passing', answer, reason }
  }

  async #fetchAlone(request: CacheRequest): Promise<Found> {
    const answer = await request.ask({ validators: undefined, patience: 'full' })
    const verdict = judgeStorability(answer, request.bounds)
    const small = (contentLength(answer.headers) ?? 0) <= this.#options.largestObject
    // It has become shareable: the next request leads a fill again.
    if (verdict.kind === 'store' && small) this.#unshareable.delete(request.key)
    return { kind: 'passing', answer, reason: verdict.kind === 'pass' ? verdict.reason : 'too-large' }
  }

  /** RFC 9111 §4.3.4: the stored body under the new fields. */
  #refresh(request: CacheRequest, stored: StoredObject, answer: UpstreamAnswer, sequence: number): Found {
    answer.destroy()
    const headers = mergeHeaders(stored.headers, answer.headers)
    const verdict = judgeStorability({ ...answer, status: stored.status, headers }, request.bounds)
    const object: StoredObject = {
      ...stored,
      headers,
      validators: validatorsOf(headers),
      sequence: Math.min(sequence, answer.sequence ?? sequence),
      ...(verdict.kind === 'store' && {
        bornAt: verdict.bornAt,
        freshUntil: verdict.freshUntil,
        staleOnError: verdict.staleOnError,
      }),
    }
    if (verdict.kind === 'store') this.#memory.set(object)
    else this.#memory.delete(request.key)
    return { kind: 'refreshed', object }
  }
}

type Storable = Storability & { kind: 'store' }

/** What a 304 may not change: it describes the body that is stored (RFC 9111 §3.2). */
const OF_THE_BODY = new Set(['content-length', 'content-encoding', 'content-range', 'content-type'])

function mergeHeaders(stored: readonly string[], fresh: readonly string[]): string[] {
  const news = withoutFields(fresh, OF_THE_BODY)
  const replaced = new Set<string>()
  for (let at = 0; at < news.length; at += 2) replaced.add((news[at] ?? '').toLowerCase())
  // Age of the first fetch says nothing about this one.
  replaced.add('age')
  return [...withoutFields(stored, replaced), ...news]
}
