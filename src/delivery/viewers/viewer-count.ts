import { instant, type Clock, type Instant, type Milliseconds } from '../../core/index.ts'

/** Whoever fetched a live media playlist within this time is watching (INTERFACE, `live show`). */
const WATCHING_MS: Milliseconds = 10_000
/** Viewers of one channel that can be told apart; beyond it the count stays at this number. */
const MOST_VIEWERS = 50_000

/** What control is told of an edge's viewers. */
export interface ViewersReport {
  channels: { path: string; viewers: number }[]
}

/**
 * Who watches which channel at this node. A viewer is an address, a player and a grant together; of these only a name
 * is kept, in the order of the last sign of life, so that a count looks no further than at those who have gone.
 */
export class ViewerCount {
  readonly #clock: Clock
  readonly #most: number
  readonly #channels = new Map<string, Map<string, Instant>>()
  /** The last report that control took named somebody, so it has to hear when nobody is left. */
  #told: 'somebody' | 'nobody' = 'nobody'

  constructor(clock: Clock, most = MOST_VIEWERS) {
    this.#clock = clock
    this.#most = most
  }

  /** `channel` is one of the snapshot's, which bounds how many there are. */
  seen(channel: string, viewer: string): void {
    const viewers = this.#channels.get(channel) ?? new Map<string, Instant>()
    this.#channels.set(channel, viewers)
    // Out and in again: a map keeps the order of insertion.
    viewers.delete(viewer)
    viewers.set(viewer, this.#clock.now())
    if (viewers.size <= this.#most) return
    const [longestSilent] = viewers.keys()
    if (longestSilent !== undefined) viewers.delete(longestSilent)
  }

  /** Of one channel, now. */
  of(channel: string): number {
    const viewers = this.#channels.get(channel)
    if (!viewers) return 0
    const since = instant(this.#clock.now() - WATCHING_MS)
    for (const [viewer, at] of viewers) {
      if (at > since) break
      viewers.delete(viewer)
    }
    if (viewers.size === 0) this.#channels.delete(channel)
    return viewers.size
  }

  /** All channels together. */
  get total(): number {
    return this.#counts().reduce((sum, { viewers }) => sum + viewers, 0)
  }

  /** Those who gave a sign of life at this instant or later, by channel. */
  seenSince(since: Instant): [channel: string, viewers: string[]][] {
    return [...this.#channels].flatMap(([channel, viewers]): [string, string[]][] => {
      const seen = [...viewers].filter(([, at]) => at >= since).map(([viewer]) => viewer)
      return seen.length > 0 ? [[channel, seen]] : []
    })
  }

  /** Undefined while control knows already that there is nobody. */
  report(): ViewersReport | undefined {
    const channels = this.#counts()
    return channels.length > 0 || this.#told === 'somebody' ? { channels } : undefined
  }

  /** Control has taken this report. */
  taken(report: object): void {
    this.#told =
      'channels' in report && Array.isArray(report.channels) && report.channels.length > 0
        ? 'somebody'
        : 'nobody'
  }

  #counts(): ViewersReport['channels'] {
    return (
      [...this.#channels.keys()]
        .map(path => ({ path, viewers: this.of(path) }))
        .filter(({ viewers }) => viewers > 0)
        // As many as a report may hold.
        .slice(0, 10_000)
    )
  }
}
