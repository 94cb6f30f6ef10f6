import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { DEFAULT_WIRE, type Behaviour, type HttpOrigin } from '../../src/distribution/index.ts'
import { EdgeBench, handClock, KEY_ID, snapshotOf } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

type Script = (request: IncomingMessage, response: ServerResponse) => void

async function site(
  script: Script,
  behaviour: Partial<Behaviour> = {},
  options: { origin?: Partial<HttpOrigin>; clock?: ReturnType<typeof handClock> } = {},
): Promise<{
  origin: ForeignOrigin
  get: (path: string, headers?: Record<string, string>) => Promise<Answer>
  url: string
}> {
  const origin = await ForeignOrigin.start(script)
  const http: HttpOrigin = {
    id: 'site',
    kind: 'http',
    url: origin.url,
    headers: [],
    ...DEFAULT_WIRE,
    ...options.origin,
  }
  const all = { query: 'all', forward: 'all', cookies: 'all', methods: 'all' } as const
  const bench = await EdgeBench.start((_, response) => response.end(), {
    snapshot: snapshotWith([http], [{ pattern: '*', ...all, ...behaviour }]),
    allowOrigins: ['127.0.0.0/8'],
    ...(options.clock && { clock: options.clock }),
  })
  closers.push(
    () => bench.close(),
    () => origin.close(),
  )
  return { origin, get: (path, headers = {}) => rawGet(bench.url, path, { headers }), url: bench.url }
}

const say =
  (headers: Record<string, string | string[]>, status = 200): Script =>
  (_, response) => {
    response.sendDate = false
    response.writeHead(status, headers).end('hello')
  }

const VIEWER = {
  Accept: 'text/html',
  'Accept-Language': 'de',
  'Accept-Encoding': 'zstd',
  Authorization: 'Basic eA==',
  Connection: 'close, X-Hop',
  Cookie: 'a=b',
  'X-Hop': '1',
  'X-Room': 'blue',
  'X-Secret': 'mine',
  'X-Forwarded-For': '192.0.2.1',
  Forwarded: 'for=192.0.2.1',
  'X-Real-IP': '192.0.2.1',
  Via: '1.1 else',
  'Sluice-Age-Ms': '5',
  'Cache-Control': 'only-if-cached',
  Pragma: 'no-cache',
  'If-None-Match': '"x"',
  'If-Modified-Since': 'Sun, 06 Nov 1994 08:49:37 GMT',
  'User-Agent': 'Player',
  Host: 'shop.example:8080',
}

/** What the origin heard of the viewer, less what every origin is told. */
function heard(origin: ForeignOrigin): Record<string, string> {
  const own = new Set(['host', 'connection', 'cdn-loop'])
  return Object.fromEntries(Object.entries(origin.asked[0]?.fields ?? {}).filter(([name]) => !own.has(name)))
}

describe('what goes to an origin unkeyed', () => {
  const secret = { origin: { headers: [{ name: 'X-Secret', value: 'ours' }] } }

  test('with all: what is end-to-end and speaks of the viewer, and who he is', async () => {
    const { origin, get } = await site(say({}), {}, secret)
    await get('/a?b=c&Policy=x&Signature=y&Key-Pair-Id=z', VIEWER)
    expect(origin.asked[0]?.target).toBe('/a?b=c')
    expect(heard(origin)).toEqual({
      accept: 'text/html',
      'accept-language': 'de',
      'accept-encoding': 'identity',
      authorization: 'Basic eA==',
      cookie: 'a=b',
      'user-agent': 'Player',
      via: '1.1 sluice',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'etestdistribut.cdn.localhost',
      'x-forwarded-proto': 'http',
      'x-room': 'blue',
      'x-secret': 'ours',
    })
  })

  test.each<[string, Partial<Behaviour>, Record<string, string>]>([
    ['none: nothing', { forward: 'none', cookies: 'none' }, { 'user-agent': 'Sluice' }],
    ['cookies alone: those', { forward: 'none' }, { 'user-agent': 'Sluice', cookie: 'a=b' }],
    [
      'a list: that, and who he is',
      { forward: ['x-room', 'cookie', 'if-none-match', 'x-real-ip'], cookies: 'none' },
      {
        ...{ 'user-agent': 'Sluice', 'x-room': 'blue', 'x-forwarded-for': '127.0.0.1' },
        ...{ 'x-forwarded-host': 'etestdistribut.cdn.localhost', 'x-forwarded-proto': 'http' },
      },
    ],
  ])('with %s', async (_, behaviour, expected) => {
    const { origin, get } = await site(say({}), behaviour)
    await get('/a', VIEWER)
    expect(heard(origin)).toEqual({ 'accept-encoding': 'identity', via: '1.1 sluice', ...expected })
  })

  test('where nothing is compressed here, the codings that the viewer takes', async () => {
    const { origin, get } = await site(say({ 'Cache-Control': 'max-age=60', Vary: 'Accept-Encoding' }), {
      compress: false,
    })
    await get('/a', VIEWER)
    await get('/a', { 'Accept-Encoding': 'br' })
    await get('/a', { 'Accept-Encoding': 'br' })
    expect(origin.asked.map(({ fields }) => fields['accept-encoding'])).toEqual(['zstd', 'br'])
  })

  test('behind a gate, no cookie: those are grants', async () => {
    const group = snapshotOf().keyGroups[0]?.id ?? ('' as never) // the bench has one
    const { origin, get } = await site(say({}), { gate: { keyGroups: [group], issuers: [] } })
    expect((await get('/a', { Cookie: `CloudFront-Key-Pair-Id=${KEY_ID}` })).status).toBe(403)
    expect(origin.asked).toEqual([])
  })
})

