import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { brotliDecompressSync, createGunzip, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ChannelId } from '../../src/core/index.ts'
import type { Behaviour } from '../../src/distribution/index.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import { LiveOrigin } from './live-origin.ts'
import { RawConnection } from './raw-connection.ts'

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
}

function open(
  target: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(bench.url)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: target, method, headers, agent: false }, resolve)
      .on('error', reject)
      .end()
  })
}

async function get(target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const answer = await open(target, headers, method)
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer) // no encoding is set
  return { status: answer.statusCode ?? 0, headers: answer.headers, bytes: Buffer.concat(chunks) }
}

/** Of a length in bytes, and compressible. */
const textOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, at) => `${at} line\n`).join('')).subarray(0, length)

const LINES = textOf(5_000)
const LONG = textOf(300_000)
const ETAG = '"t1"'
const MODIFIED = 'Sun, 01 Nov 2026 00:00:00 GMT'

/** Held until the test ends them. */
const held: ServerResponse[] = []

function origin({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const [, name = '', more = ''] = /^\/(?:members\/)?([a-z-]+)\/?([^?]*)/.exec(url) ?? []
  response.setHeader('Cache-Control', name.startsWith('never') ? 'no-store' : 'max-age=60')
  response.setHeader('Content-Type', name === 'type' ? more.replace('.', '/') : 'text/vtt')
  const send = (body: Buffer, fields: Record<string, string> = {}, status = 200): void =>
    void response.writeHead(status, { 'Content-Length': body.length, ...fields }).end(body)
  switch (name.replace(/^never-/, '')) {
    case 'dated':
      return send(LINES, { 'Last-Modified': MODIFIED })
    case 'long':
      return send(LONG, { ETag: ETAG })
    case 'chunked':
      response.write(LINES.subarray(0, 3_000))
      return void response.end(LINES.subarray(3_000))
    case 'bytes':
      return send(textOf(Number(more)))
    case 'status':
      return send(LINES, {}, Number(more))
    case 'kept':
      return send(LINES, { 'Cache-Control': 'max-age=60, no-transform' })
    case 'varied':
      return send(LINES, { Vary: 'accept-encoding' })
    case 'summed':
      return send(LINES, {
        ...{ ETag: 'W/"w"', 'Content-MD5': 'x', Digest: 'sha-256=x', 'Repr-Digest': 'sha-256=:x:' },
        ...{ 'Content-Digest': 'sha-256=:x:', 'Accept-Ranges': 'bytes', 'X-Own': 'kept' },
      })
    case 'noise':
      return send(NOISE)
    case 'held':
      response.writeHead(200, { 'Content-Length': LONG.length }).write(LONG.subarray(0, 1000))
      return void held.push(response)
    case 'gzip':
      return send(gzipSync(LINES), { 'Content-Encoding': 'X-GZip', ETag: ETAG })
    case 'gzip-kept':
      return send(gzipSync(LINES), { 'Content-Encoding': 'gzip', 'Cache-Control': 'no-transform' })
    case 'half-gzip':
      return send(gzipSync(LONG).subarray(0, 2000), { 'Content-Encoding': 'gzip' })
    case 'twice':
      return send(gzipSync(gzipSync(LINES)), { 'Content-Encoding': 'gzip, gzip' })
    case 'many':
      return send(gzipSync(LINES), { 'Content-Encoding': 'gzip, gzip, gzip' })
    case 'zstd':
      return send(LINES, { 'Content-Encoding': 'zstd' })
    default:
      return send(LINES, { ETag: ETAG, 'Last-Modified': MODIFIED })
  }
}

const NOISE = randomBytes(40_000)

let bench: EdgeBench
beforeAll(async () => {
  bench = await EdgeBench.start(origin)
})
afterAll(() => bench.close())

function apply(change: Partial<Behaviour>): void {
  const snapshot = snapshotOf()
  for (const behaviour of snapshot.distributions[0]?.behaviours ?? []) Object.assign(behaviour, change)
  bench.node.apply(snapshot)
}

const DECODE: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: bytes => gunzipSync(bytes),
  br: bytes => brotliDecompressSync(bytes),
  identity: bytes => bytes,
}

