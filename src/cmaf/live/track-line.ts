import type { Milliseconds } from '../../core/index.ts'

/** What a track keeps over all epochs: its timeline and its count of fragments only grow. */
export interface TrackLine {
  /** Where its last part ended. */
  end: Milliseconds
  /** Fragments so far. */
  fragments: number
}

/** Every timeline begins here, so that nothing that is shown before the first picture is decoded goes below 0. */
export const FIRST_TIME: Milliseconds = 10_000

export function trackLine(): TrackLine {
  return { end: FIRST_TIME, fragments: 0 }
}
