import { afterEach, describe, expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import type { Behaviour } from '../../src/distribution/index.ts'
import { snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import { counting, getOverHttp2, SiteBench, type Script, type SiteOptions } from './site-bench.ts'
import { startTlsEdge } from './tls-edge.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const KEPT = { 'Cache-Control': 'max-age=60' }
const GATE = { keyGroups: snapshotOf().keyGroups.map(({ id }) => id), issuers: [] as IssuerId[] }

describe.each([
  ['at an edge', false],
  ['through a regional cache', true],
])('%s', (_where, between) => {
  async function site(
    behaviour: Partial<Behaviour>,
    options: SiteOptions & { script?: Script } = {},
  ): Promise<SiteBench> {
    const bench = await SiteBench.start(options.script ?? counting(KEPT), behaviour, { between, ...options })
    closers.push(() => bench.close())
    return bench
  }

  /** What viewers get who ask so, one after the other. */
  async function bodies(
    bench: SiteBench,
    asked: [path: string, headers?: Record<string, string>][],
  ): Promise<string[]> {
    const all: string[] = []
    for (const [path, headers] of asked) all.push((await bench.get(path, headers)).body)
    return all
  }

  test('a query is keyed but for what is excepted, which does not go there either', async () => {
    const bench = await site({ query: { except: ['utm', 'ref'] } })
    const got = await bodies(bench, [
      ['/a?x=1&utm=2'],
      ['/a?utm=3&x=1&ref'],
      ['/a?x=2'],
      ['/a?utm=9'],
      ['/a'],
    ])
    expect([got, bench.asked.map(({ target }) => target)]).toEqual([
      ['1', '1', '2', '3', '3'],
      ['/a?x=1', '/a?x=2', '/a'],
    ])
  })

  test.each<[string, Partial<Behaviour>, string[], string[]]>([
    ['a list', { query: ['v'], forwardQuery: ['trace'] }, ['1', '1', '2'], ['/a?v=1&trace=7', '/a?v=2']],
    ['all', { query: ['v'], forwardQuery: 'all' }, ['1', '1', '2'], ['/a?v=1&trace=7&x=0', '/a?v=2&x=0']],
    [
      'all but some',
      { query: ['v'], forwardQuery: { except: ['x', 'v'] } },
      ['1', '1', '2'],
      ['/a?v=1&trace=7', '/a?v=2'],
    ],
    ['all beside nothing', { query: 'none', forwardQuery: 'all' }, ['1', '1', '1'], ['/a?v=1&trace=7&x=0']],
  ])('parameters go there unkeyed: %s', async (_, behaviour, got, targets) => {
    const bench = await site(behaviour)
    expect(await bodies(bench, [['/a?v=1&trace=7&x=0'], ['/a?v=1&trace=8'], ['/a?v=2&x=0']])).toEqual(got)
    expect(bench.asked.map(({ target }) => target)).toEqual(targets)
  })

  test('directives of a playlist go there beside what is unkeyed', async () => {
    const bench = await site({ query: ['v'], forwardQuery: ['t'] })
    await bodies(bench, [
      ['/a.m3u8?v=1&t=2&_HLS_msn=7'],
      ['/a.m3u8?t=3&v=1&_HLS_msn=7'],
      ['/a.m3u8?t=2&_HLS_msn=7'],
    ])
    expect(bench.asked.map(({ target }) => target)).toEqual([
      '/a.m3u8?v=1&t=2&_HLS_msn=7',
      '/a.m3u8?t=2&_HLS_msn=7',
    ])
  })

  test.each<[string, NonNullable<Behaviour['keyedCookies']>, (string | undefined)[], string[]]>([
    ['those named', ['lang', 'theme'], ['lang=de; theme=x', 'lang=en', undefined], ['1', '1', '2', '3', '3']],
    [
      'all',
      'all',
      ['id=7; lang=de; theme=x', 'id=8; lang=de; theme=x', 'lang=en', 'id=9', undefined],
      ['1', '2', '3', '4', '5'],
    ],
    [
      'all but some',
      { except: ['id'] },
      ['lang=de; theme=x', 'lang=en', undefined],
      ['1', '1', '2', '3', '3'],
    ],
    ['none', 'none', [undefined], ['1', '1', '1', '1', '1']],
  ])('cookies are keyed in whatever order they come: %s', async (_, keyedCookies, told, got) => {
    const bench = await site({ keyedCookies })
    const cookies = ['theme=x; id=7; lang=de', 'lang=de;id=8;theme=x', 'lang=en', 'id=9']
    expect(
      await bodies(bench, [
        ...cookies.map((Cookie): [string, object] => ['/a', { Cookie }]),
        ['/a'],
      ] as never),
    ).toEqual(got)
    expect(bench.told('cookie')).toEqual(told)
  })

  test('cookies go there unkeyed beside keyed ones, in one field, and an answer may vary by them alone', async () => {
    const bench = await site(
      { keyedCookies: ['lang'], cookies: ['who', 'lang'] },
      { script: counting({ ...KEPT, Vary: 'Cookie' }) },
    )
    const got = await bodies(bench, [
      ['/a', { Cookie: 'who=me; x=1; lang=de' }],
      ['/a', { Cookie: 'lang=de; who=me' }],
      ['/a', { Cookie: 'lang=de; who=you' }],
      ['/a', { Cookie: 'lang=de' }],
    ])
    expect(got).toEqual(['1', '1', '2', '3'])
    expect(bench.told('cookie')).toEqual(['lang=de; who=me', 'lang=de; who=you', 'lang=de'])
  })

  test('what answers keyed cookies is kept without a lifetime, what answers others is not', async () => {
    const bench = await site(
      { ttl: { minimum: 0, default: 60, maximum: 60 }, keyedCookies: ['lang'], cookies: ['who'] },
      { script: counting() },
    )
    const keyed = { Cookie: 'lang=de' }
    const both = { Cookie: 'lang=fr; who=me' }
    expect(
      await bodies(bench, [
        ['/a', keyed],
        ['/a', keyed],
        ['/a', both],
        ['/a', both],
      ]),
    ).toEqual(['1', '1', '2', '3'])
  })

  test('behind a gate cookies go there as well, and never one that lets somebody in', async () => {
    const issuer = { id: 'ti-1', cookie: 'session_token' }
    const bench = await site({ gate: GATE, keyedCookies: 'all', cookies: { except: ['x'] } })
    bench.bench.node.apply({
      ...(bench.bench.node.snapshot ?? snapshotOf()),
      issuers: [
        {
          ...issuer,
          name: 'i',
          issuer: 'i',
          audience: 'a',
          algorithms: ['ES256'],
          claim: 'c',
          keys: { kind: 'inline', keys: [] },
        } as never,
      ],
    })
    const { cookie } = grantFor('*://*/*')
    const answer = await bench.get('/a', { Cookie: `${cookie}; lang=de; session_token=e.y.j; a=1` })
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'private, max-age=60'])
    expect(
      (await bench.get('/a', { Cookie: `a=1;lang=de;${grantFor('*://*/*', { seconds: 900 }).cookie}` })).body,
    ).toBe('1')
    const without = await site({ gate: GATE, cookies: { except: ['x'] } })
    await without.get('/a', { Cookie: `${cookie}; lang=de; x=1` })
    expect([bench.told('cookie'), without.told('cookie')]).toEqual([['a=1; lang=de'], ['lang=de']])
  })

  test('Set-Cookie comes back where cookies are keyed', async () => {
    const bench = await site(
      { keyedCookies: ['lang'] },
      { script: counting({ ...KEPT, 'Set-Cookie': 'a=1' }) },
    )
    expect((await bench.get('/a')).headers['set-cookie']).toEqual(['a=1'])
  })

  test('the Host that a viewer asks for is told and keyed, whatever its case', async () => {
    const bench = await site({ host: 'viewer' })
    const got = await bodies(bench, [
      ['/a', { Host: 'one.example' }],
      ['/a', { Host: 'ONE.example' }],
      ['/a', { Host: 'two.example:8080' }],
    ])
    expect([got, bench.told('host')]).toEqual([
      ['1', '1', '2'],
      ['one.example', 'two.example:8080'],
    ])
  })

  test('what the edge says of a viewer is told, and keyed where it is to be', async () => {
    const bench = await site({
      headers: ['cloudfront-is-mobile-viewer'],
      told: ['cloudfront-viewer-http-version', 'cloudfront-forwarded-proto', 'cloudfront-is-ios-viewer'],
    })
    const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148'
    const invented = { 'CloudFront-Is-Mobile-Viewer': 'true', CloudFront_Is_IOS_Viewer: 'true' }
    const got = await bodies(bench, [
      ['/a', { 'User-Agent': phone }],
      ['/a', { 'User-Agent': 'curl/8', ...invented }],
      ['/a', { 'User-Agent': 'wget/1' }],
    ])
    expect(got).toEqual(['1', '2', '2'])
    const written = bench.asked.map(({ fields }) =>
      Object.fromEntries(Object.entries(fields).filter(([name]) => /^cloudfront/.test(name))),
    )
    const both = { 'cloudfront-viewer-http-version': '1.1', 'cloudfront-forwarded-proto': 'http' }
    expect(written).toEqual([
      { ...both, 'cloudfront-is-mobile-viewer': 'true', 'cloudfront-is-ios-viewer': 'true' },
      { ...both, 'cloudfront-is-mobile-viewer': 'false', 'cloudfront-is-ios-viewer': 'false' },
    ])
  })

  test('an answer may vary by what is told, and nobody else’s word is taken for it', async () => {
    const bench = await site(
      { told: ['cloudfront-is-tablet-viewer'], forward: ['x-a'] },
      { script: counting({ ...KEPT, Vary: 'CloudFront-Is-Tablet-Viewer' }) },
    )
    const got = await bodies(bench, [
      ['/a', { 'User-Agent': 'Mozilla/5.0 (iPad; CPU OS 12_0 like Mac OS X)' }],
      ['/a', { 'User-Agent': 'curl' }],
      ['/a', { 'User-Agent': 'curl', 'CloudFront-Is-Tablet-Viewer': 'true' }],
    ])
    expect(got).toEqual(['1', '2', '2'])
  })

  test('address, names of fields and country are told as the viewer’s own edge knows them', async () => {
    const told = ['address', 'header-count', 'header-order', 'country', 'tls'].map(
      name => `cloudfront-viewer-${name}`,
    )
    const bench = await site(
      { told },
      {
        trustedProxies: ['127.0.0.1/32'],
        countries: { isThere: true, of: at => (at === '192.0.2.7' ? 'NZ' : undefined) },
      },
    )
    await bench.get('/a', { 'X-Forwarded-For': '192.0.2.7', 'X-A': '1', Host: 'a' })
    await bench.get('/b', { Host: 'a' })
    const [one, two] = bench.asked.map(({ fields }) => told.map(name => fields[name]))
    expect(one).toEqual(['192.0.2.7:0', '4', 'X-Forwarded-For:X-A:Host:Connection', 'NZ', undefined])
    expect(two).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:[1-9]\d+$/),
      '2',
      'Host:Connection',
      undefined,
      undefined,
    ])
  })

  test('all but some of a viewer’s fields go there, under no other spelling either', async () => {
    const bench = await site({ forward: { except: ['x-out'] } })
    await bench.get('/a', { 'X-In': '1', 'X-Out': '1', X_Out: '1', 'CloudFront-Viewer-Country': 'NZ' })
    const names = Object.keys(bench.asked[0]?.fields ?? {}).filter(name => /^(x|cloudfront)[_-]/.test(name))
    expect(names.sort()).toEqual(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-in'])
  })
})

