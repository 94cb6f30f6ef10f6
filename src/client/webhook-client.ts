import { EncryptionClient } from './encryption-client.ts'
import { ask, type Ask, type Connection } from './request.ts'
import type {
  CreatedWebhook,
  Delivery,
  NewWebhook,
  Queued,
  ReplayRequest,
  WebhookInfo,
} from './webhook-shapes.ts'

/** The part of the control API that is about who is told of events. */
export class WebhookClient extends EncryptionClient {
  readonly #connection: Connection

  constructor(connection: Connection) {
    super(connection)
    this.#connection = connection
  }

  async webhooks(): Promise<WebhookInfo[]> {
    return (await this.#ask<{ webhooks: WebhookInfo[] }>('GET', '/v1/webhooks')).webhooks
  }

  /** The answer alone says the secret; throws `bad-webhook-url`, `bad-kinds` and `too-many-webhooks`. */
  async createWebhook(wanted: NewWebhook): Promise<CreatedWebhook> {
    return this.#ask<CreatedWebhook>('POST', '/v1/webhooks', wanted)
  }

  async deleteWebhook(id: string): Promise<void> {
    await this.#ask('DELETE', webhookPath(id))
  }

  async testWebhook(id: string): Promise<Queued> {
    return this.#ask<Queued>('POST', `${webhookPath(id)}/test`, {})
  }

  /** The newest first. */
  async deliveries(id: string): Promise<Delivery[]> {
    return (await this.#ask<{ deliveries: Delivery[] }>('GET', `${webhookPath(id)}/deliveries`)).deliveries
  }

  async replayWebhook(id: string, wanted: ReplayRequest): Promise<Queued> {
    return this.#ask<Queued>('POST', `${webhookPath(id)}/replay`, wanted)
  }

  async #ask<T>(method: Ask['method'], path: string, body?: unknown): Promise<T> {
    const wanted = body === undefined ? { method, path } : { method, path, body }
    return (await ask(this.#connection, wanted)).body as T // our own server's
  }
}

function webhookPath(id: string): string {
  return `/v1/webhooks/${encodeURIComponent(id)}`
}
