import { comparablePath, type DistributionId } from '../core/index.ts'
import type { Invalidation } from './snapshot.ts'

/**
 * Invalidation is a number compared at lookup, not a sweep (SEAMS 24): an object stored under a number lower than
 * that of a matching invalidation is gone. Exact paths are one map lookup; prefixes are a walk down the path's
 * segments in a trie, so the cost depends on neither the cache's size nor the number of invalidations.
 */
export interface Invalidations {
  /** The newest number that concerns this canonical path; 0 when none does. */
  newest(distribution: DistributionId, path: string): number
}

interface OfDistribution {
  exact: Map<string, number>
  prefixes: Trie
}

/** One node for each folder that a prefix names, so that ten thousand prefixes stay small and are compiled quickly. */
interface Trie {
  /** Of the prefix that ends with this folder's slash: all that is in it. */
  inside: number
  folders: Map<string, Trie> | undefined
  /** Prefixes that end within a name, such as `/a/b*`: by their length, then by their text. */
  names: Map<number, Map<string, number>> | undefined
}

export function compileInvalidations(list: readonly Invalidation[]): Invalidations {
  const all = new Map<DistributionId, OfDistribution>()
  for (const { distributionId, pattern, sequence } of list) {
    let mine = all.get(distributionId)
    if (!mine) all.set(distributionId, (mine = { exact: new Map(), prefixes: node() }))
    // Told apart before `%2A` becomes the asterisk that it stands for.
    if (pattern.endsWith('*')) insert(mine.prefixes, comparablePath(pattern.slice(0, -1)), sequence)
    else raise(mine.exact, comparablePath(pattern), sequence)
  }
  return {
    newest(distribution, path) {
      const mine = all.get(distribution)
      if (!mine) return 0
      const comparable = comparablePath(path)
      return Math.max(mine.exact.get(comparable) ?? 0, newestPrefix(mine.prefixes, comparable))
    },
  }
}

function node(): Trie {
  return { inside: 0, folders: undefined, names: undefined }
}

function insert(root: Trie, prefix: string, sequence: number): void {
  const segments = prefix.slice(1).split('/')
  const name = segments.pop() ?? ''
  let at = root
  for (const segment of segments) {
    at.folders ??= new Map()
    let next = at.folders.get(segment)
    if (!next) at.folders.set(segment, (next = node()))
    at = next
  }
  if (name === '') {
    at.inside = Math.max(at.inside, sequence)
    return
  }
  at.names ??= new Map()
  let ofLength = at.names.get(name.length)
  if (!ofLength) at.names.set(name.length, (ofLength = new Map<string, number>()))
  raise(ofLength, name, sequence)
}

function newestPrefix(root: Trie, path: string): number {
  let newest = 0
  let at: Trie | undefined = root
  for (let start = 1; at;) {
    newest = Math.max(newest, at.inside)
    if (at.names) {
      for (const [length, names] of at.names) {
        newest = Math.max(newest, names.get(path.slice(start, start + length)) ?? 0)
      }
    }
    const end = path.indexOf('/', start)
    if (end < 0) break
    at = at.folders?.get(path.slice(start, end))
    start = end + 1
  }
  return newest
}

function raise(numbers: Map<string, number>, name: string, sequence: number): void {
  numbers.set(name, Math.max(sequence, numbers.get(name) ?? 0))
}
