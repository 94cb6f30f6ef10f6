import { statfsSync } from 'node:fs'
import { GiB, type Bytes } from '../core/index.ts'

const MOST: Bytes = 10 * GiB
const SHARE = 0.2

/** The disk cache's size when nobody sets it, all workers together (SEAMS 35); `free` to those who are no superuser. */
export function defaultDiskCache(free: Bytes): Bytes {
  return Math.min(MOST, Math.floor(free * SHARE))
}

/** What an edge is told of its disk cache; undefined when it shall have none. `folder` is there already. */
export function planDiskCache(
  size: Bytes | 'auto',
  folder: string,
): { folder: string; maxBytes: Bytes } | undefined {
  const maxBytes = size === 'auto' ? defaultDiskCache(freeAt(folder)) : size
  return maxBytes > 0 ? { folder, maxBytes } : undefined
}

function freeAt(folder: string): Bytes {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
