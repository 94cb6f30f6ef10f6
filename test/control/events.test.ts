import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BroadcastId, Instant, NodeId } from '../../src/core/index.ts'
import type { ControlEvent } from '../../src/client/index.ts'
import {
  addEvent,
  eventsAfter,
  forgetEvents,
  openDatabase,
  recordInvalidation,
} from '../../src/control/database/index.ts'
import { Acknowledgements } from '../../src/control/acknowledgements.ts'
import { Lookout } from '../../src/control/lookout.ts'
import { createLogger } from '../../src/telemetry/index.ts'
import { databaseUrlOf, makeEmptyDatabase } from './database-under-test.ts'
import { ADMIN, ControlFixture } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open()
})

afterAll(() => control.end())

interface Heard {
  text: string
  events: ControlEvent[]
}

/** What a listener hears up to so many events. */
async function hear(kinds: string, count: number, last?: string): Promise<Heard> {
  const leaving = new AbortController()
  const response = await fetch(`${control.url}/v1/events?kinds=${kinds}`, {
    headers: { authorization: `Bearer ${ADMIN}`, ...(last !== undefined && { 'last-event-id': last }) },
    signal: leaving.signal,
  })
  expect(response.status).toBe(200)
  let text = ''
  const decoder = new TextDecoder()
  const found = (): ControlEvent[] =>
    [...text.matchAll(/^data: (.+)\n\n/gm)].map(([, json = '']) => JSON.parse(json) as ControlEvent).slice(1) // our own server's, after its hello
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (found().length >= count) break
  }
  leaving.abort()
  return { text, events: found() }
}

describe('what happens to an asset, a channel, an invalidation and a node', () => {
  it('is told in its order, each with its type and subject, to who asks for all kinds', async () => {
    await control.publishReady('/film')
    const removal = control.client.unpublish('/film')
    await control.workOne()
    await removal
    await control.client.invalidate({ paths: ['/a', '/b/*'] })
    await control.post(control.origin, '/v1/node/channels', {
      channels: [],
      events: [
        {
          ...{ id: 'of-origin.1', at: '2026-11-22T10:00:00.000Z', kind: 'live', path: '/live/x' },
          ...{ broadcast: 'b1' as BroadcastId, detail: '' }, // as an origin names it
        },
      ],
    })
    await control.client.drainNode(control.edge.id, 'drain')
    const { events } = await hear('asset,channel,node', 4, '0')
    expect(events.map(({ type, data }) => [type, data.subject])).toEqual([
      ['asset.published', '/film'],
      ['asset.removed', '/film'],
      ['channel.live', '/live/x'],
      ['node.draining', control.edge.id],
    ])
    expect(events[2]).toEqual({
      id: 'evt_of-origin_1',
      type: 'channel.live',
      timestamp: '2026-11-22T10:00:00.000Z',
      data: { subject: '/live/x', broadcast: 'b1', detail: '' },
    })
    const made = (await hear('invalidation', 1, '0')).events[0]
    expect(made).toMatchObject({ type: 'invalidation.made', data: { paths: ['/a', '/b/*'], count: 2 } })
    expect(made?.id).toBe(`evt_${made?.data.subject}-made`)
  })

  it('is told from behind the last id that was heard, also by a control that began anew', async () => {
    const { events } = await hear('asset,channel,node', 4, '0')
    await control.restart()
    const after = await hear('asset,channel,node', 2, events[1]?.id)
    expect(after.text.startsWith(`event: hello\nid: ${events[1]?.id}\n`)).toBe(true)
    expect(after.events).toEqual(events.slice(2))
  })

  it('is told once, however often an origin says it', async () => {
    const said = {
      ...{ id: 'of-origin.1', at: '2026-11-22T10:00:00.000Z', kind: 'live', path: '/live/x' },
      ...{ broadcast: 'b1', detail: '' },
    }
    const again = { channels: [], events: [said, { ...said, id: 'of-origin.2', kind: 'ended' }] }
    expect((await control.post(control.origin, '/v1/node/channels', again)).status).toBe(204)
    const { events } = await hear('channel', 2, '0')
    expect(events.map(({ id, type }) => [id, type])).toEqual([
      ['evt_of-origin_1', 'channel.live'],
      ['evt_of-origin_2', 'channel.ended'],
    ])
  })

  it('is refused to who asks for a kind that there is not', async () => {
    const response = await fetch(`${control.url}/v1/events?kinds=asset,moon`, {
      headers: { authorization: `Bearer ${ADMIN}` },
    })
    expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 'bad-kinds' } }])
  })

  it('is written with what it tells of, or not at all', async () => {
    const before = await hear('invalidation', 1, '0')
    await expect(
      control.client.invalidate({ paths: ['/a'], distributionId: 'ENONE000000000' as never }), // not there
    ).rejects.toThrow('there is no distribution')
    await control.client.invalidate({ paths: ['/c'] })
    const { events } = await hear('invalidation', 2, '0')
    const made = events.filter(({ type }) => type === 'invalidation.made')
    expect(made[0]).toEqual(before.events[0])
    expect(made.at(-1)?.data['paths']).toEqual(['/c'])
  })
})

