import { after, type Clock, type Instant, type Lru } from '../core/index.ts'
import {
  freshenedFields,
  judgeStorability,
  responseControl,
  unsharedFields,
  withoutFields,
  type ByteRange,
  type CacheKey,
} from '../http/index.ts'
import type { Asking, Landing, Shared } from './asking.ts'
import type {
  CacheRequest,
  Filling,
  Found,
  Passing,
  StoredObject,
  UpstreamAnswer,
  Varies,
} from './contract.ts'
import { validatorsOf } from './declared.ts'
import type { FillRoom } from './fill-room.ts'
import { Fill, type FillLimits } from './fill.ts'
import { keptOf, Keeping, lifetimeOf, type Place, type Storable } from './keeping.ts'
import type { LargeObjects } from './large/index.ts'
import type { Store } from './store.ts'
import { leavesStored, ofTheMoment, traitOf, type UnsharedKeys } from './unshared.ts'

/** What one cache's fetches share; all of it is the cache's own. */
export interface LandingsParts {
  clock: Clock
  limits: FillLimits
  store: Store
  room: FillRoom
  large: LargeObjects
  unshared: UnsharedKeys
  /** Keys whose upstream has just failed. */
  troubled: Lru<CacheKey, true>
  /** Looks the request up anew. */
  again: (request: CacheRequest) => Found | Promise<Found>
}

/** Makes of an answer what is stored, shared, or a request's own. */
export class Landings {
  readonly #parts: LandingsParts
  readonly #keeping: Keeping

  constructor(parts: LandingsParts) {
    this.#parts = parts
    this.#keeping = new Keeping(parts)
  }

  /** Where an answer is kept; undefined when it varies by too much to be kept. */
  placeOf(asking: Asking, answer: UpstreamAnswer): Place | undefined {
    return this.#keeping.placeOf(asking, answer)
  }

  /** Of what is kept in one piece. */
  fill(asking: Asking, answer: UpstreamAnswer, verdict: Storable, varies: Varies | undefined): Landing {
    const { request, key } = asking
    const { joinUntil, shared } = this.#sharing(asking, answer, verdict)
    const own = unsharedFields(responseControl(answer.headers).directives)
    const kept = keptOf(asking, answer, verdict, own)
    const overflow = this.#parts.large.overflow(request, kept, answer)
    const fill = new Fill(
      { ...answer, headers: kept.headers },
      verdict.bornAt,
      this.#parts.limits,
      this.#parts.room.enter(request.distributionId),
      overflow,
    )
    const whole = fill.done.then((body): StoredObject => {
      const stored = { ...kept, body }
      if (request.take?.(stored) !== 'taken') this.#keeping.keep(stored)
      return stored
    })
    whole.catch(() => {}) // a failed fill leaves nothing; its readers are told by the fill itself
    const found: Found = {
      ...{ kind: 'filling', fill, joined: false, reason: asking.reason, whole, joinUntil },
      sequence: kept.sequence,
      ...(own.length > 0 && { fill: withHeaders(fill, answer.headers), shared: fill }),
    }
    return { found, key, varies, shared }
  }

  /** As `fill`, of what is kept in slices. */
  begin(
    asking: Asking,
    answer: UpstreamAnswer,
    verdict: Storable,
    { varies, ...bytes }: { varies: Varies | undefined; part?: ByteRange; wanted?: ByteRange },
  ): Landing {
    const { request, key, reason } = asking
    const { joinUntil, shared } = this.#sharing(asking, answer, verdict)
    const kept = keptOf(asking, answer, verdict, unsharedFields(responseControl(answer.headers).directives))
    const { again } = this.#parts
    const found = this.#parts.large.begin(request, kept, answer, { ...bytes, reason, again })
    const { sequence } = kept
    return {
      found: found.kind === 'filling' ? { ...found, joinUntil, sequence } : found,
      key,
      varies,
      shared,
    }
  }