describe('an answer to a request with a cookie', () => {
  const COOKIE = { Cookie: 'who=me' }

  test.each<[string, Record<string, string>, number]>([
    ['that says nothing is one viewer\u2019s', {}, 2],
    ['that is public and no more is one viewer\u2019s', { 'Cache-Control': 'public' }, 2],
    ['with a lifetime is everybody\u2019s', { 'Cache-Control': 'max-age=60' }, 1],
  ])('%s', async (_, headers, asked) => {
    const { origin, get } = await site(say(headers))
    await get('/a', COOKIE)
    await get('/a', { Cookie: 'who=you' })
    expect(origin.asked.length).toBe(asked)
  })

  test('sets cookies where the behaviour has them, and is kept with a lifetime alone', async () => {
    const set = { 'Set-Cookie': ['a=1', 'b=2'] }
    const untold = await site(say(set))
    expect((await untold.get('/a')).headers['set-cookie']).toEqual(['a=1', 'b=2'])
    await untold.get('/a')
    expect(untold.origin.asked.length).toBe(2)
    const told = await site(say({ ...set, 'Cache-Control': 'max-age=60' }))
    await told.get('/a')
    expect((await told.get('/a')).headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(told.origin.asked.length).toBe(1)
    const without = await site(say(set), { cookies: 'none' })
    expect((await without.get('/a')).headers['set-cookie']).toBeUndefined()
  })

  test('that varies by it is kept for each', async () => {
    const { origin, get } = await site(say({ 'Cache-Control': 'max-age=60', Vary: 'Cookie' }))
    for (const cookie of ['1', '2', '1', '2']) await get('/a', { Cookie: cookie })
    expect(origin.asked.map(({ fields }) => fields.cookie)).toEqual(['1', '2'])
  })
})

describe('a targeted field', () => {
  const cdn = (value: string): Record<string, string> => ({ 'CDN-Cache-Control': value })
  const ours = (value: string): Record<string, string> => ({ 'Sluice-CDN-Cache-Control': value })
  test.each<[string, string, Record<string, string>, string]>([
    ['a long one before a short lifetime', 'max-age=1', cdn('max-age=9'), 'hit'],
    ['a short one before a long lifetime', 'max-age=9', cdn('max-age=1'), 'stale'],
    ['one before no-store', 'no-store', cdn('max-age=9'), 'hit'],
    ['no-store before a lifetime', 'max-age=9', cdn('no-store'), 'uri-miss'],
    ['private before a lifetime', 'max-age=9', cdn('private'), 'uri-miss'],
    ['ours before that of all', 'no-store', { ...ours('max-age=9'), ...cdn('no-store') }, 'hit'],
    ['none that cannot be read', 'max-age=9', cdn('max-age=1, &&'), 'hit'],
  ])('%s', async (_, control, targeted, expected) => {
    const headers = { 'Cache-Control': control, ...targeted }
    const clock = handClock()
    const { get } = await site(say({ ...headers, ETag: '"a"' }), {}, { clock })
    const first = await get('/a')
    expect(first.headers['sluice-cdn-cache-control']).toBeUndefined()
    expect(first.headers['cdn-cache-control']).toBe(targeted['CDN-Cache-Control'])
    clock.move(3_000)
    expect((await get('/a')).headers['cache-status']).toMatch(new RegExp(`^sluice; (?:fwd=)?${expected}`))
  })
})

describe('an interim answer', () => {
  /** What came before the answer, and whether the answer came from store. */
  function early(url: string): Promise<{ infos: [status: number, ...fields: string[]][]; hit: boolean }> {
    return new Promise((resolve, reject) => {
      const infos: [status: number, ...fields: string[]][] = []
      httpRequest(`${url}/a`, { agent: false }, response => {
        response.resume()
        const hit = /; hit/.test(String(response.headers['cache-status']))
        response.on('end', () => resolve({ infos, hit }))
      })
        .on('information', info => infos.push([info.statusCode, ...info.rawHeaders]))
        .on('error', reject)
        .end()
    })
  }
  const LINK = '</styles.css>; rel=preload; as=style'
  const kept = say({ 'Cache-Control': 'max-age=60' })

  test('of the origin reaches the viewer who brought it, and is not kept', async () => {
    const { url } = await site(
      (request, response) => {
        response.writeProcessing()
        const hints = {
          link: LINK,
          'x-mine': 'test',
          'set-cookie': 'a=b',
          'sluice-age-ms': '5',
          'x-secret': 'ours',
        }
        response.writeEarlyHints(hints, () => kept(request, response))
      },
      {},
      { origin: { headers: [{ name: 'X-Secret', value: 'ours' }] } },
    )
    expect(await early(url)).toEqual({
      infos: [[102], [103, 'Link', LINK, 'x-mine', 'test']],
      hit: false,
    })
    expect(await early(url)).toEqual({ infos: [], hit: true })
  })

  test('that comes again and again is handed on a few times, and the answer all the same', async () => {
    const { url, get } = await site((request, response) => {
      for (let each = 0; each < 20; each++) response.writeProcessing()
      kept(request, response)
    })
    expect(await early(url)).toEqual({ infos: [[102], [102], [102], [102]], hit: false })
    expect((await get('/a')).body).toBe('hello')
  })
})

describe('a crowd', () => {
  test('of viewers of an answer that is one viewer\u2019s waits for two answers at most, not for each other', async () => {
    const waiting: (() => void)[] = []
    let arrived = 0
    const { get } = await site((request, response) => {
      const answer = (): void => say({ 'Cache-Control': 'no-store' })(request, response)
      if (++arrived === 1) return answer()
      // None of the others is answered before all of them are there.
      waiting.push(answer)
      if (waiting.length === 49) for (const each of waiting.splice(0)) each()
    })
    const crowd = await Promise.all(Array.from({ length: 50 }, () => get('/a')))
    expect([crowd.filter(({ status }) => status === 200).length, arrived]).toEqual([50, 50])
  })
})

describe('which pages may read an answer', () => {
  const CREDENTIALS = {
    'Access-Control-Allow-Origin': 'https://app.example',
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': 'X-Total',
    Vary: 'Origin',
  }
  const corsOf = ({ headers }: Answer): unknown[] =>
    Object.keys(CREDENTIALS).map(name => headers[name.toLowerCase()])

  test.each(['max-age=60', 'no-store'])('is said by a site that says it, under %s', async control => {
    const { get } = await site(say({ ...CREDENTIALS, 'Cache-Control': control }))
    for (let turn = 0; turn < 2; turn++)
      expect(corsOf(await get('/', { Origin: 'https://app.example' }))).toEqual(Object.values(CREDENTIALS))
  })

  test('is all of them, without credentials, where the site says nothing', async () => {
    const { get } = await site(say({ 'Access-Control-Allow-Credentials': 'true' }))
    expect(corsOf(await get('/')).slice(0, 2)).toEqual(['*', undefined])
  })
})

test.each(['max-age=60', 'no-store'])('an answer without content has no length, under %s', async control => {
  const { get } = await site(say({ 'Cache-Control': control, 'Content-Length': '0' }, 204))
  for (let turn = 0; turn < 2; turn++) {
    const { status, headers } = await get('/')
    expect([status, headers['content-length'], headers['transfer-encoding']]).toEqual([
      204,
      undefined,
      undefined,
    ])
  }
})
