import { rendezvous, type Milliseconds, type NodeId } from '../core/index.ts'
import type { Distribution } from '../distribution/index.ts'
import { distanceBetween, type Location } from './earth.ts'
import { availableOf, type Edge } from './edge.ts'

/** What is known of who asks. */
export interface Client {
  location?: Location | undefined
  /** By edge, how long his network has taken. */
  latencies?: ReadonlyMap<NodeId, Milliseconds> | undefined
}

/** By what an edge has its place in the order. */
export type Reason = 'latency' | 'distance' | 'unknown'

export interface Ranked {
  edge: Edge
  by: Reason
  /** There and back, measured or estimated; infinite where nothing is known. */
  milliseconds: number
}

/**
 * Light takes 1 ms there and back for 100 km of fibre, and fibre takes twice the straight way or more. Rather too much
 * than too little: what was measured is preferred to what was not.
 */
const KM_PER_MS = 50
/** Edges that are so close to each other are one place, between which the distribution decides. */
const SAME_PLACE: Milliseconds = 5

/** How cheap a place is; a distribution takes its own class and cheaper ones. */
const CLASSES = ['100', '200', 'all'] as const

/** What of a distribution a choice depends on. */
export type Routed = Pick<Distribution, 'id' | 'priceClass'>

/**
 * The edges to which a client of a distribution is to be sent, the nearest first. Of those that are equally near the
 * distribution's own come first, always in the same order, so that its objects are where they are asked for. The price
 * class is a wish: where none of its edges is there, the others serve. `able` says which edges are asked about at all; one
 * that is gone is no more there for being the only one of these.
 */
export function rank(
  edges: readonly Edge[],
  client: Client,
  distribution: Routed,
  able: (edge: Edge) => boolean = () => true,
): Ranked[] {
  const available = availableOf(orderOf(edges, distribution)).filter(able)
  const wished = available.filter(edge => isOfClass(edge, distribution))
  const order = wished.length > 0 ? wished : available
  const left = order.map(edge => estimate(edge, client)).sort((one, other) => compare(one, other))
  // By steps and not by pairs: what is close to a neighbour in turn would be no order.
  const ranked: Ranked[] = []
  while (left.length > 0) {
    const together = countTogether(left)
    const place = left.splice(0, together)
    ranked.push(...place.sort((one, other) => order.indexOf(one.edge) - order.indexOf(other.edge)))
  }
  return ranked
}

/** By edges, which are another list when anything changes: to hash them all for each question would cost the most of it. */
const orders = new WeakMap<readonly Edge[], Map<string, readonly Edge[]>>()

function orderOf(edges: readonly Edge[], { id: distribution }: Routed): readonly Edge[] {
  let known = orders.get(edges)
  if (known === undefined) orders.set(edges, (known = new Map<string, readonly Edge[]>()))
  let order = known.get(distribution)
  if (order === undefined) known.set(distribution, (order = rendezvous(distribution, edges, ({ id }) => id)))
  return order
}

/** How many, from the first on, are one place. */
export function countTogether(ranked: readonly Ranked[]): number {
  const least = Math.min(...ranked.map(({ milliseconds }) => milliseconds))
  const next = ranked.findIndex(({ milliseconds }) => milliseconds > least + SAME_PLACE)
  return next < 0 ? ranked.length : next
}

function isOfClass({ viewers }: Edge, { priceClass = 'all' }: Routed): boolean {
  return CLASSES.indexOf(viewers.priceClass ?? '100') <= CLASSES.indexOf(priceClass)
}

function estimate(edge: Edge, { location, latencies }: Client): Ranked {
  const measured = latencies?.get(edge.id)
  if (measured !== undefined) return { edge, by: 'latency', milliseconds: measured }
  const there = edge.viewers.location
  if (location === undefined || there === undefined)
    return { edge, by: 'unknown', milliseconds: Number.POSITIVE_INFINITY }
  return { edge, by: 'distance', milliseconds: distanceBetween(location, there) / KM_PER_MS }
}

/** Infinities do not subtract. */
function compare(one: Ranked, other: Ranked): number {
  return one.milliseconds === other.milliseconds ? 0 : one.milliseconds < other.milliseconds ? -1 : 1
}
