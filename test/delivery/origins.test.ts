import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type HttpOrigin } from '../../src/distribution/index.ts'
import { EdgeBench } from './edge-bench.ts'
import { ForeignOrigin, keptLog, snapshotWith } from './foreign-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

const SECRET = 's3cr3t-of-the-site'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const kept = <T extends { close(): Promise<void> }>(thing: T): T => {
  closers.push(() => thing.close())
  return thing
}

/** An origin that answers only to who knows its secret. */
const locked = async (header = 'x-origin-secret'): Promise<ForeignOrigin> =>
  kept(
    await ForeignOrigin.start((request, response) => {
      if (request.headers[header] !== SECRET) {
        response.writeHead(403).end('go away')
        return
      }
      // Some servers show what they were sent.
      response.setHeader('X-Origin-Secret', SECRET).setHeader('X-Accel', 'on')
      response.setHeader('Sluice-Cache-Control', 'max-age-ms=1').setHeader('X-Sluice-Reason', 'expired')
      response.setHeader('Set-Cookie', 'session=1').setHeader('Vary', 'Accept-Encoding, Cookie')
      response.writeHead(200, { 'Cache-Control': 'max-age=60', ETag: '"1"' }).end(`page ${request.url}`)
    }),
  )

const siteOf = (origin: ForeignOrigin, more: Partial<HttpOrigin> = {}): HttpOrigin => ({
  id: 'site',
  kind: 'http',
  url: origin.url,
  headers: [{ name: 'X-Origin-Secret', value: SECRET }],
  ...DEFAULT_WIRE,
  ...more,
})

const edge = async (options: Parameters<typeof EdgeBench.start>[1]): Promise<EdgeBench> =>
  kept(
    await EdgeBench.start((_request, response) => response.end('built in'), {
      allowOrigins: ['127.0.0.0/8'],
      ...options,
    }),
  )

/** All that an answer says. */
const everything = (answer: Answer): string => JSON.stringify(answer)

describe('an HTTP origin with a secret header', () => {
  test('is reached through the edge and by nobody else', async () => {
    const origin = await locked()
    expect((await rawGet(origin.url, '/a')).status).toBe(403)
    expect((await rawGet(origin.url, '/a', { headers: { 'X-Origin-Secret': 'guess' } })).status).toBe(403)
    const { log, lines } = keptLog()
    const bench = await edge({ snapshot: snapshotWith([siteOf(origin)], [{ pattern: '*' }]), log })
    const answers = [
      await rawGet(bench.url, '/a'),
      await rawGet(bench.url, '/a', { headers: { 'X-Origin-Secret': 'mine', 'x-origin-secret': 'mine' } }),
      await rawGet(bench.url, '/b', { headers: { 'X-ORIGIN-SECRET': 'mine' } }),
    ]
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [200, 'page /a'],
      [200, 'page /a'],
      [200, 'page /b'],
    ])
    expect(answers[1]?.headers['x-cache']).toBe('Hit from sluice')
    expect(origin.asked.slice(2).map(({ fields }) => fields['x-origin-secret'])).toEqual([SECRET, SECRET])
    for (const text of [...answers.map(everything), ...lines, JSON.stringify(bench.lines)]) {
      expect(text).not.toContain(SECRET)
      expect(text.toLowerCase()).not.toContain('x-origin-secret')
    }
  })

  test('overrides a viewer’s field that the behaviour names, and neither keys nor sends it', async () => {
    const origin = await locked()
    const behaviour = { pattern: '*', headers: ['x-origin-secret', 'x-room'] }
    const bench = await edge({ snapshot: snapshotWith([siteOf(origin)], [behaviour]) })
    const answers = []
    for (const mine of ['one', 'two'])
      answers.push(await rawGet(bench.url, '/a', { headers: { 'X-Origin-Secret': mine } }))
    expect(answers.map(({ status, headers }) => [status, headers['x-cache']])).toEqual([
      [200, 'Miss from sluice'],
      [200, 'Hit from sluice'],
    ])
  })

  test('may not speak as a node does, nor set cookies for everybody', async () => {
    const origin = await locked()
    const bench = await edge({ snapshot: snapshotWith([siteOf(origin)], [{ pattern: '*' }]) })
    const { headers } = await rawGet(bench.url, '/a')
    expect([headers['x-sluice-reason'], headers['set-cookie'], headers['sluice-cache-control']]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(headers['x-accel']).toBe('on')
  })

  test('that is unreachable says so without its secret', async () => {
    const origin = await locked()
    const site = siteOf(origin)
    await origin.close()
    const { log, lines } = keptLog()
    const bench = await edge({ snapshot: snapshotWith([site], [{ pattern: '*' }]), log })
    const answer = await rawGet(bench.url, '/a')
    expect(answer.status).toBe(502)
    expect(lines.join('\n')).toContain('"code":"upstream-unreachable"')
    expect(everything(answer) + lines.join('\n')).not.toContain(SECRET)
  })
})

