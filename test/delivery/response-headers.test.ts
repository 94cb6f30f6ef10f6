import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import type { Behaviour, Cors, ResponseHeaders } from '../../src/distribution/index.ts'
import { snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import type { Answer } from './raw-get.ts'
import { counting, SiteBench, type Script, type SiteOptions } from './site-bench.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const GATE = { keyGroups: snapshotOf().keyGroups.map(({ id }) => id), issuers: [] as IssuerId[] }
const KEPT = { 'Cache-Control': 'max-age=60', 'Content-Type': 'video/mp4', ETag: '"a"' }

async function site(
  rules: Partial<ResponseHeaders>,
  options: SiteOptions & { script?: Script; behaviour?: Partial<Behaviour> } = {},
): Promise<SiteBench> {
  const { script = counting(KEPT), behaviour, ...more } = options
  const responseHeaders = { custom: [], remove: [], ...rules }
  const bench = await SiteBench.start(script, { ...behaviour, responseHeaders }, more)
  closers.push(() => bench.close())
  return bench
}

/** What an answer has beside what every answer has that an edge gives. */
function fieldsOf({ headers }: Answer): Record<string, unknown> {
  const ours =
    /^(?:via|x-cache|x-sluice-.*|cache-status|age|date|connection|keep-alive|content-length|accept-ranges|content-type|etag)$/
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ours.test(name)))
}

const SAYS = {
  ...KEPT,
  ...{ Server: 'own/1', 'X-Powered-By': 'own', 'X-Frame-Options': 'ALLOW', 'X-Room': 'red' },
}
const SECURITY: NonNullable<ResponseHeaders['security']> = {
  contentSecurityPolicy: { value: "default-src 'self'", override: true },
  contentTypeOptions: { override: true },
  frameOptions: { value: 'SAMEORIGIN', override: true },
  referrerPolicy: { value: 'strict-origin-when-cross-origin', override: false },
  strictTransportSecurity: { maxAge: 63_072_000, includeSubdomains: true, preload: true, override: true },
  xssProtection: { protection: true, modeBlock: true, override: true },
}

