/**
 * Header fields as one flat list, name, value, name, value: the form in which Node hands them out raw and writes
 * them fastest. Names keep the sender's spelling and are compared without regard to case (RFC 9110 §5.1).
 */
export type FlatHeaders = readonly string[]

/** All values of a field joined as RFC 9110 §5.3 allows; undefined when it is absent. */
export function fieldValue(headers: FlatHeaders, name: string): string | undefined {
  let joined: string | undefined
  for (const [field, value] of fields(headers)) {
    if (sameName(field, name)) joined = joined === undefined ? value : `${joined}, ${value}`
  }
  return joined
}

/** How many lines a field has; more than one matters for fields that may stand once only. */
export function fieldCount(headers: FlatHeaders, name: string): number {
  let count = 0
  for (const [field] of fields(headers)) if (sameName(field, name)) count++
  return count
}

/** The list without some fields; `names` in lower case. */
export function withoutFields(headers: FlatHeaders, names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (const [field, value] of fields(headers)) if (!names.has(field.toLowerCase())) kept.push(field, value)
  return kept
}

/** The members of a comma-separated list, trimmed, empty ones left out (RFC 9110 §5.6.1). */
export function listMembers(value: string): string[] {
  return value
    .split(',')
    .map(member => member.trim())
    .filter(member => member !== '')
}

export function* fields(headers: FlatHeaders): Generator<[name: string, value: string]> {
  for (let at = 0; at + 1 < headers.length; at += 2) yield [headers[at] ?? '', headers[at + 1] ?? '']
}

function sameName(one: string, other: string): boolean {
  return one.length === other.length && one.toLowerCase() === other.toLowerCase()
}
