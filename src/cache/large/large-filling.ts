import type { CacheRequest, Filling, StoredObject } from '../contract.ts'
import type { Generation } from './generation.ts'

/** What a slice that is nowhere here is asked for with, and judged by. */
export type Asker = Pick<CacheRequest, 'ask' | 'bounds'>

/** A version of a large object as whoever delivers sees it; `reading` is asked for it when bytes are. */
export function largeFilling(
  reading: () => Generation,
  { status, headers, validators, bornAt, large }: Omit<StoredObject, 'body'>,
  asker: Asker,
): Filling {
  // One literal: each spread costs a hit as much as all of this.
  return {
    status,
    headers,
    validators,
    length: large?.length,
    bornAt,
    read: (first, last = Infinity) => reading().read(asker, first, last),
  }
}
