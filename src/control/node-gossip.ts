import type { Milliseconds } from '../core/index.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Others } from './database/index.ts'

/**
 * Tells the other controls what nodes say here, and the other way about: at once when one has applied another version,
 * else from time to time, more often than a silent node counts as live. Nothing is written: what is lost is said again.
 */
export class NodeGossip {
  readonly #acknowledgements: Acknowledgements
  readonly #others: Others
  readonly #timer: NodeJS.Timeout
  #wanted: 'tell' | 'nothing' = 'nothing'
  #telling: Promise<void> | undefined

  constructor(acknowledgements: Acknowledgements, others: Others, every: Milliseconds) {
    this.#acknowledgements = acknowledgements
    this.#others = others
    this.#timer = setInterval(() => this.#tell(), every).unref()
    acknowledgements.onApplied(() => this.#tell())
    others.onNodes(
      states => acknowledgements.learn(states),
      () => this.#tell(),
    )
  }

  /** To be called before the database is closed. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#acknowledgements.onApplied(() => {})
    await this.#telling
  }

  /** One at a time: what nodes say meanwhile goes with the next. */
  #tell(): void {
    this.#wanted = 'tell'
    this.#telling ??= this.#tellAll()
  }

  async #tellAll(): Promise<void> {
    while (this.#wanted === 'tell') {
      this.#wanted = 'nothing'
      // While the database is away: the next time says it.
      await this.#others.tellNodes(this.#acknowledgements.ours()).catch(() => {})
    }
    this.#telling = undefined
  }
}
