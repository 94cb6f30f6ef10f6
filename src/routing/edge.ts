import type { NodeId } from '../core/index.ts'
import type { ViewersAt } from '../distribution/index.ts'

/** An edge as a router knows it. */
export interface Edge {
  id: NodeId
  viewers: ViewersAt
  /** `draining` ends what it has begun; `dead` does not answer the router. */
  state: 'serving' | 'draining' | 'dead'
  /** Of those of `viewers`, the ones that answer; all where none does. */
  addresses: readonly string[]
}

/**
 * Those to whom anybody may be sent: the serving ones, else the draining ones, which answer at least. Where nobody
 * answers it may be the router that is cut off, so then all.
 */
export function availableOf(edges: readonly Edge[]): readonly Edge[] {
  const serving = edges.filter(({ state }) => state === 'serving')
  if (serving.length > 0) return serving
  const answering = edges.filter(({ state }) => state !== 'dead')
  return answering.length > 0 ? answering : edges
}
