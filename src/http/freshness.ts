import { after, instant, type Instant, type Milliseconds, type Seconds } from '../core/index.ts'
import { deltaSeconds, nodeAge, nodeLifetime, parseCacheControl, type Directives } from './cache-control.ts'
import { parseHttpDate } from './dates.ts'
import { fieldCount, fieldValue, listMembers, type FlatHeaders } from './headers.ts'

/**
 * May this response be stored by a shared cache, and how long is it fresh? RFC 9111 §3 and §4.2, within the bounds
 * that a behaviour sets as CloudFront documents them: the origin's lifetime is held between minimum and maximum, the
 * default holds when it says nothing, and a minimum above zero outranks `no-store`, `no-cache` and `private`. What a
 * node says of its own answers (`nodeLifetime`) outranks all of that.
 */
export interface Bounds {
  minimum: Seconds
  default: Seconds
  maximum: Seconds
}

export type Storability =
  | {
      kind: 'store'
      /** When its age was zero. */
      bornAt: Instant
      freshUntil: Instant
      /** May it be served stale when upstream fails (RFC 9111 §4.2.4)? */
      staleOnError: boolean
    }
  | { kind: 'pass'; reason: PassReason }

/** Why a response is not stored; the words stand in the log and in Cache-Status. */
export type PassReason =
  'no-store' | 'private' | 'no-cache' | 'status' | 'vary' | 'set-cookie' | 'no-lifetime' | 'authorization'

export interface ResponseFacts {
  status: number
  headers: FlatHeaders
  /** When the request was sent and when the head of the answer arrived (RFC 9111 §4.2.3). */
  requestedAt: Instant
  respondedAt: Instant
  /**
   * Names, in lower case, of a viewer's fields that went with the request and stand in the cache key; it had no others
   * of any viewer. Undefined when that is not known.
   */
  forwarded?: readonly string[]
}

/** Stored without being asked to (RFC 9110 §15.1), less the partial ones that need slices. */
const CACHEABLE_BY_DEFAULT = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
/** CloudFront's error caching: these are kept for 10 s when the origin sets no lifetime. */
const ERRORS = new Set([404, 414, 500, 501, 502, 503, 504])
const ERROR_LIFETIME: Seconds = 10

export function judgeStorability(response: ResponseFacts, bounds: Bounds): Storability {
  const { status, headers } = response
  const byNode = nodeLifetime(headers)
  if (byNode?.kind === 'none') return { kind: 'pass', reason: 'no-store' }
  const control = parseCacheControl(fieldValue(headers, 'cache-control') ?? '')
  if (byNode === undefined && bounds.minimum === 0) {
    if (control.has('no-store')) return { kind: 'pass', reason: 'no-store' }
    if (control.has('private')) return { kind: 'pass', reason: 'private' }
    if (!mayShareAuthorized(response, control)) return { kind: 'pass', reason: 'authorization' }
  }
  if (status === 206 || status < 200 || status === 304) return { kind: 'pass', reason: 'status' }
  if (variesBeyondKey(response)) return { kind: 'pass', reason: 'vary' }
  if (fieldValue(headers, 'set-cookie') !== undefined) return { kind: 'pass', reason: 'set-cookie' }
  if (byNode !== undefined) return judgeByNode(response, byNode.lifetime)
  return judgeByControl(response, control, bounds)
}

/** RFC 9111 §3.5: what answers a request with Authorization is shared where the origin says so, even under its key. */
function mayShareAuthorized({ forwarded }: ResponseFacts, control: Directives): boolean {
  if (forwarded?.includes('authorization') !== true) return true
  return ['public', 'must-revalidate', 's-maxage'].some(name => control.has(name))
}

/**
 * A field that did not go with the request is the same for all viewers, and one that did is keyed, so neither tells
 * viewers apart (RFC 9111 §4.1); `*` stands for what is in no request.
 */
function variesBeyondKey({ headers, forwarded }: ResponseFacts): boolean {
  const vary = fieldValue(headers, 'vary')
  if (vary === undefined) return false
  return forwarded === undefined || listMembers(vary).includes('*')
}

