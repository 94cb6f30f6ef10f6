import { Type, type Static } from '../core/index.ts'

/** Kinds of events; before the dot stands what it happened to. */
export const EVENT_TYPES = [
  'asset.published',
  'asset.failed',
  'asset.removed',
  'channel.connected',
  'channel.live',
  'channel.disconnected',
  'channel.ended',
  'node.joined',
  'node.draining',
  'node.serving',
  'node.removed',
  'node.lost',
  'node.back',
  'invalidation.made',
  'invalidation.completed',
  'certificate.renewed',
  'webhook.disabled',
  'webhook.test',
] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** What events are of: `asset`, `channel` and so on. */
export const EVENT_KINDS: readonly string[] = [...new Set(EVENT_TYPES.map(type => type.split('.', 1).join()))]

/** What happened, once; its id is the same wherever it is told. */
export const ControlEvent = Type.Object({
  id: Type.String({ pattern: '^evt_[A-Za-z0-9_-]{1,80}$' }),
  /** One of `EVENT_TYPES`, or one that a newer control knows. */
  type: Type.Unsafe<EventType>(Type.String()),
  timestamp: Type.String({ format: 'date-time' }),
  /** By type; `subject` is what it happened to. */
  data: Type.Intersect([
    Type.Object({ subject: Type.String() }),
    Type.Record(
      Type.String(),
      Type.Union([Type.String(), Type.Number(), Type.Null(), Type.Array(Type.String())]),
    ),
  ]),
})
export type ControlEvent = Static<typeof ControlEvent>
