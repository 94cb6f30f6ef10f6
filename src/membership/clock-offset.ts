import type { Instant, Milliseconds } from '../core/index.ts'

/** Two clocks that are further apart than this are said to be: signed tokens of nodes are refused beyond it (SEAMS 25). */
export const CLOCK_TOLERANCE: Milliseconds = 30_000

/** How far a clock is ahead of another; negative where it is behind. */
export type ClockOffset = Milliseconds

/** `there` was read while a question was under way, which took so long from `at` on. */
export function offsetTo(there: Instant, asked: { at: Instant; took: Milliseconds }): ClockOffset {
  return Math.round(asked.at + asked.took / 2 - there)
}

export function isOff(offset: ClockOffset): boolean {
  return Math.abs(offset) > CLOCK_TOLERANCE
}

/** "40 s ahead of". */
export function spokenOffset(offset: ClockOffset): string {
  return `${Math.round(Math.abs(offset) / 1000)} s ${offset < 0 ? 'behind' : 'ahead of'}`
}

/** What a field says; undefined for what is no instant. */
export function readInstant(field: string | string[] | undefined): Instant | undefined {
  if (typeof field !== 'string' || !/^\d{1,15}$/.test(field)) return undefined
  return Number(field) as Instant // digits of epoch milliseconds
}