describe('a policy for answers', () => {
  test('takes out first and adds then, the same for who is first and for who comes later', async () => {
    const bench = await site(
      {
        remove: [
          'Server',
          'x-powered-by',
          'X-Room',
          'Via',
          'X-Cache',
          'X-Sluice-Id',
          'Content-Length',
          'Age',
        ],
        custom: [
          { name: 'X-Room', value: 'blue', override: false },
          { name: 'X-Frame-Options', value: 'DENY', override: false },
          { name: 'X-Own', value: '1', override: true },
          { name: 'X-Cache', value: 'Hit', override: true },
        ],
      },
      { script: counting(SAYS) },
    )
    const answers = [
      await bench.get('/a'),
      await bench.get('/a'),
      await bench.get('/a'),
      await bench.get('/a'),
    ]
    for (const answer of answers) {
      expect(fieldsOf(answer)).toEqual({
        ...{ 'cache-control': 'max-age=60', 'x-frame-options': 'ALLOW', 'x-room': 'blue', 'x-own': '1' },
        ...{
          'access-control-allow-origin': '*',
          'access-control-expose-headers': expect.any(String) as string,
        },
      })
      expect(answer.headers).toMatchObject({ via: '1.1 sluice', 'content-length': '1' })
      expect([answer.headers['x-sluice-id'], answer.body]).toEqual([expect.any(String), '1'])
    }
    expect(answers.map(({ headers }) => headers['x-cache'])).toEqual([
      'Miss from sluice',
      ...Array<string>(3).fill('Hit from sluice'),
    ])
  })

  test('keeps from viewers early what it keeps from them', async () => {
    const bench = await site(
      { remove: ['X-Inner'], custom: [{ name: 'X-Room', value: 'blue', override: true }] },
      {
        script: (_request, response) => {
          const hints = { link: '</a.css>; rel=preload', 'x-inner': '1', 'x-room': 'red', 'x-other': '2' }
          response.writeEarlyHints(hints, () => response.writeHead(200, KEPT).end('a'))
        },
      },
    )
    const early: string[][] = []
    await new Promise<void>((resolve, reject) => {
      request(`${bench.bench.url}/a`, answer => answer.resume().on('end', resolve))
        .on('information', info => early.push(info.rawHeaders))
        .on('error', reject)
        .end()
    })
    expect(early).toEqual([['link', '</a.css>; rel=preload', 'x-other', '2']])
  })

  test('says in the place of the origin what is to outrank it', async () => {
    const custom = [{ name: 'X-Room', value: 'blue', override: true }]
    const bench = await site(
      { custom, security: SECURITY },
      { script: counting({ ...SAYS, 'Referrer-Policy': 'origin' }) },
    )
    const { headers } = await bench.get('/a')
    expect(headers).toMatchObject({
      ...{ 'x-room': 'blue', 'x-frame-options': 'SAMEORIGIN', 'referrer-policy': 'origin', server: 'own/1' },
      'content-security-policy': "default-src 'self'",
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=63072000; includeSubDomains; preload',
      'x-xss-protection': '1; mode=block',
    })
  })

  test.each<[string, NonNullable<ResponseHeaders['security']>, string, string]>([
    [
      'a short one',
      { strictTransportSecurity: { maxAge: 1, includeSubdomains: false, preload: false, override: true } },
      'strict-transport-security',
      'max-age=1',
    ],
    [
      'no protection',
      { xssProtection: { protection: false, modeBlock: true, override: true } },
      'x-xss-protection',
      '0',
    ],
    [
      'with a report',
      {
        xssProtection: {
          protection: true,
          modeBlock: false,
          reportUri: 'https://r.example/',
          override: true,
        },
      },
      'x-xss-protection',
      '1; report=https://r.example/',
    ],
    ['denied', { frameOptions: { value: 'DENY', override: false } }, 'x-frame-options', 'DENY'],
  ])('spells security headers as CloudFront does: %s', async (_, security, name, value) => {
    const bench = await site({ security })
    expect((await bench.get('/a')).headers[name]).toBe(value)
  })

  test.each<[string, () => Promise<Answer>, number]>([
    ['a part', async () => (await marked()).get('/a', { Range: 'bytes=0-0' }), 206],
    ['what the viewer has', async () => (await marked()).get('/a', { 'If-None-Match': '"a"' }), 304],
    ['a range that cannot be', async () => (await marked()).get('/a', { Range: 'bytes=9-' }), 416],
    ['an error of the origin', async () => (await marked({ script: counting({}, 404) })).get('/a'), 404],
    ['an origin that is away', async () => away(await marked()), 502],
    ['a refusal', async () => (await marked({ behaviour: { gate: GATE } })).get('/a'), 403],
    [
      'a redirect to HTTPS',
      async () => (await marked({ behaviour: { viewerProtocol: 'redirect-to-https' } })).get('/a'),
      301,
    ],
    [
      'what changes something',
      async () => (await marked({ behaviour: { methods: 'all' } })).ask('POST', '/a'),
      200,
    ],
    ['a method that is not served', async () => (await marked()).ask('POST', '/a'), 405],
    ['a head', async () => (await marked()).ask('HEAD', '/a'), 200],
    [
      'one viewer’s own',
      async () => (await marked({ script: counting({ 'Cache-Control': 'no-store' }) })).get('/a'),
      200,
    ],
  ])('is for every answer of the behaviour: %s', async (_, ask, status) => {
    const answer = await ask()
    expect([answer.status, answer.headers['x-mark'], answer.headers['x-content-type-options']]).toEqual([
      ...[status, '1', 'nosniff'],
    ])
  })

  const marked = (options: Parameters<typeof site>[1] = {}): Promise<SiteBench> =>
    site(
      {
        custom: [{ name: 'X-Mark', value: '1', override: true }],
        security: { contentTypeOptions: { override: true } },
      },
      options,
    )

  async function away(bench: SiteBench): Promise<Answer> {
    await bench.origin.close()
    return bench.get('/a')
  }

  test('is of its behaviour alone, and of nothing that is Sluice’s own', async () => {
    const bench = await marked({ others: [{ pattern: '/other/*', methods: 'read' }] })
    const answers = [
      await bench.get('/other/a'),
      await bench.get('/.sluice/player'),
      await bench.get('/.sluice/session?path=/a'),
    ]
    expect(answers.map(({ status, headers }) => [status, headers['x-mark']])).toEqual([
      [200, undefined],
      [200, undefined],
      [204, undefined],
    ])
  })

  test('is added at the edge, whatever tiers there are', async () => {
    const bench = await site(
      { remove: ['X-Room'], custom: [{ name: 'X-Mark', value: '1', override: false }] },
      { script: counting(SAYS), between: true },
    )
    for (const word of ['Miss', 'Hit']) {
      const { headers } = await bench.get('/a')
      expect([headers['x-cache'], headers['x-mark'], headers['x-room']]).toEqual([
        `${word} from sluice`,
        '1',
        undefined,
      ])
    }
  })

  test('tells shared caches nothing behind a gate', async () => {
    const custom = [
      { name: 'Cache-Control', value: 'public, s-maxage=9, max-age=5', override: true },
      { name: 'CDN-Cache-Control', value: 'max-age=9', override: true },
    ]
    const headers = { Cookie: grantFor('*://*/*').cookie }
    const set = await (await site({ custom }, { behaviour: { gate: GATE } })).get('/a', headers)
    expect([set.headers['cache-control'], set.headers['cdn-cache-control']]).toEqual([
      'private, max-age=5',
      undefined,
    ])
    const without = await site({ remove: ['Cache-Control'] }, { behaviour: { gate: GATE } })
    expect((await without.get('/a', headers)).headers['cache-control']).toBe('private')
    expect((await (await site({ custom })).get('/a')).headers['cache-control']).toBe(
      'public, s-maxage=9, max-age=5',
    )
  })

  test('leaves said by what the edge’s own answers differ', async () => {
    const script: Script = (_request, response) => {
      response.writeHead(200, { ...KEPT, Vary: 'X-Room, Origin', 'Content-Type': 'text/plain' }).end('a')
    }
    const bench = await site(
      { remove: ['Vary'], custom: [{ name: 'Vary', value: 'X-Mine', override: true }] },
      { script },
    )
    expect((await bench.get('/a')).headers.vary?.split(', ').sort()).toEqual([
      'Accept-Encoding',
      'Origin',
      'X-Mine',
    ])
  })
})

