import type { Bytes, Milliseconds } from '../core/index.ts'

/** What a node has done since its process began, for those whom it serves. */
export interface TrafficTotals {
  requests: number
  bytes: Bytes
  /** Of the requests that could be hits, those that were and those that were not; only caches have them. */
  hits?: number
  misses?: number
}

export interface RecentTraffic {
  bytesPerSecond: number
  requestsPerSecond: number
  /** Null where nothing could be a hit. */
  hitRatio: number | null
}

const SPAN: Milliseconds = 10_000

/** Rates over about the last ten seconds, from totals that are looked at from time to time. */
export class TrafficMeter {
  readonly #now: () => number
  readonly #looks: { at: number; totals: TrafficTotals }[] = []

  /** `now`: of a clock that nobody sets. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  look(totals: TrafficTotals): RecentTraffic {
    const at = this.#now()
    this.#looks.push({ at, totals: { ...totals } })
    // The newest of those that are old enough stays: the span begins there.
    while (this.#looks.length > 2 && at - (this.#looks[1]?.at ?? at) >= SPAN) this.#looks.shift()
    const [first] = this.#looks
    if (first === undefined || first.at >= at)
      return { bytesPerSecond: 0, requestsPerSecond: 0, hitRatio: null }
    const seconds = (at - first.at) / 1000
    const grown = (now = 0, then = 0): number => Math.max(0, now - then)
    const hits = grown(totals.hits, first.totals.hits)
    const all = hits + grown(totals.misses, first.totals.misses)
    return {
      bytesPerSecond: Math.round(grown(totals.bytes, first.totals.bytes) / seconds),
      requestsPerSecond: Math.round((grown(totals.requests, first.totals.requests) / seconds) * 10) / 10,
      hitRatio: all === 0 ? null : Math.round((hits / all) * 1000) / 1000,
    }
  }
}
