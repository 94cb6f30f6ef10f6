import { after, instant, type Instant, type Milliseconds, type Seconds } from '../core/index.ts'
import { deltaSeconds, nodeAge, nodeLifetime, type Directives } from './cache-control.ts'
import { fieldValue, type FlatHeaders } from './headers.ts'
import { birthOf, explicitLifetime } from './lifetime.ts'
import { responseControl } from './response-control.ts'
import { varying } from './vary.ts'

/**
 * May this response be stored by a shared cache, and how long is it fresh? RFC 9111 §3 and §4.2, RFC 5861, RFC 9213,
 * within the bounds that a behaviour sets as CloudFront documents them: the origin's lifetime is held between minimum
 * and maximum, the default holds when it says nothing, and a minimum above zero outranks `no-store`, `no-cache` and
 * `private`. What a node says of its own answers (`nodeLifetime`) outranks all of that.
 */
export interface Bounds {
  minimum: Seconds
  default: Seconds
  maximum: Seconds
  /** How long errors are kept at least, by status; what the origin says when it is longer. */
  errors?: ReadonlyMap<number, Seconds>
}

export type Storability =
  | {
      kind: 'store'
      /** When its age was zero. */
      bornAt: Instant
      freshUntil: Instant
      /** Until then it may be served while it is asked for anew (RFC 5861 §3). */
      refreshUntil: Instant
      /** May it be served stale when upstream fails (RFC 9111 §4.2.4)? */
      staleOnError: boolean
      /** Until then, where the origin sets an end to that (RFC 5861 §4). */
      staleUntil: Instant | undefined
      /**
       * Until then who asks while it is on its way may be given it too, and nobody when that is over on arrival;
       * undefined: for as long as it is on its way.
       */
      joinUntil: Instant | undefined
    }
  | { kind: 'pass'; reason: PassReason }

/** Why a response is not stored; the words stand in the log and in Cache-Status. */
export type PassReason =
  | 'no-store'
  | 'private'
  | 'no-cache'
  | 'status'
  | 'vary'
  | 'set-cookie'
  | 'cookie'
  | 'no-lifetime'
  | 'authorization'
  /** Sends its viewer to where he is, by another scheme. */
  | 'scheme'

export interface ResponseFacts {
  status: number
  headers: FlatHeaders
  /** When the request was sent and when the head of the answer arrived (RFC 9111 §4.2.3). */
  requestedAt: Instant
  respondedAt: Instant
  /** Names, in lower case, of the viewer's fields that went with the request. Undefined when that is not known. */
  forwarded?: readonly string[]
}

/** Stored without being asked to (RFC 9110 §15.1), less the partial ones that need slices. */
const CACHEABLE_BY_DEFAULT = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
/** Not cacheable by default, but kept for a moment so that an origin in trouble is left alone (CloudFront). */
const TROUBLE = new Set([500, 502, 503, 504])
/** What errors are kept for when the origin sets no lifetime (CloudFront, "error caching minimum TTL"). */
const ERROR_LIFETIME: Seconds = 10
/** Dates count whole seconds: what seems to be over when it comes may be so by rounding alone. */
const MOMENT: Milliseconds = 1_000
/** What this cache knows the meaning of (RFC 9111 §5.2.2.3). */
const UNDERSTOOD = new Set([...CACHEABLE_BY_DEFAULT, ...TROUBLE, 302, 303, 307, 400, 401, 403])

export function judgeStorability(response: ResponseFacts, bounds: Bounds): Storability {
  const { status, headers } = response
  const byNode = nodeLifetime(headers)
  if (byNode?.kind === 'none') return { kind: 'pass', reason: 'no-store' }
  if (byNode !== undefined) {
    const reason = cannotStore(response) ?? (setsCookie(headers) ? 'set-cookie' : undefined)
    return reason === undefined ? judgeByNode(response, byNode.lifetime) : { kind: 'pass', reason }
  }
  const control = responseControl(headers)
  const { directives } = control
  const reason = (bounds.minimum === 0 ? forbids(response, directives) : undefined) ?? cannotStore(response)
  if (reason !== undefined) return { kind: 'pass', reason }
  const told = { directives, lifetime: explicitLifetime(response, control) }
  if (told.lifetime === undefined || asksEachTime(told, bounds)) {
    if (setsCookie(headers)) return { kind: 'pass', reason: 'set-cookie' }
    if (response.forwarded?.includes('cookie') === true) return { kind: 'pass', reason: 'cookie' }
  }
  if (told.lifetime === undefined && !keptUntold(status, directives, bounds))
    return { kind: 'pass', reason: 'status' }
  return judgeByControl(response, told, bounds)
}

/** RFC 9111 §3 and §3.5: what the origin says against storing it in a shared cache. */
function forbids(response: ResponseFacts, directives: Directives): PassReason | undefined {
  const understood = directives.has('must-understand')
  if (understood && !UNDERSTOOD.has(response.status)) return 'status'
  if (directives.has('no-store') && !understood) return 'no-store'
  // With names of fields it speaks of those alone.
  if (directives.get('private') === '') return 'private'
  return mayShareAuthorized(response, directives) ? undefined : 'authorization'
}

/** RFC 9111 §3.5: what answers a request with Authorization is shared where the origin says so, even under its key. */
function mayShareAuthorized({ forwarded }: ResponseFacts, directives: Directives): boolean {
  if (forwarded?.includes('authorization') !== true) return true
  return ['public', 'must-revalidate', 's-maxage'].some(name => directives.has(name))
}

