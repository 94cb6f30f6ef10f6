import type { Milliseconds } from '../../core/index.ts'
import type { LiveTrackKind } from '../live-events.ts'

export type Placed =
  /** On the line of what came before; milliseconds that do not wrap. */
  | { kind: 'on'; at: Milliseconds }
  /** The other track went on while this one was silent. */
  | { kind: 'pause'; at: Milliseconds }
  /** Does not go on from what came before: a new line has begun with it. */
  | { kind: 'jump'; at: Milliseconds }
  /** Belongs to the line before the last jump. */
  | { kind: 'stale' }

type Times = Partial<Record<LiveTrackKind, Milliseconds>>

/** Beyond it the times of a track do not go on. */
export const LONGEST_STEP: Milliseconds = 1000
/** A track's times may go back by this much, as those of hurried encoders do. */
const LONGEST_STEP_BACK: Milliseconds = 200
/** How far apart the first times of two tracks may be. */
const WIDEST_START: Milliseconds = 5000
/** How much one tag moves the lag that is usual. */
const LAG_GAIN = 1 / 16

/** Makes an encoder's 32-bit times, which wrap and begin anew, lines of times that only jump where told. */
export class SourceClock {
  private last: Times = {}
  private lag: Times = {}
  private newest: Milliseconds | undefined
  private left: Times = {}

  /** Forgets everything: another encoder may come. */
  restart(): void {
    this.last = {}
    this.lag = {}
    this.newest = undefined
    this.left = {}
  }

  place(track: LiveTrackKind, timestamp: number): Placed {
    const own = this.last[track]
    const reference = own ?? this.newest
    if (reference === undefined) return this.accept('on', track, timestamp)
    const at = reference + stepBetween(reference, timestamp)
    if (own === undefined && this.isStale(track, timestamp)) return { kind: 'stale' }
    if (own === undefined && Math.abs(at - reference) <= WIDEST_START) return this.accept('on', track, at)
    if (own !== undefined && at - own <= LONGEST_STEP && own - at <= LONGEST_STEP_BACK) {
      return this.accept('on', track, at)
    }
    const line = this.newest ?? reference
    if (at > reference && Math.abs(at - line) <= LONGEST_STEP + this.lagOf(track)) {
      return this.accept('pause', track, at)
    }
    this.left = this.last
    this.last = {}
    this.newest = undefined
    return this.accept('jump', track, timestamp)
  }

  /** Whether a track has said nothing for more than a second while the other went on, beyond its usual lag. */
  isSilent(track: LiveTrackKind): boolean {
    const last = this.last[track]
    if (this.newest === undefined) return false
    if (last === undefined) return true
    return this.newest - last > LONGEST_STEP + this.lagOf(track)
  }

  /** By how much a track usually comes later than the other one. */
  lagOf(track: LiveTrackKind): Milliseconds {
    return this.lag[track] ?? 0
  }

  private accept(kind: 'on' | 'pause' | 'jump', track: LiveTrackKind, at: Milliseconds): Placed {
    this.newest = Math.max(this.newest ?? at, at)
    const lag = this.lagOf(track)
    // What a pause ends with is no usual lag, and no lag is taken for usual that hides a pause.
    if (kind === 'on') {
      this.lag[track] = Math.min(WIDEST_START, lag + (this.newest - at - lag) * LAG_GAIN)
    }
    this.last[track] = at
    return { kind, at }
  }

  private isStale(track: LiveTrackKind, timestamp: number): boolean {
    const left = this.left[track]
    if (left === undefined) return false
    const step = stepBetween(left, timestamp)
    return 0 - step <= LONGEST_STEP_BACK && step <= LONGEST_STEP
  }
}

/** The shorter way round the 32 bits. */
function stepBetween(from: Milliseconds, to: number): Milliseconds {
  return (to - from) | 0
}
