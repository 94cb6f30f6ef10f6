import type { BroadcastId, PublisherId, Reason } from '../../core/index.ts'
import { HAND_OVER, HAND_OVER_TYPE } from '../../membership/index.ts'

/** What a gateway says of an encoder that it wants to hand over. */
export interface HandOverRequest {
  /** The channel's path. */
  channel: string
  lease: number
  epoch: PublisherId
  stops: number
  address: string
  encoder: string
  /** That the gateway was told before; undefined when it was not, or when it is no id of ours. */
  broadcast: BroadcastId | undefined
}

/** Why a hand-over is not taken; the status tells the gateway whether another try may help. */
export interface HandOverRefusal {
  kind: 'refused'
  status: 400 | 404 | 409 | 410 | 415 | 503
  reason: Reason | 'bad-request'
  detail: string
}

export function refusal(
  status: HandOverRefusal['status'],
  reason: HandOverRefusal['reason'],
  detail: string,
): HandOverRefusal {
  return { kind: 'refused', status, reason, detail }
}

type Fields = Record<string, string | string[] | undefined>

const NUMBER = /^\d{1,15}$/
/** Ids stand in logs and are compared; any short word will do for those that are not ours. */
const WORD = /^[A-Za-z0-9._-]{1,64}$/
const BROADCAST = /^b[a-z0-9]{9}$/
const LONGEST_TEXT = 128

/** Reads the header fields of a hand-over (membership/hand-over.ts). */
export function readHandOverRequest(fields: Fields): HandOverRequest | HandOverRefusal {
  const text = (name: string): string => {
    const value = fields[name]
    return typeof value === 'string' ? value : ''
  }
  if (text('content-type') !== HAND_OVER_TYPE)
    return refusal(415, 'bad-request', `the body of a hand-over is ${HAND_OVER_TYPE}`)
  for (const name of [HAND_OVER.lease, HAND_OVER.stops]) {
    if (!NUMBER.test(text(name))) return refusal(400, 'bad-request', `${name} must be a whole number`)
  }
  if (!WORD.test(text(HAND_OVER.epoch)))
    return refusal(400, 'bad-request', `${HAND_OVER.epoch} must be the publisher's id`)
  if (!text(HAND_OVER.channel).startsWith('/'))
    return refusal(400, 'bad-request', `${HAND_OVER.channel} must be the channel's path`)
  const broadcast = text(HAND_OVER.broadcast)
  return {
    channel: text(HAND_OVER.channel),
    lease: Number(text(HAND_OVER.lease)),
    epoch: text(HAND_OVER.epoch) as PublisherId, // a gateway made it
    stops: Number(text(HAND_OVER.stops)),
    address: text(HAND_OVER.address).slice(0, LONGEST_TEXT),
    encoder: text(HAND_OVER.encoder).slice(0, LONGEST_TEXT),
    broadcast: BROADCAST.test(broadcast) ? (broadcast as BroadcastId) : undefined, // checked on this line
  }
}

/** An encoder as people see it. */
export function nameOf({ encoder, address }: Pick<HandOverRequest, 'encoder' | 'address'>): string {
  return [encoder, address && `from ${address}`].filter(word => word !== '').join(' ')
}
