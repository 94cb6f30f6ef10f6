import { once } from 'node:events'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { MiB } from '../../src/core/index.ts'
import {
  DEFAULT_WIRE,
  FAILOVER_STATUSES,
  type Behaviour,
  type HttpOrigin,
  type Origin,
  type Snapshot,
} from '../../src/distribution/index.ts'
import { EdgeBench, handClock } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { Comparison, serveGenerated, type LargeObject } from './large-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const kept = <T extends { close(): Promise<void> }>(thing: T): T => {
  closers.push(() => thing.close())
  return thing
}

const says =
  (status: number, text: string, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    void response.writeHead(status, headers).end(text)

function serverAt(id: string, url: string, more: Partial<HttpOrigin> = {}): HttpOrigin {
  return {
    id,
    kind: 'http',
    url,
    headers: [{ name: 'X-Secret', value: `of-${id}` }],
    ...DEFAULT_WIRE,
    ...more,
  }
}

function grouped(
  origins: [Origin, Origin],
  statuses: number[],
  behaviour: Partial<Behaviour> = {},
): Snapshot {
  const members = origins.map(({ id }) => id)
  const rule = { pattern: '*', originId: 'both', methods: 'all' as const, ...behaviour }
  const snapshot = snapshotWith(origins, [rule])
  const distributions = snapshot.distributions.map(each => ({
    ...each,
    originGroups: [{ id: 'both', members, statuses }],
  }))
  return { ...snapshot, distributions }
}

interface Stage {
  bench: EdgeBench
  first: ForeignOrigin
  second: ForeignOrigin
  clock: ReturnType<typeof handClock>
  get: (path: string, options?: Parameters<typeof rawGet>[2]) => Promise<Answer>
  /** Questions to first and second. */
  counts: () => [number, number]
}

async function setUp(
  handlers: { first: Handler; second: Handler },
  {
    statuses = [500, 502, 503, 504],
    behaviour = {},
    wire = {},
  }: {
    statuses?: number[]
    behaviour?: Partial<Behaviour>
    wire?: Partial<HttpOrigin>
  } = {},
): Promise<Stage> {
  const first = kept(await ForeignOrigin.start(handlers.first))
  const second = kept(await ForeignOrigin.start(handlers.second))
  const clock = handClock()
  const origins: [Origin, Origin] = [
    serverAt('first', first.url, wire),
    serverAt('second', second.url, { ...wire, headers: [{ name: 'X-Other-Secret', value: 'of-second' }] }),
  ]
  const bench = kept(
    await EdgeBench.start(says(500, 'built in'), {
      allowOrigins: ['127.0.0.0/8'],
      snapshot: grouped(origins, statuses, behaviour),
      clock,
    }),
  )
  return {
    ...{ bench, first, second, clock },
    get: (path, options) => rawGet(bench.url, path, options),
    counts: () => [first.asked.length, second.asked.length],
  }
}

const told = ({ status, body }: Answer): [number, string] => [status, body]

describe('a question that the first origin of a group answers', () => {
  test('goes to no other, whatever the status is that was not listed', async () => {
    const { get, counts } = await setUp({ first: says(404, 'not here'), second: says(200, 'second') })
    expect(told(await get('/a'))).toEqual([404, 'not here'])
    expect(counts()).toEqual([1, 0])
  })

  test.each(FAILOVER_STATUSES)('%i goes on to the second where it is listed', async status => {
    const { get, counts, bench, first, second } = await setUp(
      { first: says(status, 'refused'), second: says(200, 'second', { 'Cache-Control': 'max-age=60' }) },
      { statuses: [status] },
    )
    expect(told(await get('/a?q=1'))).toEqual([200, 'second'])
    // Under one key, whoever answered.
    const again = await get('/a?q=1')
    expect([again.body, again.headers['x-cache']]).toEqual(['second', 'Hit from sluice'])
    expect(counts()).toEqual([1, 1])
    expect(first.asked[0]?.fields).toMatchObject({ 'x-secret': 'of-first', host: new URL(first.url).host })
    expect(second.asked[0]?.fields).toMatchObject({
      'x-other-secret': 'of-second',
      host: new URL(second.url).host,
    })
    expect(second.asked[0]?.fields['x-secret']).toBeUndefined()
    expect([...bench.node.health.failovers()].map(([{ origin }, n]) => [origin, n])).toEqual([['first', 1]])
  })

  test('is what the second says when both fail, and kept as such', async () => {
    const { get, counts } = await setUp({ first: says(503, 'first'), second: says(500, 'second') })
    expect(told(await get('/a'))).toEqual([500, 'second'])
    expect(told(await get('/a'))).toEqual([500, 'second'])
    expect(counts()).toEqual([1, 1])
  })
})

describe('the method', () => {
  const both = { first: says(503, 'first'), second: says(200, 'second', { 'X-From': 'second' }) }

  test('HEAD and OPTIONS go on, other methods to the first alone', async () => {
    const { get, first, second } = await setUp(both)
    const head = await get('/h', { method: 'HEAD' })
    expect([head.status, head.headers['x-from']]).toEqual([200, 'second'])
    expect(told(await get('/o', { method: 'OPTIONS' }))).toEqual([200, 'second'])
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])
      expect(told(await get('/p', { method }))).toEqual([503, 'first'])
    expect(second.asked.map(({ method, target }) => [method, target])).toEqual([
      ['GET', '/h'],
      ['OPTIONS', '/o'],
    ])
    expect(second.asked[1]?.fields).toMatchObject({ 'x-other-secret': 'of-second' })
    expect(first.asked).toHaveLength(7)
  })

  test('OPTIONS with a body is not sent twice', async () => {
    const { bench, second } = await setUp(both)
    const sent = request(`${bench.url}/o`, {
      method: 'OPTIONS',
      agent: false,
      headers: { 'Content-Length': 6 },
    })
    sent.end('a body')
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    answer.resume()
    expect(answer.statusCode).toBe(503)
    expect(second.asked).toHaveLength(0)
  })
})

