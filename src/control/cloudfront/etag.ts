import { createHash } from 'node:crypto'

/** The entity tag of a state: the same state has the same one, and nothing can be read out of it. */
export function etagOf(...state: readonly unknown[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(state.map(sorted)))
    .digest()
  return `E${BigInt(`0x${hash.subarray(0, 10).toString('hex')}`)
    .toString(36)
    .toUpperCase()
    .padStart(13, '0')
    .slice(-13)}`
}

/** PostgreSQL does not keep the order of members, and clients do not either. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  // An empty list is often left out.
  const members = Object.entries(value).filter(
    ([, each]) => each !== undefined && !(Array.isArray(each) && each.length === 0),
  )
  members.sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(members.map(([name, each]) => [name, sorted(each)]))
}

export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}
