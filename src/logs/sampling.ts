import { createHash } from 'node:crypto'

/** Of how many slots a rate in percent takes whole ones. */
const SLOTS = 10_000

/**
 * Whether a request is among those that are told, by its id alone: every reader of the same lines comes to the same, and a
 * request that is told at one rate is told at every higher one. `rate` is in percent.
 */
export function isSampled(id: string, rate: number): boolean {
  if (rate >= 100) return true
  // Ids count up, so their own digits would take runs of requests.
  const slot = createHash('sha256').update(id).digest().readUInt32BE(0) % SLOTS
  return slot < (rate * SLOTS) / 100
}
