import { expect, test } from 'vitest'
import { sluice, stubControl, workFolder, type Routes } from './stub-control.ts'

const ACKNOWLEDGED = { version: 7, acknowledged: [{ id: 'edge-1', ms: 12 }], missing: [] }

const IDLE = {
  id: 'c1',
  path: '/live/stage',
  state: 'idle',
  keyGroup: 'default',
  reconnectSeconds: 30,
  broadcast: null,
  ingest: null,
  viewers: 0,
  advice: [],
  createdAt: '2026-11-22T00:00:00.000Z',
}

const LIVE = {
  ...IDLE,
  state: 'live',
  broadcast: { id: 'b123456789', startedAt: '2026-11-22T10:00:00.123Z' },
  ingest: {
    address: '192.0.2.7',
    encoder: 'OBS 30.1\u001b[2J',
    bitrate: 2_900_000,
    video: {
      codec: 'avc1.64001f',
      width: 1280,
      height: 720,
      bitrate: 2_772_000,
      framesPerSecond: 29.97,
      keyframeInterval: 8.33,
    },
    audio: { codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2, bitrate: 128_000 },
    gaps: 1,
  },
  viewers: 12,
  advice: ['keyframe every 8.3 s: set Keyframe Interval to 2 s in OBS → Output'],
}

const NOT_FOUND = {
  status: 404,
  body: { error: { code: 'not-found', message: 'there is no channel /live/none' } },
}

async function at(routes: Routes) {
  const stub = await stubControl({ 'GET /v1/acknowledgements': { body: ACKNOWLEDGED }, ...routes })
  return { stub, cwd: workFolder(stub) }
}

function created(warnings: string[] = []): Routes {
  return { 'POST /v1/channels': { status: 201, body: { channel: IDLE, snapshotVersion: 7, warnings } } }
}

const PLAYLIST = 'http://127.0.0.1:8080/live/stage/index.m3u8'

test.each<[string, Routes, number, unknown]>([
  ['live create live/stage', created(), 0, { path: '/live/stage', state: 'idle', playlist: PLAYLIST }],
  [
    'live create /live/stage',
    {
      'POST /v1/channels': {
        status: 409,
        body: { error: { code: 'exists', message: 'there is a channel /live/stage already' } },
      },
    },
    4,
    { error: { code: 'exists', message: 'there is a channel /live/stage already' } },
  ],
  ['live list', { 'GET /v1/channels': { body: { channels: [LIVE] } } }, 0, [LIVE]],
  ['live list', { 'GET /v1/channels': { body: { channels: [] } } }, 0, []],
  [
    'live list /none',
    { 'GET /v1/channels': { body: { channels: [] } } },
    3,
    { error: { code: 'no-channel', message: 'There is no channel at or below /none.' } },
  ],
  ['live show live/stage', { 'GET /v1/channels/at': { body: LIVE } }, 0, LIVE],
  [
    'live show /live/none',
    { 'GET /v1/channels/at': NOT_FOUND },
    3,
    { error: { code: 'not-found', message: 'there is no channel /live/none' } },
  ],
  [
    'live stop live/stage',
    { 'POST /v1/channels/stop': { body: { snapshotVersion: 7 } } },
    0,
    { path: '/live/stage' },
  ],
  ['live stop /live/none', { 'POST /v1/channels/stop': NOT_FOUND }, 3, NOT_FOUND.body],
  [
    'live delete live/stage',
    { 'DELETE /v1/channels/at': { body: { snapshotVersion: 7 } } },
    0,
    { path: '/live/stage' },
  ],
  ['live delete /live/none', { 'DELETE /v1/channels/at': NOT_FOUND }, 3, NOT_FOUND.body],
])('sluice %s', async (line, routes, code, json) => {
  const { cwd } = await at(routes)
  const ran = await sluice(cwd, [...line.split(' '), '--json'])
  expect([ran.code, ran.json]).toEqual([code, json])
  expect(ran.stdout.trim().split('\n')).toHaveLength(1)
})

test.each([
  [['live', 'create', '/stage'], 'bad-path', '/live/stage instead of /stage'],
  [['live', 'create', '/live/../x'], 'bad-path', 'cannot be a channel'],
  [['live', 'show', 'live/'], 'bad-path', 'no slash at its end'],
  [['live', 'stop', ''], 'bad-path', 'cannot be a channel'],
  [['live', 'create', '/live/x', '--reconnect', '30'], 'bad-reconnect', 'write it as 30s or 2m'],
  [['live', 'create', '/live/x', '--reconnect', '2h'], 'bad-reconnect', 'an hour at most'],
])('%j is a usage error, and nothing is asked', async (argv, code, words) => {
  const { cwd, stub } = await at({})
  const ran = await sluice(cwd, [...argv, '--json'])
  expect(ran).toMatchObject({ code: 2, json: { error: { code } } })
  expect(ran.stderr).toContain(words)
  expect(stub.asked).toEqual([])
})

test.each([
  [[], { path: '/live/stage' }],
  [['--reconnect', '1m30s'], { path: '/live/stage', reconnectSeconds: 90 }],
  [
    ['--reconnect', '0s', '--group', 'studios'],
    { path: '/live/stage', reconnectSeconds: 0, keyGroup: 'studios' },
  ],
])('live create with %j asks for %j', async (flags, wanted) => {
  let asked: unknown
  const { cwd } = await at({
    'POST /v1/channels': ({ body }) => {
      asked = JSON.parse(String(body))
      return { body: { channel: IDLE, snapshotVersion: 7, warnings: [] } }
    },
  })
  await sluice(cwd, ['live', 'create', '/live/stage', ...flags])
  expect(asked).toEqual(wanted)
})