describe('what an HTTP origin is told', () => {
  const echo = async (): Promise<ForeignOrigin> =>
    kept(await ForeignOrigin.start((_request, response) => response.writeHead(200, { ETag: '"1"' }).end('x')))

  test('is nothing of a viewer’s but the path and what the behaviour names', async () => {
    const origin = await echo()
    const site = siteOf(origin, { url: `${origin.url}/prefix/`, headers: [] })
    const bench = await edge({
      snapshot: snapshotWith([site], [{ pattern: '*', query: ['page'], headers: ['x-room'] }]),
    })
    await rawGet(bench.url, '/a!b%21/c?page=2&Policy=p&Signature=s&Key-Pair-Id=k&token=t', {
      headers: {
        ...{ Cookie: 'CloudFront-Policy=p', Authorization: 'Bearer t', Referer: 'r', Range: 'bytes=0-1' },
        ...{
          'If-None-Match': '"2"',
          'User-Agent': 'me',
          'Accept-Encoding': 'gzip',
          'X-Forwarded-For': '1.2.3.4',
        },
        ...{ 'X-Room': 'red', 'X-Other': 'no', 'Sluice-Node': 'me', Accept: 'text/html' },
      },
    })
    expect(origin.asked).toEqual([
      {
        method: 'GET',
        target: '/prefix/a!b%21/c?page=2',
        fields: {
          host: `127.0.0.1:${origin.port}`,
          connection: 'keep-alive',
          'user-agent': 'Sluice',
          via: '1.1 sluice',
          'cdn-loop': 'sluice',
          'accept-encoding': 'identity',
          // The cache's own: what is long is kept in slices.
          range: 'bytes=0-4194303',
          'x-room': 'red',
        },
      },
    ])
  })

  test('never has what only a node sets, whatever the behaviour names', async () => {
    const origin = await echo()
    const headers = ['cookie', 'host', 'range', 'if-none-match', 'sluice-node', 'transfer-encoding', 'via']
    const bench = await edge({
      snapshot: snapshotWith([siteOf(origin, { headers: [] })], [{ pattern: '*', headers }]),
    })
    await rawGet(bench.url, '/a', {
      headers: { Cookie: 'a=b', Range: 'bytes=0-0', 'If-None-Match': '"1"', 'Sluice-Node': 'x', Via: 'me' },
    })
    expect(Object.keys(origin.asked[0]?.fields ?? {}).sort()).toEqual([
      'accept-encoding',
      'cdn-loop',
      'connection',
      'host',
      'range',
      'user-agent',
      'via',
    ])
  })

  test('is each value of a named field once, and the cache holds one object for each', async () => {
    const origin = kept(
      await ForeignOrigin.start((request, response) =>
        response.writeHead(200, { Vary: 'X-Room' }).end(String(request.headers['x-room'])),
      ),
    )
    const bench = await edge({
      snapshot: snapshotWith([siteOf(origin, { headers: [] })], [{ pattern: '*', headers: ['x-room'] }]),
    })
    const seen: string[] = []
    for (const room of ['red', 'blue', 'red', undefined, '', 'blue', undefined, '']) {
      const answer = await rawGet(bench.url, '/a.m3u8', {
        headers: room === undefined ? {} : { 'X-Room': room },
      })
      seen.push(answer.body)
    }
    expect(seen).toEqual(['red', 'blue', 'red', 'undefined', '', 'blue', 'undefined', ''])
    expect(origin.asked.length).toBe(4)
  })

  test('asks again with what it said of the object, and only then', async () => {
    const origin = kept(
      await ForeignOrigin.start((request, response) => {
        const known = request.headers['if-none-match'] === '"1"'
        response
          .writeHead(known ? 304 : 200, { ETag: '"1"', 'Cache-Control': 'no-cache' })
          .end(known ? '' : 'x')
      }),
    )
    const bench = await edge({
      snapshot: snapshotWith([siteOf(origin, { headers: [] })], [{ pattern: '*' }]),
    })
    const answers = [await rawGet(bench.url, '/a'), await rawGet(bench.url, '/a')]
    expect(answers.map(({ headers, body }) => [headers['x-cache'], body])).toEqual([
      ['Miss from sluice', 'x'],
      ['RefreshHit from sluice', 'x'],
    ])
    expect(origin.asked.map(({ fields }) => fields['if-none-match'])).toEqual([undefined, '"1"'])
  })

  test.each([
    ['max-age=60', ['Miss from sluice', 'Miss from sluice']],
    ['public, max-age=60', ['Miss from sluice', 'Hit from sluice']],
    ['s-maxage=60', ['Miss from sluice', 'Hit from sluice']],
  ])('with a forwarded Authorization, %s is %j (RFC 9111 §3.5)', async (control, words) => {
    const origin = kept(
      await ForeignOrigin.start((request, response) =>
        response.writeHead(200, { 'Cache-Control': control }).end(request.headers.authorization),
      ),
    )
    const bench = await edge({
      snapshot: snapshotWith(
        [siteOf(origin, { headers: [] })],
        [{ pattern: '*', headers: ['authorization'] }],
      ),
    })
    const ask = (who: string) => rawGet(bench.url, '/a', { headers: { Authorization: `Basic ${who}` } })
    const answers = [await ask('ann'), await ask('ann'), await ask('bob')]
    expect(answers.map(({ body }) => body)).toEqual(['Basic ann', 'Basic ann', 'Basic bob'])
    expect(answers.slice(0, 2).map(({ headers }) => headers['x-cache'])).toEqual(words)
  })

  test('redirects go to the viewer, followed by nobody', async () => {
    const origin = kept(
      await ForeignOrigin.start((_request, response) =>
        response.writeHead(302, { Location: 'https://site.example/login' }).end(),
      ),
    )
    const bench = await edge({ snapshot: snapshotWith([siteOf(origin)], [{ pattern: '*' }]) })
    const answer = await rawGet(bench.url, '/a')
    expect([answer.status, answer.headers.location, origin.asked.length]).toEqual([
      302,
      'https://site.example/login',
      1,
    ])
  })
})