function plain({ headers, bytes }: Answer): Buffer {
  const decode = DECODE[headers['content-encoding'] ?? 'identity']
  if (decode === undefined) throw new Error(`the answer is in ${headers['content-encoding']}`)
  return decode(bytes)
}

describe('a text', () => {
  test.each(['gzip', 'br'])(
    'goes out as %s to who takes it, at first, from store and to HEAD',
    async coding => {
      const path = `/text/${coding}`
      for (const cache of ['Miss from sluice', 'Hit from sluice']) {
        const answer = await get(path, { 'Accept-Encoding': coding })
        expect(answer.status).toBe(200)
        expect(answer.headers).toMatchObject({
          ...{
            'content-encoding': coding,
            vary: 'Accept-Encoding',
            etag: `W/${ETAG}`,
            'last-modified': MODIFIED,
          },
          ...{ 'content-length': String(answer.bytes.length), 'content-type': 'text/vtt', 'x-cache': cache },
        })
        expect(answer.bytes.length).toBeLessThan(LINES.length / 2)
        expect(plain(answer).equals(LINES)).toBe(true)
        const head = await get(path, { 'Accept-Encoding': coding }, 'HEAD')
        const same = ({ headers }: Answer): unknown[] =>
          ['content-encoding', 'content-length', 'etag', 'vary'].map(name => headers[name])
        expect([head.bytes.length, ...same(head)]).toEqual([0, ...same(answer)])
      }
      expect(bench.asked.filter(url => url === path)).toEqual([path])
    },
  )

  test('goes out as it is to who does not, and says that others get something else', async () => {
    await get('/text/plain', { 'Accept-Encoding': 'br' })
    for (const headers of [{}, { 'Accept-Encoding': 'zstd' }, { 'Accept-Encoding': 'gzip;q=0' }]) {
      const answer = await get('/text/plain', headers)
      expect(answer.headers).toMatchObject({ vary: 'Accept-Encoding', etag: ETAG, 'content-length': '5000' })
      expect([answer.headers['content-encoding'], answer.bytes.equals(LINES)]).toEqual([undefined, true])
    }
  })

  test('that is long is compressed while it comes and from store alike', async () => {
    for (const coding of ['gzip', 'br']) {
      const path = `/long/${coding}`
      const cold = await Promise.all(
        Array.from({ length: 5 }, () => get(path, { 'Accept-Encoding': coding })),
      )
      const warm = await Promise.all(
        Array.from({ length: 5 }, () => get(path, { 'Accept-Encoding': coding })),
      )
      for (const answer of [...cold, ...warm]) {
        expect(answer.headers).toMatchObject({ 'content-encoding': coding, etag: `W/${ETAG}` })
        expect(plain(answer).equals(LONG)).toBe(true)
      }
      expect(
        warm.map(({ headers, bytes }) => headers['content-length'] === String(bytes.length)),
      ).not.toContain(false)
      expect(bench.asked.filter(url => url === path)).toEqual([path])
    }
    expect(bench.node.codingStreams.running).toBe(0)
  })

  test.each([
    ['/type/video.mp4', LINES.length],
    ['/type/image.png', LINES.length],
    ['/type/text.event-stream', LINES.length],
    ['/bytes/999', 999],
    ['/status/500', LINES.length],
    ['/kept', LINES.length],
  ])('that is none, %s, goes out as it is and varies by nothing', async (path, length) => {
    for (let times = 0; times < 2; times++) {
      const { headers, bytes } = await get(path, { 'Accept-Encoding': 'gzip, br' })
      expect([headers['content-encoding'], headers.vary, bytes.length]).toEqual([
        undefined,
        undefined,
        length,
      ])
    }
  })

  test.each([
    ['/bytes/1000', 200],
    ['/status/404', 404],
    ['/status/403', 403],
    ['/type/application.vnd.apple.mpegurl', 200],
    ['/type/application.dash+xml', 200],
    ['/type/image.svg+xml', 200],
  ])('of kind %s is compressed', async (path, status) => {
    for (let times = 0; times < 2; times++) {
      const { headers, ...answer } = await get(path, { 'Accept-Encoding': 'gzip, br' })
      expect([answer.status, headers['content-encoding'], headers.vary]).toEqual([
        status,
        'br',
        'Accept-Encoding',
      ])
    }
  })

  test('of a length that nobody said goes out as it comes, and compressed from store', async () => {
    const first = await get('/chunked', { 'Accept-Encoding': 'gzip' })
    expect([first.headers['content-encoding'], first.headers.vary]).toEqual([undefined, 'Accept-Encoding'])
    await expect
      .poll(async () => (await get('/chunked', { 'Accept-Encoding': 'gzip' })).headers['content-encoding'])
      .toBe('gzip')
  })

  test('that would not be shorter goes out as it is', async () => {
    await get('/noise')
    const answer = await get('/noise', { 'Accept-Encoding': 'gzip' })
    expect([answer.headers['content-encoding'], answer.headers.vary]).toEqual([undefined, 'Accept-Encoding'])
    expect(answer.bytes.equals(NOISE)).toBe(true)
  })

  test('loses what its origin says of the bytes, and keeps the rest', async () => {
    const { headers } = await get('/summed', { 'Accept-Encoding': 'gzip' })
    for (const name of ['content-md5', 'digest', 'repr-digest', 'content-digest', 'accept-ranges'])
      expect([name, headers[name]]).toEqual([name, undefined])
    expect(headers).toMatchObject({ etag: 'W/"w"', 'x-own': 'kept' })
    const { headers: own } = await get('/summed')
    expect(own).toMatchObject({ 'content-md5': 'x', 'accept-ranges': 'bytes', etag: 'W/"w"' })
  })

  test('says once that it varies when its origin does already', async () => {
    expect((await get('/varied', { 'Accept-Encoding': 'gzip' })).headers.vary).toBe('accept-encoding')
    expect((await get('/varied')).headers.vary).toBe('accept-encoding')
  })

  test('goes out as it is to HTTP/1.0, and where the behaviour says so', async () => {
    await get('/text/old')
    const connection = new RawConnection(bench.url)
    const old = await connection.ask(['GET /text/old HTTP/1.0', 'Host: a', 'Accept-Encoding: gzip'])
    connection.close()
    expect([old.status, old.body.length]).toEqual([200, LINES.length])
    expect(old.head).not.toMatch(/content-encoding/i)
    apply({ compress: false })
    const { headers } = await get('/text/old', { 'Accept-Encoding': 'gzip' })
    expect([headers['content-encoding'], headers.vary, headers.etag]).toEqual([undefined, undefined, ETAG])
    apply({ compress: true })
  })
})