test('a request that may change something goes there with the same Host, cookies, parameters and words of the edge', async () => {
  const bench = await SiteBench.start(counting(), {
    ...{ methods: 'all', host: 'viewer', keyedCookies: ['lang'], cookies: ['who'] },
    ...{ query: ['v'], forwardQuery: ['t'], told: ['cloudfront-forwarded-proto'] },
  })
  closers.push(() => bench.close())
  const headers = { Host: 'shop.example', Cookie: 'who=me; x=1; lang=de', 'CloudFront-Viewer-Country': 'NZ' }
  await bench.ask('DELETE', '/a?v=1&t=2&u=3', headers)
  const [asked] = bench.asked
  expect([asked?.method, asked?.target, asked?.fields['host'], asked?.fields['cookie']]).toEqual([
    ...['DELETE', '/a?v=1&t=2', 'shop.example', 'who=me; lang=de'],
  ])
  expect(asked?.fields['cloudfront-forwarded-proto']).toBe('http')
  expect(asked?.fields['cloudfront-viewer-country']).toBeUndefined()
})

test('of a connection with TLS its version, its cipher and how it came about are told', async () => {
  const told = ['cloudfront-viewer-tls', 'cloudfront-viewer-http-version', 'cloudfront-forwarded-proto']
  const site = await SiteBench.start(counting(), { told })
  closers.push(() => site.close())
  const edge = await startTlsEdge((_, response) => response.end(), {
    snapshot: site.bench.node.snapshot ?? snapshotOf(),
    allowOrigins: ['127.0.0.0/8'],
  })
  closers.push(() => edge.close())
  expect(await getOverHttp2(edge.bench.url, '/a', {})).toBe(200)
  expect(site.asked.map(({ fields }) => told.map(name => fields[name]))).toEqual([
    ['TLSv1.3:TLS_AES_256_GCM_SHA384:fullHandshake', '2.0', 'https'],
  ])
})
