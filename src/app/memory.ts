import { totalmem } from 'node:os'
import { MiB, type Bytes } from '../core/index.ts'

const SHARE = 0.1
const LEAST = 32 * MiB

/** Memory that this process may use: the machine's, or its control group's limit where that is lower. */
export function availableMemory(): Bytes {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

/** The memory cache's size when nobody sets it: a tenth of what there is, all workers together (SEAMS 35). */
export function defaultMemoryCache(available: Bytes): Bytes {
  return Math.max(LEAST, Math.floor(available * SHARE))
}
