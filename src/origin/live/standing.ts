import type { NodeId } from '../../core/index.ts'
import type { Channel } from '../../distribution/index.ts'
import { refusal, type HandOverRefusal, type HandOverRequest } from './hand-over-request.ts'

/** Whether another origin was given a channel. */
export function isAnothers({ owner }: Channel, self: NodeId | undefined): boolean {
  return owner !== undefined && self !== undefined && owner !== self
}

/**
 * The settings of a channel after somebody has told them: the lease only grows, and with it go its owner and the stops, of
 * which a restored database may know of fewer. Who is behind in the lease may know of more stops all the same.
 */
export function afterHearing(known: Channel, told: Channel): Channel {
  const { owner, ...rest } = told
  const newest = told.lease < known.lease ? known.owner : owner
  return {
    ...rest,
    stops: told.lease < known.lease ? Math.max(known.stops, told.stops) : told.stops,
    lease: Math.max(known.lease, told.lease),
    ...(newest !== undefined && { owner: newest }),
  }
}

/** A gateway has heard of newer numbers than this origin: under a higher lease the channel was given to this one. */
export function toldByGateway(
  known: Channel,
  { stops, lease }: Pick<HandOverRequest, 'stops' | 'lease'>,
  self: NodeId | undefined,
): Channel {
  const { owner, ...rest } = known
  const given = lease > known.lease ? self : owner
  return {
    ...{ ...rest, stops: Math.max(known.stops, stops), lease: Math.max(known.lease, lease) },
    ...(given !== undefined && { owner: given }),
  }
}

/** Why a hand-over may not come here, whoever else publishes; undefined when it may. */
export function refusalUnder(
  known: Channel,
  { stops, lease }: Pick<HandOverRequest, 'stops' | 'lease'>,
  self: NodeId | undefined,
): HandOverRefusal | undefined {
  if (stops < known.stops)
    return refusal(410, 'stopped', 'the channel was stopped after this publisher was accepted')
  // A gateway that is behind comes to the right one by and by; who has the channel takes it all the same.
  if (lease < known.lease && (known.owner === undefined || known.owner !== self))
    return refusal(503, 'origin-away', 'another origin has taken this channel over')
  if (lease <= known.lease && isAnothers(known, self))
    return refusal(503, 'origin-away', 'this channel is of another origin')
  return undefined
}
