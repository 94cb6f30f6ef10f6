import { messageOf, type Clock, type Milliseconds } from '../core/index.ts'
import type { Guard } from '../outbound/index.ts'
import type { Logger } from '../telemetry/index.ts'
import {
  addEvent,
  changeDelivery,
  changeWebhook,
  failWaiting,
  findDelivery,
  findWebhook,
  hasDueDeliveries,
  takeDeliveries,
  type Database,
  type DeliveryRow,
  type Tx,
  type WebhookRow,
} from './database/index.ts'
import { ANSWER_WITHIN, send, type Sent } from './webhook-send.ts'
import { verdictOf } from './webhook-verdict.ts'

export interface WebhooksOptions {
  database: Database
  guard: Guard
  clock: Clock
  log: Logger
}

const EVERY: Milliseconds = 1_000
/** Of one webhook under way at once, so that a slow one holds up itself alone. */
const AT_ONCE = 4
/** Whoever took a delivery and said nothing since was killed. */
const TAKEN_FOR: Milliseconds = 4 * ANSWER_WITHIN

/** Sends events to webhooks. Of several controls one sends each: it takes it in a transaction. */
export class Webhooks {
  readonly #options: WebhooksOptions
  readonly #underWay = new Map<string, number>()
  readonly #sending = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(options: WebhooksOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), EVERY).unref()
  }

  /** What is under way is given up, and sent again by the next control. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing.abort()
    await this.#looking
    await this.settled()
  }

  /** Begins to send what is due. Never rejects. */
  look(): Promise<void> {
    return (this.#looking = this.#looking.then(() => this.#take()))
  }

  /** Waits for the end of what is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending)
  }

  async #take(): Promise<void> {
    const { database, log } = this.#options
    if (this.#closing.signal.aborted) return
    try {
      if (!(await database.read(hasDueDeliveries))) return
      const free = (id: string): number => AT_ONCE - (this.#underWay.get(id) ?? 0)
      const taken = await database.transaction(tx => takeDeliveries(tx, { free, span: TAKEN_FOR }))
      for (const each of taken) {
        const { id } = each.webhook
        this.#underWay.set(id, (this.#underWay.get(id) ?? 0) + 1)
        const sending = this.#deliver(each).finally(() => {
          this.#sending.delete(sending)
          this.#underWay.set(id, (this.#underWay.get(id) ?? 1) - 1)
        })
        this.#sending.add(sending)
      }
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'webhooks cannot be sent yet')
    }
  }

  async #deliver({ webhook, delivery }: { webhook: WebhookRow; delivery: DeliveryRow }): Promise<void> {
    const { database, guard, clock, log } = this.#options
    const { url, secret } = webhook
    const { event } = delivery
    const timestamp = Math.floor(clock.now() / 1000)
    const message = { url, secret, id: event.id, timestamp, body: JSON.stringify(event) }
    const sent = await send(message, guard, this.#closing.signal)
    if (this.#closing.signal.aborted && sent.kind === 'unanswered') return
    await database
      .transaction(tx => record(tx, { webhook, delivery }, sent))
      .catch((error: unknown) => {
        log.warn(
          { webhook: webhook.id, error: messageOf(error) },
          'a delivery was not written down: it is sent again',
        )
      })
  }
}

async function record(tx: Tx, of: { webhook: WebhookRow; delivery: DeliveryRow }, sent: Sent): Promise<void> {
  // As they are now: meanwhile either may have gone.
  const webhook = await findWebhook(tx, of.webhook.id)
  const delivery = await findDelivery(tx, of.delivery.id)
  if (!webhook || delivery?.state !== 'waiting') return
  const attempts = delivery.attempts + 1
  const failingSince = webhook.failingSince ?? tx.now
  const verdict = verdictOf(sent, { attempts, failingFor: tx.now - failingSince, dice: Math.random() })
  const said =
    sent.kind === 'answered'
      ? { status: sent.status, answer: sent.answer }
      : { status: null, answer: sent.why }
  const state = verdict.kind === 'again' ? 'waiting' : verdict.kind === 'delivered' ? 'delivered' : 'failed'
  const dueAt = verdict.kind === 'again' ? Math.round(tx.now + verdict.in) : delivery.dueAt
  await changeDelivery(tx, delivery.id, { attempts, state, dueAt, ...said })
  await changeWebhook(tx, webhook.id, { failingSince: verdict.kind === 'delivered' ? null : failingSince })
  if (verdict.kind !== 'off' || webhook.state === 'off') return
  await changeWebhook(tx, webhook.id, { state: 'off' })
  await failWaiting(tx, webhook.id)
  await addEvent(tx, { type: 'webhook.disabled', subject: webhook.id, data: { why: verdict.why } })
}
