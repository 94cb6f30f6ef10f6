import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Instant } from '../../src/core/index.ts'
import {
  addEvent,
  addWebhook,
  eventsAfter,
  findWebhook,
  listDeliveries,
  openDatabase,
  takeDeliveries,
  type Database,
} from '../../src/control/database/index.ts'
import { newSecret, signatureOf } from '../../src/control/webhook-send.ts'
import { OFF_AFTER, PAUSES, verdictOf } from '../../src/control/webhook-verdict.ts'
import { Webhooks } from '../../src/control/webhooks.ts'
import { createGuard } from '../../src/outbound/index.ts'
import { createLogger } from '../../src/telemetry/index.ts'
import { databaseUrlOf, makeEmptyDatabase } from './database-under-test.ts'
import { ControlFixture, until } from './fixture.ts'

interface Received {
  headers: IncomingHttpHeaders
  body: string
}

/** A receiver that answers what it is told to; undefined hangs. */
class Receiver {
  readonly received: Received[] = []
  status: number | undefined = 200
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => (body += text))
      request.on('end', () => {
        this.received.push({ headers: request.headers, body })
        if (this.status !== undefined) response.writeHead(this.status).end(`said ${this.status}`)
      })
    })
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver()
    await new Promise<void>(resolve => receiver.#server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/` // it listens on a port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

let root: string
let now: number
let database: Database
let webhooks: Webhooks
let receiver: Receiver
const clock = { now: () => now as Instant } // a test's

function sender(allow: readonly string[] = ['127.0.0.0/8']): Webhooks {
  const guard = createGuard({ allow, ownPorts: [] })
  return new Webhooks({ database, guard, clock, log: createLogger('control', 'silent') })
}

beforeEach(async () => {
  now = 1_800_000_000_000
  root = await mkdtemp(join(tmpdir(), 'webhooks-'))
  await makeEmptyDatabase(root)
  database = await openDatabase({ dataDir: root, ...urlOf(root), clock, onError: () => {} })
  receiver = await Receiver.open()
  webhooks = sender()
})

afterEach(async () => {
  await webhooks.close()
  await receiver.close()
  await database.close()
  await rm(root, { recursive: true })
})

function urlOf(folder: string): { url?: string } {
  const url = databaseUrlOf(folder)
  return url === undefined ? {} : { url }
}

const secret = newSecret()

async function hook(id: string, url: string, kinds: string[] = []): Promise<void> {
  await database.transaction(tx => addWebhook(tx, { id, url, kinds, secret }))
}

async function happen(subject: string): Promise<void> {
  await database.transaction(tx => addEvent(tx, { type: 'asset.published', subject }))
}

async function round(): Promise<void> {
  await webhooks.look()
  await webhooks.settled()
}

async function deliveries(id: string): Promise<unknown[]> {
  const rows = await database.read(tx => listDeliveries(tx, id, 10))
  return rows.map(({ state, attempts, status, answer }) => ({ state, attempts, status, answer }))
}

describe('a webhook', () => {
  it('is sent the event as JSON, signed as Standard Webhooks has it', async () => {
    await hook('wh-1', receiver.url)
    await hook('wh-2', receiver.url, ['node'])
    await happen('/film')
    await round()
    const [{ event } = { event: undefined }] = await database.read(tx =>
      eventsAfter(tx, 0, { groups: [], most: 1 }),
    )
    expect(receiver.received.map(({ body }) => JSON.parse(body) as unknown)).toEqual([event])
    const { headers, body } = receiver.received[0] ?? { headers: {}, body: '' }
    expect(headers['webhook-id']).toBe(event?.id)
    expect(headers['webhook-timestamp']).toBe('1800000000')
    // By the words of the specification: base64 of the HMAC-SHA256 of id, timestamp and body, between dots.
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
    const mac = createHmac('sha256', key).update(`${event?.id}.1800000000.${body}`).digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${mac}`)
    expect(await deliveries('wh-1')).toEqual([
      { state: 'delivered', attempts: 1, status: 200, answer: 'said 200' },
    ])
    expect(await deliveries('wh-2')).toEqual([])
  })

  it('that fails is asked again after its pause, with the same id', async () => {
    await hook('wh-1', receiver.url)
    receiver.status = 500
    await happen('/film')
    await round()
    expect(await deliveries('wh-1')).toEqual([
      { state: 'waiting', attempts: 1, status: 500, answer: 'said 500' },
    ])
    now += 4_999
    await round()
    expect(receiver.received).toHaveLength(1)
    receiver.status = 204
    now += 600
    await round()
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(receiver.received).toHaveLength(2)
    expect(await deliveries('wh-1')).toMatchObject([{ state: 'delivered', attempts: 2, status: 204 }])
  })

  it('that answers 410 is switched off at once, which is an event for others', async () => {
    const other = await Receiver.open()
    await hook('wh-1', receiver.url)
    await hook('wh-2', other.url, ['webhook'])
    receiver.status = 410
    await happen('/film')
    await round()
    await round()
    expect(await database.read(tx => findWebhook(tx, 'wh-1'))).toMatchObject({ state: 'off' })
    expect(other.received.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
      { type: 'webhook.disabled', data: { subject: 'wh-1', why: 'it answered 410' } },
    ])
    await other.close()
    await happen('/second')
    await round()
    expect(receiver.received).toHaveLength(1)
  })

  it('that hangs holds up no other', async () => {
    const other = await Receiver.open()
    receiver.status = undefined
    await hook('wh-1', receiver.url)
    await hook('wh-2', other.url)
    for (let n = 0; n < 6; n++) await happen(`/film-${n}`)
    await until('all have come', async () => {
      await webhooks.look()
      return other.received.length === 6
    })
    expect(receiver.received.length).toBeLessThanOrEqual(4)
    await other.close()
  })

  it('is sent again what a control had taken that was killed', async () => {
    await hook('wh-1', receiver.url)
    await happen('/film')
    const taken = await database.transaction(tx => takeDeliveries(tx, { free: () => 1, span: 60_000 }))
    expect(taken).toHaveLength(1)
    await round()
    expect(receiver.received).toEqual([])
    now += 60_000
    await round()
    expect(receiver.received).toHaveLength(1)
  })

  it('on this machine is not asked unless that is allowed', async () => {
    await hook('wh-1', receiver.url)
    await happen('/film')
    webhooks = sender([])
    await round()
    expect(receiver.received).toEqual([])
    const said = expect.stringContaining('127.0.0.1 is on this machine') as unknown
    expect(await deliveries('wh-1')).toEqual([{ state: 'waiting', attempts: 1, status: null, answer: said }])
  })
})

it('a signature is what hmac and base64 of Python make of the same', () => {
  const known = `whsec_${Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('base64')}`
  const of = { id: 'evt_1', timestamp: 1_800_000_000, body: '{"a":1}' }
  expect(signatureOf(known, of)).toBe('v1,3OLpRdKCrFsJgXBjm2BkLB/1D8MhO3Fwb0vUByUmsWc=')
})

describe('the verdict of an attempt', () => {
  const failed = { kind: 'answered', status: 503, answer: '' } as const

  it('is another after nine pauses, which grow and are longer by up to a tenth, and none after the tenth', () => {
    const verdicts = PAUSES.map((_, at) => verdictOf(failed, { attempts: at + 1, failingFor: 0, dice: 1 }))
    expect(verdicts).toEqual(PAUSES.map(pause => ({ kind: 'again', in: pause * 1.1 })))
    expect(verdictOf(failed, { attempts: 10, failingFor: 0, dice: 0 })).toEqual({ kind: 'given-up' })
  })

  it('switches a webhook off that took nothing for five days', () => {
    const of = (failingFor: number) => verdictOf(failed, { attempts: 1, failingFor, dice: 0 }).kind
    expect([of(OFF_AFTER - 1), of(OFF_AFTER)]).toEqual(['again', 'off'])
  })
})

describe('the API of webhooks', () => {
  it('makes, lists, tests, replays and deletes them, and tells a secret once', async () => {
    const control = await ControlFixture.open()
    try {
      const { client } = control
      await expect(client.createWebhook({ url: receiver.url })).rejects.toThrow('is on this machine')
      await expect(client.createWebhook({ url: 'ftp://x/' })).rejects.toThrow('https://')
      await expect(client.createWebhook({ url: 'https://example.com/', kinds: ['moon'] })).rejects.toThrow(
        'moon',
      )
      const url = 'https://receiver.invalid/'
      const made = await client.createWebhook({ url, kinds: ['asset'] })
      expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
      expect(await client.webhooks()).toEqual([made.webhook])
      const { id } = made.webhook
      expect(await client.testWebhook(id)).toEqual({ queued: 1 })
      await control.publishReady('/film')
      expect(await client.replayWebhook(id, { from: '2020-01-01T00:00:00Z' })).toEqual({ queued: 1 })
      const sent = await client.deliveries(id)
      expect(sent.map(({ event }) => event.type).sort()).toEqual([
        ...['asset.published', 'asset.published', 'webhook.test'],
      ])
      expect(new Set(sent.map(({ event }) => event.id)).size).toBe(2)
      await expect(client.replayWebhook(id, { event: 'evt_none' })).rejects.toThrow('no event evt_none')
      await client.deleteWebhook(id)
      expect(await client.webhooks()).toEqual([])
      await expect(client.deliveries(id)).rejects.toThrow(`no webhook ${id}`)
    } finally {
      await control.end()
    }
  })
})
