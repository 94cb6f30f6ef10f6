import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { KiB, systemClock, type ChannelId } from '../../src/core/index.ts'
import type { Channel } from '../../src/distribution/index.ts'
import { EdgeBench, handClock, KEY_ID, keys, snapshotOf } from './edge-bench.ts'
import { CHANNEL, FOLDER, LiveOrigin, PLAYLIST, playlistText } from './live-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

const CHANNELS: Channel[] = [CHANNEL, `/members${CHANNEL}`].map(each => ({
  id: `c${each}` as ChannelId, // a test's own
  path: each,
  ingest: { keyGroups: [] },
  ...{ reconnect: 30_000, stops: 0, lease: 0 },
}))
const snapshot = snapshotOf({ channels: CHANNELS })
const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const NEXT = '?_HLS_msn=100&_HLS_part=5'

let folder: string
let tls: { certificateFile: string; keyFile: string }
const clock = handClock()
let origin: LiveOrigin
let bench: EdgeBench
let secure: EdgeBench
let session: ClientHttp2Session

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-live-'))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const { certificate, key } = certificateFiles(folder)
  tls = { certificateFile: certificate, keyFile: key }
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  origin = new LiveOrigin()
  bench = await EdgeBench.start(origin.handle, { snapshot, clock })
  secure = await EdgeBench.start(origin.handle, { snapshot, clock, tls })
  session = connect(secure.url, { rejectUnauthorized: false })
  await once(session, 'connect')
})
afterEach(async () => {
  session.destroy()
  await Promise.all([bench.close(), secure.close()])
})

const over1 = (target: string, headers: Record<string, string> = {}): Promise<Answer> =>
  rawGet(bench.url, target, { headers })

async function over2(target: string, headers: Record<string, string> = {}): Promise<Answer> {
  const stream = session.request({ ':path': target, ...headers })
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  let body = ''
  for await (const chunk of stream) body += String(chunk)
  return { status: Number(answer[':status']), headers: answer, body }
}

/** Has the edge learn a version. */
async function learn(at: string, target = PLAYLIST, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = over1(target, headers)
  await origin.holds(1)
  origin.playlist(at, { lifetimeMs: 200 })
  return answer
}

function cookies(seconds = 600): string {
  const Condition = { DateLessThan: { 'AWS:EpochTime': Math.floor(Date.now() / 1000) + seconds } }
  const policy = JSON.stringify({
    Statement: [{ Resource: `*://*/members${CHANNEL}/*`, Condition }],
  })
  const signed = getSignedCookies({ keyPairId: KEY_ID, privateKey, policy })
  return Object.entries(signed)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}

/** The answer's fields less those that differ from run to run. */
function steady({ headers }: Answer): Record<string, unknown> {
  const { 'x-sluice-id': id, date, ...rest } = headers
  expect([typeof id, typeof date]).toEqual(['string', 'string'])
  // Less the symbol with which Node marks the fields of HTTP/2.
  return Object.fromEntries(Object.entries(rest))
}

const COMMON = {
  via: '1.1 sluice',
  'x-sluice-pop': 'test',
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'X-Sluice-Reason, X-Sluice-Id, X-Cache, Cache-Status, Age, Content-Length, Content-Range, ETag',
}

