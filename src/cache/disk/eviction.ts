import type { ShardIndex } from './shard-index.ts'
import type { FileId } from './slot-table.ts'

/** Of so many files at random, the one that was used longest ago goes. */
const SAMPLES = 16

export interface Victim {
  index: ShardIndex
  id: FileId
  size: number
  used: number
}

/** Shards are alike in what they hold, as keys are spread by a checksum: so all are looked into equally often. */
export function oldestOfSome(indexes: readonly ShardIndex[]): Victim | undefined {
  let oldest: Victim | undefined
  for (let sample = 0; sample < SAMPLES; sample++) {
    const index = filled(indexes, Math.floor(Math.random() * indexes.length))
    const found = index?.table.near(Math.random())
    if (index && found && (!oldest || found.used < oldest.used)) oldest = { index, ...found }
  }
  return oldest
}

/** The first from there on that has anything. */
function filled(indexes: readonly ShardIndex[], from: number): ShardIndex | undefined {
  for (let step = 0; step < indexes.length; step++) {
    const index = indexes[(from + step) % indexes.length]
    if (index && index.count > 0) return index
  }
  return undefined
}
