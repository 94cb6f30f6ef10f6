import type { Milliseconds, Seconds } from '../core/index.ts'
import { fieldValue, type FlatHeaders } from './headers.ts'

/** Directive names in lower case; a directive without a value maps to the empty string. */
export type Directives = ReadonlyMap<string, string>

const MEMBER = /\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?\s*(?:,|$)/y

/**
 * Reads Cache-Control (RFC 9111 §5.2). A member that is not one is skipped; of a repeated directive the first
 * counts (RFC 9111 §4.2.1 leaves the choice between first and most restrictive).
 */
export function parseCacheControl(value: string): Directives {
  const directives = new Map<string, string>()
  let at = 0
  while (at < value.length) {
    MEMBER.lastIndex = at
    const match = MEMBER.exec(value)
    if (!match) {
      const comma = value.indexOf(',', at)
      if (comma < 0) break
      at = comma + 1
      continue
    }
    at = MEMBER.lastIndex
    const name = (match[1] ?? '').toLowerCase()
    if (!directives.has(name)) directives.set(name, match[2] ?? match[3] ?? '')
  }
  return directives
}

/** RFC 9111 §1.2.2: a recipient treats what is larger than it can hold as 2^31. */
export const LONGEST_DELTA: Seconds = 2_147_483_648

/** Delta-seconds; undefined when absent; 0 when it is there and is no number, which makes the response stale. */
export function deltaSeconds(directives: Directives, name: string): Seconds | undefined {
  const text = directives.get(name)
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) return 0
  // A century is CloudFront's longest; 2^31 would cut it short, so only what overflows a safe integer is capped.
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : LONGEST_DELTA
}

/**
 * What a node tells the next about an answer of its own, in milliseconds, since Cache-Control and Age count whole
 * seconds and a live playlist lives a fraction of one (SEAMS 18). `Sluice-Cache-Control: max-age-ms=N` or `no-store`
 * outranks Cache-Control, every bound of a behaviour and the lifetimes of errors; `Sluice-Age-Ms: N` is the time
 * since the answer was made, over all tiers. Only nodes may be believed: whoever talks to an origin that is none takes
 * these fields off.
 */
export type NodeLifetime = { kind: 'for'; lifetime: Milliseconds } | { kind: 'none' }

/** Undefined when nothing is told, or nothing that can be read. */
export function nodeLifetime(headers: FlatHeaders): NodeLifetime | undefined {
  const value = fieldValue(headers, 'sluice-cache-control')
  if (value === undefined) return undefined
  const control = parseCacheControl(value)
  if (control.has('no-store')) return { kind: 'none' }
  const lifetime = milliseconds(control.get('max-age-ms'))
  return lifetime === undefined ? undefined : { kind: 'for', lifetime }
}

/** 0 when it is not told, or not as a number. */
export function nodeAge(headers: FlatHeaders): Milliseconds {
  return milliseconds(fieldValue(headers, 'sluice-age-ms')) ?? 0
}

/** Twelve digits are thirty years. */
function milliseconds(text: string | undefined): Milliseconds | undefined {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined
}
