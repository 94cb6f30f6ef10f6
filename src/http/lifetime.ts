import { instant, type Instant, type Seconds } from '../core/index.ts'
import { deltaSeconds, LONGEST_DELTA, nodeAge } from './cache-control.ts'
import { parseHttpDate } from './dates.ts'
import { fieldCount, fieldValue, type FlatHeaders } from './headers.ts'
import type { ResponseControl } from './response-control.ts'

/** When a response came, by this node's clock. */
export interface Arrival {
  headers: FlatHeaders
  /** When the request was sent and when the head of the answer arrived (RFC 9111 §4.2.3). */
  requestedAt: Instant
  respondedAt: Instant
}

/**
 * RFC 9111 §4.2.1: `s-maxage`, then `max-age`, then `Expires` less `Date`; undefined when the origin says nothing. A
 * targeted field has no Expires beside it (RFC 9213 §2.2).
 */
export function explicitLifetime(response: Arrival, control: ResponseControl): Seconds | undefined {
  const { directives, from } = control
  const told = deltaSeconds(directives, 's-maxage') ?? deltaSeconds(directives, 'max-age')
  if (told !== undefined || from === 'targeted') return told
  const { headers, respondedAt } = response
  const expires = fieldValue(headers, 'expires')
  if (expires === undefined) return undefined
  // Several Expires or one that is no date means already expired (RFC 9111 §5.3).
  const until = fieldCount(headers, 'expires') === 1 ? parseHttpDate(expires, respondedAt) : undefined
  if (until === undefined) return 0
  return Math.max(0, Math.floor((until - dateOf(response)) / 1000))
}

/** RFC 9111 §4.2.3, solved for the instant at which the response's age was zero. */
export function birthOf(response: Arrival): Instant {
  const { requestedAt, respondedAt, headers } = response
  // A node counts in milliseconds, and up to the moment in which it answers (SEAMS 18).
  if (fieldValue(headers, 'sluice-age-ms') !== undefined) return instant(respondedAt - nodeAge(headers))
  const apparent = Math.max(0, respondedAt - dateOf(response))
  // A clock that was set back meanwhile makes nothing younger than it says it is.
  const corrected = ageValue(headers) * 1000 + Math.max(0, respondedAt - requestedAt)
  return instant(respondedAt - Math.max(apparent, corrected))
}

/** Whoever receives an answer without Date gives it one (RFC 9110 §6.6.1). */
export function dateOf(response: Arrival): Instant {
  const text = fieldValue(response.headers, 'date')
  const date = text === undefined ? undefined : parseHttpDate(text, response.respondedAt)
  return date ?? response.respondedAt
}

/**
 * What a response that nothing was stored of is as old as, from what it says; undefined when it says nothing that can
 * be read. More than 2^31 s is none of (RFC 9111 §1.2.2).
 */
export function passedAge(headers: FlatHeaders): Seconds | undefined {
  if (fieldValue(headers, 'age') === undefined) return undefined
  const age = ageValue(headers)
  return age === 0 ? undefined : Math.min(age, LONGEST_DELTA)
}

/** RFC 9111 §5.1: the first member of the first Age counts; one that is no number counts as none. */
function ageValue(headers: FlatHeaders): Seconds {
  const first = fieldValue(headers, 'age')?.split(',')[0]?.trim() ?? ''
  return /^\d+$/.test(first) ? Math.min(Number(first), OLDEST) : 0
}

/** More than any lifetime, and exact when counted in milliseconds. */
const OLDEST: Seconds = 1_000_000_000_000
