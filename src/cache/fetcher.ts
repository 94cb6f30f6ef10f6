import { after, type Clock, type Instant, type Lru } from '../core/index.ts'
import {
  freshenedFields,
  judgeStorability,
  responseControl,
  unsharedFields,
  withoutFields,
  type ByteRange,
  type CacheKey,
  type Storability,
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
import type { FillRoom } from './fill-room.ts'
import { contentLength, validatorsOf } from './declared.ts'
import { Fill, firstRoom, type FillLimits } from './fill.ts'
import { rangeFields, readPartial, validatorOf, type Kept, type LargeObjects } from './large/index.ts'
import { mayStandIn } from './stand-in.ts'
import type { Store } from './store.ts'
import { isOfViewer, leavesStored, ofTheMoment, traitOf, unaskedFor, type UnsharedKeys } from './unshared.ts'
import { markerOf, selectingNames, variantKey, widened } from './variants.ts'

type Storable = Storability & { kind: 'store' }

/** What one cache's fetches share; all of it is the cache's own. */
export interface FetcherParts {
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

/** Asks upstream once, and makes of the answer what is stored, shared, or this request's own. */
export class Fetcher {
  readonly #parts: FetcherParts

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  /** Rejects with a SluiceError of side `upstream` when there is no answer and nothing that may stand in. */
  async fetch(asking: Asking): Promise<Landing> {
    const { request, stored } = asking
    const standIn = stored && mayStandIn(stored, this.#parts.clock.now()) ? stored : undefined
    const wanted = this.#wanted(asking)
    let answer: UpstreamAnswer
    try {
      answer = await request.ask({
        validators: stored?.validators,
        patience: standIn ? 'brief' : 'full',
        ...rangeFields(request, wanted),
      })
    } catch (error) {
      if (standIn) return this.#fallBack(asking, standIn)
      throw error
    }
    if (answer.status === 304) {
      if (stored && isAbout(answer, stored)) return this.#refresh(asking, stored, answer)
      answer.destroy()
      if (!stored) throw unaskedFor(304)
      return this.#fetchInstead(asking, stored, answer)
    }
    if (standIn && answer.status >= 500) {
      answer.destroy()
      return this.#fallBack(asking, standIn)
    }
    const said = readPartial(answer, wanted, request)
    if (said.kind === 'own') return this.#passPart(asking, answer)
    if (said.kind === 'empty') return this.fetch({ ...asking, extent: 'whole' })
    answer = said.answer
    this.#parts.large.admit(answer)
    const verdict = judgeStorability(answer, request.bounds)
    const large = said.kind === 'slice' || this.#parts.large.takes(answer)
    // Of a part that is not to be kept, the viewer gets the one that he asked for.
    if (said.kind === 'loose' || (said.kind === 'slice' && verdict.kind === 'pass')) {
      answer.destroy()
      return this.fetch({ ...asking, extent: 'own' })
    }
    if (answer.unshared !== undefined) return this.#pass(asking, answer, answer.unshared)
    if (verdict.kind === 'pass') return this.#pass(asking, answer, verdict.reason)
    if (wanted !== undefined && isOfTheRange(answer.status)) return this.#pass(asking, answer, 'status')
    if (!large && (contentLength(answer.headers) ?? 0) > this.#parts.limits.largestObject)
      return this.#pass(asking, answer, 'too-large')
    const place = this.#placeOf(asking, answer)
    if (place === undefined) return this.#pass(asking, answer, 'vary')
    if (large && this.#parts.large.isCrowded) {
      if (said.kind !== 'slice') return this.#pass(asking, answer, 'full')
      answer.destroy()
      return this.fetch({ ...asking, extent: 'own' })
    }
    if (large) {
      const part =
        said.kind === 'slice' ? { part: said.range } : wanted !== undefined && wanted !== 'own' && { wanted }
      return this.#begin({ ...asking, key: place.key }, answer, verdict, { ...place, ...part })
    }
    if ((await this.#parts.room.take(firstRoom(answer, this.#parts.limits))) === 'full')
      return this.#pass(asking, answer, 'full')
    return this.#fill({ ...asking, key: place.key }, answer, verdict, place.varies)
  }

  /**
   * After a 304 that freshens something that is not in store (RFC 9111 §4.3.4): the whole. Where that cannot be had, what
   * answers a question that named one tag alone is better than nothing.
   */
  async #fetchInstead(asking: Asking, stored: StoredObject, confirmed: UpstreamAnswer): Promise<Landing> {
    try {
      return await this.fetch({ ...asking, stored: undefined })
    } catch (error) {
      if (stored.validators.etag === undefined) throw error
      return this.#refresh(asking, stored, confirmed)
    }
  }

  /** Of what nothing is known, and of what is kept in slices, no more than is wanted; of the rest all. */
  #wanted({ request, stored, extent }: Asking): ByteRange | 'own' | undefined {
    if (extent === 'own') return request.range === undefined ? undefined : 'own'
    const whole = extent === 'whole' || (stored !== undefined && stored.large === undefined)
    return whole ? undefined : this.#parts.large.firstPart(request)
  }

  /** A viewer's own range. What could be put together after all is asked for in slices the next time. */
  #passPart(asking: Asking, answer: UpstreamAnswer): Landing {
    const verdict = judgeStorability({ ...answer, status: 200 }, asking.request.bounds)
    const landing = this.#pass(asking, answer, verdict.kind === 'pass' ? verdict.reason : 'too-large')
    if (verdict.kind === 'store' && validatorOf(answer) !== undefined)
      this.#parts.unshared.delete(asking.key, asking.request)
    return landing
  }

  #fallBack({ key }: Asking, stored: StoredObject): Landing {
    this.#parts.troubled.set(key, true)
    const found: Found = { kind: 'stale', object: stored, why: 'upstream-failed' }
    return { found, key, varies: undefined, shared: { kind: 'with-all' } }
  }

  /** Where an answer is kept; when it varies, what tells of that is kept at once. */
  #placeOf(
    asking: Asking,
    answer: UpstreamAnswer,
  ): { key: CacheKey; varies: Varies | undefined } | undefined {
    const { request } = asking
    const names = selectingNames(answer.headers, request)
    const known = this.#parts.store.peek(request.key)?.varies
    if (names.length === 0 && known === undefined) return { key: request.key, varies: undefined }
    const varies = widened(known, names)
    if (varies === undefined) return undefined
    if (varies !== known) this.#parts.store.set(markerOf(request, varies, asking))
    return { key: variantKey(varies, request), varies }
  }

  #fill(asking: Asking, answer: UpstreamAnswer, verdict: Storable, varies: Varies | undefined): Landing {
    const { request, key } = asking
    const { joinUntil, shared } = this.#sharing(asking, answer, verdict)
    const own = unsharedFields(responseControl(answer.headers).directives)
    const kept = keptOf(asking, answer, verdict, own)
    const overflow = this.#parts.large.overflow(request, kept, answer)
    const fill = new Fill(
      { ...answer, headers: kept.headers },
      verdict.bornAt,
      this.#parts.limits,
      this.#parts.room,
      overflow,
    )
    const whole = fill.done.then((body): StoredObject => {
      const stored = { ...kept, body }
      if (request.take?.(stored) !== 'taken') this.#keep(stored)
      return stored
    })
    whole.catch(() => {}) // a failed fill leaves nothing; its readers are told by the fill itself
    const found: Found = {
      ...{ kind: 'filling', fill, joined: false, reason: asking.reason, whole, joinUntil },
      ...(own.length > 0 && { fill: withHeaders(fill, answer.headers), shared: fill }),
    }
    return { found, key, varies, shared }
  }

  /** As `#fill`, of what is kept in slices. */
  #begin(
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
    return { found: found.kind === 'filling' ? { ...found, joinUntil } : found, key, varies, shared }
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

  /** A fill from before an invalidation may end after one from behind it; the newer stays. */
  #keep(object: StoredObject): void {
    const present = this.#parts.store.peek(object.key)
    const newer =
      present !== undefined &&
      present.varies === undefined &&
      // What was born later than now is from before the clock was set back.
      (present.sequence > object.sequence ||
        ((present.askedAt ?? 0) > (object.askedAt ?? 0) && present.bornAt <= this.#parts.clock.now()))
    // Nobody finds it under a key that has come to vary meanwhile.
    if (!newer && present?.varies === undefined) this.#parts.store.set(object)
  }

  #pass(asking: Asking, answer: UpstreamAnswer, reason: Passing['reason']): Landing {
    const { request, key } = asking
    const { status } = answer
    // Who asks for what lies behind the end says nothing of the object.
    if (!ofTheMoment(status) && status !== 416 && reason !== 'full')
      this.#parts.unshared.add(key, request, reason)
    if (!leavesStored(status) && reason !== 'full') this.#outdate(asking, status, reason)
    return {
      found: { kind: 'passing', answer, reason, forward: asking.reason },
      ...{ key, varies: undefined },
      // What this viewer wrote may be what is bad about it.
      shared:
        ofTheMoment(status) && (status >= 500 || (answer.forwarded ?? []).length === 0)
          ? { kind: 'refused', status }
          : { kind: 'with-nobody', trait: traitOf(request, reason) },
    }
  }

  /** What was stored is not what there is any more, unless that is so for this viewer alone: it stands in for nothing. */
  #outdate({ key, stored }: Asking, status: number, reason: Passing['reason']): void {
    const present = this.#parts.store.peek(key)
    const isGone = status === 404 || status === 410
    if (stored === undefined || (present !== undefined && present !== stored)) return
    if (isGone || !isOfViewer(reason)) this.#parts.store.delete(key)
  }

  /** RFC 9111 §4.3.4: the stored body under the new fields, which may say that it varies. */
  #refresh(asking: Asking, stored: StoredObject, answer: UpstreamAnswer): Landing {
    answer.destroy()
    const { request, key, askedAt } = asking
    const fields = freshenedFields(stored.headers, answer.headers)
    const verdict = judgeStorability({ ...answer, status: stored.status, headers: fields }, request.bounds)
    const own = unsharedFields(responseControl(fields).directives)
    const headers = own.length === 0 ? fields : withoutFields(fields, new Set(own))
    const place = verdict.kind === 'store' ? this.#placeOf(asking, { ...answer, headers: fields }) : undefined
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
      this.#outdate(asking, stored.status, reason)
      const shared: Shared = { kind: 'with-nobody', trait: traitOf(request, reason) }
      return { found: { kind: 'refreshed', object }, key, varies: undefined, shared }
    }
    const { joinUntil, shared } = this.#sharing({ ...asking, key: place.key }, answer, verdict)
    // Under the primary key there is a marker by now.
    if (place.key !== key && key !== request.key) this.#parts.store.delete(key)
    this.#parts.store.set(object)
    return { found: { kind: 'refreshed', object, joinUntil }, ...place, shared }
  }
}

