import { once } from 'node:events'
import { connect } from 'node:net'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SluiceError } from '../../src/core/index.ts'
import { DISTRIBUTION, EdgeBench, handClock, snapshotOf, type OriginHandler } from './edge-bench.ts'
import { PLAYER_SCRIPT } from '../../src/delivery/answer/player-page.ts'
import { rawGet } from './raw-get.ts'

const FILM = Buffer.from('0123456789'.repeat(100))

let origin: OriginHandler
let bench: EdgeBench
const clock = handClock()

beforeEach(async () => {
  origin = (_request, response) =>
    response
      .writeHead(200, {
        'Cache-Control': 'public, max-age=60',
        ETag: '"film"',
        'Content-Length': FILM.length,
        'Content-Type': 'video/mp4',
      })
      .end(FILM)
  bench = await EdgeBench.start((request, response) => origin(request, response), { clock })
})
afterEach(() => bench.close())

/** The answer's fields less those that differ from run to run. */
function steady(headers: Record<string, unknown>): Record<string, unknown> {
  const { 'x-sluice-id': id, ...rest } = headers
  expect(id).toMatch(/^[\w-]{14,}$/)
  delete rest.date
  return rest
}

describe('an object', () => {
  test('is fetched once and then comes from the cache, and says so', async () => {
    const miss = await rawGet(bench.url, '/a.mp4')
    expect(steady(miss.headers)).toEqual({
      'cache-control': 'public, max-age=60',
      etag: '"film"',
      'content-type': 'video/mp4',
      'content-length': '1000',
      'accept-ranges': 'bytes',
      'x-cache': 'Miss from sluice',
      'cache-status': 'sluice; fwd=uri-miss; stored',
      via: '1.1 sluice',
      'x-sluice-pop': 'test',
      'access-control-allow-origin': '*',
      'access-control-expose-headers':
        'X-Sluice-Reason, X-Sluice-Id, X-Cache, Cache-Status, Age, Content-Length, Content-Range, ETag',
      connection: 'close',
    })
    clock.move(7_000)
    const hit = await rawGet(bench.url, '/a.mp4')
    expect(steady(hit.headers)).toEqual({
      ...steady(miss.headers),
      'x-cache': 'Hit from sluice',
      'cache-status': 'sluice; hit; ttl=53',
      age: '7',
    })
    expect(hit.body).toBe(FILM.toString())
    expect(bench.asked).toEqual(['/a.mp4'])
  })

  test('is one for all spellings of its path and all queries that are not keyed', async () => {
    for (const path of [
      '/%61.mp4',
      '/a.mp4?utm=1',
      '/a%2Emp4',
      '/a.mp4?Policy=x&Signature=y&Key-Pair-Id=z',
    ]) {
      expect((await rawGet(bench.url, path)).status).toBe(200)
    }
    expect(bench.asked).toEqual(['/a.mp4'])
  })

  test('is revalidated when its time is over', async () => {
    await rawGet(bench.url, '/a.mp4')
    origin = (request, response) => {
      expect(request.headers['if-none-match']).toBe('"film"')
      response.writeHead(304, { 'Cache-Control': 'public, max-age=60', ETag: '"film"' }).end()
    }
    clock.move(61_000)
    const answer = await rawGet(bench.url, '/a.mp4')
    expect([answer.status, answer.headers['x-cache'], answer.body]).toEqual([
      200,
      'RefreshHit from sluice',
      FILM.toString(),
    ])
  })

  test('is served stale when the origin is gone', async () => {
    await rawGet(bench.url, '/a.mp4')
    origin = (_request, response) => response.destroy()
    clock.move(61_000)
    const answer = await rawGet(bench.url, '/a.mp4')
    expect([answer.status, answer.headers['cache-status']]).toEqual([
      200,
      'sluice; fwd=stale; ttl=-1; detail=upstream-failed',
    ])
  })
})

