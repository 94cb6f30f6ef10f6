import type { NodeId } from '../core/index.ts'
import type { Snapshot, ViewersAt } from '../distribution/index.ts'
import type { Edge } from './edge.ts'

/** One address of an edge that is to be asked whether it is there. */
export interface ProbeTarget {
  edge: NodeId
  address: string
  /** One is enough: both ports are one process's. */
  scheme: 'http' | 'https'
  port: number
}

/** `unreachable`: this machine has no way there, which says nothing of the edge. */
export type ProbeOutcome = 'answers' | 'silent' | 'unreachable'

/** An address is gone after so many questions without an answer, and there again after one. */
const MOST_MISSES = 2

interface Known {
  id: NodeId
  viewers: ViewersAt
  draining: boolean
  /** By address: how many questions in a row had no answer; none of one that cannot be asked from here. */
  misses: Map<string, number | 'unreachable'>
}

/** The edges and how they do: who is there by the snapshot, and who answers by probes. */
export class EdgeTable {
  #known = new Map<NodeId, Known>()
  #edges: readonly Edge[] = []

  /** The same as long as nothing has changed. */
  get edges(): readonly Edge[] {
    return this.#edges
  }

  apply({ nodes }: Pick<Snapshot, 'nodes'>): void {
    const known = new Map<NodeId, Known>()
    for (const { id, role, viewers, draining = false } of nodes) {
      if (role !== 'edge' || viewers === undefined || viewers.addresses.length === 0) continue
      const before = this.#known.get(id)
      const misses = new Map(viewers.addresses.map(each => [each, before?.misses.get(each) ?? 0] as const))
      known.set(id, { id, viewers, draining, misses })
    }
    this.#known = known
    this.#look()
  }

  targets(): ProbeTarget[] {
    return [...this.#known.values()].flatMap(({ id, viewers }) => {
      const { http, https, addresses } = viewers
      const port = http ?? https
      if (port === null) return []
      const scheme = http === null ? 'https' : 'http'
      return addresses.map(address => ({ edge: id, address, scheme, port }) as const)
    })
  }

  probed({ edge, address }: Pick<ProbeTarget, 'edge' | 'address'>, outcome: ProbeOutcome): void {
    const known = this.#known.get(edge)
    const before = known?.misses.get(address)
    if (known === undefined || before === undefined) return
    known.misses.set(address, after(before, outcome))
    this.#look()
  }

  #look(): void {
    const edges = [...this.#known.values()].map(edgeOf)
    // Whoever has made something of the old ones may keep it.
    if (JSON.stringify(edges) !== JSON.stringify(this.#edges)) this.#edges = edges
  }
}

function after(before: number | 'unreachable', outcome: ProbeOutcome): number | 'unreachable' {
  if (outcome === 'unreachable') return 'unreachable'
  if (outcome === 'answers') return 0
  return before === 'unreachable' ? 1 : Math.min(before + 1, MOST_MISSES)
}

function edgeOf({ id, viewers, draining, misses }: Known): Edge {
  const asked = [...misses].filter(([, each]) => each !== 'unreachable')
  const gone = asked.filter(([, each]) => each === MOST_MISSES).map(([address]) => address)
  const isDead = gone.length > 0 && gone.length === asked.length
  const addresses = isDead ? viewers.addresses : viewers.addresses.filter(each => !gone.includes(each))
  return { id, viewers, state: isDead ? 'dead' : draining ? 'draining' : 'serving', addresses }
}
