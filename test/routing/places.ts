import type { DistributionId, KeyGroupId, NodeId } from '../../src/core/index.ts'
import {
  firstDistribution,
  type Distribution,
  type PeerNode,
  type ViewersAt,
} from '../../src/distribution/index.ts'
import type { Edge } from '../../src/routing/index.ts'

export const PARIS = { latitude: 48.9, longitude: 2.4 }
export const SYDNEY = { latitude: -33.9, longitude: 151.2 }
export const OREGON = { latitude: 45.5, longitude: -122.7 }

export const E1 = distribution('E1')

export function distribution(id: string, more: Partial<Distribution> = {}): Distribution {
  return { ...firstDistribution(id as DistributionId, 'cdn.example', 'kg-1' as KeyGroupId), ...more }
}

/** `address` is also its number. */
export function edge(
  name: string,
  address: number,
  more: Partial<ViewersAt> & Partial<Pick<Edge, 'state'>> = {},
): Edge {
  const { state = 'serving', ...at } = more
  const viewers = { addresses: [`192.0.2.${address}`, `2001:db8::${address}`], http: 80, https: 443, ...at }
  return { id: `edge-${name}` as NodeId, viewers, state, addresses: viewers.addresses }
}

export function peer(id: string, viewers: ViewersAt | undefined, more: Partial<PeerNode> = {}): PeerNode {
  return {
    id: id as NodeId,
    role: id.startsWith('router') ? 'router' : 'edge',
    publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'x' },
    ...(viewers && { viewers }),
    ...more,
  }
}
