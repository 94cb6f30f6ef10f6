import type { StoredObject, UpstreamAnswer } from '../../cache/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { carriedShape, carry, changePassing, type Passing, type Shape } from '../gate/carry.ts'
import { steeringTag } from '../../routing/index.ts'
import { steer } from './steer.ts'

/** How a playlist goes out to this viewer otherwise than it is stored. */
export interface PlaylistChange {
  /** It hands the viewer's signed query on. */
  carried: Shape | undefined
  /** It says where players learn of other edges. */
  steering: string | undefined
}

/** Undefined for whoever gets the stored bytes. */
export function changeOf(x: Exchange): PlaylistChange | undefined {
  const carried = carriedShape(x)
  const steering = steeringOf(x)
  return carried === undefined && steering === undefined ? undefined : { carried, steering }
}

/** At the edge: what lies in regional caches is for all edges, whose viewers speak this scheme or that. */
function steeringOf(x: Exchange): string | undefined {
  if (x.replies !== undefined) return undefined
  const { distribution } = known(x.served, 'the distribution')
  if (distribution.steering !== true) return undefined
  if (!known(x.target, 'the target').path.endsWith('.m3u8')) return undefined
  const { scheme, authority } = known(x.viewer, 'the viewer')
  const uri = x.node.steeringOf(distribution, scheme)
  return uri === undefined ? undefined : steeringTag(uri, /:(\d+)$/.exec(authority)?.[1])
}

/** The same object where there is nothing to change in it. */
export function changeStored(x: Exchange, stored: StoredObject, change: PlaylistChange): StoredObject {
  const { carried, steering } = change
  const handing = carried === undefined ? stored : x.node.carried.of(stored, carried)
  return steering === undefined ? handing : x.node.steered.of(handing, steering)
}

/** A playlist that nobody stores. */
export function changeAnswer(
  answer: UpstreamAnswer,
  { carried, steering }: PlaylistChange,
): Promise<Passing> {
  return changePassing(answer, source => {
    const handing = carried === undefined ? source : carry(source, carried)
    return steering === undefined ? handing : steer(handing, steering)
  })
}
