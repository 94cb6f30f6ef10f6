import type { NodeId } from '../core/index.ts'
import type { Distribution } from '../distribution/index.ts'

/** Between a distribution and an edge in one label, so that a certificate for `*.<zone>` is good for both. */
const JOINT = '--'
const ROUTER = 'router'
const CHALLENGE = '_acme-challenge'

/** The name under which this very edge serves a distribution: `e123--edge-7f.cdn.example` of `e123.cdn.example`. */
export function nameAtEdge(domain: string, edge: NodeId): string {
  const dot = domain.indexOf('.')
  return dot < 0 ? `${domain}${JOINT}${edge}` : `${domain.slice(0, dot)}${JOINT}${edge}${domain.slice(dot)}`
}

/** Under which routers are reached by viewers: in the zone of the distribution's own name, so a wildcard covers it. */
export function nameOfRouter(domain: string): string {
  return `${ROUTER}${domain.slice(domain.indexOf('.'))}`
}

/** What a name of a zone stands for. */
export type Named =
  | { kind: 'elsewhere' }
  | { kind: 'zone' }
  | { kind: 'router' }
  | { kind: 'challenge' }
  | { kind: 'distribution'; label: string }
  | { kind: 'at-edge'; label: string; edge: NodeId }
  | { kind: 'absent' }

/** `name` and `zone` in lower case, without the dot at the end. */
export function readName(name: string, zone: string): Named {
  if (name === zone) return { kind: 'zone' }
  if (!name.endsWith(`.${zone}`)) return { kind: 'elsewhere' }
  const label = name.slice(0, -zone.length - 1)
  if (label.includes('.')) return { kind: 'absent' }
  if (label === ROUTER) return { kind: 'router' }
  if (label === CHALLENGE) return { kind: 'challenge' }
  const joint = label.indexOf(JOINT)
  if (joint < 0) return { kind: 'distribution', label }
  // Compared with the ids of the snapshot only.
  const edge = label.slice(joint + JOINT.length) as NodeId
  return { kind: 'at-edge', label: label.slice(0, joint), edge }
}

/** The distributions whose own names lie directly in a zone, by the label before it. */
export function labelsIn(zone: string, distributions: readonly Distribution[]): Map<string, Distribution> {
  const labels = new Map<string, Distribution>()
  for (const distribution of distributions) {
    const domain = distribution.domain.toLowerCase()
    const label = domain.slice(0, -zone.length - 1)
    if (domain === `${label}.${zone}` && !label.includes('.')) labels.set(label, distribution)
  }
  return labels
}
