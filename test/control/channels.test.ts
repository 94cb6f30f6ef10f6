import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSnapshot, type Channel, type Snapshot } from '../../src/distribution/index.ts'
import { ADMIN, ControlFixture, newIdentity, until } from './fixture.ts'

let control: ControlFixture
let offset = 0

beforeAll(async () => {
  control = await ControlFixture.open({ clock: { now: () => (Date.now() + offset) as never } })
})

afterAll(() => control.end())

async function snapshot(): Promise<Snapshot> {
  return readSnapshot(await (await control.asNode(control.edge, '/v1/node/snapshot')).json())
}

async function channelOfSnapshot(path: string): Promise<Channel | undefined> {
  return (await snapshot()).channels.find(channel => channel.path === path)
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: { code: string; kind: string }) => `${error.kind} ${error.code}`,
  )
}

const INGEST = {
  address: '192.0.2.7',
  encoder: 'OBS 30.1',
  bitrate: 2_900_000,
  video: {
    codec: 'avc1.64001f',
    width: 1280,
    height: 720,
    bitrate: 2_772_000,
    framesPerSecond: 30,
    keyframeInterval: 2,
  },
  audio: { codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2, bitrate: 128_000 },
  gaps: 0,
}

const BROADCAST = { id: 'b123456789', startedAt: '2026-11-22T10:00:00.000Z' }

function report(path: string, state: string) {
  return { path, state, broadcast: BROADCAST, ingest: INGEST, advice: ['set the keyframes'] }
}

describe('a channel', () => {
  it('is made, told to nodes, listed, stopped and deleted', async () => {
    const created = await control.client.createChannel({ path: '/live/stage' })
    expect(created).toEqual({
      channel: {
        id: expect.stringMatching(/^c[a-z0-9]{19}$/) as string,
        path: '/live/stage',
        state: 'idle',
        keyGroup: 'default',
        reconnectSeconds: 30,
        broadcast: null,
        ingest: null,
        viewers: 0,
        advice: [],
        createdAt: created.channel.createdAt,
      },
      snapshotVersion: created.snapshotVersion,
      warnings: [
        'the key group "default" has no key yet, so nobody can publish to /live/stage: make one with sluice keys create NAME',
      ],
    })
    expect(await control.client.channel('live/stage')).toEqual(created.channel)
    const first = await snapshot()
    expect(first.version).toBe(created.snapshotVersion)
    const group = first.keyGroups[0]?.id
    const told = first.channels[0]
    expect(first.channels).toEqual([
      {
        id: created.channel.id,
        path: '/live/stage',
        ingest: { keyGroups: [group] },
        reconnect: 30_000,
        stops: told?.stops,
        lease: 1,
      },
    ])
    expect(first.invalidations.map(each => each.pattern)).toContain('/live/stage/*')

    const stopped = await control.client.stopChannel('/live/stage')
    expect(stopped).toEqual({ snapshotVersion: created.snapshotVersion + 1 })
    expect((await channelOfSnapshot('/live/stage'))?.stops).toBe((told?.stops ?? NaN) + 1)

    const deleted = await control.client.deleteChannel('/live/stage')
    expect(deleted).toEqual({ snapshotVersion: created.snapshotVersion + 2 })
    expect((await snapshot()).channels).toEqual([])
    expect(await codeOf(control.client.channel('/live/stage'))).toBe('not-found not-found')
    expect(await codeOf(control.client.deleteChannel('/live/stage'))).toBe('not-found not-found')
  })

  it('that is made again at its path has been stopped more often than the one before', async () => {
    await control.client.createChannel({ path: '/live/again' })
    for (let n = 0; n < 3; n++) await control.client.stopChannel('/live/again')
    const before = await channelOfSnapshot('/live/again')
    await control.client.deleteChannel('/live/again')
    await control.client.createChannel({ path: '/live/again' })
    const after = await channelOfSnapshot('/live/again')
    expect(after?.stops).toBeGreaterThan(before?.stops ?? NaN)
    expect(after?.id).not.toBe(before?.id)
    await control.client.deleteChannel('/live/again')
  })

  it('takes what it is told of the encoder’s absence and of keys, and warns of nothing then', async () => {
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    await control.client.importKey({
      name: 'studio',
      pem: pem.export({ type: 'spki', format: 'pem' }).toString(),
      group: 'studios',
    })
    const { channel, warnings } = await control.client.createChannel({
      path: '/live/studio',
      reconnectSeconds: 1.5,
      keyGroup: 'studios',
    })
    expect([channel.keyGroup, channel.reconnectSeconds, warnings]).toEqual(['studios', 1.5, []])
    const { keyGroups } = await snapshot()
    expect(await channelOfSnapshot('/live/studio')).toMatchObject({
      reconnect: 1_500,
      ingest: { keyGroups: [keyGroups.find(group => group.name === 'studios')?.id] },
    })
    await control.client.deleteChannel('/live/studio')
  })

  it('stands in lists and in the snapshot in the order of the paths', async () => {
    for (const path of ['/order/b', '/order/B', '/order/a-b', '/order/a.b', '/orders/a'])
      await control.client.createChannel({ path })
    const wanted = ['/order/B', '/order/a-b', '/order/a.b', '/order/b']
    expect((await control.client.channels('/order')).map(each => each.path)).toEqual(wanted)
    expect((await control.client.channels('order/b')).map(each => each.path)).toEqual(['/order/b'])
    expect((await control.client.channels('/')).map(each => each.path)).toEqual([...wanted, '/orders/a'])
    expect((await snapshot()).channels.map(each => each.path)).toEqual([...wanted, '/orders/a'])
  })

  it('is kept over a restart, with its number of stops', async () => {
    await control.client.createChannel({ path: '/kept/stage', reconnectSeconds: 5 })
    await control.client.stopChannel('/kept/stage')
    const before = [await control.client.channels(), (await snapshot()).channels]
    await control.restart()
    expect([await control.client.channels(), (await snapshot()).channels]).toEqual(before)
  })
})

