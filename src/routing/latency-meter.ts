import { Lru, type Clock, type Instant, type Milliseconds } from '../core/index.ts'
import { networkOf } from './networks.ts'
import type { Measured } from './latencies.ts'

/** Of what came before twice this span nothing is left: networks change, and so does the way to them. */
const SPAN: Milliseconds = 10 * 60_000
/** Control forgets later than this, so what stays as it is has to be said again. */
const SAY_AGAIN: Milliseconds = 10 * 60_000
const MOST_NETWORKS = 20_000
/** One report is to stay small; what is left goes with the next. */
const MOST_AT_ONCE = 500
/** Nobody is that far away: a client that dawdled. */
const LONGEST: Milliseconds = 5_000

interface Known {
  least: Milliseconds
  /** The least of the span before. */
  before: Milliseconds | undefined
  since: Instant
  told: { milliseconds: Milliseconds; at: Instant } | undefined
}

/**
 * How long viewers' networks take to this edge and back: the least time of late, since a viewer or this machine may be
 * slow, and never fast. Bounded; networks that were not heard of for longest go first.
 */
export class LatencyMeter {
  readonly #clock: Clock
  readonly #networks = new Lru<string, Known>({ max: MOST_NETWORKS })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** One round trip with a viewer at this address. */
  saw(address: string, milliseconds: Milliseconds): void {
    const network = networkOf(address)
    if (network !== undefined) this.add(network, milliseconds)
  }

  /** The same of a network, as `networkOf` names it. */
  add(network: string, milliseconds: Milliseconds): void {
    if (!(milliseconds >= 0 && milliseconds < LONGEST)) return
    const now = this.#clock.now()
    const known = this.#networks.get(network)
    if (known === undefined) {
      this.#networks.set(network, { least: milliseconds, before: undefined, since: now, told: undefined })
    } else if (now - known.since >= SPAN) {
      known.before = now - known.since < 2 * SPAN ? known.least : undefined
      known.least = milliseconds
      known.since = now
    } else if (milliseconds < known.least) known.least = milliseconds
  }

  /** What is not known elsewhere yet, or was said long ago. It is said again until `told` was called with it. */
  news(): Measured[] {
    const now = this.#clock.now()
    const news: Measured[] = []
    for (const [network, known] of this.#networks.entries()) {
      if (news.length === MOST_AT_ONCE) break
      // What nobody has used for two spans is not said again.
      if (now - known.since >= 2 * SPAN) continue
      const milliseconds = leastOf(known)
      if (isNews(known.told, milliseconds, now)) news.push({ network, milliseconds })
    }
    return news
  }

  told(news: Iterable<Measured>): void {
    const at = this.#clock.now()
    for (const { network, milliseconds } of news) {
      const known = this.#networks.peek(network)
      if (known !== undefined) known.told = { milliseconds, at }
    }
  }
}

/** To a tenth of a millisecond. */
function leastOf({ least, before = Number.POSITIVE_INFINITY }: Known): Milliseconds {
  return Math.round(Math.min(least, before) * 10) / 10
}

function isNews(told: Known['told'], milliseconds: Milliseconds, now: Instant): boolean {
  if (told === undefined || now - told.at >= SAY_AGAIN) return true
  return Math.abs(milliseconds - told.milliseconds) > Math.max(1, told.milliseconds / 10)
}
