import { Lru, SluiceError, type Bytes, type Clock, type DistributionId } from '../core/index.ts'
import { judgeStorability, withoutFields, type CacheKey, type Storability } from '../http/index.ts'
import type { CacheRequest, Found, StoredObject, UpstreamAnswer } from './contract.ts'
import { FillRoom } from './fill-room.ts'
import { contentLength, Fill, firstRoom, validatorsOf } from './fill.ts'
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
type Flight = { sequence: number; outcome: Promise<Found | Unshared> }

/** Those who wait ask for themselves, or are told what was answered where their asking would only add to it. */
type Unshared = { kind: 'unshareable' } | { kind: 'refused'; status: number }

/** One node's cache: looks up, fetches what is missing once however many ask, revalidates what is stale. */
export class ObjectCache {
  readonly #options: ObjectCacheOptions
  readonly #memory: MemoryTier
  readonly #room: FillRoom
  readonly #flights = new Map<CacheKey, Flight>()
  readonly #unshareable: Lru<CacheKey, true>
  readonly #troubled: Lru<CacheKey, true>

  constructor(options: ObjectCacheOptions) {
    this.#options = options
    this.#memory = new MemoryTier(options)
    // As much again as half of what is stored, so that a burst of cold keys does not take a multiple of it.
    this.#room = new FillRoom(Math.max(options.largestObject, Math.floor(options.maxBytes / 2)))
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

  /** Whether this is being fetched. */
  fetches(key: CacheKey): boolean {
    return this.#flights.has(key)
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
    if (outcome.kind === 'refused') throw refused(outcome.status)
    return outcome.kind === 'filling' ? { ...outcome, joined: true } : outcome
  }

  async #lead(request: CacheRequest, stored: StoredObject | undefined): Promise<Found> {
    const sequence = this.#options.invalidations.applied()
    const found = this.#fetch(request, stored, sequence)
    const flight: Flight = {
      sequence,
      outcome: found.then(outcome => this.#shared(outcome)),
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

  /** What of a leader's outcome is for the others too. */
  #shared(outcome: Found): Found | Unshared {
    if (outcome.kind === 'passing') {
      const { status } = outcome.answer
      return ofTheMoment(status) ? { kind: 'refused', status } : { kind: 'unshareable' }
    }
    // A 304 may say that what it freshens is not to be shared any more.
    const kept = outcome.kind !== 'refreshed' || this.#memory.get(outcome.object.key) === outcome.object
    return kept ? outcome : { kind: 'unshareable' }
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
    if (answer.status === 304) {
      if (stored && isAbout(answer, stored)) return this.#refresh(request, stored, answer, sequence)
      answer.destroy()
      if (!stored) throw unaskedFor(304)
      // It freshens something that is not in store (RFC 9111 §4.3.4), so the whole is asked for.
      return this.#fetch(request, undefined, sequence)
    }
    if (stored?.staleOnError && answer.status >= 500) {
      answer.destroy()
      return this.#fallBack(stored)
    }
    const verdict = judgeStorability(answer, request.bounds)
    if (verdict.kind === 'pass') return this.#pass(request, answer, verdict.reason)
    if ((contentLength(answer.headers) ?? 0) > this.#options.largestObject) {
      return this.#pass(request, answer, 'too-large')
    }
    await this.#room.take(firstRoom(answer, this.#options))
    return this.#fill(request, answer, verdict, Math.min(sequence, answer.sequence ?? sequence))
  }

  #fallBack(stored: StoredObject): Found {
    this.#troubled.set(stored.key, true)
    return { kind: 'stale', object: stored }
  }

  #fill(request: CacheRequest, answer: UpstreamAnswer, verdict: Storable, sequence: number): Found {
    const fill = new Fill(answer, verdict.bornAt, this.#options, this.#room)
    const { key, distributionId, path } = request
    const { status, headers, validators } = fill
    const { bornAt, freshUntil, staleOnError } = verdict
    const whole = fill.done.then((body): StoredObject => {
      const object = { key, distributionId, path, sequence, status, headers, validators, body }
      const stored = { ...object, bornAt, freshUntil, staleOnError }
      if (request.take?.(stored) !== 'taken') this.#keep(stored)
      return stored
    })
    whole.catch(() => {}) // a failed fill leaves nothing; its readers are told by the fill itself
    return { kind: 'filling', fill, joined: false, whole }
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
    if (!ofTheMoment(answer.status)) this.#unshareable.set(request.key, true)
    return { kind: 'passing', answer, reason }
  }

  async #fetchAlone(request: CacheRequest): Promise<Found> {
    const answer = await request.ask({ validators: undefined, patience: 'full' })
    if (answer.status === 304) {
      answer.destroy()
      throw unaskedFor(304)
    }
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

/**
 * Trouble passes, and so does a question that came too early for a live playlist: those who wait hear the same, since
 * asking for each of them alone would only feed it, and who comes later asks anew.
 */
function ofTheMoment(status: number): boolean {
  return status === 400 || status >= 500
}

function refused(status: number): SluiceError {
  const code = status === 400 ? 'upstream-bad-request' : 'upstream-trouble'
  return new SluiceError(code, `the origin answered ${status}`, { side: 'upstream', kind: 'unavailable' })
}

function unaskedFor(status: number): SluiceError {
  return new SluiceError('upstream-unasked', `the origin answered ${status} to a plain question`, {
    side: 'upstream',
  })
}

/** Whether a 304 is of the stored body: its ETag, when it has one, is the stored one (RFC 9111 §4.3.4). */
function isAbout(answer: UpstreamAnswer, stored: StoredObject): boolean {
  const { etag } = validatorsOf(answer.headers)
  return etag === undefined || opaque(etag) === opaque(stored.validators.etag)
}

function opaque(etag: string | undefined): string | undefined {
  return etag?.replace(/^W\//, '')
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