/** All of what is stored of an answer, but its body; `own` names fields of its that are not shared. */
function keptOf(asking: Asking, answer: UpstreamAnswer, verdict: Storable, own: readonly string[]): Kept {
  const { request, key, askedAt } = asking
  const { distributionId, path } = request
  const headers = own.length === 0 ? answer.headers : withoutFields(answer.headers, new Set(own))
  return {
    ...{ key, distributionId, path, askedAt, headers, status: answer.status },
    sequence: Math.min(asking.sequence, answer.sequence ?? asking.sequence),
    validators: validatorsOf(headers),
    ...lifetimeOf(verdict),
  }
}

function lifetimeOf(verdict: Storable): Omit<Storable, 'kind' | 'joinUntil'> {
  const { bornAt, freshUntil, refreshUntil, staleOnError, staleUntil } = verdict
  return { bornAt, freshUntil, refreshUntil, staleOnError, staleUntil }
}

/** Whether an error may be one of the range that one viewer wants: what is gone is so in every part. */
function isOfTheRange(status: number): boolean {
  return status >= 400 && status < 500 && status !== 404 && status !== 410
}

/** The same fill as the one sees it who asked for it. */
function withHeaders(fill: Filling, headers: Filling['headers']): Filling {
  const { status, validators, length, bornAt } = fill
  return { status, headers, validators, length, bornAt, read: (first, last) => fill.read(first, last) }
}

/**
 * Whether a 304 is of the stored body. A weak tag answers a question that named the stored one alone, so it can mean
 * nothing else, and the stored tag stays; a strong one may freshen nothing but what bears it (RFC 9111 §4.3.4).
 */
function isAbout(answer: UpstreamAnswer, { validators }: StoredObject): boolean {
  const { etag } = validatorsOf(answer.headers)
  if (etag === undefined) return true
  if (validators.etag === undefined) return false
  // Who compresses an answer makes its tag weak, and that of the 304 about it may be left strong.
  return etag.startsWith('W/') || etag === validators.etag.replace(/^W\//, '')
}