describe.each([
  ['HTTP/1.1', over1, (): EdgeBench => bench],
  ['HTTP/2', over2, (): EdgeBench => secure],
])('over %s', (protocol, get, edge) => {
  test('a hundred viewers who wait for the same are one question, and all are answered at once', async () => {
    const viewers = Array.from({ length: 100 }, () => get(PLAYLIST + NEXT))
    await origin.holds(1)
    await expect.poll(() => edge().node.cache.fills).toBe(1)
    // Everything that was sent before has reached the edge when this is answered.
    expect((await get('/.sluice/player')).status).toBe(200)
    origin.playlist('100.5')
    const answers = await Promise.all(viewers)
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(
      new Set([`200 ${playlistText('100.5')}`]),
    )
    expect(edge().asked).toEqual([PLAYLIST + NEXT])
  })

  test('a version is told whole, and nothing that nodes say among themselves', async () => {
    const asked = get(PLAYLIST + NEXT)
    await origin.holds(1)
    origin.playlist('100.5', { etag: '"5"' })
    const document = {
      ...(protocol === 'HTTP/2' ? { ':status': 200 } : { connection: 'close' }),
      'content-type': 'application/vnd.apple.mpegurl',
      'content-length': String(playlistText('100.5').length),
      'cache-control': 'no-cache',
      etag: '"5"',
      'accept-ranges': 'bytes',
      age: '0',
      'x-cache': 'Miss from sluice',
      'cache-status': 'sluice; fwd=miss; stored; ttl=12',
      ...COMMON,
    }
    expect(steady(await asked)).toEqual(document)
    clock.move(150)
    const hit = { ...document, 'x-cache': 'Hit from sluice', 'cache-status': 'sluice; hit; ttl=11' }
    expect(steady(await get(`${PLAYLIST}?_HLS_msn=100&_HLS_part=0`))).toEqual(hit)
    expect(steady(await get(PLAYLIST))).toEqual(hit)
    expect(steady(await get(PLAYLIST, { 'if-none-match': '"5"' }))).toEqual({
      ...Object.fromEntries(Object.entries(hit).filter(([name]) => name !== 'content-length')),
      ...(protocol === 'HTTP/2' && { ':status': 304 }),
    })
    expect(edge().asked.length).toBe(1)
  })

  test('a question that the rules forbid is refused here', async () => {
    const first = get(PLAYLIST)
    await origin.holds(1)
    origin.playlist('100.5')
    await first
    const refused = await get(`${PLAYLIST}?_HLS_msn=103`, { origin: 'https://any.example' })
    expect(refused.body).toMatch(
      /<Error><Code>InvalidRequest<\/Code><Message>The playlist is not so far yet that this could be waited for</,
    )
    expect(steady(refused)).toEqual({
      ...(protocol === 'HTTP/2' ? { ':status': 400 } : { connection: 'close' }),
      'content-type': 'text/xml',
      'content-length': String(refused.body.length),
      'cache-control': 'no-store',
      'x-cache': 'Error from sluice',
      ...COMMON,
    })
    expect((await get(`${PLAYLIST}?_HLS_msn=<script>`)).body).toContain('<Code>InvalidRequest</Code>')
    expect(edge().asked.length).toBe(1)
  })

  test.each([400, 503])('%d of the origin is for all who wait and for nobody after them', async status => {
    const first = get(PLAYLIST)
    await origin.holds(1)
    origin.playlist('100.4')
    await first
    const waiting = Array.from({ length: 10 }, () => get(PLAYLIST + NEXT))
    await origin.holds(1)
    await get('/.sluice/player')
    origin.refuse(status)
    const answers = await Promise.all(waiting)
    expect(answers.map(answer => [answer.status, answer.headers['cache-control']])).toEqual(
      Array.from({ length: 10 }, () => [status, 'no-store']),
    )
    const again = Array.from({ length: 10 }, () => get(PLAYLIST + NEXT))
    await origin.holds(1)
    await get('/.sluice/player')
    origin.playlist('100.5')
    expect(new Set((await Promise.all(again)).map(answer => answer.status))).toEqual(new Set([200]))
    expect(edge().asked).toEqual([PLAYLIST, PLAYLIST + NEXT, PLAYLIST + NEXT])
  })

  test('a hinted part that is held is one question, and holds nobody else up', async () => {
    const bytes = Buffer.alloc(200 * KiB, 'p')
    const viewers = Array.from({ length: 60 }, () => get(`${FOLDER}/e1-100.5.m4s`))
    await origin.holds(1)
    const playlist = get(PLAYLIST + NEXT)
    await origin.holds(2)
    expect((await get('/.sluice/player')).status).toBe(200)
    origin.part(bytes)
    const answers = await Promise.all(viewers)
    expect(answers.every(({ status, body }) => status === 200 && body.length === bytes.length)).toBe(true)
    expect(answers[0]?.headers['cache-control']).toBe('public, max-age=12')
    expect((await playlist).status).toBe(200)
    expect(edge().asked.length).toBe(2)
  })
})