  /** This request's own; those who ask for the same later are not made to wait for each other. */
  pass(asking: Asking, answer: UpstreamAnswer, reason: Passing['reason']): Landing {
    const { request, key } = asking
    const { status, forwarded = [] } = answer
    // Who asks for what lies behind the end says nothing of the object.
    if (!ofTheMoment(status) && status !== 416) this.#parts.unshared.add(key, request, reason)
    if (!leavesStored(status)) this.#keeping.outdate(asking, status, reason)
    return {
      found: { kind: 'passing', answer, reason, forward: asking.reason },
      ...{ key, varies: undefined },
      // What this viewer wrote may be what is bad about it.
      shared:
        ofTheMoment(status) && (status >= 500 || forwarded.length === 0)
          ? { kind: 'refused', status, blame: forwarded.length === 0 ? 'origin' : 'viewer' }
          : { kind: 'with-nobody', trait: traitOf(request, reason) },
    }
  }

  /** RFC 9111 §4.3.4: the stored body under the new fields, which may say that it varies. */
  refresh(asking: Asking, stored: StoredObject, answer: UpstreamAnswer): Landing {
    answer.destroy()
    const { request, key, askedAt } = asking
    const fields = freshenedFields(stored.headers, answer.headers)
    const verdict = judgeStorability({ ...answer, status: stored.status, headers: fields }, request.bounds)
    const own = unsharedFields(responseControl(fields).directives)
    const headers = own.length === 0 ? fields : withoutFields(fields, new Set(own))
    const place =
      verdict.kind === 'store' ? this.#keeping.placeOf(asking, { ...answer, headers: fields }) : undefined
    const object: StoredObject = {
      ...stored,
      ...{ key: place?.key ?? key, headers, askedAt },
      validators: validatorsOf(headers),
      sequence: Math.min(asking.sequence, answer.sequence ?? asking.sequence),
      ...(verdict.kind === 'store' && lifetimeOf(verdict)),
    }
    if (verdict.kind === 'pass' || place === undefined) {
      // A 304 may say that what it freshens is not to be shared any more.
      const reason = verdict.kind === 'pass' ? verdict.reason : 'vary'
      this.#parts.unshared.add(key, request, reason)
      this.#keeping.outdate(asking, stored.status, reason)
      const shared: Shared = { kind: 'with-nobody', trait: traitOf(request, reason) }
      return { found: { kind: 'refreshed', object }, key, varies: undefined, shared }
    }
    const { joinUntil, shared } = this.#sharing({ ...asking, key: place.key }, answer, verdict)
    // Under the primary key there is a marker by now.
    if (place.key !== key && key !== request.key) this.#parts.store.delete(key)
    this.#parts.store.set(object)
    return { found: { kind: 'refreshed', object, joinUntil }, ...place, shared }
  }

  /** What is stale, since upstream failed. */
  fallBack({ key }: Asking, stored: StoredObject): Landing {
    this.#parts.troubled.set(key, true)
    const found: Found = { kind: 'stale', object: stored, why: 'upstream-failed' }
    return { found, key, varies: undefined, shared: { kind: 'with-all' } }
  }

  /** Whether those who wait are given it too, and until when those who come later are; what is told is remembered. */
  #sharing(
    { key, request }: Asking,
    answer: UpstreamAnswer,
    verdict: Storable,
  ): { joinUntil: Instant | undefined; shared: Shared } {
    const { respondedAt, joinable } = answer
    const joinUntil = joinable === undefined ? verdict.joinUntil : after(respondedAt, joinable)
    const isOpen = joinUntil === undefined || respondedAt < joinUntil
    if (isOpen) this.#parts.unshared.delete(key, request)
    else this.#parts.unshared.add(key, request, 'no-cache')
    return { joinUntil, shared: { kind: isOpen ? 'with-all' : 'with-nobody' } }
  }
}

/** The same fill as the one sees it who asked for it. */
function withHeaders(fill: Filling, headers: Filling['headers']): Filling {
  const { status, validators, length, bornAt } = fill
  return { status, headers, validators, length, bornAt, read: (first, last) => fill.read(first, last) }
}