/** An answer that varies can be kept for each selection where it is known what of a viewer's went with the request. */
function cannotStore({ status, headers, forwarded }: ResponseFacts): PassReason | undefined {
  if (status < 200 || status === 206 || status === 304 || status === 416) return 'status'
  const vary = varying(headers)
  if (vary.kind === 'anything') return 'vary'
  return vary.names.length > 0 && forwarded === undefined ? 'vary' : undefined
}

interface Told {
  directives: Directives
  /** The origin's. */
  lifetime: Seconds | undefined
}

/** Whether the origin says that nobody is to be given it unasked: a lifetime of nothing allows no more than none does. */
function asksEachTime(told: Told, bounds: Bounds): boolean {
  return bounds.minimum === 0 && (told.lifetime === 0 || forbidsReuse(told, bounds))
}

/** With names of fields `no-cache` speaks of those alone. */
function forbidsReuse({ directives }: Told, bounds: Bounds): boolean {
  return directives.get('no-cache') === '' && bounds.minimum === 0
}

/** Whether an answer without a lifetime may be kept all the same (RFC 9111 §3, its last condition). */
function keptUntold(status: number, directives: Directives, bounds: Bounds): boolean {
  return (
    CACHEABLE_BY_DEFAULT.has(status) ||
    TROUBLE.has(status) ||
    bounds.errors?.has(status) === true ||
    directives.has('public')
  )
}

/**
 * Neither Date nor the time that the answer took counts: a held answer is made at the end of its waiting. What is
 * stale on arrival is stored all the same, so that those who waited for it together share it. Nothing is served
 * stale when upstream fails: a live playlist that stands still makes players wait without a word, an error makes
 * them ask again, and what they have buffered is longer than a node needs to come back.
 */
function judgeByNode({ headers, respondedAt }: ResponseFacts, lifetime: Milliseconds): Storability {
  const bornAt = instant(respondedAt - nodeAge(headers))
  const freshUntil = after(bornAt, lifetime)
  return { kind: 'store', bornAt, freshUntil, ...onlyUntil(freshUntil), joinUntil: undefined }
}

function judgeByControl(response: ResponseFacts, told: Told, bounds: Bounds): Storability {
  const bornAt = birthOf(response)
  const noCache = forbidsReuse(told, bounds)
  const lifetime = noCache ? 0 : lifetimeWithin(told.lifetime, response.status, bounds)
  const freshUntil = after(bornAt, lifetime * 1000)
  // Trouble never stands in for trouble.
  const stale =
    response.status >= 500
      ? onlyUntil(freshUntil)
      : staleness(freshUntil, told.directives, { noCache, maximum: bounds.maximum })
  // Stale on arrival is still worth keeping when it can be revalidated, or may be served so.
  const usableUntil = Math.max(freshUntil, stale.refreshUntil, stale.staleUntil ?? 0)
  const revalidates = response.status < 500 && hasValidator(response.headers)
  if (usableUntil <= response.respondedAt && !revalidates)
    return { kind: 'pass', reason: noCache ? 'no-cache' : 'no-lifetime' }
  // Who has waited for an answer that may be reused has it, however long it took to come (RFC 9111 §4).
  const joinUntil = asksEachTime(told, bounds)
    ? stale.refreshUntil
    : instant(Math.max(stale.refreshUntil, response.respondedAt + MOMENT))
  return { kind: 'store', bornAt, freshUntil, ...stale, joinUntil }
}

function lifetimeWithin(told: Seconds | undefined, status: number, bounds: Bounds): Seconds {
  const { minimum, maximum } = bounds
  if (status < 400) return Math.min(Math.max(told ?? bounds.default, minimum), Math.max(maximum, minimum))
  const least = bounds.errors?.get(status)
  if (told !== undefined) return Math.min(Math.max(told, least ?? 0), maximum)
  // Who wants nothing kept that does not say so is not given trouble from store (RFC 9110 §15.1).
  const usual = TROUBLE.has(status) ? Math.min(ERROR_LIFETIME, bounds.default) : ERROR_LIFETIME
  return Math.min(least ?? usual, maximum)
}

type Staleness = Pick<Storability & { kind: 'store' }, 'refreshUntil' | 'staleOnError' | 'staleUntil'>

/**
 * RFC 9111 §4.2.4: `must-revalidate`, `proxy-revalidate` and `no-cache` forbid to serve stale. So does `s-maxage`, but
 * for who allows it in the same breath: RFC 5861 is there to say so, and is used together with it.
 */
function staleness(
  freshUntil: Instant,
  directives: Directives,
  { noCache, maximum }: { noCache: boolean; maximum: Seconds },
): Staleness {
  const never = noCache || directives.has('must-revalidate') || directives.has('proxy-revalidate')
  if (never) return onlyUntil(freshUntil)
  const window = (name: string): Seconds | undefined => {
    const told = deltaSeconds(directives, name)
    return told === undefined ? undefined : Math.min(told, maximum)
  }
  const onError = window('stale-if-error')
  return {
    refreshUntil: after(freshUntil, (window('stale-while-revalidate') ?? 0) * 1000),
    staleOnError: onError === undefined ? !directives.has('s-maxage') : onError > 0,
    staleUntil: onError === undefined ? undefined : after(freshUntil, onError * 1000),
  }
}

function onlyUntil(freshUntil: Instant): Staleness {
  return { refreshUntil: freshUntil, staleOnError: false, staleUntil: undefined }
}

function setsCookie(headers: FlatHeaders): boolean {
  return fieldValue(headers, 'set-cookie') !== undefined || fieldValue(headers, 'set-cookie2') !== undefined
}

function hasValidator(headers: FlatHeaders): boolean {
  return fieldValue(headers, 'etag') !== undefined || fieldValue(headers, 'last-modified') !== undefined
}
