import type { Instant } from '../core/index.ts'
import { parseHttpDate } from './dates.ts'

/** What identifies the stored representation. */
export interface Validators {
  etag: string | undefined
  lastModified: string | undefined
}

export interface Conditions {
  ifMatch?: string | undefined
  ifUnmodifiedSince?: string | undefined
  ifNoneMatch: string | undefined
  ifModifiedSince: string | undefined
}

/** What the conditions of a GET or HEAD make of it, in the order of RFC 9110 §13.2.2; `failed` is a 412. */
export function judgeConditions(
  conditions: Conditions,
  validators: Validators,
  now: Instant,
): 'met' | 'not-modified' | 'failed' {
  if (hasFailed(conditions, validators, now)) return 'failed'
  return isNotModified(conditions, validators, now) ? 'not-modified' : 'met'
}

/** Steps 1 and 2. */
function hasFailed(
  { ifMatch, ifUnmodifiedSince }: Conditions,
  validators: Validators,
  now: Instant,
): boolean {
  if (ifMatch !== undefined) {
    if (ifMatch.trim() === '*') return false
    const { etag } = validators
    return etag === undefined || isWeak(etag) || !entityTags(ifMatch).includes(etag)
  }
  if (ifUnmodifiedSince === undefined || validators.lastModified === undefined) return false
  const since = parseHttpDate(ifUnmodifiedSince, now)
  const modified = parseHttpDate(validators.lastModified, now)
  return since !== undefined && modified !== undefined && modified > since
}

/** Whether a GET or HEAD may be answered 304 (RFC 9110 §13.2.2, steps 3 and 4). */
export function isNotModified(conditions: Conditions, validators: Validators, now: Instant): boolean {
  const { ifNoneMatch, ifModifiedSince } = conditions
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return true
    const { etag } = validators
    return etag !== undefined && entityTags(ifNoneMatch).some(tag => opaque(tag) === opaque(etag))
  }
  if (ifModifiedSince === undefined || validators.lastModified === undefined) return false
  const since = parseHttpDate(ifModifiedSince, now)
  const modified = parseHttpDate(validators.lastModified, now)
  return since !== undefined && modified !== undefined && modified <= since
}

/**
 * Whether a Range may be honoured under If-Range (RFC 9110 §13.1.5): strong comparison, dates exactly equal. `date` is
 * when the answer was made, which says whether its Last-Modified is strong; left out by who made it himself.
 */
export function rangeApplies(ifRange: string | undefined, validators: Validators, date?: Instant): boolean {
  if (ifRange === undefined) return true
  if (ifRange.startsWith('"')) return ifRange === validators.etag
  if (isWeak(ifRange) || ifRange !== validators.lastModified) return false
  return date === undefined || isStrongDate(ifRange, date)
}

/**
 * What ties the parts of a representation together: its ETag unless that is weak, or else a Last-Modified that is
 * strong by RFC 9110 §8.8.2.2; undefined when it has neither. `date` is when the answer was made.
 */
export function strongValidator({ etag, lastModified }: Validators, date: Instant): string | undefined {
  // A weak tag says that bytes may differ under it, whatever the date says.
  if (etag !== undefined) return /^"[^"]*"$/.test(etag) ? etag : undefined
  return lastModified !== undefined && isStrongDate(lastModified, date) ? lastModified : undefined
}

/** A second after the modification, no second one can hide behind the same date. */
function isStrongDate(lastModified: string, date: Instant): boolean {
  const modified = parseHttpDate(lastModified, date)
  return modified !== undefined && date - modified >= 1000
}

/** The entity tags of a list; commas inside a tag's quotes do not split it (RFC 9110 §8.8.3). */
function entityTags(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? []
}

function isWeak(tag: string): boolean {
  return tag.startsWith('W/')
}

/** Weak comparison looks at the opaque part only (RFC 9110 §8.8.3.2). */
function opaque(tag: string): string {
  return isWeak(tag) ? tag.slice(2) : tag
}
