import type { Ask, Filling } from '../contract.ts'
import type { Generation } from './generation.ts'

/** A version of a large object as whoever delivers sees it: `ask` is his, for the slices that are nowhere here. */
export function largeFilling(
  generation: Generation,
  head: Pick<Filling, 'status' | 'headers' | 'validators' | 'length' | 'bornAt'>,
  ask: Ask,
): Filling {
  const { status, headers, validators, length, bornAt } = head
  return {
    ...{ status, headers, validators, length, bornAt },
    read: (first, last = Infinity) => generation.read(ask, first, last),
  }
}
