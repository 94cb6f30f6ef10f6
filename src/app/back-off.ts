import type { Instant, Milliseconds } from '../core/index.ts'

/** What is remembered of one role's endings. */
export interface RestartHistory {
  /** Endings in a row, none of which followed ten seconds of running. */
  inARow: number
}

const FIRST: Milliseconds = 500
const LONGEST: Milliseconds = 10_000
/**
 * A role that ran this long was well, and its next ending is a first one. What cannot start ends sooner, and one that is
 * killed again and again is still back within a second (SEAMS 34); to start every ten seconds costs a machine little.
 */
const WELL_AFTER: Milliseconds = 10_000

/**
 * How long to wait before a role is started again. The first time at once, since viewers wait; then 0.5 s, 1 s, 2 s,
 * … 10 s, so that a role that cannot start does not keep the machine busy.
 */
export function nextRestart(
  history: RestartHistory,
  startedAt: Instant,
  endedAt: Instant,
): { wait: Milliseconds; history: RestartHistory } {
  const before = endedAt - startedAt >= WELL_AFTER ? 0 : history.inARow
  const wait = before === 0 ? 0 : Math.min(LONGEST, FIRST * 2 ** (before - 1))
  return { wait, history: { inARow: before + 1 } }
}