describe('the lookout', () => {
  it('sees nodes go and come back, and when all have an invalidation; and old events are forgotten', async () => {
    const root = await mkdtemp(join(tmpdir(), 'lookout-'))
    await makeEmptyDatabase(root)
    let now = 1_800_000_000_000
    const clock = { now: () => now as Instant } // a test's
    const url = databaseUrlOf(root)
    const database = await openDatabase({ dataDir: root, url, clock, onError: () => {} })
    const acknowledgements = new Acknowledgements(clock, () => undefined)
    const log = createLogger('control', 'silent')
    const lookout = new Lookout({ database, acknowledgements, clock, log })
    const edge = 'edge-1' as NodeId // a test's
    const told = async (): Promise<string[]> =>
      (await database.read(tx => eventsAfter(tx, 0, { groups: [], most: 100 }))).map(
        ({ event }) => event.type,
      )
    const pass = async (seconds: number): Promise<void> => {
      for (let n = 0; n < seconds; n += 2) {
        now += 2_000
        await lookout.look()
      }
    }
    try {
      await database.transaction(async tx => {
        await tx.sql.execute(
          sql`insert into nodes (id, role, public_key, origin, created_at) values ('edge-1', 'edge', '{}', 'joined', 1)`,
        )
      })
      acknowledgements.polled(edge, 1)()
      await pass(28)
      expect(await told()).toEqual([])
      await pass(4)
      expect(await told()).toEqual(['node.lost'])
      await pass(10)
      acknowledgements.polled(edge, 1)()
      await pass(2)
      expect(await told()).toEqual(['node.lost', 'node.back'])
      // It stood still for a minute: whoever was silent meanwhile is given time.
      now += 60_000
      await pass(28)
      expect(await told()).toEqual(['node.lost', 'node.back'])
      await pass(4)
      expect(await told()).toEqual(['node.lost', 'node.back', 'node.lost'])
      const leave = acknowledgements.polled(edge, 1)
      const { id, snapshotVersion } = await database.transaction(async tx => {
        const made = await recordInvalidation(tx, { distributionIds: [], paths: ['/a'] })
        await addEvent(tx, { type: 'invalidation.made', subject: made.id })
        return made
      })
      await pass(4)
      expect((await told()).slice(3)).toEqual(['invalidation.made', 'node.back'])
      leave()
      acknowledgements.polled(edge, snapshotVersion)()
      await pass(4)
      expect((await told()).slice(5)).toEqual(['invalidation.completed'])
      const newest = (await database.read(tx => eventsAfter(tx, 5, { groups: [], most: 1 })))[0]
      expect(newest?.event.data).toEqual({ subject: id })
      now += 15 * 86_400_000
      await database.transaction(tx => addEvent(tx, { type: 'node.back', subject: edge }))
      await database.transaction(forgetEvents)
      expect(await told()).toEqual(['node.back'])
    } finally {
      await database.close()
      await rm(root, { recursive: true })
    }
  })
})