describe('a first origin that cannot be asked', () => {
  test('is replaced by the second, left out once that is known, and found again when it is back', async () => {
    const { get, counts, first, second, clock, bench } = await setUp(
      { first: says(200, 'first'), second: says(200, 'second') },
      { wire: { attempts: 1 } },
    )
    const port = new URL(first.url).port
    await first.close()
    for (const path of ['/1', '/2', '/3']) expect(told(await get(path))).toEqual([200, 'second'])
    expect(bench.node.health.resting(clock.now())).toBe(1)
    const back = kept(await ForeignOrigin.start(says(200, 'back'), { port: Number(port) }))
    expect(told(await get('/4'))).toEqual([200, 'second'])
    clock.move(5_000)
    expect(told(await get('/5'))).toEqual([200, 'back'])
    expect(told(await get('/6'))).toEqual([200, 'back'])
    expect(counts()).toEqual([0, 4])
    expect([back.asked.length, second.asked.length]).toEqual([2, 4])
  })

  test('is asked all the same where the other one is away too', async () => {
    const { get, first, second } = await setUp(
      { first: says(200, 'first'), second: says(200, 'second') },
      { wire: { attempts: 1 } },
    )
    const port = Number(new URL(first.url).port)
    await first.close()
    await second.close()
    for (const path of ['/1', '/2', '/3', '/4']) expect((await get(path)).status).toBe(502)
    kept(await ForeignOrigin.start(says(200, 'back'), { port }))
    expect(told(await get('/5'))).toEqual([200, 'back'])
  })

  test('is asked after all where the second, which stands in for it, is lost', async () => {
    const { get, first, second } = await setUp(
      { first: says(200, 'first'), second: says(200, 'second') },
      { wire: { attempts: 1 } },
    )
    const port = Number(new URL(first.url).port)
    await first.close()
    for (const path of ['/1', '/2']) expect((await get(path)).body).toBe('second')
    kept(await ForeignOrigin.start(says(200, 'back'), { port }))
    await second.close()
    expect(told(await get('/3'))).toEqual([200, 'back'])
  })

  test('keeps its own answer where the second cannot be connected to for a while', async () => {
    const { get, second } = await setUp(
      { first: says(404, 'not here'), second: says(200, 'second') },
      { statuses: [404] },
    )
    await second.close()
    for (const path of ['/1', '/2']) expect((await get(path)).status).toBe(502)
    expect(told(await get('/3'))).toEqual([404, 'not here'])
  })

  test('does not answer in time: the second does, and what both fail at is 504', async () => {
    const silent: Handler = request => request.resume()
    const { get, counts } = await setUp(
      { first: silent, second: (asked, response) => asked.url === '/a' && response.end('second') },
      { wire: { responseTimeout: 1 } },
    )
    const [answered, late] = await Promise.all([get('/a'), get('/b')])
    expect(told(answered)).toEqual([200, 'second'])
    expect([late.status, late.headers['x-sluice-reason']]).toEqual([504, 'origin-late'])
    expect(counts()).toEqual([2, 2])
  })

  test('flaps: each question begins with it again, and nobody sees it', async () => {
    let turn = 0
    const { get, counts } = await setUp({
      first: (_request, response) => void response.writeHead(turn++ % 2 === 0 ? 500 : 200).end('page'),
      second: says(200, 'page'),
    })
    for (let at = 0; at < 10; at++) expect(told(await get(`/${at}`))).toEqual([200, 'page'])
    expect(counts()).toEqual([10, 5])
  })
})

