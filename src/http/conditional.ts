import type { Instant } from '../core/index.ts'
import { parseHttpDate } from './dates.ts'

/** What identifies the stored representation. */
export interface Validators {
  etag: string | undefined
  lastModified: string | undefined
}

export interface Conditions {
  ifNoneMatch: string | undefined
  ifModifiedSince: string | undefined
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

/** Whether a Range may be honoured under If-Range (RFC 9110 §13.1.5): strong comparison, dates exactly equal. */
export function rangeApplies(ifRange: string | undefined, validators: Validators): boolean {
  if (ifRange === undefined) return true
  if (ifRange.startsWith('"')) return ifRange === validators.etag
  if (ifRange.startsWith('W/')) return false
  return ifRange === validators.lastModified
}

/** The entity tags of a list; commas inside a tag's quotes do not split it (RFC 9110 §8.8.3). */
function entityTags(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? []
}

/** Weak comparison looks at the opaque part only (RFC 9110 §8.8.3.2). */
function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}
