import { reader, Type, type Static } from '../core/index.ts'

/**
 * How a gateway hands an encoder's stream to the origin of its channel (SEAMS 14): one POST whose body is an FLV file
 * without end and whose answer is lines of JSON, both while the stream runs. The body ends when the encoder has
 * unpublished; a connection that breaks means that the encoder or the gateway was lost.
 */
export const HAND_OVER_PATH = '/.sluice/hand-over'
export const HAND_OVER_TYPE = 'video/x-flv'

/** Field names, lower case. */
export const HAND_OVER = {
  /** The channel's path. */
  channel: 'sluice-channel',
  /** The lease number of the snapshot's channel. */
  lease: 'sluice-lease',
  /** The id of the origin that the gateway takes for the channel's owner under that number. */
  owner: 'sluice-owner',
  /** The publisher's id: the same after a broken connection, another for another encoder. */
  epoch: 'sluice-epoch',
  /** The stops number of the channel when the publisher was accepted. */
  stops: 'sluice-stops',
  /** From the encoder: its address and what it calls itself. */
  address: 'sluice-publisher',
  encoder: 'sluice-encoder',
  /** In the answer, and in the question when the gateway was told one before: the broadcast that goes on. */
  broadcast: 'sluice-broadcast',
} as const

/** Stands in what one origin has handed on to another, so that it goes no further. */
export const PASSED_ON = 'sluice-passed-on'

/** One line of the answer; at least one a second. */
export const HandOverLine = Type.Union([
  /** Bytes of the body that were muxed. */
  Type.Object({ taken: Type.Integer({ minimum: 0 }) }),
  /** The origin takes no more: the encoder is to be let go with this reason. */
  Type.Object({ cut: Type.String(), detail: Type.String() }),
])
export type HandOverLine = Static<typeof HandOverLine>

export const readHandOverLine: (value: unknown) => HandOverLine = reader(HandOverLine, 'the line')