describe('where an origin may be', () => {
  test.each([
    ['an address of this machine', 'http://127.0.0.1:PORT'],
    ['a name for it', 'http://localhost:PORT'],
    ['another spelling of it', 'http://0x7f.1:PORT'],
    ['its IPv4 in IPv6', 'http://[::ffff:127.0.0.1]:PORT'],
    ['no address at all', 'http://0.0.0.0:PORT'],
  ])('%s is refused unless it is listed', async (_, url) => {
    const origin = kept(await ForeignOrigin.start((_request, response) => response.end('inside')))
    const { log, lines } = keptLog()
    const site = siteOf(origin, { url: url.replace('PORT', String(origin.port)) })
    const bench = await edge({ snapshot: snapshotWith([site], [{ pattern: '*' }]), log, allowOrigins: [] })
    const answer = await rawGet(bench.url, '/a')
    expect([answer.status, answer.body.includes('127.0.0.1'), origin.asked.length]).toEqual([502, false, 0])
    expect(lines.join('\n')).toMatch(/"code":"address-refused".*(origins\.allow|no origin may be there)/)
  })

  test('an origin id that nothing bears is 502 at once, with a line', async () => {
    const origin = kept(await ForeignOrigin.start((_request, response) => response.end('x')))
    const { log, lines } = keptLog()
    const snapshot = snapshotWith([siteOf(origin)], [{ pattern: '*', originId: 'gone' }])
    const bench = await edge({ snapshot, log })
    expect((await rawGet(bench.url, '/a')).status).toBe(502)
    expect(lines).toEqual([expect.stringMatching(/"origin":"gone".*there is no such origin/)])
  })

  test('each behaviour asks its own', async () => {
    const site = kept(await ForeignOrigin.start((_request, response) => response.end('site')))
    const shop = kept(await ForeignOrigin.start((_request, response) => response.end('shop')))
    const bench = await edge({
      snapshot: snapshotWith(
        [
          siteOf(site, { headers: [] }),
          siteOf(shop, { id: 'shop', headers: [] }),
          { id: 'own', kind: 'built-in' },
        ],
        [{ pattern: '/shop/*', originId: 'shop' }, { pattern: '/film/*', originId: 'own' }, { pattern: '*' }],
      ),
    })
    const bodies = []
    for (const asked of ['/shop/a', '/film/a', '/a']) bodies.push((await rawGet(bench.url, asked)).body)
    expect(bodies).toEqual(['shop', 'built in', 'site'])
  })

  test('connections outlive a change that leaves their origin there', async () => {
    const ports = new Set<number | undefined>()
    const origin = kept(
      await ForeignOrigin.start((request, response) => {
        ports.add(request.socket.remotePort)
        response.end('x')
      }),
    )
    const snapshot = snapshotWith([siteOf(origin)], [{ pattern: '*' }])
    const bench = await edge({ snapshot })
    await rawGet(bench.url, '/a')
    bench.node.apply({ ...snapshot, version: 2 })
    await rawGet(bench.url, '/b')
    expect([origin.asked.length, ports.size]).toEqual([2, 1])
  })

  test('connections end when no origin is there any more, after what is under way', async () => {
    let finish = (): void => {}
    const origin = kept(
      await ForeignOrigin.start((_request, response) => {
        response.writeHead(200, { 'Content-Length': 10 }).write('first')
        finish = () => response.end(' last')
      }),
    )
    const bench = await edge({ snapshot: snapshotWith([siteOf(origin)], [{ pattern: '*' }]) })
    const under = rawGet(bench.url, '/a')
    await expect.poll(() => origin.asked.length).toBe(1)
    bench.node.apply(snapshotWith([{ id: 'own', kind: 'built-in' }], [{ pattern: '*' }]))
    expect(await origin.connections()).toBe(1)
    finish()
    expect((await under).body).toBe('first last')
    await expect.poll(() => origin.connections()).toBe(0)
  })
})

