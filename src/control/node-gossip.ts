import { MeasuredAtEdge } from '../client/index.ts'
import { reader, Type, type Milliseconds } from '../core/index.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Others } from './database/index.ts'
import type { MeasuredNetworks } from './measured.ts'
import { ToldHealth, type NodeHealths } from './node-healths.ts'

interface Told {
  acknowledgements: Acknowledgements
  healths: NodeHealths
  measured: MeasuredNetworks
}

const readHealths = reader(Type.Array(ToldHealth), 'what another control says')
const readMeasured = reader(Type.Array(MeasuredAtEdge), 'what another control says of edges')

/**
 * Tells the other controls what nodes say here, and the other way about: at once when one has applied another version,
 * else from time to time, more often than a silent node counts as live. Nothing is written: what is lost is said again.
 */
export class NodeGossip {
  readonly #told: Told
  readonly #others: Others
  readonly #timer: NodeJS.Timeout
  #wanted: 'all' | 'applied' | 'nothing' = 'nothing'
  #telling: Promise<void> | undefined

  constructor(told: Told, others: Others, every: Milliseconds) {
    const { acknowledgements, healths, measured } = told
    this.#told = told
    this.#others = others
    this.#timer = setInterval(() => this.#tell('all'), every).unref()
    acknowledgements.onApplied(() => this.#tell('applied'))
    others.onHealths(heard => {
      try {
        healths.learn(readHealths(heard))
      } catch {
        // Of a build that says it otherwise.
      }
    })
    others.onMeasured(heard => {
      try {
        measured.heard(readMeasured(heard))
      } catch {
        // As above.
      }
    })
    others.onNodes(
      states => acknowledgements.learn(states),
      () => this.#tell('all'),
    )
  }

  /** To be called before the database is closed. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#told.acknowledgements.onApplied(() => {})
    await this.#telling
  }

  /** One at a time: what nodes say meanwhile goes with the next. */
  #tell(wanted: 'all' | 'applied'): void {
    if (this.#wanted !== 'all') this.#wanted = wanted
    this.#telling ??= this.#tellWanted()
  }

  async #tellWanted(): Promise<void> {
    while (this.#wanted !== 'nothing') {
      const wanted = this.#wanted
      this.#wanted = 'nothing'
      const { acknowledgements, healths, measured } = this.#told
      // While the database is away: the next time says it.
      await this.#others.tellNodes(acknowledgements.ours()).catch(() => {})
      if (wanted !== 'all') continue
      await this.#others.tellHealths(healths.ours()).catch(() => {})
      const news = measured.news()
      await this.#others.tellMeasured(news.measured).then(news.told, () => {})
    }
    this.#telling = undefined
  }
}
