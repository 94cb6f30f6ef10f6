import { createHash } from 'node:crypto'
import { MiB, type Bytes } from '../../core/index.ts'
import type { ByteRange, CacheKey } from '../../http/index.ts'

/** Small enough that a range costs little more than itself, large enough that 50 GB are some twelve thousand. */
const SLICE_SIZE: Bytes = 4 * MiB

/** No request line can hold it, so no viewer's key can name a slice. */
const SEPARATOR = '\n'

/** What a slice is kept under. The size stands in it: slices that were cut otherwise never mix. */
export function sliceKey(key: CacheKey, generation: string, size: Bytes, index: number): CacheKey {
  return `${key}${SEPARATOR}${generation} ${size} ${index}` as CacheKey // begins with a key's distribution
}

/** Names one version of an object. The same validator and length name the same bytes (RFC 9110 §8.8.1). */
export function generationOf(validator: string, length: Bytes): string {
  return createHash('sha256').update(`${length} ${validator}`).digest('base64url').slice(0, 22)
}

/** The bytes of some slices; `length` undefined while nobody knows where the object ends. */
export function bytesOf(first: number, last: number, size: Bytes, length: Bytes | undefined): ByteRange {
  return { first: first * size, last: Math.min((last + 1) * size, length ?? Infinity) - 1 }
}

/** CloudFront's limit. */
const LONGEST_OBJECT: Bytes = 50e9

/** Slices fit into the memory tier, and what is kept in one body is not much longer than they are. */
export function sliceSizes({
  largestObject,
  maxBytes,
  slices,
}: {
  maxBytes: Bytes
  largestObject: Bytes
  slices?: { size?: Bytes; limit?: Bytes }
}): {
  size: Bytes
  above: Bytes
  limit: Bytes
  room: Bytes
} {
  const size = Math.min(slices?.size ?? SLICE_SIZE, largestObject)
  return {
    ...{ size, above: Math.min(largestObject, 2 * size) },
    limit: slices?.limit ?? LONGEST_OBJECT,
    room: Math.floor(maxBytes / 2),
  }
}