describe('what is stored of one member', () => {
  /** Of one version, with a tag or a date, asked for again each time; it answers 304 where it may. */
  const versioned =
    (text: string, validator: Record<string, string>, isAway: () => boolean): Handler =>
    (asked, response) => {
      if (isAway()) return void response.writeHead(503).end()
      response.setHeader('Cache-Control', 'no-cache')
      for (const [name, value] of Object.entries(validator)) response.setHeader(name, value)
      const { 'if-none-match': tag, 'if-modified-since': since } = asked.headers
      const modified = validator['Last-Modified'] ?? ''
      const same =
        tag === undefined
          ? since !== undefined && Date.parse(since) >= Date.parse(modified)
          : tag === validator['ETag']
      response.writeHead(same ? 304 : 200).end(same ? undefined : text)
    }

  test.each<[string, Record<string, string>, Record<string, string>, string, string]>([
    ['confirmed by the other that has the same tag', { ETag: '"1"' }, { ETag: '"1"' }, 'first', 'RefreshHit'],
    ['replaced by the other that has another tag', { ETag: '"1"' }, { ETag: '"2"' }, 'second', 'Miss'],
    [
      'not confirmed by an older date of the other',
      { 'Last-Modified': 'Mon, 02 Nov 2026 00:00:00 GMT' },
      { 'Last-Modified': 'Sun, 01 Nov 2026 00:00:00 GMT' },
      'second',
      'Miss',
    ],
  ])('is %s', async (_what, ofFirst, ofSecond, text, word) => {
    let away = false
    const { get } = await setUp({
      first: versioned('first', ofFirst, () => away),
      second: versioned('second', ofSecond, () => false),
    })
    expect((await get('/a')).body).toBe('first')
    away = true
    const after = await get('/a')
    expect([after.body, after.headers['x-cache']]).toEqual([text, `${word} from sluice`])
    away = false
    expect((await get('/a')).body).toBe('first')
  })
})

describe('a bucket as the second', () => {
  test('is told nothing that a bucket is not told, and the key stays the same', async () => {
    const first = kept(await ForeignOrigin.start(says(500, 'first')))
    const store = kept(await ForeignOrigin.start(says(200, 'object', { 'Cache-Control': 'max-age=60' })))
    const bucket: Origin = {
      ...{ id: 'films', kind: 's3', endpoint: store.url, bucket: 'films', region: 'us-east-1' },
      ...{ addressing: 'path', path: '', access: null },
    }
    const rule = { query: 'all', forward: 'all', cookies: 'all', headers: ['x-room'] } as const
    const bench = kept(
      await EdgeBench.start(says(500, 'built in'), {
        allowOrigins: ['127.0.0.0/8'],
        snapshot: grouped([serverAt('first', first.url), bucket], [500], { ...rule, headers: ['x-room'] }),
      }),
    )
    const headers = { Cookie: 'a=1', 'X-Room': '7', 'X-Else': 'e' }
    expect((await rawGet(bench.url, '/film?acl', { headers })).body).toBe('object')
    expect(first.asked[0]).toMatchObject({
      target: '/film?acl',
      fields: { cookie: 'a=1', 'x-room': '7', 'x-else': 'e' },
    })
    const [asked] = store.asked
    expect(asked?.target).toBe('/films/film')
    expect(asked?.fields).toMatchObject({ 'x-room': '7' })
    for (const name of ['cookie', 'x-else', 'x-secret', 'x-forwarded-for'])
      expect(asked?.fields[name]).toBeUndefined()
  })
})

describe('a large object', () => {
  const LENGTH = 13 * MiB + 777

  async function film(
    url: string,
  ): Promise<{ bytes: number; wrong: number; end: 'whole' | 'cut'; etag: string | undefined }> {
    const sent = request(`${url}/film`, { agent: false }).end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const comparison = new Comparison()
    answer.on('data', (chunk: Buffer) => comparison.add(chunk))
    const end = await new Promise<'whole' | 'cut'>(resolve => {
      answer.on('end', () => resolve('whole')).on('error', () => resolve('cut'))
    })
    return { bytes: comparison.at, wrong: comparison.wrong, end, etag: answer.headers.etag }
  }

  /** The first is gone for good when it has sent 5 MiB. */
  async function dying(etagOfSecond: string): Promise<EdgeBench> {
    const object: LargeObject = { length: LENGTH, etag: '"v1"' }
    const stage: Stage = await setUp(
      {
        first: (asked, response) => {
          let sent = 0
          const write = response.write.bind(response) as (chunk: Buffer) => boolean
          response.write = ((chunk: Buffer) => {
            sent += chunk.length
            if (sent > 5 * MiB) void stage.first.close()
            return write(chunk)
          }) as typeof response.write // as serveGenerated calls it
          serveGenerated(asked, response, object)
        },
        second: (asked, response) => serveGenerated(asked, response, { ...object, etag: etagOfSecond }),
      },
      { wire: { attempts: 1 } },
    )
    return stage.bench
  }

  test('whose origin dies in the middle goes on from the other, where that has the same version', async () => {
    const bench = await dying('"v1"')
    expect(await film(bench.url)).toEqual({ bytes: LENGTH, wrong: 0, end: 'whole', etag: '"v1"' })
  })

  test('whose origin dies in the middle is cut where the other has another version, which who comes next has whole', async () => {
    const bench = await dying('"v2"')
    const cut = await film(bench.url)
    expect(cut).toMatchObject({ wrong: 0, end: 'cut', etag: '"v1"' })
    expect(cut.bytes).toBeLessThan(LENGTH)
    expect(await film(bench.url)).toEqual({ bytes: LENGTH, wrong: 0, end: 'whole', etag: '"v2"' })
  })
})