describe('an origin that lets go of a connection', () => {
  /** Answers so many questions of each connection, and lets go at the next. */
  async function fickle(
    answers: (connection: number) => number,
  ): Promise<{ site: HttpOrigin; asked: () => number }> {
    let connections = 0
    let asked = 0
    const sockets = new Set<Socket>()
    const server = createServer(socket => {
      let left = answers(++connections)
      sockets.add(socket.on('error', () => {})) // a reset of its own making
      socket.on('data', () => {
        asked++
        if (left-- > 0)
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nCache-Control: no-store\r\n\r\nx')
        else socket.resetAndDestroy()
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    })
    const { port } = server.address() as AddressInfo // listening on TCP
    const place = { id: 'site', kind: 'http' as const, url: `http://127.0.0.1:${port}`, headers: [] }
    return { site: { ...place, ...DEFAULT_WIRE }, asked: () => asked }
  }

  test('which had been kept is asked again on a new one', async () => {
    const { site, asked } = await fickle(connection => (connection === 1 ? 1 : 9))
    const bench = await edge({ snapshot: snapshotWith([site], [{ pattern: '*' }]) })
    expect((await rawGet(bench.url, '/a')).status).toBe(200)
    expect([(await rawGet(bench.url, '/b')).status, asked()]).toEqual([200, 3])
  })

  test('which is new is not asked again', async () => {
    const { site, asked } = await fickle(() => 0)
    const bench = await edge({ snapshot: snapshotWith([site], [{ pattern: '*' }]) })
    const { status, headers } = await rawGet(bench.url, '/a')
    expect([status, headers['x-sluice-reason'], asked()]).toEqual([502, 'origin-away', 1])
  })
})

describe('an origin that speaks TLS', () => {
  test('must prove to be who it is', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-origins-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
    const files = certificateFiles(folder)
    const [cert, key, authorities] = await Promise.all(
      [files.certificate, files.key, files.authority].map(file => readFile(file, 'utf8')),
    )
    const origin = kept(
      await ForeignOrigin.start((_request, response) => response.end('sure'), {
        tls: { cert: cert ?? '', key: key ?? '' },
      }),
    )
    const snapshot = snapshotWith([siteOf(origin)], [{ pattern: '*' }])
    const strict = await edge({ snapshot })
    const trusting = await edge({ snapshot, authorities: authorities ?? '' })
    expect((await rawGet(strict.url, '/a')).status).toBe(502)
    expect(origin.asked).toEqual([])
    expect((await rawGet(trusting.url, '/a')).body).toBe('sure')
  })
})