/**
 * Neither Date nor the time that the answer took counts: a held answer is made at the end of its waiting. What is
 * stale on arrival is stored all the same, so that those who waited for it together share it. Nothing is served
 * stale when upstream fails: a live playlist that stands still makes players wait without a word, an error makes
 * them ask again, and what they have buffered is longer than a node needs to come back.
 */
function judgeByNode({ headers, respondedAt }: ResponseFacts, lifetime: Milliseconds): Storability {
  const bornAt = instant(respondedAt - nodeAge(headers))
  return { kind: 'store', bornAt, freshUntil: after(bornAt, lifetime), staleOnError: false }
}

function judgeByControl(response: ResponseFacts, control: Directives, bounds: Bounds): Storability {
  const { status, headers } = response
  const forced = bounds.minimum > 0
  const told = explicitLifetime(response, control)
  if (told === undefined && !CACHEABLE_BY_DEFAULT.has(status) && !ERRORS.has(status)) {
    return { kind: 'pass', reason: 'status' }
  }
  const bornAt = birth(response)
  const noCache = control.has('no-cache') && !forced
  const lifetime = noCache
    ? 0
    : hold(told ?? (ERRORS.has(status) ? ERROR_LIFETIME : bounds.default), status, bounds)
  const freshUntil = after(bornAt, lifetime * 1000)
  // Stale on arrival is still worth keeping when it can be revalidated.
  if (freshUntil <= response.respondedAt && !hasValidator(headers))
    return { kind: 'pass', reason: noCache ? 'no-cache' : 'no-lifetime' }
  return { kind: 'store', bornAt, freshUntil, staleOnError: !noCache && !mustRevalidate(control) }
}

/** RFC 9111 §5.2.2.2, §5.2.2.8, §5.2.2.10: these forbid a shared cache to serve stale; RFC 5861 §4 allows ending it with 0. */
function mustRevalidate(control: Directives): boolean {
  return (
    ['must-revalidate', 'proxy-revalidate', 's-maxage'].some(name => control.has(name)) ||
    control.get('stale-if-error') === '0'
  )
}

function hold(lifetime: Seconds, status: number, bounds: Bounds): Seconds {
  if (ERRORS.has(status)) return Math.min(lifetime, bounds.maximum)
  return Math.min(Math.max(lifetime, bounds.minimum), Math.max(bounds.maximum, bounds.minimum))
}

/** RFC 9111 §4.2.1: `s-maxage`, then `max-age`, then `Expires` less `Date`; undefined when the origin says nothing. */
function explicitLifetime(response: ResponseFacts, control: Directives): Seconds | undefined {
  const shared = deltaSeconds(control, 's-maxage')
  if (shared !== undefined) return shared
  const own = deltaSeconds(control, 'max-age')
  if (own !== undefined) return own
  const { headers, respondedAt } = response
  const expires = fieldValue(headers, 'expires')
  if (expires === undefined) return undefined
  // Several Expires or one that is no date means already expired (RFC 9111 §5.3).
  const until = fieldCount(headers, 'expires') === 1 ? parseHttpDate(expires, respondedAt) : undefined
  if (until === undefined) return 0
  return Math.max(0, Math.floor((until - dateOf(response)) / 1000))
}

/** RFC 9111 §4.2.3, solved for the instant at which the response's age was zero. */
function birth(response: ResponseFacts): Instant {
  const { requestedAt, respondedAt, headers } = response
  const apparent = Math.max(0, respondedAt - dateOf(response))
  const corrected = ageValue(headers) * 1000 + (respondedAt - requestedAt)
  return instant(respondedAt - Math.max(apparent, corrected))
}

function dateOf(response: ResponseFacts): Instant {
  const text = fieldValue(response.headers, 'date')
  const date = text === undefined ? undefined : parseHttpDate(text, response.respondedAt)
  return date ?? response.respondedAt
}

/** RFC 9111 §5.1: the first member of the first Age counts; one that is no number counts as none. */
function ageValue(headers: FlatHeaders): Seconds {
  const first = fieldValue(headers, 'age')?.split(',')[0]?.trim() ?? ''
  return /^\d+$/.test(first) ? Math.min(Number(first), Number.MAX_SAFE_INTEGER / 1000) : 0
}

function hasValidator(headers: FlatHeaders): boolean {
  return fieldValue(headers, 'etag') !== undefined || fieldValue(headers, 'last-modified') !== undefined
}
