import type { IncomingMessage, ServerResponse } from 'node:http'
import { getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { StoredObject } from '../../src/cache/index.ts'
import { instant, MiB, type ChannelId } from '../../src/core/index.ts'
import { CarriedPlaylists } from '../../src/delivery/gate/carry.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { DISTRIBUTION, EdgeBench, KEY_ID, keys, snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import { LiveOrigin } from './live-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

const FOLDER = '/members/talk'
const MASTER = `${FOLDER}/index.m3u8`
const MEDIA = `${FOLDER}/video.m3u8`
const Q = 'Policy={$Policy}&Signature={$Signature}&Key-Pair-Id={$Key-Pair-Id}'
const H = '&Hash-Algorithm={$Hash-Algorithm}'

const MASTER_TEXT = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nvideo.m3u8\n'
const MEDIA_TEXT =
  '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:4,\ns1.m4s\n#EXT-X-ENDLIST\n'

function defined(text: string, names: string[], query: string): string {
  const lines = names.map(name => `#EXT-X-DEFINE:QUERYPARAM="${name}"\n`).join('')
  const version = text.includes('VERSION') ? '' : '#EXT-X-VERSION:11\n'
  return text
    .replace('#EXTM3U\n', () => `#EXTM3U\n${version}${lines}`)
    .replace('VERSION:7', 'VERSION:11')
    .replace(/init\.mp4|(?:s1\.m4s|video\.m3u8)$/gm, uri => `${uri}?${query}`)
}

const THREE = ['Policy', 'Signature', 'Key-Pair-Id']
const UNDECLARED = (text: string): string => defined(text, THREE, Q)
const DECLARED = (text: string): string => defined(text, [...THREE, 'Hash-Algorithm'], Q + H)

/** The first distribution, whose members' playlists carry a query on. */
function carrying(change: Partial<Snapshot> = {}): Snapshot {
  const snapshot = snapshotOf(change)
  for (const behaviour of snapshot.distributions[0]?.behaviours ?? []) behaviour.carry = 'define'
  return snapshot
}

const serve = (request: IncomingMessage, response: ServerResponse): void => {
  const url = request.url ?? ''
  response.setHeader('Cache-Control', url.startsWith('/members/never/') ? 'no-store' : 'public, max-age=60')
  if (url.endsWith('/index.m3u8')) {
    response.writeHead(200, {
      'Content-Type': 'application/vnd.apple.mpegurl',
      'Last-Modified': 'Sun, 01 Nov 2026 00:00:00 GMT',
      'Content-MD5': 'x',
      ETag: '"m1"',
    })
    response.end(MASTER_TEXT)
  } else if (url.endsWith('/video.m3u8')) response.writeHead(200, { ETag: 'W/"v1"' }).end(MEDIA_TEXT)
  else if (url.endsWith('/plain.m3u8')) response.end(MEDIA_TEXT)
  else if (url.endsWith('/large.m3u8')) response.end(`#EXTM3U\n#${'x'.repeat(MiB)}\ns1.m4s\n`)
  else if (url.endsWith('/said.m3u8'))
    response.writeHead(200, { 'Content-Length': MiB + 20 }).end(`#EXTM3U\n${'a'.repeat(MiB + 12)}`)
  else if (url.endsWith('/bytes.m3u8')) response.end(Buffer.from([0x23, 0xff, 0xfe]))
  else if (url.endsWith('/html.m3u8')) response.end('<html>')
  else if (url.endsWith('/cut.m3u8'))
    response.writeHead(200, { 'Content-Length': 100 }).write('#EXTM3U\n', () => response.destroy())
  else if (url.endsWith('/gone.m3u8')) response.writeHead(404).end(MEDIA_TEXT)
  else response.end('media')
}

let bench: EdgeBench
beforeAll(async () => {
  bench = await EdgeBench.start(serve)
})
beforeEach(() => bench.node.apply(carrying()))
afterAll(() => bench.close())

const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  rawGet(bench.url, path, { headers, method })
const grant = grantFor('*://*/members/*')
const old = grantFor('*://*/members/*', { hash: 'sha1' })

describe('a playlist for a signed query', () => {
  test('hands on the parameters that came, and no others', async () => {
    expect((await get(`${MASTER}?${grant.query}`)).body).toBe(DECLARED(MASTER_TEXT))
    expect((await get(`${MASTER}?${old.query}`)).body).toBe(UNDECLARED(MASTER_TEXT))
    expect((await get(`${MEDIA}?${grant.query}&a=b`)).body).toBe(DECLARED(MEDIA_TEXT))
    expect((await get(`${MEDIA}?a=b&Hash-Algorithm=SHA1&${old.query}`)).body).toBe(DECLARED(MEDIA_TEXT))
    const aws = getSignedUrl({
      url: `${bench.url}${MEDIA}`,
      keyPairId: KEY_ID,
      privateKey: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      policy: JSON.stringify({
        Statement: [
          { Resource: `${bench.url}/members/*`, Condition: { DateLessThan: { 'AWS:EpochTime': 4e9 } } },
        ],
      }),
    })
    expect((await get(aws.slice(bench.url.length))).body).toBe(UNDECLARED(MEDIA_TEXT))
  })

  test('comes alike while it is fetched, from store, and when nobody stores it', async () => {
    for (const path of ['/members/new/video.m3u8', '/members/never/video.m3u8']) {
      const [first, joined] = await Promise.all([get(`${path}?${grant.query}`), get(`${path}?${old.query}`)])
      const later = await get(`${path}?${grant.query}`)
      expect([first.body, joined.body, later.body]).toEqual(
        [DECLARED, UNDECLARED, DECLARED].map(text => text(MEDIA_TEXT)),
      )
      for (const each of [first, joined, later]) {
        expect(each.headers['content-length']).toBe(String(Buffer.byteLength(each.body)))
        expect(each.headers['cache-control']).toMatch(/^private/)
      }
    }
    const { body } = await get(`/members/new/index.m3u8?${grant.query}`)
    expect(body).not.toContain(grant.signature)
  })

  test('has its own entity tag, and conditions and ranges hold for its own text', async () => {
    const { headers, body } = await get(`${MASTER}?${grant.query}`)
    expect([headers.etag, headers['last-modified'], headers['content-md5']]).toEqual([
      '"m1-d4"',
      undefined,
      undefined,
    ])
    expect(headers['content-type']).toBe('application/vnd.apple.mpegurl')
    expect((await get(`${MASTER}?${old.query}`)).headers.etag).toBe('"m1-d3"')
    expect((await get(`${MEDIA}?${grant.query}`)).headers.etag).toBe('W/"v1-d4"')
    const plain = `${FOLDER}/plain.m3u8?${grant.query}`
    const { etag = '' } = (await get(plain)).headers
    expect(etag).toMatch(/^"[0-9a-f]{20}-d4"$/)
    expect((await get(plain, { 'If-None-Match': etag })).status).toBe(304)

    const statusFor = async (fields: Record<string, string>): Promise<number> =>
      (await get(`${MASTER}?${grant.query}`, fields)).status
    expect(await statusFor({ 'If-None-Match': '"m1-d4"' })).toBe(304)
    expect(await statusFor({ 'If-None-Match': 'W/"m1-d4"' })).toBe(304)
    expect(await statusFor({ 'If-None-Match': '"m1"' })).toBe(200)
    expect(await statusFor({ 'If-None-Match': '"m1-d3"' })).toBe(200)
    expect(await statusFor({ 'If-Modified-Since': 'Sun, 01 Nov 2026 00:00:00 GMT' })).toBe(200)

    const range = await get(`${MASTER}?${grant.query}`, { Range: 'bytes=8-27' })
    expect([range.status, range.body, range.headers['content-range']]).toEqual([
      206,
      body.slice(8, 28),
      `bytes 8-27/${body.length}`,
    ])
    const head = await get(`${MASTER}?${grant.query}`, {}, 'HEAD')
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', String(body.length)])
    const unstored = await get(`/members/never/index.m3u8?${grant.query}`, {}, 'HEAD')
    expect([unstored.status, unstored.headers.etag, unstored.headers['content-length']]).toEqual([
      200,
      '"m1-d4"',
      String(body.length),
    ])
  })

  test.each([
    ['cookies', MASTER, { Cookie: grant.cookie }, MASTER_TEXT],
    ['a path token', grant.token + MASTER, {}, MASTER_TEXT],
    ['a query with something of its own and cookies', `${MASTER}?a=b`, { Cookie: grant.cookie }, MASTER_TEXT],
  ])('is the stored one for %s', async (_carrier, path, headers, text) => {
    const answer = await get(path, headers)
    expect([answer.body, answer.headers.etag]).toEqual([text, '"m1"'])
  })

  test('is the stored one for a canned policy, on an open path, and where nothing is to be carried', async () => {
    const canned = getSignedUrl({
      url: `${bench.url}${MASTER}`,
      keyPairId: KEY_ID,
      privateKey: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      dateLessThan: new Date(Date.now() + 60_000).toISOString(),
    })
    expect((await get(canned.slice(bench.url.length))).body).toBe(MASTER_TEXT)
    expect((await get(`/open/index.m3u8?${grant.query}`)).body).toBe(MASTER_TEXT)
    bench.node.apply(snapshotOf())
    expect((await get(`${MASTER}?${grant.query}`)).body).toBe(MASTER_TEXT)
  })

  test.each([
    ['larger than a playlist', 'large', MiB + 17],
    ['said to be larger', 'said', MiB + 20],
    ['no text', 'bytes', undefined],
    ['something else', 'html', 6],
  ])('that is %s goes out as it is, stored or not', async (_what, name, length) => {
    for (const folder of [FOLDER, '/members/never']) {
      const path = `${folder}/${name}.m3u8`
      const carried = await get(`${path}?${grant.query}`)
      const again = await get(`${path}?${grant.query}`)
      const plain = await get(path, { Cookie: grant.cookie })
      expect(carried.body === plain.body && again.body === plain.body).toBe(true)
      if (length !== undefined) expect(carried.body.length).toBe(length)
    }
  })

  test('is refused like any other, an error stays an error, and one that breaks off is a 502', async () => {
    expect((await get(`${MASTER}?${grant.query.replace(/Policy=..../, 'Policy=AAAA')}`)).status).toBe(403)
    expect(await get(`${FOLDER}/gone.m3u8?${grant.query}`)).toMatchObject({ status: 404, body: MEDIA_TEXT })
    for (const folder of [FOLDER, '/members/never'])
      expect((await get(`${folder}/cut.m3u8?${grant.query}`)).status).toBe(502)
  })
})

test('a text is made once for each stored object and shape', () => {
  const object: StoredObject = {
    key: 'k' as CacheKey, // a test's own
    ...{ distributionId: DISTRIBUTION, path: MEDIA, sequence: 0, status: 200, headers: ['ETag', '"a"'] },
    validators: { etag: '"a"', lastModified: undefined },
    body: Buffer.from(MEDIA_TEXT),
    ...{ bornAt: instant(0), freshUntil: instant(1), staleOnError: true },
  }
  const carried = new CarriedPlaylists()
  const first = carried.of(object, 'declared')
  expect(carried.of(object, 'declared')).toBe(first)
  expect(carried.of({ ...object }, 'declared')).not.toBe(first)
  expect(carried.of(object, 'undeclared').validators.etag).toBe('"a-d3"')
  expect(object.body.toString()).toBe(MEDIA_TEXT)
})

test('fifty viewers with fifty grants on three carriers cost one origin request for each object', async () => {
  const film = '/members/crowd'
  const objects = ['index.m3u8', 'video.m3u8', 'init.mp4', 's1.m4s']
  const [asked, logged] = [bench.asked.length, bench.lines.length]
  const secrets: string[] = []
  const viewers = Array.from({ length: 50 }, async (_, n) => {
    const own = grantFor(`*://*${film}/*`, { seconds: 600 + n, hash: n % 2 === 0 ? 'sha1' : 'sha256' })
    secrets.push(own.policy, own.signature)
    const ask = (name: string): Promise<Answer> => {
      if (n % 3 === 0) return get(`${film}/${name}`, { Cookie: own.cookie })
      return get(n % 3 === 1 ? `${own.token}${film}/${name}` : `${film}/${name}?${own.query}`)
    }
    const answers = await Promise.all(objects.map(ask))
    expect(answers.map(answer => answer.status)).toEqual([200, 200, 200, 200])
  })
  await Promise.all(viewers)
  expect(bench.asked.slice(asked).sort()).toEqual(objects.map(name => `${film}/${name}`).sort())
  await expect.poll(() => bench.lines.length).toBe(logged + 200)
  const written = JSON.stringify(bench.lines.slice(logged))
  expect(secrets.filter(secret => written.includes(secret))).toEqual([])
  expect(new Set(bench.lines.slice(logged).map(line => line.path))).toEqual(
    new Set(objects.map(name => `${film}/${name}`)),
  )
})

describe('a live playlist', () => {
  const CHANNEL = '/members/live/stage'
  const PLAYLIST = `${CHANNEL}/b1/video/playlist.m3u8`
  let origin: LiveOrigin
  let live: EdgeBench
  beforeEach(async () => {
    origin = new LiveOrigin()
    const channel = { id: 'c1' as ChannelId, path: CHANNEL, ingest: { keyGroups: [] } } // a test's own
    const channels = [{ ...channel, reconnect: 30_000, stops: 0, lease: 0 }]
    live = await EdgeBench.start(origin.handle, { snapshot: carrying({ channels }) })
  })
  afterEach(() => live.close())

  const text = (query: string, skip = ''): string =>
    `#EXTM3U\n#EXT-X-VERSION:7\n${skip}#EXT-X-MAP:URI="i.mp4${query}"\n#EXT-X-PART:DURATION=0.2,URI="p1.mp4${query}"\n` +
    `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.mp4${query}"\n#EXT-X-RENDITION-REPORT:URI="../audio/playlist.m3u8${query}",LAST-MSN=9\n`
  const carried = (skip = ''): string =>
    text(`?${Q}${H}`, skip).replace(
      '#EXT-X-VERSION:7\n',
      `${[...THREE, 'Hash-Algorithm'].map(name => `#EXT-X-DEFINE:QUERYPARAM="${name}"\n`).join('')}#EXT-X-VERSION:11\n`,
    )

  test('carries in each version and in delta updates, and everybody shares what the origin says once', async () => {
    const over = (target: string, headers: Record<string, string> = {}): Promise<Answer> =>
      rawGet(live.url, target, { headers })
    const both = (directives: string): Promise<Answer[]> =>
      Promise.all([
        over(`${PLAYLIST}?${grant.query}${directives}`),
        over(`${PLAYLIST}?${directives.slice(1)}`, { Cookie: grant.cookie }),
      ])
    const first = both('')
    await origin.holds(1)
    origin.playlist('100.4', { text: text(''), etag: '"l1"' })
    expect((await first).map(each => [each.body, each.headers.etag])).toEqual([
      [carried(), '"l1-d4"'],
      [text(''), '"l1"'],
    ])

    const next = both('&_HLS_msn=100&_HLS_part=5')
    await origin.holds(1)
    expect(origin.held[0]?.url).toBe(`${PLAYLIST}?_HLS_msn=100&_HLS_part=5`)
    origin.playlist('100.5', { text: text('') })
    expect((await next).map(each => each.body)).toEqual([carried(), text('')])

    const skip = '#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n'
    const delta = both('&_HLS_msn=100&_HLS_part=6&_HLS_skip=YES')
    await origin.holds(1)
    origin.playlist('100.6', { text: text('', skip) })
    expect((await delta).map(each => each.body)).toEqual([carried(skip), text('', skip)])
    expect(live.asked.length).toBe(3)
  })
})
