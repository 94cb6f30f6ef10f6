import type { Question, UpstreamAnswer } from '../../cache/index.ts'
import { rendezvous } from '../../core/index.ts'
import type { PeerNode } from '../../distribution/index.ts'
import type { FlatHeaders } from '../../http/index.ts'
import { placesOf, type NodePlace } from '../../membership/index.ts'
import { byWord, type Metrics } from '../../telemetry/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { judgedBy } from '../upstream/forwarding.ts'
import { namesOf } from '../upstream/origin-request.ts'
import { resumed } from '../upstream/resumed-body.ts'
import { leadsToOtherScheme } from '../upstream/scheme-redirect.ts'
import { EDGE_METRICS } from '../metric-names.ts'
import { RegionalCache, type Asked, type RegionalCacheOptions } from './regional-cache.ts'

/** Asks the origin itself. */
export type Direct = (question: Question) => Promise<UpstreamAnswer>

/** After two that could not be asked the origin is asked: a third would cost more time than it spares the origin. */
const MOST_ASKED = 2

/** The regional caches as an edge asks them: each key has one of its own, and the origin stands in for all (SEAMS 23). */
export class Regionals {
  readonly #options: Omit<RegionalCacheOptions, 'place'>
  readonly #all = new Map<string, RegionalCache>()
  /** The places of these, as the snapshot says, by the same names. */
  #pops = new Map<string, string>()
  /** That are asked for nothing more, and end what they have begun. */
  readonly #leaving = new Set<RegionalCache>()
  readonly #results = { answered: 0, behind: 0, away: 0, failed: 0, direct: 0 }

  constructor(options: Omit<RegionalCacheOptions, 'place'>) {
    this.#options = options
  }

  /** Lets go of those that are no more among the nodes of the snapshot, once what they have begun has ended. */
  keep(nodes: readonly PeerNode[]): void {
    const places = new Map(placesOf({ nodes: [...nodes] }, 'regional').map(place => [nameOf(place), place]))
    this.#pops = new Map(nodes.map(({ id, url, pop }) => [nameOf({ id, url: url ?? '' }), pop ?? '']))
    for (const [name, cache] of this.#all) {
      if (places.has(name)) continue
      this.#all.delete(name)
      this.#leaving.add(cache)
      const left = (): void => void this.#leaving.delete(cache)
      void cache.close().then(left, left)
    }
    for (const [name, place] of places)
      if (!this.#all.has(name)) this.#all.set(name, new RegionalCache({ ...this.#options, place }))
  }

  /**
   * Whether this goes by a regional cache: not what is sent on with all fields of its viewer, which is his own (CloudFront,
   * "dynamic requests"), nor what asks for anything but an object.
   */
  serve({ behaviour, source, request }: Exchange): boolean {
    if (this.#all.size === 0 || request.method === 'OPTIONS') return false
    const { forward } = behaviour ?? {}
    const some = forward === 'none' || Array.isArray(forward)
    return some || source?.members.every(each => each?.origin.kind !== 'http') === true
  }

  /** Rejects as `Upstream.ask` does. */
  async ask(
    x: Exchange,
    { query, question, selected }: { query: string; question: Question; selected: FlatHeaders },
    direct: Direct,
  ): Promise<UpstreamAnswer> {
    const asked = { ...question, query, selected }
    for (const cache of this.#inOrder(x).slice(0, MOST_ASKED)) {
      const answered = await cache.ask(x, asked)
      switch (answered.kind) {
        case 'answer':
          this.#results.answered++
          return judged(
            x,
            asked,
            resuming(answered, cache, () => direct(question)),
          )
        case 'failed':
          this.#results.failed++
          // What is out of reach from there may be within reach from here.
          if (answered.asked) throw answered.error
          return direct({ ...question, patience: 'brief' })
        case 'behind':
          this.#results.behind++
          return direct(question)
        case 'away':
          this.#results.away++
          break
        default:
          return answered satisfies never
      }
    }
    this.#results.direct++
    return direct(question)
  }

  /** For this key; those at the place that its origin is shielded by before all others. */
  #inOrder(x: Exchange): RegionalCache[] {
    const well = [...this.#all.values()].filter(({ isWell }) => isWell)
    const order = rendezvous(known(x.key, 'the key'), well, ({ place }) => nameOf(place))
    const { origin } = known(x.source, 'the source')
    const shield = origin.kind === 'built-in' ? undefined : origin.shield
    if (shield === undefined) return order
    const isThere = ({ place }: RegionalCache): boolean => this.#pops.get(nameOf(place)) === shield
    return [...order.filter(isThere), ...order.filter(each => !isThere(each))]
  }

  measure(metrics: Metrics): void {
    metrics.collected(EDGE_METRICS.regionalQuestions, () => byWord('result', this.#results))
    metrics.gauge(
      EDGE_METRICS.regionalsWell,
      () => [...this.#all.values()].filter(({ isWell }) => isWell).length,
    )
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all.values(), ...this.#leaving].map(cache => cache.destroy()))
  }
}

function nameOf({ id, url }: NodePlace): string {
  return `${id ?? ''} ${url}`
}

/** When it goes in the middle, the rest comes from the origin. */
function resuming(
  { answer, run }: { answer: UpstreamAnswer; run: string },
  cache: RegionalCache,
  again: () => Promise<UpstreamAnswer>,
): UpstreamAnswer {
  return { ...answer, body: resumed(answer, { died: () => cache.isGone(run), again }) }
}

/** What the edge would have found out of the origin's own answer. */
function judged(x: Exchange, { selected }: Asked, answer: UpstreamAnswer): UpstreamAnswer {
  const members = known(x.source, 'the source').members.flatMap(each => each ?? [])
  const foreign = members.some(({ origin }) => origin.kind !== 'built-in')
  const forwarded = judgedBy(namesOf([...x.forwarded, ...selected]), selected)
  const told = foreign ? { ...answer, forwarded } : answer
  return members.some(({ origin }) => leadsToOtherScheme(x, origin, told))
    ? { ...told, unshared: 'scheme' }
    : told
}
