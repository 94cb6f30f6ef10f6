/** One section of a resource, ready to be compared. */
export type Wildcard =
  | { kind: 'any' }
  | { kind: 'exact'; text: string }
  | { kind: 'prefix'; text: string }
  /** `*` is any run of characters, ONE is one character. */
  | { kind: 'pattern'; text: string }

/** Stands for the wildcard `?` once `\?` has become a literal one; no URL holds it. */
const ONE = '\u0000'

/** `*` = any run of characters, `?` = exactly one, `\?` = a question mark (CloudFront, "Policy statement", Resource). */
export function compileWildcard(section: string): Wildcard {
  if (section === '*') return { kind: 'any' }
  const text = section.replace(/\\\?|\?/g, found => (found === '?' ? ONE : '?'))
  const star = text.indexOf('*')
  if (text.includes(ONE)) return { kind: 'pattern', text }
  if (star < 0) return { kind: 'exact', text }
  return star === text.length - 1 ? { kind: 'prefix', text: text.slice(0, -1) } : { kind: 'pattern', text }
}

export function wildcardMatches(wildcard: Wildcard, text: string): boolean {
  switch (wildcard.kind) {
    case 'any':
      return true
    case 'exact':
      return text === wildcard.text
    case 'prefix':
      return text.startsWith(wildcard.text)
    case 'pattern':
      return patternMatches(wildcard.text, text)
  }
}

/**
 * On a mismatch only the last `*` is tried again, one character further. Patterns made to repeat themselves could
 * still cost pattern × text, so looks are counted: past the allowance, which nothing that names real paths comes
 * near, the answer is no. The cost is linear whatever was signed.
 */
const LOOKS_PER_CHARACTER = 64
const LOOKS_ALWAYS = 4096

function patternMatches(pattern: string, text: string): boolean {
  let looks = LOOKS_ALWAYS + LOOKS_PER_CHARACTER * (pattern.length + text.length)
  let p = 0
  let t = 0
  let starAt = -1
  let resumeAt = 0
  while (t < text.length) {
    if (looks-- === 0) return false
    const want = pattern[p]
    if (want === '*') {
      starAt = p++
      resumeAt = t
    } else if (want !== undefined && (want === ONE || want === text[t])) {
      p++
      t++
    } else if (starAt >= 0) {
      p = starAt + 1
      t = ++resumeAt
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
