import { createHash } from 'node:crypto'

/**
 * All nodes in the order in which they are to be preferred for a key (highest random weight): the same wherever it is
 * asked and in whatever order they are named. A node that goes changes nothing for the keys of the others, and one that
 * comes takes an equal share of each.
 */
export function rendezvous<T>(key: string, nodes: readonly T[], idOf: (node: T) => string): T[] {
  if (nodes.length < 2) return [...nodes]
  return nodes
    .map(node => ({ node, weight: weightOf(idOf(node), key) }))
    .sort((one, other) => (one.weight < other.weight ? 1 : one.weight > other.weight ? -1 : 0))
    .map(({ node }) => node)
}

/** Ids have no line break, so no two pairs read alike. */
function weightOf(id: string, key: string): string {
  return createHash('sha256').update(`${id}\n${key}`).digest('hex')
}