describe('one namespace', () => {
  beforeAll(async () => {
    await control.client.createChannel({ path: '/one/channel' })
    await control.publishReady('/one/film')
    await control.upload('/one/coming/film')
  })

  it.each([
    ['/one/channel', 'conflict exists'],
    ['/one/channel/inside', 'conflict overlap'],
    ['/one/film', 'conflict overlap'],
    ['/one/film/inside', 'conflict overlap'],
    ['/one/coming', 'conflict overlap'],
    ['/one/coming/film', 'conflict overlap'],
    ['/one/channels', 'done'],
    ['/one/films', 'done'],
  ])('a channel at %s: %s', async (path, outcome) => {
    expect(await codeOf(control.client.createChannel({ path }))).toBe(outcome)
  })

  it('a channel around another is refused', async () => {
    await control.client.createChannel({ path: '/deep/in/here' })
    expect(await codeOf(control.client.createChannel({ path: '/deep/in' }))).toBe('conflict overlap')
  })

  it.each([
    ['/one', 'conflict overlap'],
    ['/one/channel', 'conflict overlap'],
    ['/one/channel/inside', 'conflict overlap'],
    ['/one/channel/archive', 'conflict overlap'],
    ['/one/channel/archive/monday', 'done'],
    ['/one/channel-film', 'done'],
  ])('a film at %s: %s', async (path, outcome) => {
    const wanted = { path, fileName: 'a', size: 1, ladder: 'none' as const }
    expect(await codeOf(control.client.publish(wanted))).toBe(outcome)
  })

  it('a film whose every publication failed is in nobody’s way', async () => {
    const publication = await control.client.publish({
      path: '/failed/film',
      fileName: 'a',
      size: 5,
      ladder: 'none',
    })
    expect(await codeOf(control.client.createChannel({ path: '/failed/film' }))).toBe('conflict overlap')
    await fetch(`${control.url}${publication.uploadUrl}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${ADMIN}`, 'tus-resumable': '1.0.0' },
    })
    expect(await codeOf(control.client.createChannel({ path: '/failed/film' }))).toBe('done')
  })

  it('one of two at once wins', async () => {
    const film = control.client.publish({ path: '/race/x/y', fileName: 'a', size: 1, ladder: 'none' })
    const channel = control.client.createChannel({ path: '/race/x' })
    expect([await codeOf(film), await codeOf(channel)].sort()).toEqual(['conflict overlap', 'done'])
  })
})