describe('conditions and ranges', () => {
  test.each(['cold', 'warm'])('are answered from a %s object', async temperature => {
    if (temperature === 'warm') await rawGet(bench.url, '/a.mp4')
    const ask = (headers: Record<string, string>) => rawGet(bench.url, '/a.mp4', { headers })
    const unchanged = await ask({ 'If-None-Match': '"film"' })
    expect([unchanged.status, unchanged.body, unchanged.headers['content-length']]).toEqual([
      304,
      '',
      undefined,
    ])
    const part = await ask({ Range: 'bytes=5-14' })
    expect([part.status, part.headers['content-range'], part.headers['content-length'], part.body]).toEqual([
      206,
      'bytes 5-14/1000',
      '10',
      '5678901234',
    ])
    expect((await ask({ Range: 'bytes=-3' })).body).toBe('789')
    const beyond = await ask({ Range: 'bytes=1000-' })
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */1000'])
    expect((await ask({ Range: 'bytes=0-1', 'If-Range': '"other"' })).status).toBe(200)
    const head = await rawGet(bench.url, '/a.mp4', { method: 'HEAD' })
    expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '1000', ''])
    const headOfRange = await rawGet(bench.url, '/a.mp4', { method: 'HEAD', headers: { Range: 'bytes=0-1' } })
    expect([headOfRange.status, headOfRange.headers['content-length']]).toEqual([200, '1000'])
    expect(bench.asked).toEqual(['/a.mp4'])
  })
})

describe('a flash crowd', () => {
  test('of 200 viewers of one cold object is one request at the origin, and each gets every byte', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => rawGet(bench.url, '/members2/cold.m4s')),
    )
    expect(new Set(answers.map(answer => `${answer.status} ${answer.body === FILM.toString()}`))).toEqual(
      new Set(['200 true']),
    )
    expect(bench.asked).toEqual(['/members2/cold.m4s'])
  })

  test('sees the first bytes before the origin has sent the last', async () => {
    let finish = (): void => {}
    origin = (_request, response) => {
      response.writeHead(200, { 'Content-Length': 10, 'Cache-Control': 'max-age=60' }).write('01234')
      finish = () => response.end('56789')
    }
    const first = fetch(`${bench.url}/slow`)
    const second = fetch(`${bench.url}/slow`)
    for (const viewer of [first, second]) {
      const reader = (await viewer).body?.getReader()
      expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('01234')
      void reader?.cancel()
    }
    finish()
    expect((await rawGet(bench.url, '/slow')).body).toBe('0123456789')
    expect(bench.asked).toEqual(['/slow'])
  })
})

describe('a body that breaks off', () => {
  test('never looks whole and is not kept', async () => {
    origin = (_request, response) => {
      response.writeHead(200, { 'Content-Length': 100, 'Cache-Control': 'max-age=60' })
      response.write('half', () => response.destroy())
    }
    await expect(rawGet(bench.url, '/broken')).rejects.toThrow()
    origin = (_request, response) => response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('whole')
    expect((await rawGet(bench.url, '/broken')).body).toBe('whole')
  })
})

describe('a body that nobody else may have', () => {
  test('is not read any further when its viewer leaves', async () => {
    const left = new Promise<void>(resolve => {
      origin = (_request, response) => {
        response.once('close', resolve)
        response.writeHead(200, { 'Cache-Control': 'no-store' }).write('0')
      }
    })
    const leave = new AbortController()
    expect((await fetch(`${bench.url}/own`, { signal: leave.signal })).headers.get('cache-status')).toBe(
      'sluice; fwd=uri-miss; detail=no-store',
    )
    leave.abort()
    await left
  })
})

describe('an origin in trouble', () => {
  test('that does not know this node yet is asked again, and the viewer never sees it', async () => {
    const film = origin
    origin = (_request, response) => {
      response.writeHead(403, { 'X-Sluice-Reason': 'not-a-node' }).end('who are you?')
      origin = film
    }
    const answer = await rawGet(bench.url, '/a.mp4')
    expect([answer.status, answer.body === FILM.toString(), bench.asked.length]).toEqual([200, true, 2])
  })

  test.each([
    ['upstream-timeout', 504],
    ['upstream-unreachable', 502],
  ])('%s is %d', async (code, status) => {
    bench.node.upstream.ask = () => Promise.reject(new SluiceError(code, 'a sentence', { side: 'upstream' }))
    const answer = await rawGet(bench.url, '/a.mp4')
    expect([answer.status, answer.headers['x-cache']]).toEqual([status, 'Error from sluice'])
  })
})