describe('a policy of who may read', () => {
  const CORS: Cors = {
    ...{
      origins: ['https://a.example', 'http://*.b.example'],
      credentials: true,
      headers: ['X-One', 'Range'],
    },
    ...{ methods: ['GET', 'PUT'], expose: ['X-Two'], maxAge: 600, override: true },
  }
  const readers = ({ headers }: Answer): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        name === 'vary'
          ? [['vary', value]]
          : name.startsWith('access-control-')
            ? [[name.slice(15), value]]
            : [],
      ),
    )
  const ADMITTED = { 'allow-credentials': 'true', 'expose-headers': 'X-Two', vary: 'Origin' }
  const preflight = (Origin: string): Record<string, string> => ({
    Origin,
    'Access-Control-Request-Method': 'PUT',
  })

  test.each([
    ['https://a.example', true],
    ['HTTPS://A.example', true],
    ['http://x.b.example', true],
    ['http://x.y.b.example', true],
    ['https://x.b.example', false],
    ['http://b.example', false],
    ['https://a.example.evil.example', false],
    ['http://evil.example:80#.b.example', false],
    ['null', false],
  ])('%s: %s', async (origin, admitted) => {
    const bench = await site({ cors: CORS })
    for (const path of ['/a', '/a'])
      expect(readers(await bench.get(path, { Origin: origin }))).toEqual(
        admitted ? { ...ADMITTED, 'allow-origin': origin } : { vary: 'Origin' },
      )
    expect(readers(await bench.get('/a'))).toEqual({ vary: 'Origin' })
  })

  test('everybody, without credentials, in one answer for all', async () => {
    const cors: Cors = { ...CORS, origins: ['*'], methods: ['ALL'], headers: ['*'], expose: ['*'] }
    const bench = await site({ cors })
    const open = { 'allow-origin': '*', 'expose-headers': '*' }
    expect(readers(await bench.get('/a'))).toEqual(open)
    expect(readers(await bench.get('/a', { Origin: 'https://x.example' }))).toEqual(open)
    expect(readers(await bench.ask('OPTIONS', '/a', preflight('https://x.example')))).toEqual({
      ...open,
      ...{
        'allow-methods': 'GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE',
        'allow-headers': '*',
        'max-age': '600',
      },
    })
  })

  test.each(['read', 'all'] as const)(
    'browsers that ask first are answered, with methods %s',
    async methods => {
      const bench = await site({ cors: CORS }, { behaviour: { methods } })
      const answer = await bench.ask('OPTIONS', '/a', preflight('https://a.example'))
      expect([answer.status, readers(answer), bench.asked]).toEqual([
        204,
        {
          ...{ ...ADMITTED, 'allow-origin': 'https://a.example' },
          ...{ 'allow-methods': 'GET, PUT', 'allow-headers': 'X-One, Range', 'max-age': '600' },
        },
        [],
      ])
      const strange = await bench.ask('OPTIONS', '/a', preflight('https://evil.example'))
      expect([strange.status, readers(strange)]).toEqual([204, { vary: 'Origin' }])
    },
  )

  test('of what an origin says itself all holds where the policy does not override, and nothing where it does', async () => {
    const script = counting({
      ...KEPT,
      'Access-Control-Allow-Origin': 'https://own.example',
      'Access-Control-Max-Age': '1',
    })
    const own = { 'allow-origin': 'https://own.example', 'max-age': '1' }
    const asked = { Origin: 'https://a.example' }
    const beside = await site({ cors: { ...CORS, override: false } }, { script })
    expect(readers(await beside.get('/a', asked))).toEqual(own)
    const over = await site({ cors: CORS }, { script })
    expect(readers(await over.get('/a', asked))).toEqual({ ...ADMITTED, 'allow-origin': 'https://a.example' })
    const silent = await site({ cors: { ...CORS, override: false } })
    expect(readers(await silent.get('/a', asked))).toEqual({
      ...ADMITTED,
      'allow-origin': 'https://a.example',
    })
  })

  test('an origin that answers such questions is asked where the policy does not override', async () => {
    const bench = await site(
      { cors: { ...CORS, override: false } },
      { behaviour: { methods: 'all' }, script: counting({}, 204) },
    )
    const answer = await bench.ask('OPTIONS', '/a', preflight('https://a.example'))
    expect([
      answer.status,
      readers(answer)['allow-methods'],
      bench.asked.map(({ method }) => method),
    ]).toEqual([...[204, 'GET, PUT', ['OPTIONS']]])
  })

  test('behind a gate nobody reads with credentials but who is listed, and a refusal can be read by him', async () => {
    const behaviour = { gate: GATE, corsOrigins: ['https://old.example'] }
    const bench = await site({ cors: CORS }, { behaviour })
    const grant = { Cookie: grantFor('*://*/*').cookie }
    for (const origin of ['http://localhost:3000', 'https://old.example', 'http://127.0.0.1'])
      expect(readers(await bench.get('/a', { ...grant, Origin: origin }))).toEqual({ vary: 'Origin' })
    const refused = await bench.get('/a', { Origin: 'https://a.example' })
    expect([refused.status, readers(refused)]).toEqual([
      403,
      { ...ADMITTED, 'allow-origin': 'https://a.example' },
    ])
    const open = await site({ cors: { ...CORS, origins: ['*'] } }, { behaviour })
    expect(readers(await open.get('/a', { ...grant, Origin: 'http://localhost' }))).toEqual({
      ...{ 'allow-origin': '*', 'expose-headers': 'X-Two' },
    })
  })
})