describe('what nodes say of a channel', () => {
  const say = (path: string, body: object, node = control.origin) => control.post(node, path, body)

  beforeAll(async () => {
    await control.client.createChannel({ path: '/said/stage' })
  })

  it('is shown with the sum of the viewers, until it is ten seconds old', async () => {
    const sent = { channels: [report('/said/stage', 'live'), report('/said/unknown', 'live')], events: [] }
    expect((await say('/v1/node/channels', sent)).status).toBe(204)
    const viewers = { channels: [{ path: '/said/stage', viewers: 12 }] }
    expect((await say('/v1/node/viewers', viewers, control.edge)).status).toBe(204)
    const shown = {
      state: 'live',
      broadcast: BROADCAST,
      ingest: INGEST,
      advice: ['set the keyframes'],
      viewers: 12,
    }
    expect(await control.client.channel('/said/stage')).toMatchObject(shown)
    expect((await control.client.channels('/said')).map(each => each.state)).toEqual(['live'])
    offset += 9_000
    expect(await control.client.channel('/said/stage')).toMatchObject(shown)
    offset += 1_100
    expect(await control.client.channel('/said/stage')).toMatchObject({
      ...{ state: 'idle', broadcast: null, ingest: null, advice: [], viewers: 0 },
    })
  })

  it('is taken of ten thousand channels at once, as many as there may be', async () => {
    const paths = Array.from({ length: 10_000 }, (_, index) => `/said/${'a'.repeat(100)}/${index}`)
    const full = { ...report('', 'live'), advice: Array.from({ length: 4 }, () => 'a'.repeat(80)) }
    const sent = { channels: paths.map(path => ({ ...full, path })), events: [] }
    expect((await say('/v1/node/channels', sent)).status).toBe(204)
    const viewers = { channels: paths.map(path => ({ path, viewers: 100_000 })) }
    expect((await say('/v1/node/viewers', viewers, control.edge)).status).toBe(204)
  })

  it('is not shown of a channel that was deleted and made again', async () => {
    await say('/v1/node/channels', { channels: [report('/said/stage', 'live')], events: [] })
    await control.client.deleteChannel('/said/stage')
    expect((await control.client.createChannel({ path: '/said/stage' })).channel.state).toBe('idle')
    expect((await control.client.channel('/said/stage')).state).toBe('idle')
  })

  it('is taken of origins and edges only, each of its own matter', async () => {
    const channels = { channels: [], events: [] }
    const viewers = { channels: [] }
    const statuses = [
      await say('/v1/node/channels', channels, control.edge),
      await say('/v1/node/channels', channels, newIdentity('origin')),
      await say('/v1/node/viewers', viewers, control.origin),
      await fetch(`${control.url}/v1/node/viewers`, { method: 'POST', body: '{"channels":[]}' }),
    ].map(response => response.status)
    expect(statuses).toEqual([403, 403, 403, 403])
  })

  it.each([
    [{ channels: [{ path: '/a/b', viewers: -1 }] }],
    [{ channels: [{ path: '/a/b' }] }],
    [{ channels: {} }],
    [[]],
    [{}],
  ])('is refused when it is %j', async body => {
    expect((await say('/v1/node/viewers', body, control.edge)).status).toBe(400)
  })
})

describe('the events', () => {
  const event = (id: string, path = '/live/x') => ({
    ...{ id, at: '2026-11-22T10:00:00.000Z', kind: 'live', path, broadcast: 'b1', detail: '' },
  })
  const happen = (...ids: string[]) =>
    control.post(control.origin, '/v1/node/channels', { channels: [], events: ids.map(id => event(id)) })

  /** Listens until it has heard so many. */
  async function hear(count: number, lastEventId?: string): Promise<string[]> {
    const heard: string[] = []
    const leaving = new AbortController()
    for await (const each of control.client.events(leaving.signal, lastEventId)) {
      heard.push(each.id)
      if (heard.length === count) leaving.abort()
    }
    return heard
  }

  const listeners = (count: number) =>
    until(`${count} listen`, async () => {
      const metrics = await control.running.metrics()
      return new RegExp(`event_listeners[^\\n]* ${count}\\n`).test(metrics)
    })

  it('reach a listener as they happen, each once, also over a restart of control', async () => {
    const heard: object[] = []
    const leaving = new AbortController()
    const listening = (async () => {
      for await (const each of control.client.events(leaving.signal)) heard.push(each)
    })()
    await listeners(1)
    await happen('e1', 'e2')
    await happen('e2', 'e3')
    await until('it heard three', () => heard.length === 3)
    expect(heard).toEqual([event('e1'), event('e2'), event('e3')])
    await control.restart()
    await happen('e4')
    await until('it heard the fourth', () => heard.length === 4)
    leaving.abort()
    await listening
    expect(heard.at(-1)).toEqual(event('e4'))
  })

  it('go on after the one that was heard last, and begin anew after one that nobody knows', async () => {
    await control.restart()
    await happen('r1', 'r2', 'r3')
    expect(await hear(1, 'r2')).toEqual(['r3'])
    expect(await hear(3, 'never')).toEqual(['r1', 'r2', 'r3'])
  })

  it('need a token', async () => {
    expect((await fetch(`${control.url}/v1/events`)).status).toBe(401)
  })

  it('are server-sent events', async () => {
    const leaving = new AbortController()
    const response = await fetch(`${control.url}/v1/events`, {
      headers: { authorization: `Bearer ${ADMIN}`, 'last-event-id': 'r2' },
      signal: leaving.signal,
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk)
      if (text.includes('r3"')) break
    }
    leaving.abort()
    expect(text).toBe(`event: hello\nid: r2\ndata: {}\n\nid: r3\ndata: ${JSON.stringify(event('r3'))}\n\n`)
  })

  it('let control close while somebody listens', async () => {
    await listeners(0)
    const listening = hear(1)
    await listeners(1)
    await control.restart()
    await happen('late')
    expect(await listening).toEqual(['late'])
  })
})
