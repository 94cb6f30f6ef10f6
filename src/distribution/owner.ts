import { rendezvous } from '../core/index.ts'
import type { Channel } from './schema.ts'
import type { PeerNode } from './snapshot.ts'

type Named = Pick<PeerNode, 'id' | 'role'> & { url?: string | null }

/** Origins that may have channels: those that other nodes reach; where there is none, as on one machine, all. */
export function ownersAmong<Node extends Named>(nodes: readonly Node[]): Node[] {
  const origins = nodes.filter(({ role }) => role === 'origin')
  const reached = origins.filter(({ url }) => url !== undefined && url !== null)
  return reached.length > 0 ? reached : origins
}

/**
 * Whom to ask about a channel, the best first: who was given it, else the first of those that everybody names alike
 * (SEAMS 28); then the others, who pass on what they have not.
 */
export function ownersOf<Node extends Named>(
  { path, owner }: Pick<Channel, 'path' | 'owner'>,
  nodes: readonly Node[],
): Node[] {
  const all = rendezvous(path, ownersAmong(nodes), ({ id }) => id)
  const named = all.find(({ id }) => id === owner)
  return named === undefined ? all : [named, ...all.filter(node => node !== named)]
}
