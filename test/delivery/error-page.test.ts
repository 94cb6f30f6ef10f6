import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import {
  DEFAULT_WIRE,
  type Behaviour,
  type ErrorRule,
  type HttpOrigin,
} from '../../src/distribution/index.ts'
import { EdgeBench, KEY_ID, handClock, snapshotOf } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void
type Rule = Partial<Behaviour> & { pattern: string }

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const kept = <T extends { close(): Promise<void> }>(thing: T): T => {
  closers.push(() => thing.close())
  return thing
}

interface Stage {
  bench: EdgeBench
  site: ForeignOrigin
  pages: ForeignOrigin
  clock: ReturnType<typeof handClock>
  get: (path: string, options?: Parameters<typeof rawGet>[2]) => Promise<Answer>
  askedPages: () => string[]
}

/** A site whose pages for errors lie at another server, under `/errors/*`. */
async function setUp(
  errors: ErrorRule[],
  { site, pages = page, rules = [] }: { site: Handler; pages?: Handler; rules?: Rule[] },
): Promise<Stage> {
  const servers = {
    site: kept(await ForeignOrigin.start(site)),
    pages: kept(await ForeignOrigin.start(pages)),
  }
  const origins = Object.entries(servers).map(([id, { url }]): HttpOrigin => ({
    id,
    kind: 'http',
    url,
    headers: [],
    ...DEFAULT_WIRE,
    attempts: 1,
  }))
  const snapshot = snapshotWith(origins, [
    ...rules,
    { pattern: '/errors/*', originId: 'pages', forward: 'all', cookies: 'all', query: 'all' },
    { pattern: '*', forward: 'all', query: 'all', methods: 'all' },
  ])
  const distributions = snapshot.distributions.map(each => ({ ...each, errors }))
  const clock = handClock()
  const bench = kept(
    await EdgeBench.start((_request, response) => response.end('built in'), {
      allowOrigins: ['127.0.0.0/8'],
      snapshot: { ...snapshot, distributions },
      clock,
    }),
  )
  return {
    ...{ bench, clock, ...servers },
    get: (path, options) => rawGet(bench.url, path, options),
    askedPages: () => servers.pages.asked.map(({ method, target }) => `${method} ${target}`),
  }
}

const page: Handler = (asked, response) =>
  void response
    .setHeader('Content-Type', 'text/html')
    .setHeader('Cache-Control', 'max-age=3600')
    .setHeader('ETag', '"page"')
    .end(`sorry for ${asked.url}`)

const missing: Handler = (_request, response) => void response.writeHead(404).end('raw 404')

describe('an error with a page', () => {
  test('is answered by the page under its own status, fetched once for all', async () => {
    const { get, askedPages, site } = await setUp([{ status: 404, page: '/errors/404.html' }], {
      site: missing,
    })
    const headers = { Range: 'bytes=0-1', 'If-None-Match': '"page"', 'Accept-Encoding': 'identity' }
    const all = await Promise.all(['/a', '/b', '/a?q=1', '/a'].map(path => get(path, { headers })))
    for (const { status, body, headers: fields } of all) {
      expect([status, body]).toEqual([404, 'sorry for /errors/404.html'])
      expect(fields).toMatchObject({ 'content-type': 'text/html', 'x-cache': 'Error from sluice' })
      // What is said of the page's life is not true of the error.
      expect([fields['cache-control'], fields.etag]).toEqual([undefined, undefined])
    }
    expect(askedPages()).toEqual(['GET /errors/404.html'])
    expect(site.asked).toHaveLength(3)
    const [asked] = (await get('/c'), [site.asked.at(-1)])
    expect(asked?.target).toBe('/c')
    expect(askedPages()).toHaveLength(1)
  })

  test('is sent with the status that was chosen, and to HEAD without a body', async () => {
    const { get, bench } = await setUp([{ status: 404, page: '/errors/app.html', respondWith: 200 }], {
      site: missing,
    })
    const found = await get('/deep/link', { headers: { Range: 'bytes=0-3' } })
    expect([found.status, found.body, found.headers['x-cache']]).toEqual([
      ...[200, 'sorry for /errors/app.html', 'Error from sluice'],
    ])
    const head = await get('/deep/link', { method: 'HEAD' })
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '26'])
    expect(bench.lines.map(({ path, status, result }) => [path, status, result])).toEqual(
      Array(2).fill(['/deep/link', 200, 'Error']),
    )
  })

  test('lives as long as it would without a page', async () => {
    const { get, clock, site, askedPages } = await setUp(
      [
        { status: 404, ttl: 60, page: '/errors/404.html' },
        { status: 410, page: '/errors/410.html' },
      ],
      {
        site: (asked, response) =>
          void response.writeHead(asked.url === '/gone' ? 410 : 404, { 'Cache-Control': 'max-age=5' }).end(),
      },
    )
    const first = await get('/a')
    expect([first.status, first.headers['cache-control']]).toEqual([404, 'max-age=5'])
    clock.move(59_000)
    const later = await get('/a')
    expect([later.body, later.headers.age]).toEqual(['sorry for /errors/404.html', '59'])
    expect(site.asked).toHaveLength(1)
    clock.move(2_000)
    await get('/a')
    expect((await get('/gone')).status).toBe(410)
    expect(site.asked).toHaveLength(3)
    expect(askedPages()).toEqual(['GET /errors/404.html', 'GET /errors/410.html'])
  })

  test('of our own making counts too, with its reason', async () => {
    const { get, site, bench } = await setUp([{ status: 502, page: '/errors/502.html' }], { site: missing })
    await site.close()
    const away = await get('/a')
    expect([away.status, away.body]).toEqual([502, 'sorry for /errors/502.html'])
    expect(away.headers).toMatchObject({ 'x-sluice-reason': 'origin-away', 'cache-control': 'no-store' })
    expect(bench.lines.at(-1)).toMatchObject({ status: 502, reason: 'origin-away', result: 'Error' })
  })

  test('that nobody may keep is let go of, and its page is shown', async () => {
    const { get } = await setUp([{ status: 403, page: '/errors/403.html' }], {
      site: (_request, response) => void response.writeHead(403).end('x'.repeat(300_000)),
    })
    for (const path of ['/a', '/a', '/b'])
      expect(await get(path)).toMatchObject({ status: 403, body: 'sorry for /errors/403.html' })
  })
})

