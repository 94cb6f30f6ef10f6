import { randomBytes } from 'node:crypto'
import { Lru, type NodeId } from '../core/index.ts'
import type { EdgesAnswer, MeasuredNetwork } from '../client/index.ts'

/** All networks at all edges. */
const MOST = 200_000
/** One answer stays small; a router asks on. */
const MOST_AT_ONCE = 10_000

/**
 * What edges have measured of viewers' networks, for routers: the newest of each, in the order in which it came. In
 * memory, and of the edges that speak to this process; edges say it again every ten minutes.
 */
export class MeasuredNetworks {
  readonly #life = randomBytes(6).toString('base64url')
  readonly #known = new Lru<string, { number: number; measured: EdgesAnswer['measured'][number] }>({
    max: MOST,
  })
  #next = 1

  learn(edge: NodeId, measured: readonly MeasuredNetwork[]): void {
    for (const { network, milliseconds } of measured) {
      const key = `${edge} ${network}`
      // Out and in again, so that the newest come last.
      this.#known.delete(key)
      this.#known.set(key, { number: this.#next++, measured: { edge, network, milliseconds } })
    }
  }

  /** From a number on that an answer of the same life gave; all where it is of another. */
  from(life: string | undefined, number: number): EdgesAnswer {
    const first = life === this.#life ? number : 0
    const measured: EdgesAnswer['measured'] = []
    let next = this.#next
    for (const known of this.#known.rvalues()) {
      if (known === undefined || known.number < first) continue
      const { number: at, measured: each } = known
      if (measured.length === MOST_AT_ONCE) {
        next = at
        break
      }
      measured.push(each)
    }
    return { life: this.#life, next, measured }
  }
}
