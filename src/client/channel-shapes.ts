import { Type, type BroadcastId, type ChannelId, type Static } from '../core/index.ts'

/** idle → connected (an encoder was accepted) → live → disconnected (waits for the encoder) → ended → idle. */
export const ChannelState = Type.Union([
  Type.Literal('idle'),
  Type.Literal('connected'),
  Type.Literal('live'),
  Type.Literal('disconnected'),
  Type.Literal('ended'),
])
export type ChannelState = Static<typeof ChannelState>

/** What arrives from an encoder, measured over the last seconds. */
export const IngestFacts = Type.Object({
  /** Of the encoder's connection. */
  address: Type.String(),
  /** What the encoder calls itself. */
  encoder: Type.String(),
  /** Bits per second, all tracks. */
  bitrate: Type.Integer({ minimum: 0 }),
  video: Type.Union([
    Type.Null(),
    Type.Object({
      codec: Type.String(),
      width: Type.Integer(),
      height: Type.Integer(),
      bitrate: Type.Integer({ minimum: 0 }),
      framesPerSecond: Type.Number({ minimum: 0 }),
      /** Seconds from keyframe to keyframe; null until two were seen. */
      keyframeInterval: Type.Union([Type.Null(), Type.Number({ minimum: 0 })]),
    }),
  ]),
  audio: Type.Union([
    Type.Null(),
    Type.Object({
      codec: Type.String(),
      sampleRate: Type.Integer(),
      channels: Type.Integer(),
      bitrate: Type.Integer({ minimum: 0 }),
    }),
  ]),
  /** Times that the encoder's clock jumped, began anew or stood still for over a second, since the broadcast began. */
  gaps: Type.Integer({ minimum: 0 }),
})
export type IngestFacts = Static<typeof IngestFacts>

/** A channel as people see it. */
export const ChannelInfo = Type.Object({
  id: Type.Unsafe<ChannelId>(Type.String()),
  path: Type.String(),
  state: ChannelState,
  /** Name of the key group whose keys sign for publishing. */
  keyGroup: Type.String(),
  reconnectSeconds: Type.Number(),
  /** Null when idle. */
  broadcast: Type.Union([
    Type.Null(),
    Type.Object({
      id: Type.Unsafe<BroadcastId>(Type.String()),
      startedAt: Type.String({ format: 'date-time' }),
    }),
  ]),
  /** Null without an encoder. */
  ingest: Type.Union([Type.Null(), IngestFacts]),
  /** Different viewers (address, player and grant) of the last ten seconds, at all edges. */
  viewers: Type.Integer({ minimum: 0 }),
  /** Sentences that say what the encoder could do better, and where it is set. */
  advice: Type.Array(Type.String()),
  createdAt: Type.String({ format: 'date-time' }),
})
export type ChannelInfo = Static<typeof ChannelInfo>

export const NewChannel = Type.Object(
  {
    path: Type.String({ minLength: 1, maxLength: 1024 }),
    /** 30 unless said. */
    reconnectSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 3600 })),
    /** `default` unless said; it must exist. */
    keyGroup: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
)
export type NewChannel = Static<typeof NewChannel>

export const CreatedChannel = Type.Object({
  channel: ChannelInfo,
  snapshotVersion: Type.Integer({ minimum: 1 }),
  /** Sentences, such as that another distribution gates this path (SEAMS 2). */
  warnings: Type.Array(Type.String()),
})
export type CreatedChannel = Static<typeof CreatedChannel>

/** What happened to a channel; `GET /v1/events` sends them as they happen, and the last thousand to who comes late. */
export const ChannelEvent = Type.Object({
  /** Unique; made by the origin. */
  id: Type.String({ pattern: '^[!-~]{1,64}$' }),
  at: Type.String({ format: 'date-time' }),
  kind: Type.Union([
    Type.Literal('connected'),
    Type.Literal('live'),
    Type.Literal('disconnected'),
    Type.Literal('ended'),
  ]),
  path: Type.String(),
  broadcast: Type.Unsafe<BroadcastId>(Type.String()),
  /** Why it ended or was disconnected. */
  detail: Type.String(),
})
export type ChannelEvent = Static<typeof ChannelEvent>
