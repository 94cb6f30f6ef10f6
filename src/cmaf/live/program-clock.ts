import type { Instant, Milliseconds } from '../../core/index.ts'

/**
 * When media happened: an epoch's media stands as close behind its arrival as the sample that came the soonest. Never
 * goes back.
 */
export class ProgramClock {
  private offset = Infinity
  private latest = -Infinity

  /** What follows does not go on in time from what came before. */
  restart(): void {
    this.offset = Infinity
  }

  note(at: Milliseconds, arrivedAt: Instant): void {
    this.offset = Math.min(this.offset, arrivedAt - at)
  }

  /** Of media at `at`, of which something was noted. */
  at(at: Milliseconds): Instant {
    this.latest = Math.max(this.latest, Math.round(this.offset + at))
    return this.latest as Instant // whole milliseconds of the instants that were noted
  }
}
