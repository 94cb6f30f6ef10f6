import type { TrafficTotals } from '../../membership/index.ts'

/** What one process of an edge has done, and how many connections of viewers it has. */
export interface WorkerTraffic extends TrafficTotals {
  hits: number
  misses: number
  busy: number
}

const NOTHING: WorkerTraffic = { requests: 0, bytes: 0, hits: 0, misses: 0, busy: 0 }

/** The traffic of all processes of an edge; what those have done who have ended stays in it. */
export class TrafficSums {
  readonly #last = new Map<object, WorkerTraffic>()
  readonly #ended = new WeakSet<object>()
  #past = NOTHING

  heard(member: object, traffic: WorkerTraffic): void {
    // Its last words, heard after its end.
    if (!this.#ended.has(member)) this.#last.set(member, traffic)
  }

  /** That process has ended. */
  left(member: object): void {
    const last = this.#last.get(member) ?? NOTHING
    this.#last.delete(member)
    this.#ended.add(member)
    this.#past = sum(this.#past, { ...last, busy: 0 })
  }

  get all(): WorkerTraffic {
    return [...this.#last.values()].reduce(sum, this.#past)
  }
}

function sum(one: WorkerTraffic, other: WorkerTraffic): WorkerTraffic {
  return {
    requests: one.requests + other.requests,
    bytes: one.bytes + other.bytes,
    hits: one.hits + other.hits,
    misses: one.misses + other.misses,
    busy: one.busy + other.busy,
  }
}
