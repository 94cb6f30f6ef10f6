import { rendezvous, type NodeId } from '../core/index.ts'
import { ownersAmong, type PeerNode } from '../distribution/index.ts'

export interface OwnedChannel {
  path: string
  owner: NodeId | null
}

/** What is known of origins just now. */
export interface OriginView {
  /** Whether it was heard lately, or may still be heard. */
  isLive(id: NodeId): boolean
  /** Whether it has a broadcast of this channel; `unknown` where it speaks to another control. */
  has(id: NodeId, path: string): 'yes' | 'no' | 'unknown'
  /** Whether it has been there for so long that it will probably stay. */
  isSteady(id: NodeId): boolean
}

export interface Handing {
  path: string
  owner: NodeId
  /** `renewed`: whoever has had the channel under an older number drops it. */
  number: 'kept' | 'renewed'
}

/**
 * Which channels are to be given to another origin, and to whom (SEAMS 28). Pure. One whose owner is gone goes to the
 * first live one of those that `rendezvous` names; one that is idle goes home to its first one, when that is back to stay,
 * and away from an origin that drains.
 */
export function handings(
  channels: readonly OwnedChannel[],
  nodes: readonly PeerNode[],
  view: OriginView,
): Handing[] {
  const among = ownersAmong(nodes)
  const origins = among.map(({ id }) => id)
  // The only one is not asked whether it lives: there is nobody better.
  const live = origins.length === 1 ? origins : origins.filter(id => view.isLive(id))
  if (live.length === 0) return []
  const leaving = new Set(among.filter(({ draining }) => draining === true).map(({ id }) => id))
  const staying = live.filter(id => !leaving.has(id))
  // Nothing new goes to one that is taken out, as long as there is another.
  const takers = staying.length > 0 ? staying : live
  return channels.flatMap(({ path, owner }): Handing[] => {
    const order = rendezvous(path, origins, id => id)
    const [first] = order
    const [winner] = order.filter(id => takers.includes(id))
    if (first === undefined || winner === undefined) return []
    if (owner === null) {
      if (origins.length === 1) return []
      // Who has it already goes on under its number; else the first one has it, without having been told.
      const busy = live.find(id => view.has(id, path) === 'yes')
      const silent = busy ?? first
      return busy !== undefined || takers.includes(silent)
        ? [{ path, owner: silent, number: 'kept' }]
        : [{ path, owner: winner, number: 'renewed' }]
    }
    if (!live.includes(owner)) return [{ path, owner: winner, number: 'renewed' }]
    if (!takers.includes(owner)) {
      const isIdle = view.has(owner, path) === 'no'
      return isIdle ? [{ path, owner: winner, number: 'renewed' }] : []
    }
    const goesHome =
      first !== owner && first === winner && view.isSteady(first) && view.has(owner, path) === 'no'
    return goesHome ? [{ path, owner: first, number: 'renewed' }] : []
  })
}
