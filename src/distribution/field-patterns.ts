/** CloudFront's: letters, digits, `[ ] . _ - +`, and `*` at the end alone. */
const PATTERN = /^[A-Za-z0-9[\]._+-]+\*?$/
const MOST_PATTERNS = 10
const LONGEST = 128

/** What is wrong with the fields that a profile names, in sentences; `place` is how they call it. */
export function patternProblems(patterns: readonly string[], place: string): string[] {
  const bad = patterns.filter(each => !PATTERN.test(each) || each.length > LONGEST)
  return [
    ...(patterns.length === 0 ? [`${place} names no field: list one in "patterns"`] : []),
    ...(patterns.length > MOST_PATTERNS
      ? [`${place} names ${patterns.length} fields, and a request has ${MOST_PATTERNS} encrypted at most`]
      : []),
    ...bad.map(
      each =>
        `the field "${each.slice(0, LONGEST)}" of ${place} is none: 1 to ${LONGEST} letters, digits and [ ] . _ - +, with "*" at its end alone`,
    ),
    ...overlaps(patterns).map(
      ([one, other]) =>
        `the fields "${one}" and "${other}" of ${place} overlap: keep the one that means both, or tell them apart`,
    ),
  ]
}

/** Pairs of which some name matches both, the later one second. */
function overlaps(patterns: readonly string[]): [string, string][] {
  return patterns.flatMap((one, at) =>
    patterns
      .slice(at + 1)
      .flatMap((other): [string, string][] => (overlap(one, other) ? [[one, other]] : [])),
  )
}

function overlap(one: string, other: string): boolean {
  return one === other || begins(one, other) || begins(other, one)
}

function begins(pattern: string, other: string): boolean {
  return pattern.endsWith('*') && other.startsWith(pattern.slice(0, -1))
}