describe('of a compressed text', () => {
  const status = async (headers: Record<string, string>, path = '/text/cond'): Promise<number> =>
    (await get(path, { 'Accept-Encoding': 'gzip', ...headers })).status

  test('either tag confirms either copy', async () => {
    expect(await status({ 'If-None-Match': `W/${ETAG}` })).toBe(304)
    expect(await status({ 'If-None-Match': ETAG })).toBe(304)
    expect(await status({ 'If-None-Match': `W/${ETAG}`, 'Accept-Encoding': 'identity' })).toBe(304)
    expect(await status({ 'If-None-Match': '"t2"' })).toBe(200)
    expect(await status({ 'If-Modified-Since': MODIFIED })).toBe(304)
    const { headers } = await get('/text/cond', { 'Accept-Encoding': 'gzip', 'If-None-Match': ETAG })
    expect(headers).toMatchObject({ etag: `W/${ETAG}`, vary: 'Accept-Encoding' })
  })

  test('ranges are of the text as it is stored', async () => {
    const path = '/text/ranged'
    for (const headers of [{}, { 'If-Range': ETAG }]) {
      const part = await get(path, { 'Accept-Encoding': 'gzip', Range: 'bytes=10-19', ...headers })
      expect([
        part.status,
        part.headers['content-encoding'],
        part.headers['content-range'],
        part.headers.etag,
      ]).toEqual([206, undefined, 'bytes 10-19/5000', ETAG])
      expect(part.bytes.equals(LINES.subarray(10, 20))).toBe(true)
    }
    expect((await get(path, { 'Accept-Encoding': 'gzip', Range: 'bytes=9000-' })).status).toBe(416)
    // A weak tag or a date says nothing of which copy a part is at hand.
    for (const [name, ifRange] of [
      ['/text/ranged', `W/${ETAG}`],
      ['/dated', MODIFIED],
    ] as const) {
      await get(name)
      const whole = await get(name, { 'Accept-Encoding': 'gzip', Range: 'bytes=10-19', 'If-Range': ifRange })
      expect([whole.status, plain(whole).equals(LINES)]).toEqual([200, true])
    }
    const dated = await get('/dated', { Range: 'bytes=10-19', 'If-Range': MODIFIED })
    expect(dated.status).toBe(206)
  })
})

