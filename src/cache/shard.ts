import { crc32 } from 'node:zlib'
import type { CacheKey } from '../http/index.ts'

/** Fixed, so that a disk's folders mean the same whatever the number of workers (SEAMS 22). */
export const SHARDS = 64

/**
 * The shard of a key, 0 to 63: one worker owns it, and one folder of the disk holds it. What stands behind a line feed
 * does not count, so that the variants of a key belong where it does.
 */
export function shardOf(key: CacheKey): number {
  const end = key.indexOf('\n')
  return crc32(end < 0 ? key : key.slice(0, end)) % SHARDS
}

/** The shards of one worker, numbered from 0: every so many of them. */
export function shardsOf(index: number, workers: number): number[] {
  return Array.from({ length: SHARDS }, (_, shard) => shard).filter(shard => shard % workers === index)
}