describe('Server-Timing', () => {
  const timing = (samplingRate: number): Partial<ResponseHeaders> => ({ serverTiming: { samplingRate } })
  const told = (answer: Answer): string =>
    String(answer.headers['server-timing'])
      .replace(/dur=\d+/, 'dur=N')
      .replace(String(answer.headers['x-sluice-id']), 'ID')
  const REST = 'cdn-pop;desc="test", cdn-rid;desc="ID", cdn-downstream-fbl;dur=N'

  test('tells how each answer came about, beside what the origin tells', async () => {
    const bench = await site(timing(100), { script: counting({ ...KEPT, 'Server-Timing': 'db;dur=5' }) })
    const answers = [await bench.get('/a'), await bench.get('/a')]
    expect(answers.map(told)).toEqual([
      expect.stringMatching(/^db;dur=N, cdn-cache-miss, cdn-pop;desc="test", cdn-rid;desc="ID", /),
      expect.stringMatching(/^db;dur=N, cdn-cache-hit, cdn-hit-layer;desc="EDGE", cdn-pop;desc="test", /),
    ])
  })

  test('is told where it is asked for, and not to the others', async () => {
    const bench = await site(timing(0))
    expect((await bench.get('/a')).headers['server-timing']).toBeUndefined()
    expect(told(await bench.get('/a', { Pragma: 'server-timing' }))).toBe(
      `cdn-cache-hit, cdn-hit-layer;desc="EDGE", ${REST}`,
    )
    const without = await site({})
    expect((await without.get('/a', { Pragma: 'server-timing' })).headers['server-timing']).toBeUndefined()
  })

  test('of a refusal too, and of what the origin says still holds', async () => {
    const script: Script = (request, response) => {
      const status = request.headers['if-none-match'] === '"a"' ? 304 : 200
      response.writeHead(status, { 'Cache-Control': 'no-cache', ETag: '"a"' }).end()
    }
    const bench = await site(timing(100), { script })
    await bench.get('/a')
    expect(told(await bench.get('/a'))).toBe(`cdn-cache-refresh, ${REST}`)
    const gated = await site(timing(100), { behaviour: { gate: GATE } })
    expect(told(await gated.get('/a'))).toBe(`cdn-cache-miss, ${REST}`)
  })
})