describe('a text that comes slowly', () => {
  beforeEach(() => held.splice(0))
  const heldOnes = (count: number): Promise<void> =>
    expect.poll(() => held.length, { timeout: 5_000, interval: 5 }).toBe(count)

  test('is compressed once for all who read it, and each byte goes on as it comes', async () => {
    const viewers = await Promise.all(
      Array.from({ length: 8 }, () => open('/held/1', { 'Accept-Encoding': 'gzip' })),
    )
    const texts = viewers.map(answer => answer.pipe(createGunzip()))
    const began = texts.map(async text => ((await once(text, 'data')) as [Buffer])[0]) // no encoding is set
    // The rest is not sent before everybody has read what has come.
    expect((await Promise.all(began)).map(bytes => bytes.equals(LONG.subarray(0, 1000)))).not.toContain(false)
    expect(bench.node.codingStreams.running).toBe(1)
    expect(viewers.map(({ headers }) => [headers['content-encoding'], headers['content-length']])).toEqual(
      Array.from({ length: 8 }, () => ['gzip', undefined]),
    )
    viewers[0]?.destroy()
    const rest = texts.slice(1).map(async text => {
      let length = 1000
      text.on('data', (bytes: Buffer) => void (length += bytes.length))
      await once(text, 'end')
      return length
    })
    held[0]?.end(LONG.subarray(1000))
    expect(await Promise.all(rest)).toEqual(Array.from({ length: 7 }, () => LONG.length))
    await expect.poll(() => bench.node.codingStreams.running).toBe(0)
  })

  test.each(['/held/2', '/never-held'])('and breaks off, %s, never looks whole', async path => {
    const answer = await open(path, { 'Accept-Encoding': 'gzip' })
    await heldOnes(1)
    held[0]?.destroy()
    answer.resume()
    await expect(once(answer, 'end')).rejects.toThrow('aborted')
    expect(answer.complete).toBe(false)
  })

  test('is let go when nobody shares it and its viewer leaves', async () => {
    const answer = await open('/never-held', { 'Accept-Encoding': 'gzip' })
    await once(answer, 'data')
    await heldOnes(1)
    const left = once(held[0] as ServerResponse, 'close') // counted before
    answer.destroy()
    await left
    await expect.poll(() => bench.node.codingStreams.running).toBe(0)
  })
})