describe('what cannot be served', () => {
  test.each([
    ['/a/../b', 400, 'bad-path'],
    ['/a/%2e%2e/b', 400, 'bad-path'],
    ['/a%2fb', 400, 'bad-path'],
    ['/a%5cb', 400, 'bad-path'],
    ['/a\\b', 400, 'bad-path'],
    ['/a%zz', 400, 'bad-path'],
    ['/a%00', 400, 'bad-path'],
    ['http://evil.example/a', 400, 'bad-host'],
    ['/.sluice/nothing', 404, 'reserved-path'],
  ])('%s is %d %s', async (path, status, reason) => {
    const answer = await rawGet(bench.url, path)
    expect([answer.status, answer.headers['x-sluice-reason'], answer.headers['x-cache']]).toEqual([
      status,
      reason,
      'Error from sluice',
    ])
    expect(bench.asked).toEqual([])
  })

  test('a method that changes things is refused with the ones that work', async () => {
    const answer = await rawGet(bench.url, '/a', { method: 'DELETE' })
    expect([answer.status, answer.headers['x-sluice-reason'], answer.headers.allow]).toEqual([
      405,
      'method',
      'GET, HEAD, OPTIONS',
    ])
  })

  test('an origin that is busy is asked once for all who wait, and they are told to come again', async () => {
    let answer = (): void => {}
    origin = (_request, response) => {
      answer = () => response.writeHead(503, { 'Cache-Control': 'no-store' }).end('busy')
    }
    const waiting = Array.from({ length: 20 }, () => rawGet(bench.url, '/busy'))
    await expect.poll(() => bench.asked.length).toBe(1)
    await rawGet(bench.url, '/.sluice/player')
    answer()
    const answers = await Promise.all(waiting)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
    expect(answers.filter(({ headers }) => headers['retry-after'] === '1').length).toBe(19)
    expect(bench.asked).toEqual(['/busy'])
  })

  test('a 404 of the origin is passed on and kept as long as it says', async () => {
    origin = (_request, response) => response.writeHead(404, { 'Cache-Control': 'max-age=1' }).end('no')
    expect((await rawGet(bench.url, '/x')).status).toBe(404)
    const again = await rawGet(bench.url, '/x')
    expect([again.status, again.headers['x-cache'], bench.asked.length]).toEqual([
      404,
      'Error from sluice',
      1,
    ])
    clock.move(1_001)
    await rawGet(bench.url, '/x')
    expect(bench.asked.length).toBe(2)
  })

  test('an error is whole, whatever part of it or change is asked for', async () => {
    origin = (_request, response) =>
      response
        .writeHead(404, { 'Cache-Control': 'max-age=60', ETag: '"none"', 'Content-Length': 7 })
        .end('nothing')
    for (const headers of [{}, { Range: 'bytes=0-1' }, { 'If-None-Match': '"none"' }]) {
      const answer = await rawGet(bench.url, '/x', { headers })
      expect([answer.status, answer.body]).toEqual([404, 'nothing'])
    }
  })

  test('a URL over 8,192 bytes is 414', async () => {
    expect((await rawGet(bench.url, `/${'a'.repeat(8192)}`)).status).toBe(414)
  })

  test('two Host headers are 400, since which one counts must not be left to chance', async () => {
    const socket = connect(Number(new URL(bench.url).port), '127.0.0.1')
    socket.end('GET /a HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\nConnection: close\r\n\r\n')
    const [head] = (await once(socket, 'data')) as [Buffer]
    expect(head.toString()).toMatch(/^HTTP\/1.1 400 /)
    socket.destroy()
  })

  test('a Host longer than any name is 400', async () => {
    expect((await rawGet(bench.url, '/a.mp4', { headers: { Host: 'a'.repeat(300) } })).status).toBe(400)
  })

  test.each(['GET', 'POST'])('a %s with an endless body is cut off', async method => {
    const socket = connect(Number(new URL(bench.url).port), '127.0.0.1')
    socket.on('error', () => {}) // the reset that is waited for
    socket.write(`${method} /a.mp4 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n`)
    socket.resume()
    const more = setInterval(() => socket.write(Buffer.alloc(32 * 1024)), 1)
    await new Promise<void>(closed => socket.once('close', () => closed()))
    clearInterval(more)
  })

  test('a small body on GET is read away, and the connection stays usable', async () => {
    const socket = connect(Number(new URL(bench.url).port), '127.0.0.1')
    const asked = 'GET /a.mp4 HTTP/1.1\r\nHost: a\r\n'
    socket.write(`${asked}Content-Length: 5\r\n\r\n12345${asked}Connection: close\r\n\r\n`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text.match(/HTTP\/1\.1 200 OK/g)?.length).toBe(2)
  })

  test('a Host that nobody claims is refused when there is no fallback', async () => {
    bench.node.apply(snapshotOf({ fallbackDistribution: null }))
    const answer = await rawGet(bench.url, '/a', { headers: { Host: 'other.example' } })
    expect([answer.status, answer.headers['x-sluice-reason']]).toEqual([403, 'unknown-host'])
    const own = await rawGet(bench.url, '/a', { headers: { Host: `${DISTRIBUTION}.cdn.localhost:8080` } })
    expect(own.status).toBe(200)
  })
})

