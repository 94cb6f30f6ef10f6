import { Lru, type Instant, type Milliseconds, type NodeId } from '../core/index.ts'

/** What an edge says: in how many milliseconds viewers of a network answer it, there and back. */
export interface Measured {
  network: string
  milliseconds: Milliseconds
}

/** What nobody has measured again for so long says nothing any more. */
export const FORGOTTEN_AFTER: Milliseconds = 30 * 60_000
const MOST_NETWORKS = 100_000

/** Of a network: by edge, the least time that was measured of late. */
type OfNetwork = Map<NodeId, { milliseconds: number; at: Instant }>

/** How long viewers' networks take to edges, as these have measured it; bounded, the longest unheard ones go first. */
export class Latencies {
  readonly #networks = new Lru<string, OfNetwork>({ max: MOST_NETWORKS })

  learn(edge: NodeId, measured: Iterable<Measured>, now: Instant): void {
    for (const { network, milliseconds } of measured) {
      const known = this.#networks.get(network) ?? new Map()
      known.set(edge, { milliseconds, at: now })
      this.#networks.set(network, known)
    }
  }

  /** Undefined where nothing is known of a network. */
  of(network: string, now: Instant): ReadonlyMap<NodeId, Milliseconds> | undefined {
    const known = this.#networks.get(network)
    if (known === undefined) return undefined
    const fresh = new Map<NodeId, Milliseconds>()
    for (const [edge, { milliseconds, at }] of known) {
      if (now - at < FORGOTTEN_AFTER) fresh.set(edge, milliseconds)
      else known.delete(edge)
    }
    return fresh.size > 0 ? fresh : undefined
  }

  get size(): number {
    return this.#networks.size
  }
}
