import { canonicalPattern, comparablePath } from '../core/index.ts'
import { globMatches } from './match.ts'

/** No path holds it, so only a wildcard can match it. */
const STRANGER = '\u0001'
/** An asterisk that is meant as one, as patterns are compiled. */
const ASTERISK = '\u0000'

function rooted(text: string): string {
  const pattern = comparablePath(canonicalPattern(text).replaceAll('%2A', ASTERISK))
  return pattern.startsWith('/') || pattern.startsWith('*') ? pattern : `/${pattern}`
}

/** Two spellings of one pattern: `members/*` and `/members/*`, `*` and `/*`. */
export function samePattern(one: string, other: string): boolean {
  return covers(one, other) && covers(other, one)
}

/** Every path that the narrow pattern matches is matched by the wide one, too. */
export function covers(wide: string, narrow: string): boolean {
  const pattern = everything(wide) ? '*' : rooted(wide)
  const text = (everything(narrow) ? '/*' : rooted(narrow)).replaceAll('?', STRANGER)
  // A run as long as the wide pattern needs a `*` to match it; the empty run needs that nothing more is asked for.
  const runs = ['', STRANGER.repeat(pattern.length + 1)]
  return runs.every(run => globMatches(pattern, text.replaceAll('*', run).replaceAll(ASTERISK, '*')))
}

/** Some path is matched by both. */
export function overlap(one: string, other: string): boolean {
  const a = everything(one) ? '*' : rooted(one)
  const b = everything(other) ? '*' : rooted(other)
  const fixed = Math.min(fixedLength(a), fixedLength(b))
  if (a.slice(0, fixed) !== b.slice(0, fixed)) return false
  // Whether the rest of `a` from i and the rest of `b` from the column share a text, from the ends backwards.
  let below: boolean[] = []
  for (let i = a.length; i >= 0; i--) {
    const row: boolean[] = new Array<boolean>(b.length + 1).fill(false)
    for (let j = b.length; j >= 0; j--) {
      const [left, right] = [a[i], b[j]]
      if (left === undefined && right === undefined) row[j] = true
      else if (left === '*') row[j] = below[j] === true || (right !== undefined && row[j + 1] === true)
      else if (right === '*') row[j] = row[j + 1] === true || (left !== undefined && below[j] === true)
      else if (left !== undefined && right !== undefined)
        row[j] = (left === '?' || right === '?' || left === right) && below[j + 1] === true
    }
    below = row
  }
  return below[0] === true
}

/** How much of a pattern stands before its first wildcard. */
function fixedLength(pattern: string): number {
  const wildcard = pattern.search(/[*?]/)
  return wildcard < 0 ? pattern.length : wildcard
}

function everything(pattern: string): boolean {
  return pattern === '*' || pattern === '/*'
}
