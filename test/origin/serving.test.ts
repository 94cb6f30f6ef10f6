import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { instant, Turnstile, type AssetId, type Clock, type JobId } from '../../src/core/index.ts'
import { readPlaylist } from '../../src/hls/index.ts'
import { createPeerVerifier } from '../../src/membership/index.ts'
import { mintNodeToken, newNodeKey, type NodeIdentity } from '../../src/signing/index.ts'
import { objectKey, type ObjectStore } from '../../src/storage/index.ts'
import { ffmpeg } from '../e2e/media-tools.ts'
import { lease, openOrigin, publish, type OriginUnderTest } from './origin-under-test.ts'

let folder: string
let film: Buffer
let other: Buffer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-films-'))
  const make = async (name: string, tone: number, seconds: number) => {
    const file = join(folder, name)
    await ffmpeg(
      ...['-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=25:duration=${seconds}`],
      ...['-f', 'lavfi', '-i', `sine=frequency=${tone}:duration=${seconds}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50', '-c:a', 'aac'],
      ...['-metadata:s:a:0', 'language=eng', file],
    )
    return readFile(file)
  }
  film = await make('one.mp4', 440, 10)
  other = await make('two.mp4', 880, 6)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let origin: OriginUnderTest
let now: number
const clock: Clock = { now: () => instant(now) }
beforeEach(async () => {
  now = Date.UTC(2026, 10, 22, 12)
  origin = await openOrigin({ clock })
})
afterEach(() => origin.close())

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(origin.url + path, { headers, method })
const headersOf = (response: Response, ...names: string[]) =>
  Object.fromEntries(names.map(name => [name, response.headers.get(name)]))

async function names(path = '/films/one'): Promise<{ video: string; audio: string; text: string }> {
  const text = await (await get(`${path}/index.m3u8`)).text()
  const [video = ''] = /video-[0-9a-f]{10}/.exec(text) ?? []
  const [audio = ''] = /audio-[0-9a-f]{10}/.exec(text) ?? []
  return { video, audio, text }
}

describe('a published film', () => {
  beforeEach(async () => {
    expect((await publish(origin, film)).result.kind).toBe('packaged')
  })

  it('has an entry playlist that lives for a minute', async () => {
    const response = await get('/films/one/index.m3u8')
    const { video, audio, text } = await names()
    expect(text.replace(/BANDWIDTH=\d+/g, 'BANDWIDTH=n')).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="eng",CHANNELS="1",URI="${audio}/playlist.m3u8"`,
        '#EXT-X-STREAM-INF:BANDWIDTH=n,AVERAGE-BANDWIDTH=n,CODECS="avc1.42c00d,mp4a.40.2",RESOLUTION=320x240,FRAME-RATE=25.000,AUDIO="audio"',
        `${video}/playlist.m3u8`,
        '',
      ].join('\n'),
    )
    expect(response.status).toBe(200)
    expect(
      headersOf(response, 'content-type', 'cache-control', 'last-modified', 'etag', 'accept-ranges'),
    ).toEqual({
      'content-type': 'application/vnd.apple.mpegurl',
      'cache-control': 'public, max-age=60',
      'last-modified': 'Sun, 22 Nov 2026 12:00:00 GMT',
      etag: `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`,
      'accept-ranges': 'bytes',
    })
  })

  it('has media playlists, init segments and segments for a year, all with strong validators', async () => {
    const { video, audio } = await names()
    const types = { 'playlist.m3u8': 'application/vnd.apple.mpegurl', 'init.mp4': '/mp4', '0.m4s': '/mp4' }
    for (const rendition of [video, audio]) {
      for (const [file, type] of Object.entries(types)) {
        const response = await get(`/films/one/${rendition}/${file}`)
        const body = Buffer.from(await response.arrayBuffer())
        expect(response.status).toBe(200)
        expect(headersOf(response, 'content-type', 'cache-control', 'content-length', 'etag')).toEqual({
          'content-type': type.startsWith('/') ? `${rendition.split('-')[0]}${type}` : type,
          'cache-control': 'public, max-age=31536000, immutable',
          'content-length': String(body.length),
          etag: expect.stringMatching(/^"(video|audio)-[0-9a-f]{10}\.1\.(playlist|init|0)"$/) as string,
        })
      }
    }
    const playlist = readPlaylist(await (await get(`/films/one/${video}/playlist.m3u8`)).text())
    expect(playlist).toEqual({
      kind: 'media',
      endlist: true,
      init: 'init.mp4',
      segments: [
        { uri: '0.m4s', duration: 4 },
        { uri: '1.m4s', duration: 4 },
        { uri: '2.m4s', duration: 2 },
      ],
    })
  })

  it('answers HEAD as GET without its body', async () => {
    const { video } = await names()
    for (const path of ['/films/one/index.m3u8', `/films/one/${video}/1.m4s`]) {
      const whole = await get(path)
      const head = await get(path, {}, 'HEAD')
      const about = [
        'content-length',
        'content-type',
        'etag',
        'cache-control',
        'last-modified',
        'accept-ranges',
      ]
      expect(headersOf(head, ...about)).toEqual(headersOf(whole, ...about))
      expect((await head.arrayBuffer()).byteLength).toBe(0)
      // RFC 9110 14.2: a range counts for GET only.
      expect((await get(path, { Range: 'bytes=99999999-' }, 'HEAD')).status).toBe(200)
    }
  })

  it('answers what the asker has already with 304', async () => {
    const { video } = await names()
    for (const path of ['/films/one/index.m3u8', `/films/one/${video}/0.m4s`]) {
      const etag = (await get(path)).headers.get('etag') ?? ''
      const response = await get(path, { 'If-None-Match': `"other", ${etag}` })
      expect(response.status).toBe(304)
      expect(response.headers.get('etag')).toBe(etag)
      expect(response.headers.get('cache-control')).not.toBeNull()
      expect((await get(path, { 'If-None-Match': '"other"' })).status).toBe(200)
      expect((await get(path, { 'If-Modified-Since': 'Sun, 22 Nov 2026 12:00:00 GMT' })).status).toBe(304)
    }
  })

  it('answers one range with the bytes that it names', async () => {
    const { video } = await names()
    const path = `/films/one/${video}/0.m4s`
    const whole = Buffer.from(await (await get(path)).arrayBuffer())
    const size = whole.length
    const etag = (await get(path)).headers.get('etag') ?? ''
    for (const [range, first, last] of [
      ['bytes=0-99', 0, 99],
      ['bytes=100-', 100, size - 1],
      ['bytes=-10', size - 10, size - 1],
      [`bytes=5-${size + 100}`, 5, size - 1],
    ] as const) {
      const response = await get(path, { Range: range, 'If-Range': etag })
      expect(response.status).toBe(206)
      expect(response.headers.get('content-range')).toBe(`bytes ${first}-${last}/${size}`)
      expect(Buffer.from(await response.arrayBuffer()).equals(whole.subarray(first, last + 1))).toBe(true)
    }
    const beyond = await get(path, { Range: `bytes=${size}-` })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`])
    expect((await get(path, { Range: 'bytes=0-1,5-6' })).status).toBe(200)
    expect((await get(path, { Range: 'bytes=0-1', 'If-Range': '"other"' })).status).toBe(200)
  })

  it.each([
    '/films/one',
    '/films/one/index.m3u9',
    '/films/two/index.m3u8',
    '/films/index.m3u8',
    '/films/one/video-0123456789/playlist.m3u8',
    '/films/%2e%2e/one/index.m3u8',
    '/%zz',
  ])('does not know %s, for a second', async path => {
    const response = await get(path)
    expect([response.status, response.headers.get('cache-control'), await response.text()]).toEqual([
      404,
      'public, max-age=1',
      'not found\n',
    ])
  })

  it('has no segment after the last', async () => {
    const { video } = await names()
    expect((await get(`/films/one/${video}/3.m4s`)).status).toBe(404)
  })

  it('is read only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await get('/films/one/index.m3u8', {}, method)
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD'])
    }
  })

  it('counts what was asked for, by kind', async () => {
    const { video } = await names()
    await get(`/films/one/${video}/0.m4s`)
    await get(`/films/one/${video}/1.m4s`)
    await get('/nothing')
    const text = await origin.metrics.text()
    expect(text).toContain('sluice_origin_requests_total{kind="multivariant",role="origin"} 1\n')
    expect(text).toContain('sluice_origin_requests_total{kind="segment",role="origin"} 2\n')
    expect(text).toContain('sluice_origin_requests_total{kind="other",role="origin"} 1\n')
    expect(text).toContain('sluice_origin_jobs_total{kind="package",result="packaged",role="origin"} 1\n')
  })

  it('is replaced at once; who plays the old version goes on for a day, then it is deleted', async () => {
    const before = await names()
    const segment = async () => {
      const response = await get(`/films/one/${before.video}/2.m4s`)
      return [
        response.status,
        createHash('sha256')
          .update(Buffer.from(await response.arrayBuffer()))
          .digest('hex'),
      ]
    }
    const old = await segment()
    await publish(origin, other, { version: 2, id: 'job2' as JobId, source: 'uploads/p2' }) // a made-up id
    const after = await names()
    expect(after.video).not.toBe(before.video)
    expect(await segment()).toEqual(old)
    now += 86_400_000 - 1
    await origin.store.put(objectKey('pointers/broken'), Buffer.from('{'))
    expect(await origin.pointers.sweep()).toBe(0)
    expect(await segment()).toEqual(old)
    now += 1
    expect(await origin.pointers.sweep()).toBe(1)
    expect((await segment())[0]).toBe(404)
    expect(await names()).toEqual(after)
    expect((await origin.keys()).filter(key => !key.startsWith('pointers/'))).toEqual([
      'assets/a1/v2/index',
      'assets/a1/v2/source.mp4',
    ])
  })

  it('is gone at once when it is removed, and so is all that it stored', async () => {
    const { video } = await names()
    const job = { kind: 'remove', id: 'r1' as JobId, assetId: 'a1' as AssetId, path: '/films/one' } as const // made-up ids
    expect(await origin.worker.work(lease(job))).toEqual({ kind: 'removed' })
    expect((await get('/films/one/index.m3u8')).status).toBe(404)
    expect((await get(`/films/one/${video}/0.m4s`)).status).toBe(404)
    expect(await origin.keys()).toEqual([])
    expect(await origin.worker.work(lease(job))).toEqual({ kind: 'removed' })
  })

  it('outlives the removal of an older asset of the same path', async () => {
    const job = { kind: 'remove', id: 'r1' as JobId, assetId: 'a0' as AssetId, path: '/films/one' } as const // made-up ids
    await origin.worker.work(lease(job))
    expect((await get('/films/one/index.m3u8')).status).toBe(200)
  })

  it('is read anew for an asker that has applied a newer invalidation', async () => {
    await get('/films/one/index.m3u8', { 'Sluice-Seq': '4' })
    // Another origin takes it away behind our back.
    for (const key of await origin.keys())
      if (key.startsWith('pointers/')) await origin.store.delete(objectKey(key))
    expect((await get('/films/one/index.m3u8', { 'Sluice-Seq': '4' })).status).toBe(200)
    expect((await get('/films/one/index.m3u8', { 'Sluice-Seq': '5' })).status).toBe(404)
  })

  it('is told from a film that storage has lost', async () => {
    const { video } = await names()
    await origin.store.delete(objectKey('assets/a1/v1/source.mp4'))
    const response = await get(`/films/one/${video}/0.m4s`)
    expect([response.status, response.headers.get('cache-control'), await response.text()]).toEqual([
      500,
      'no-store',
      'internal error\n',
    ])
  })

  it('is served from its film when its index is damaged', async () => {
    const { video } = await names()
    const key = objectKey('assets/a1/v1/index')
    const index = Buffer.from(await origin.store.read(key, 0, 1_000_000))
    index[200] = (index[200] ?? 0) ^ 1
    await origin.store.put(key, index)
    expect((await get(`/films/one/${video}/0.m4s`)).status).toBe(200)
  })
})

describe('a crowd', () => {
  it('that asks for one film at once has its index read once', async () => {
    await origin.close()
    let reads = 0
    const wrap = (store: ObjectStore): ObjectStore => {
      const read = store.read.bind(store)
      store.read = (key, start, length) => {
        if (key.endsWith('/index')) reads++
        return read(key, start, length)
      }
      return store
    }
    origin = await openOrigin({ clock, wrap })
    await publish(origin, film)
    const { video } = await names()
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(`/films/one/${video}/0.m4s`)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(reads).toBe(1)
  })

  it('beyond what fits in memory is told to come again, and nothing of that is kept', async () => {
    await origin.close()
    origin = await openOrigin({ clock, turnstile: new Turnstile({ width: 0, queue: 0 }) })
    await publish(origin, film)
    const { video } = await names()
    const response = await get(`/films/one/${video}/0.m4s`)
    expect([response.status, response.headers.get('cache-control'), await response.text()]).toEqual([
      503,
      'no-store',
      'overloaded, try again\n',
    ])
    expect((await get(`/films/one/${video}/playlist.m3u8`)).status).toBe(200)
  })
})

describe('a job', () => {
  it('that is done again after its result was lost gives the same result and changes nothing', async () => {
    const first = await publish(origin, film)
    const keys = await origin.keys()
    const again = await origin.worker.work(lease({ ...firstJob(), id: 'job1' as JobId }, { attempt: 2 })) // a made-up id
    expect(again).toEqual(first.result)
    expect(await origin.keys()).toEqual(keys)
  })

  it('whose lease is lost makes nothing visible', async () => {
    const lost = publish(origin, film, {}, { confirm: () => Promise.resolve('lost') })
    await expect(lost).rejects.toMatchObject({ code: 'lease-lost' })
    expect((await get('/films/one/index.m3u8')).status).toBe(404)
    expect((await origin.keys()).some(key => key.startsWith('pointers/'))).toBe(false)
  })

  it('that comes late does not put an older version over a newer one', async () => {
    await publish(origin, film, { version: 2 })
    expect((await publish(origin, other, { version: 1, source: 'uploads/p9' })).result).toMatchObject({
      kind: 'errored',
      error: { code: 'superseded' },
    })
    expect((await names()).text).toContain('RESOLUTION=320x240')
    expect((await origin.pointers.read('/films/one'))?.version).toBe(2)
  })

  it('of a file that is no film says so and changes nothing that is served', async () => {
    await publish(origin, film)
    const before = await names()
    const { result } = await publish(origin, Buffer.from('no film'), { version: 2, source: 'uploads/p2' })
    expect(result).toMatchObject({ kind: 'errored', error: { code: 'not-media' } })
    expect(await names()).toEqual(before)
    expect(await origin.keys()).toHaveLength(3)
  })

  const firstJob = () =>
    lease({
      ...{ kind: 'package', id: 'job1', publicationId: 'p1', assetId: 'a1', path: '/films/one', version: 1 },
      ...{ source: 'uploads/p1', fileName: 'film', ladder: 'none' },
    } as Parameters<typeof lease>[0]).job // made-up ids
})

describe('who is not one of our nodes', () => {
  const identity = (role: NodeIdentity['role']): NodeIdentity => ({
    id: `${role}-1` as NodeIdentity['id'],
    role,
    ...newNodeKey(),
  }) // a made-up id

  it('is refused, whatever is asked for; a node gets its answer', async () => {
    await origin.close()
    const [edge, stranger, control] = [identity('edge'), identity('edge'), identity('control')]
    const peers = createPeerVerifier(
      () => ({
        nodes: [edge, control].map(({ id, role, publicJwk }) => ({ id, role, publicKey: publicJwk })),
      }),
      'origin',
      clock,
    )
    origin = await openOrigin({ clock, peers })
    await publish(origin, film)
    const at = instant(now)
    const tokens = {
      none: undefined,
      nonsense: 'a.b.c',
      stranger: await mintNodeToken(stranger, 'origin', at),
      'a token for control': await mintNodeToken(edge, 'control', at),
      'an old token': await mintNodeToken(edge, 'origin', instant(now - 200_000)),
      'a role that does not fetch': await mintNodeToken(control, 'origin', at),
    }
    for (const [name, token] of Object.entries(tokens)) {
      for (const path of ['/films/one/index.m3u8', '/nothing', '/%zz']) {
        const response = await get(path, token === undefined ? {} : { 'Sluice-Node': token })
        expect([name, response.status, response.headers.get('x-sluice-reason')]).toEqual([
          name,
          403,
          'not-a-node',
        ])
        expect(await response.text()).toBe(
          '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>',
        )
      }
    }
    const response = await get('/films/one/index.m3u8', {
      'Sluice-Node': await mintNodeToken(edge, 'origin', at),
    })
    expect(response.status).toBe(200)
    expect(await origin.metrics.text()).toContain('sluice_origin_refused_total{role="origin"} 18\n')
  })
})
