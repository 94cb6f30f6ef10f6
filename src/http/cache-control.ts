import type { Seconds } from '../core/index.ts'

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
