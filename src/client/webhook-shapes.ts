import { Type, type Static } from '../core/index.ts'
import { ControlEvent } from './event-shapes.ts'

/** Who is told of events; `POST /v1/webhooks` alone says its secret. */
export const WebhookInfo = Type.Object({
  id: Type.String(),
  url: Type.String(),
  /** What its events are of: `asset`, `channel` and so on; none is all. */
  kinds: Type.Array(Type.String()),
  state: Type.Union([Type.Literal('on'), Type.Literal('off')]),
  /** Since when it took nothing; null while all is well. */
  failingSince: Type.Union([Type.Null(), Type.String({ format: 'date-time' })]),
})
export type WebhookInfo = Static<typeof WebhookInfo>

export const NewWebhook = Type.Object({
  url: Type.String({ maxLength: 2_000 }),
  kinds: Type.Optional(Type.Array(Type.String(), { maxItems: 20 })),
})
export type NewWebhook = Static<typeof NewWebhook>

export const CreatedWebhook = Type.Object({
  webhook: WebhookInfo,
  /** Told once: `whsec_` and base64. */
  secret: Type.String(),
})
export type CreatedWebhook = Static<typeof CreatedWebhook>

export const Delivery = Type.Object({
  event: ControlEvent,
  state: Type.Union([Type.Literal('waiting'), Type.Literal('delivered'), Type.Literal('failed')]),
  attempts: Type.Integer(),
  /** When it is sent next; null when it is not. */
  due: Type.Union([Type.Null(), Type.String({ format: 'date-time' })]),
  /** Of the last answer; null where there was none. */
  status: Type.Union([Type.Null(), Type.Integer()]),
  /** What that began with, or why there was none. */
  answer: Type.Union([Type.Null(), Type.String()]),
})
export type Delivery = Static<typeof Delivery>

/** One event by its id, or those of a span of time. */
export const ReplayRequest = Type.Object({
  event: Type.Optional(Type.String({ maxLength: 100 })),
  from: Type.Optional(Type.String({ format: 'date-time' })),
  to: Type.Optional(Type.String({ format: 'date-time' })),
})
export type ReplayRequest = Static<typeof ReplayRequest>

export const Queued = Type.Object({ queued: Type.Integer() })
export type Queued = Static<typeof Queued>