describe('a page that cannot be had', () => {
  test.each<[string, Handler]>([
    ['is missing', missing],
    ['breaks', (_request, response) => void response.writeHead(500).end('worse')],
    ['moved', (_request, response) => void response.writeHead(302, { Location: '/elsewhere' }).end()],
    ['is cut', (_request, response) => void response.destroy()],
  ])('and %s leaves the error as it is', async (_what, pages) => {
    const { get } = await setUp(
      [404, 500, 502].map(status => ({ status, page: `/errors/${status}.html` })),
      {
        site: missing,
        pages,
      },
    )
    for (const path of ['/a', '/a', '/b'])
      expect(await get(path)).toMatchObject({ status: 404, body: 'raw 404' })
  })

  test('does so where our own error is shown in its place', async () => {
    const { get, site, pages } = await setUp([{ status: 502, page: '/errors/502.html' }], { site: missing })
    await site.close()
    await pages.close()
    const away = await get('/a')
    expect([away.status, away.headers['x-sluice-reason']]).toEqual([502, 'origin-away'])
    expect(away.body).toContain('<Code>BadGateway</Code>')
  })

  test('and that is the page of its own error is asked for once', async () => {
    const { get, site } = await setUp([{ status: 404, page: '/404.html', respondWith: 200 }], {
      site: (_request, response) =>
        void response.writeHead(404, { 'Cache-Control': 'no-store' }).end('raw 404'),
    })
    expect(await get('/404.html')).toMatchObject({ status: 404, body: 'raw 404' })
    expect(site.asked).toHaveLength(1)
    expect(await get('/a')).toMatchObject({ status: 404, body: 'raw 404' })
    expect(site.asked.map(({ target }) => target)).toEqual(['/404.html', '/a', '/404.html'])
  })
})

describe('beside gates', () => {
  const gate = { keyGroups: snapshotOf().keyGroups.map(({ id }) => id), issuers: [] }

  test('a page is shown though its own path is gated, and its origin sees no cookie', async () => {
    const { get, pages } = await setUp([{ status: 404, page: '/errors/404.html' }], {
      site: missing,
      rules: [{ pattern: '/errors/*', originId: 'pages', gate, forward: 'all' }],
    })
    const cookie = `CloudFront-Key-Pair-Id=${KEY_ID}; session=1`
    expect(await get('/a', { headers: { Cookie: cookie } })).toMatchObject({
      status: 404,
      body: 'sorry for /errors/404.html',
    })
    expect(pages.asked[0]?.fields['cookie']).toBeUndefined()
    expect((await get('/errors/404.html')).status).toBe(403)
  })

  test('the origin of a page that tokens open sees no token', async () => {
    const tokens = { keyGroups: [], issuers: ['login' as IssuerId] } // a test's own
    const { get, pages } = await setUp([{ status: 404, page: '/errors/404.html' }], {
      site: missing,
      rules: [
        { pattern: '/errors/*', originId: 'pages', gate: tokens, headers: ['authorization', 'x-room'] },
      ],
    })
    const headers = { Authorization: 'Bearer of.a.member', 'X-Room': '7' }
    expect((await get('/a', { headers })).body).toBe('sorry for /errors/404.html')
    expect(pages.asked[0]?.fields).toMatchObject({ 'x-room': '7' })
    expect(pages.asked[0]?.fields['authorization']).toBeUndefined()
  })

  test('a refusal of the gate is told as it is', async () => {
    const { get, askedPages } = await setUp([{ status: 403, page: '/errors/403.html', respondWith: 200 }], {
      site: missing,
      rules: [{ pattern: '/members/*', gate }],
    })
    const refused = await get('/members/a')
    expect([refused.status, refused.headers['x-sluice-reason']]).toEqual([403, 'missing'])
    expect(askedPages()).toEqual([])
  })
})

test('a request that may change something is answered as its origin answers', async () => {
  const { get, askedPages } = await setUp([{ status: 404, page: '/errors/404.html' }], { site: missing })
  expect(await get('/a', { method: 'POST' })).toMatchObject({ status: 404, body: 'raw 404' })
  expect(askedPages()).toEqual([])
})