describe('an answer that nobody stores', () => {
  test.each(['/never-text', '/never-chunked'])('is compressed for its viewer: %s', async path => {
    const answer = await get(path, { 'Accept-Encoding': 'gzip, br' })
    expect(answer.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' })
    expect(plain(answer).equals(LINES)).toBe(true)
    const head = await get(path, { 'Accept-Encoding': 'gzip, br' }, 'HEAD')
    expect([head.headers['content-encoding'], head.headers['content-length']]).toEqual(['br', undefined])
    expect((await get(path)).bytes.equals(LINES)).toBe(true)
  })
})

describe('an answer that its origin has put into a coding', () => {
  test.each(['/gzip', '/never-gzip'])('goes out as it is to who reads that: %s', async path => {
    for (let times = 0; times < 2; times++) {
      const answer = await get(path, { 'Accept-Encoding': 'gzip, br' })
      expect(answer.headers).toMatchObject({
        'content-encoding': 'X-GZip',
        etag: ETAG,
        vary: 'Accept-Encoding',
      })
      expect(gunzipSync(answer.bytes).equals(LINES)).toBe(true)
    }
  })

  test.each(['/gzip/b', '/never-gzip/b', '/twice', '/never-twice'])(
    'is decoded for everybody else: %s',
    async path => {
      for (const headers of [{}, { 'Accept-Encoding': 'br' }, { 'Accept-Encoding': 'gzip;q=0, *;q=0' }]) {
        const answer = await get(path, headers)
        expect([answer.status, answer.headers['content-encoding'], answer.headers.vary]).toEqual([
          200,
          undefined,
          'Accept-Encoding',
        ])
        expect(answer.bytes.equals(LINES)).toBe(true)
      }
    },
  )

  test('has ranges for who reads it, and none for who has it decoded', async () => {
    await get('/gzip/r')
    const part = await get('/gzip/r', { 'Accept-Encoding': 'gzip', Range: 'bytes=0-1' })
    expect([part.status, part.bytes]).toEqual([206, Buffer.from([0x1f, 0x8b])])
    const whole = await get('/gzip/r', { Range: 'bytes=0-1' })
    expect([whole.status, whole.headers.etag, whole.bytes.equals(LINES)]).toEqual([200, `W/${ETAG}`, true])
    const { status, bytes } = await get('/gzip/r', { 'If-None-Match': `W/${ETAG}` })
    expect([status, bytes.length]).toEqual([304, 0])
  })

  test('is never cut short unseen: what is no such coding to its end breaks off', async () => {
    for (const path of ['/half-gzip', '/half-gzip', '/never-half-gzip']) {
      const answer = await open(path)
      answer.resume()
      await expect(once(answer, 'end')).rejects.toThrow('aborted')
    }
  })

  test('stays as it is where it must not be changed', async () => {
    const answer = await get('/gzip-kept')
    expect([answer.headers['content-encoding'], gunzipSync(answer.bytes).equals(LINES)]).toEqual([
      'gzip',
      true,
    ])
  })

  test.each(['/zstd', '/never-zstd', '/many', '/never-many'])(
    'that cannot be decoded goes out as it came: %s',
    async path => {
      const coding = path.endsWith('zstd') ? 'zstd' : 'gzip'
      for (const accept of [coding, 'br', undefined]) {
        const answer = await get(path, accept === undefined ? {} : { 'Accept-Encoding': accept })
        expect([answer.status, answer.headers['content-encoding']?.slice(0, 4)]).toEqual([200, coding])
      }
    },
  )
})

describe('a playlist', () => {
  const TEXT = `#EXTM3U\n#EXT-X-VERSION:7\n${'#EXTINF:4,\nsegment.m4s\n'.repeat(100)}`

  test('that is live is compressed once in each version, and so is one that carries a query on', async () => {
    const live = new LiveOrigin()
    const CHANNEL = '/members/live/stage'
    const channel = { id: 'c1' as ChannelId, path: CHANNEL, ingest: { keyGroups: [] } } // a test's own
    const snapshot = snapshotOf({ channels: [{ ...channel, reconnect: 30_000, stops: 0, lease: 0 }] })
    for (const behaviour of snapshot.distributions[0]?.behaviours ?? []) behaviour.carry = 'define'
    const before = bench
    bench = await EdgeBench.start(live.handle, { snapshot })
    try {
      const grant = grantFor('*://*/members/*')
      const path = `${CHANNEL}/b1/video/playlist.m3u8`
      const viewers = ['gzip', 'br', 'gzip', 'identity'].map(coding =>
        get(path, { 'Accept-Encoding': coding, Cookie: grant.cookie }),
      )
      const carried = get(`${path}?${grant.query}`, { 'Accept-Encoding': 'gzip' })
      await live.holds(1)
      live.playlist('100.4', { text: TEXT, etag: '"l1"' })
      const answers = await Promise.all(viewers)
      expect(answers.map(({ headers }) => headers['content-encoding'])).toEqual([
        'gzip',
        'br',
        'gzip',
        undefined,
      ])
      expect(answers.map(answer => plain(answer).toString() === TEXT)).not.toContain(false)
      expect((await carried).headers).toMatchObject({ 'content-encoding': 'gzip', etag: 'W/"l1-d4"' })
      expect(plain(await carried).toString()).toContain('segment.m4s?Policy={$Policy}')
      expect(bench.asked.length).toBe(1)
    } finally {
      await bench.close()
      bench = before
    }
  })
})