describe('a viewer who leaves', () => {
  test('takes nothing from those who wait with him, even when he was first', async () => {
    const leaving = [
      session.request({ ':path': PLAYLIST + NEXT }),
      session.request({ ':path': `${FOLDER}/e1-100.5.m4s` }),
    ]
    await origin.holds(2)
    const staying = [over2(PLAYLIST + NEXT), over2(`${FOLDER}/e1-100.5.m4s`)]
    await over2('/.sluice/player')
    const gone = leaving.map(stream => once(stream, 'close'))
    for (const stream of leaving) stream.close(constants.NGHTTP2_CANCEL)
    await Promise.all(gone)
    await over2('/.sluice/player')
    expect(origin.held.length).toBe(2)
    origin.playlist('100.5')
    expect((await Promise.all(staying)).map(({ status }) => status)).toEqual([200, 200])
    expect(secure.asked.length).toBe(2)
  })
})

describe('held questions', () => {
  test('have connections of their own: hundreds keep neither each other nor anything else waiting', async () => {
    const held = Array.from({ length: 300 }, (_, part) => over1(`${FOLDER}/e1-100.${part}.m4s`))
    await origin.holds(300)
    const film = over1('/film.mp4')
    await origin.holds(301)
    origin.part(Buffer.from('p'))
    expect((await film).status).toBe(200)
    expect(new Set((await Promise.all(held)).map(({ status }) => status))).toEqual(new Set([200]))
  })

  test('survive an origin that is killed and comes back', async () => {
    const viewers = [over1(PLAYLIST + NEXT), over1(PLAYLIST + NEXT), over1(`${FOLDER}/e1-100.5.m4s`)]
    await origin.holds(2)
    await bench.restartOrigin(() => pause(500))
    await origin.holds(2)
    origin.playlist('100.5')
    expect((await Promise.all(viewers)).map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test.each([
    ['http', undefined],
    ['https', 'tls'],
  ])('are not cut by the time limits of %s connections that do nothing', async (_, secured) => {
    const limits = { idle: 200, request: 200, stalled: 5_000 }
    const strict = await EdgeBench.start(origin.handle, { snapshot, limits, ...(secured && { tls }) })
    try {
      const own = connect(strict.url, { rejectUnauthorized: false })
      const stream = secured && own.request({ ':path': PLAYLIST + NEXT })
      const answer = stream
        ? (once(stream, 'response') as Promise<[IncomingHttpHeaders]>).then(([head]) =>
            Number(head[':status']),
          )
        : rawGet(strict.url, PLAYLIST + NEXT).then(({ status }) => status)
      own.on('error', () => {}) // without TLS there is no session, and none is needed
      await origin.holds(1)
      // Several times each limit that must not apply.
      await pause(1_000)
      origin.playlist('100.5')
      expect(await answer).toBe(200)
      own.destroy()
    } finally {
      await strict.close()
    }
  })
})

describe('a gated channel', () => {
  const GATED = `/members${PLAYLIST}`

  test('is one object for all grants, and its playlists are private', async () => {
    const viewers = [600, 700, 800].map(seconds => over1(GATED + NEXT, { Cookie: cookies(seconds) }))
    await origin.holds(1)
    await over1('/.sluice/player')
    origin.playlist('100.5')
    const answers = await Promise.all(viewers)
    expect(answers.map(({ status, headers }) => [status, headers['cache-control'], headers.vary])).toEqual(
      Array.from({ length: 3 }, () => [200, 'private, no-cache', 'Origin']),
    )
    bench.node.apply(snapshotOf({ channels: CHANNELS, ...open() }))
    const opened = await over1(GATED)
    expect([opened.status, opened.headers['cache-control'], opened.headers['x-cache']]).toEqual([
      200,
      'no-cache',
      'Hit from sluice',
    ])
    expect(bench.asked).toEqual([GATED + NEXT])
  })

  test('refuses before it looks at directives, and answers a page of the same site with credentials', async () => {
    await learn('100.5', GATED, { Cookie: cookies() })
    for (const directives of ['?_HLS_msn=1', '?_HLS_msn=999', '?_HLS_part=1']) {
      const refused = await over1(GATED + directives)
      expect([refused.status, refused.headers['x-sluice-reason']]).toEqual([403, 'missing'])
    }
    const page = { Cookie: cookies(), Origin: 'http://localhost:3000' }
    for (const [directives, status] of [
      ['?_HLS_msn=1', 200],
      ['?_HLS_msn=999', 400],
    ] as const) {
      const { headers, status: got } = await over1(GATED + directives, page)
      expect([
        got,
        headers['access-control-allow-origin'],
        headers['access-control-allow-credentials'],
      ]).toEqual([...[status, 'http://localhost:3000', 'true']])
    }
  })

  test('is opened by a canned URL, whatever directives and CMCD the player adds', async () => {
    const dateLessThan = new Date(Date.now() + 60_000).toISOString()
    const signed = getSignedUrl({ url: `${bench.url}${GATED}`, keyPairId: KEY_ID, privateKey, dateLessThan })
    const target = signed.slice(bench.url.length)
    const asked = over1(`${target}&_HLS_msn=100&CMCD=bl%3D100&_HLS_part=5`)
    await origin.holds(1)
    origin.playlist('100.5')
    expect((await asked).status).toBe(200)
    expect(bench.asked).toEqual([GATED + NEXT])
  })

  function open(): Pick<ReturnType<typeof snapshotOf>, 'distributions'> {
    return {
      distributions: snapshotOf().distributions.map(each => ({
        ...each,
        behaviours: each.behaviours.map(behaviour => ({ ...behaviour, gate: null })),
      })),
    }
  }
})

describe('viewers of a channel', () => {
  const watch = (target: string, player: string, headers: Record<string, string> = {}): Promise<Answer> =>
    over1(target, { 'User-Agent': player, ...headers })

  test('are told apart by player and grant, for ten seconds after their last playlist', async () => {
    await learn('100.5', PLAYLIST, { 'User-Agent': 'one' })
    await learn('100.5', `/members${PLAYLIST}`, { 'User-Agent': 'one', Cookie: cookies(600) })
    await watch(`${PLAYLIST}?_HLS_msn=99`, 'one')
    await watch(`${PLAYLIST}?_HLS_msn=99`, 'two')
    await watch(`/members${PLAYLIST}?_HLS_msn=99`, 'one', { Cookie: cookies(700) })
    expect((await watch(`${PLAYLIST}?_HLS_msn=999`, 'refused')).status).toBe(400)
    expect((await watch(`/members${PLAYLIST}`, 'nobody')).status).toBe(403)
    expect(bench.node.viewers.report()).toEqual({
      channels: [
        { path: CHANNEL, viewers: 2 },
        { path: `/members${CHANNEL}`, viewers: 2 },
      ],
    })
    clock.move(9_999)
    await watch(`${PLAYLIST}?_HLS_msn=99`, 'two')
    clock.move(1)
    expect(bench.node.viewers.report()).toEqual({ channels: [{ path: CHANNEL, viewers: 1 }] })
  })

  test('are not those who fetch something else', async () => {
    for (const target of [`${CHANNEL}/index.m3u8`, `${FOLDER}/e1-1.m4s`]) {
      const asked = over1(target)
      await origin.holds(1)
      origin.part(Buffer.from('#EXTM3U'))
      await asked
    }
    expect(bench.node.viewers.report()).toBeUndefined()
  })
})
