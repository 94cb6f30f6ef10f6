import { randomBytes, randomUUID } from 'node:crypto'
import { SluiceError, Type, type Instant } from '../../core/index.ts'
import {
  CreatedWebhook,
  Delivery,
  EVENT_KINDS,
  NewWebhook,
  Queued,
  ReplayRequest,
  WebhookInfo,
  type ControlEvent,
} from '../../client/index.ts'
import { literalRefusal, type Guard } from '../../outbound/index.ts'
import {
  addWebhook,
  changeWebhook,
  deleteWebhook,
  eventsBetween,
  findWebhook,
  isWanted,
  listDeliveries,
  listWebhooks,
  queueDelivery,
  type DeliveryRow,
  type Tx,
  type WebhookRow,
} from '../database/index.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { newSecret } from '../webhook-send.ts'
import { ById } from './shapes.ts'

const ADMIN = { kind: 'token', scope: 'admin' } as const
const MOST_WEBHOOKS = 50
const MOST_SHOWN = 100
const MOST_REPLAYED = 1_000

/** Who is told of events, by signed requests. */
export function webhookRoutes(services: Services): Route[] {
  return [...listRoutes(services), ...sendRoutes(services)]
}

function listRoutes({ database, guard }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/webhooks',
        access: ADMIN,
        summary: 'Webhooks, without their secrets',
        answers: { 200: Type.Object({ webhooks: Type.Array(WebhookInfo) }) },
      },
      async () => ({
        status: 200,
        body: { webhooks: (await database.read(listWebhooks)).map(infoOf) },
      }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/webhooks',
        access: ADMIN,
        summary: 'Send events to an address from now on; the answer alone says the secret that signs them',
        body: NewWebhook,
        answers: { 201: CreatedWebhook },
      },
      async ({ body: { url, kinds = [] } }) => {
        checkUrl(url, guard)
        checkKinds(kinds)
        const row = await database.transaction(async tx => {
          if ((await listWebhooks(tx)).length >= MOST_WEBHOOKS) throw tooMany()
          const id = `wh-${randomBytes(8).toString('hex')}`
          return addWebhook(tx, { id, url, kinds, secret: newSecret() })
        })
        return { status: 201, body: { webhook: infoOf(row), secret: row.secret } }
      },
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/webhooks/:id',
        access: ADMIN,
        summary: 'Send no more to an address',
        params: ById,
        answers: { 204: null },
      },
      async ({ params: { id } }) => {
        if ((await database.transaction(tx => deleteWebhook(tx, id))) === 'absent') throw noWebhook(id)
        return { status: 204 }
      },
    ),
    route(
      {
        method: 'GET',
        path: '/v1/webhooks/:id/deliveries',
        access: ADMIN,
        summary: 'The newest hundred deliveries, with what was answered',
        params: ById,
        answers: { 200: Type.Object({ deliveries: Type.Array(Delivery) }) },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: await database.read(async tx => {
          await known(tx, id)
          return { deliveries: (await listDeliveries(tx, id, MOST_SHOWN)).map(deliveryOf) }
        }),
      }),
    ),
  ]
}

function sendRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'POST',
        path: '/v1/webhooks/:id/test',
        access: ADMIN,
        summary: 'Send an event of the type webhook.test; one that was off is on again',
        params: ById,
        answers: { 202: Queued },
      },
      async ({ params: { id } }) => ({
        status: 202,
        body: await database.transaction(async tx => {
          const timestamp = new Date(tx.now).toISOString()
          const type = 'webhook.test'
          return queue(tx, id, [{ id: `evt_${randomUUID()}`, type, timestamp, data: { subject: id } }])
        }),
      }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/webhooks/:id/replay',
        access: ADMIN,
        summary:
          'Send kept events again under their ids: one, or the oldest 1000 of a span; one that was off is on again',
        params: ById,
        body: ReplayRequest,
        answers: { 202: Queued },
      },
      async ({ params: { id }, body: { event, from, to } }) => ({
        status: 202,
        body: await database.transaction(async tx => {
          const { kinds } = await known(tx, id)
          if ((event === undefined) === (from === undefined)) throw noSpan()
          const found = await eventsBetween(tx, {
            ...(event !== undefined && { id: event }),
            from: instantOf(from, 0),
            to: instantOf(to, tx.now),
            most: MOST_REPLAYED,
          })
          if (event !== undefined && found.length === 0) throw noEvent(event)
          return queue(
            tx,
            id,
            found.filter(each => event !== undefined || isWanted(kinds, each)),
          )
        }),
      }),
    ),
  ]
}

async function queue(tx: Tx, id: string, events: readonly ControlEvent[]): Promise<Queued> {
  await known(tx, id)
  await changeWebhook(tx, id, { state: 'on', failingSince: null })
  for (const event of events) await queueDelivery(tx, id, event)
  return { queued: events.length }
}

async function known(tx: Tx, id: string): Promise<WebhookRow> {
  const row = await findWebhook(tx, id)
  if (row === undefined) throw noWebhook(id)
  return row
}

function infoOf({ id, url, kinds, state, failingSince }: WebhookRow): WebhookInfo {
  return {
    id,
    url,
    kinds,
    state,
    failingSince: failingSince === null ? null : new Date(failingSince).toISOString(),
  }
}

function deliveryOf({ event, state, attempts, dueAt, status, answer }: DeliveryRow): Delivery {
  const due = state === 'waiting' ? new Date(dueAt).toISOString() : null
  return { event, state, attempts, due, status, answer }
}

function instantOf(text: string | undefined, otherwise: number): Instant {
  return (text === undefined ? otherwise : Date.parse(text)) as Instant // the schema has checked that it is one
}

function checkUrl(text: string, guard: Guard): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const port =
    url === undefined || url.port === '' ? (url?.protocol === 'https:' ? 443 : 80) : Number(url.port)
  const why =
    url === undefined || !['http:', 'https:'].includes(url.protocol)
      ? 'it is no address that begins with https:// or http://'
      : url.username !== '' || url.password !== ''
        ? 'it holds a name or password: a signature says who sends'
        : literalRefusal(guard, url.hostname, port)
  if (why !== undefined) throw bad('bad-webhook-url', `no events can be sent there: ${why}`)
}

function checkKinds(kinds: readonly string[]): void {
  const wrong = kinds.find(kind => !EVENT_KINDS.includes(kind))
  if (wrong !== undefined)
    throw bad('bad-kinds', `there are no events of "${wrong}": use ${EVENT_KINDS.join(', ')}`)
}

function bad(code: string, message: string): SluiceError {
  return new SluiceError(code, message, { side: 'operator', kind: 'usage' })
}

function noSpan(): SluiceError {
  return bad('bad-replay', 'say either which event, or from when on')
}

function noEvent(id: string): SluiceError {
  const message = `there is no event ${id} any more: events are kept for 14 days`
  return new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

function noWebhook(id: string): SluiceError {
  const message = `there is no webhook ${id}: "sluice webhooks list" names them`
  return new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

function tooMany(): SluiceError {
  const message = `there are ${MOST_WEBHOOKS} webhooks, which is as many as there may be: delete one`
  return new SluiceError('too-many-webhooks', message, { side: 'operator', kind: 'conflict' })
}