test('live create tells people where it plays, what comes next, and what was warned of', async () => {
  const { cwd } = await at(created(['the key group "default" has no key yet']))
  const { stdout, stderr } = await sluice(cwd, ['live', 'create', '/live/stage'])
  expect(stdout).toBe(`${PLAYLIST}\n`)
  expect(stderr).toBe(
    [
      'warning: the key group "default" has no key yet.',
      'created /live/stage; it plays at the URL below while somebody publishes to it',
      '  next: sluice live sign /live/stage   prints what to paste into OBS',
      '',
    ].join('\n'),
  )
})

test.each([
  [['live', 'create', '/live/stage'], 'POST /v1/channels'],
  [['live', 'stop', '/live/stage'], 'POST /v1/channels/stop'],
  [['live', 'delete', '/live/stage'], 'DELETE /v1/channels/at'],
])('%j waits for the nodes, unless --no-wait', async (argv, change) => {
  const routes: Routes = {
    ...created(),
    'POST /v1/channels/stop': { body: { snapshotVersion: 7 } },
    'DELETE /v1/channels/at': { body: { snapshotVersion: 7 } },
    'GET /v1/acknowledgements': { body: { version: 7, acknowledged: [], missing: ['gateway-1'] } },
  }
  const { cwd, stub } = await at(routes)
  const waited = await sluice(cwd, [...argv, '--json'])
  expect(waited.stderr).toContain('gateway-1 did not take it within 5 s')
  expect([waited.code, stub.asked]).toEqual([0, [change, 'GET /v1/acknowledgements']])
  const soon = await sluice(cwd, [...argv, '--json', '--no-wait'])
  expect([soon.code, soon.json, stub.asked.slice(2)]).toEqual([0, waited.json, [change]])
})

test('live list is a table for people', async () => {
  const { cwd } = await at({ 'GET /v1/channels': { body: { channels: [LIVE, { ...IDLE, path: '/a/b' }] } } })
  expect((await sluice(cwd, ['live', 'list'])).stdout).toBe(
    [
      'PATH         STATE  SINCE                 VIEWERS',
      '/live/stage  live   2026-11-22T10:00:00Z  12',
      '/a/b         idle                         0',
      '',
    ].join('\n'),
  )
})

test('live show is facts and advice, and an encoder’s name does nothing to the terminal', async () => {
  const { cwd } = await at({ 'GET /v1/channels/at': { body: LIVE } })
  expect((await sluice(cwd, ['live', 'show', '/live/stage'])).stdout).toBe(
    [
      '/live/stage',
      '  state      live, broadcast b123456789 since 2026-11-22T10:00:00Z',
      '  encoder    OBS 30.1?[2J at 192.0.2.7, 2.90 Mbit/s',
      '  video      avc1.64001f 1280×720, 30 frames/s, a keyframe every 8.3 s, 2.77 Mbit/s',
      '  audio      mp4a.40.2 48000 Hz stereo, 128 kbit/s',
      '  gaps       1',
      '  viewers    12',
      '  reconnect  30 s',
      '  key group  default',
      `  playlist   ${PLAYLIST}`,
      'advice: keyframe every 8.3 s: set Keyframe Interval to 2 s in OBS → Output',
      '',
    ].join('\n'),
  )
})

test('live show of an idle channel has what there is', async () => {
  const { cwd } = await at({ 'GET /v1/channels/at': { body: IDLE } })
  expect((await sluice(cwd, ['live', 'show', '/live/stage'])).stdout).toBe(
    [
      '/live/stage',
      '  state      idle',
      '  viewers    0',
      '  reconnect  30 s',
      '  key group  default',
      `  playlist   ${PLAYLIST}`,
      '',
    ].join('\n'),
  )
})

test('open gives a URL of a channel, and says when nobody publishes to it', async () => {
  const distribution = {
    ...{ id: 'E123456789ABCD', domain: 'e123456789abcd.cdn.localhost', aliases: [], enabled: true },
    ...{ comment: '', fallback: true, origins: [{ id: 'built-in', kind: 'built-in' }] },
    behaviours: [
      {
        ...{ pattern: '*', originId: 'built-in', gate: null, viewerProtocol: 'allow-all' },
        ...{ ttl: { minimum: 0, default: 1, maximum: 2 }, query: 'none', corsOrigins: [] },
      },
    ],
  }
  const routes: Routes = {
    'GET /v1/channels/at': ({ url }) =>
      url.searchParams.get('path') === '/live/stage' ? { body: IDLE } : NOT_FOUND,
    'GET /v1/distributions': { body: { distributions: [distribution] } },
  }
  const { cwd } = await at(routes)
  const ran = await sluice(cwd, ['open', '/live/stage', '--json'])
  expect([ran.code, ran.json]).toEqual([
    0,
    {
      path: '/live/stage',
      url: PLAYLIST,
      player: 'http://e123456789abcd.cdn.localhost:8080/.sluice/player#/live/stage/index.m3u8',
      expires: null,
    },
  ])
  expect(ran.stderr).toContain('nobody publishes to the channel /live/stage just now')
  expect((await sluice(cwd, ['open', '/live/none', '--json'])).code).toBe(3)
})