describe('an invalidation', () => {
  test('makes the edge ask again at once', async () => {
    await rawGet(bench.url, '/sample/index.m3u8')
    const invalidations = [{ sequence: 1, distributionId: DISTRIBUTION, pattern: '/sample/*' }]
    bench.node.apply(snapshotOf({ version: 2, sequence: 1, invalidations }))
    origin = (_request, response) => response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('newer')
    expect((await rawGet(bench.url, '/sample/index.m3u8')).body).toBe('newer')
    expect((await rawGet(bench.url, '/sample/index.m3u8')).headers['x-cache']).toBe('Hit from sluice')
  })
})

describe('the record', () => {
  test('has one line for each request, without anything that lets a reader in', async () => {
    await rawGet(bench.url, '/a.mp4?Signature=secret&Policy=p&Key-Pair-Id=k')
    await rawGet(bench.url, '/../x')
    expect(
      bench.lines.map(({ method, path, status, bytes, result, reason }) => [
        method,
        path,
        status,
        bytes,
        result,
        reason,
      ]),
    ).toEqual([
      ['GET', '/a.mp4', 200, 1000, 'Miss', undefined],
      ['GET', undefined, 400, expect.any(Number), 'Error', 'bad-path'],
    ])
    expect(JSON.stringify(bench.lines)).not.toContain('secret')
    expect(bench.node.usage.of(DISTRIBUTION)).toEqual({ requests: 1, bytes: 1000 })
  })

  test('counts as hits and misses only what was looked for in the cache', async () => {
    for (const path of ['/a.mp4', '/a.mp4', '/a.mp4', '/../x', '/.sluice/player'])
      await rawGet(bench.url, path)
    const { bytes, ...counts } = bench.node.usage.totals
    expect(counts).toEqual({ requests: 5, hits: 2, misses: 1 })
    expect(bytes).toBeGreaterThan(3_000)
  })
})

describe('the player', () => {
  test('is served with scripts of ours only', async () => {
    const page = await rawGet(bench.url, '/.sluice/player')
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers['content-security-policy']).toContain("script-src 'self'")
    for (const path of ['/.sluice/player.js', '/.sluice/player.css', '/.sluice/hls.js']) {
      expect((await rawGet(bench.url, path)).status).toBe(200)
    }
  })

  test.each([
    ['#/sample/index.m3u8', '/sample/index.m3u8'],
    ['#/members/talk/', '/members/talk/index.m3u8'],
    ['#//evil.example/a.m3u8', undefined],
    ['#/\\evil.example/a.m3u8', undefined],
    ['#/%5Cevil.example/a.m3u8', undefined],
    ['#/%09/evil.example/a.m3u8', undefined],
    ['#https://evil.example/a.m3u8', undefined],
    ['#/%', undefined],
  ])('reads %s as %s', (hash, path) => {
    const [pathOf = ''] = /function pathOf[^]*?\n}/.exec(PLAYER_SCRIPT) ?? []
    const location = { href: 'http://a.cdn.localhost/.sluice/player', origin: 'http://a.cdn.localhost' }
    expect(runInNewContext(`${pathOf}; pathOf(hash)`, { hash, location, URL })).toBe(path)
  })
})
