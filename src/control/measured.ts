import { randomBytes } from 'node:crypto'
import { Lru, type Clock, type Instant, type Milliseconds, type NodeId } from '../core/index.ts'
import type { EdgesAnswer, MeasuredAtEdge, MeasuredNetwork } from '../client/index.ts'

/** All networks at all edges. */
const MOST = 200_000
/** One answer stays small; a router asks on. */
const MOST_AT_ONCE = 10_000
/** Other controls hear of it in texts of 8,000 bytes; what is left goes with the next. */
const MOST_TOLD = 2_000
/** Longer than edges take to say it again. A router that begins would take older things for what is so now. */
const KEPT: Milliseconds = 30 * 60_000

interface Known {
  number: number
  at: Instant
  measured: MeasuredAtEdge
  /** Whether the edge spoke to this process, not to another control. */
  here: boolean
}

/**
 * What edges have measured of viewers' networks, for routers: the newest of each, in the order in which it came. In
 * memory; edges say it again every ten minutes, and controls tell each other what is new.
 */
export class MeasuredNetworks {
  readonly #life = randomBytes(6).toString('base64url')
  readonly #known = new Lru<string, Known>({ max: MOST })
  readonly #clock: Clock
  #next = 1
  /** From this number on the other controls have not been told. */
  #untold = 1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An edge has said it here. */
  learn(edge: NodeId, measured: readonly MeasuredNetwork[]): void {
    for (const { network, milliseconds } of measured) this.#keep({ edge, network, milliseconds }, true)
  }

  /** Another control has said it. */
  heard(measured: readonly MeasuredAtEdge[]): void {
    for (const { edge, network, milliseconds } of measured) this.#keep({ edge, network, milliseconds }, false)
  }

  /** What edges have said here since the last call of `told`; the newest come last. */
  news(): { measured: MeasuredAtEdge[]; told: () => void } {
    const measured: MeasuredAtEdge[] = []
    let next = this.#next
    for (const { number, here, measured: each } of this.#from(this.#untold)) {
      if (!here) continue
      if (measured.length === MOST_TOLD) {
        next = number
        break
      }
      measured.push(each)
    }
    return { measured, told: () => void (this.#untold = next) }
  }

  /** From a number on that an answer of the same life gave; all where it is of another. */
  from(life: string | undefined, number: number): EdgesAnswer {
    const first = life === this.#life ? number : 0
    const measured: MeasuredAtEdge[] = []
    let next = this.#next
    for (const known of this.#from(first)) {
      if (measured.length === MOST_AT_ONCE) {
        next = known.number
        break
      }
      measured.push(known.measured)
    }
    return { life: this.#life, next, measured }
  }

  #keep(measured: MeasuredAtEdge, here: boolean): void {
    const key = `${measured.edge} ${measured.network}`
    // Out and in again, so that the newest come last.
    this.#known.delete(key)
    this.#known.set(key, { number: this.#next++, at: this.#clock.now(), measured, here })
  }

  /** From a number on, in its order. It is looked for from the newest on, which is less: all that is known may be much. */
  #from(first: number): Known[] {
    const now = this.#clock.now()
    const found: Known[] = []
    for (const known of this.#known.values()) {
      if (known === undefined || known.number < first || now - known.at >= KEPT) break
      found.push(known)
    }
    return found.reverse()
  }
}
