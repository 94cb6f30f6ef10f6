import { describe, expect, test } from 'vitest'
import { reader } from '../../src/core/index.ts'
import { DistributionInput, type Behaviour } from '../../src/distribution/index.ts'
import { around, problemsOf, settled } from './around.ts'

const site = { origin: 'https://site.example' }
const ruled = (rule: object): DistributionInput => ({ ...site, behaviours: [{ pattern: '*', ...rule }] })
const rule = (given: object): Behaviour | undefined => settled(ruled(given)).distribution.behaviours[0]
const gate = { keyGroups: ['default'], issuers: ['login'] }

test('a distribution that uses no new word is stored as 0.5 stored it, to the byte', () => {
  const [behaviour] = settled(ruled({ ttl: { default: 60 }, gate })).distribution.behaviours
  expect(JSON.stringify(settled({ ...site, comment: 'a site' }).distribution)).toBe(
    '{"id":"ENEW0000000001","domain":"enew0000000001.cdn.localhost","aliases":[],"enabled":true,"comment":"a site",' +
      '"origins":[{"id":"site.example","kind":"http","headers":[],"url":"https://site.example","protocol":"as-url",' +
      '"httpPort":80,"httpsPort":443,"attempts":3,"connectTimeout":10,"responseTimeout":30,"keepAlive":5}],' +
      '"behaviours":[{"pattern":"*","originId":"site.example","gate":null,"carry":"none",' +
      '"ttl":{"minimum":0,"default":86400,"maximum":31536000},"viewerProtocol":"allow-all","query":"all",' +
      '"headers":[],"forward":"all","cookies":"all","methods":"all","compress":true,"corsOrigins":[]}],"errors":[]}',
  )
  expect(JSON.stringify(behaviour)).toBe(
    '{"pattern":"*","originId":"site.example","gate":{"keyGroups":["kg-default"],"issuers":["iss-login"]},' +
      '"carry":"none","ttl":{"minimum":0,"default":60,"maximum":31536000},"viewerProtocol":"allow-all","query":"all",' +
      '"headers":[],"forward":"all","cookies":"none","methods":"all","compress":true,"corsOrigins":[]}',
  )
})

test('what says the same as no word is left out', () => {
  const whole = settled({
    ...{ defaultRoot: '', certificate: '', minimumTls: '1.2', http: '2' },
    origins: [{ url: 'https://site.example', tls: ['1.3', '1.2'], shield: '' }],
    behaviours: [
      {
        pattern: '*',
        ...{ keyedCookies: 'none', forwardQuery: [], host: 'origin', told: [], keepOptions: false },
        ...{ responseHeaders: { custom: [], remove: [], security: {} }, policies: {} },
      },
    ],
  })
  expect(whole).toEqual(settled(site))
})

test('every word is stored as it is compared, and settles to itself', () => {
  const { distribution, warnings } = settled({
    aliases: ['films.example'],
    ...{ defaultRoot: 'index.html', minimumTls: '1.3', http: '1.1', certificate: 'films' },
    geo: { mode: 'allow', countries: ['de', 'FR', 'DE'] },
    origins: [
      { url: 'https://site.example', tls: ['1.3', '1.3'], shield: 'fra' },
      { bucket: 'films', shield: 'fra' },
    ],
    behaviours: [
      {
        pattern: '*',
        ...{ query: { except: ['utm', 'utm'] }, headers: ['Accept-Language', 'CloudFront-Viewer-Country'] },
        ...{ keyedCookies: ['lang', 'lang'], cookies: { except: ['tracker'] }, forwardQuery: 'all' },
        ...{ forward: { except: ['X-Noise', 'x-noise'] }, told: ['CloudFront-Viewer-Address'] },
        ...{ host: 'viewer', methods: 'get', acceptEncoding: ['gzip', 'br', 'gzip'] },
        responseHeaders: {
          custom: [{ name: 'X-Site', value: 'films' }],
          remove: ['Server', 'server'],
          security: { contentTypeOptions: {}, strictTransportSecurity: { maxAge: 60 } },
          cors: { origins: ['https://*.Example.com'], maxAge: 600 },
          serverTiming: { samplingRate: 12.5 },
        },
      },
    ],
  })
  expect(warnings).toEqual([])
  expect(distribution).toMatchObject({
    ...{ defaultRoot: 'index.html', minimumTls: '1.3', http: '1.1', certificate: 'films' },
    geo: { mode: 'allow', countries: ['DE', 'FR'] },
    origins: [{ tls: ['1.3'], shield: 'fra' }, { shield: 'fra' }],
  })
  expect(distribution.behaviours).toEqual([
    {
      ...rule({}),
      query: { except: ['utm'] },
      headers: ['accept-language', 'cloudfront-viewer-country'],
      forward: { except: ['x-noise'] },
      cookies: { except: ['tracker'] },
      methods: 'get',
      keyedCookies: ['lang'],
      forwardQuery: 'all',
      host: 'viewer',
      told: ['cloudfront-viewer-address'],
      acceptEncoding: ['gzip', 'br'],
      responseHeaders: {
        cors: {
          origins: ['https://*.example.com'],
          credentials: false,
          headers: ['*'],
          methods: ['GET', 'HEAD', 'OPTIONS'],
          expose: [],
          maxAge: 600,
          override: true,
        },
        security: {
          contentTypeOptions: { override: true },
          strictTransportSecurity: { maxAge: 60, includeSubdomains: false, preload: false, override: true },
        },
        custom: [{ name: 'X-Site', value: 'films', override: true }],
        remove: ['server'],
        serverTiming: { samplingRate: 12.5 },
      },
    },
  ])
  const shown = reader(DistributionInput, 'what is shown')({ ...distribution, fallback: false })
  expect(settled(shown, around({ before: distribution })).distribution).toEqual(distribution)
})

test('cookies that are no grants may go to an origin behind a gate, and none does unless somebody says so', () => {
  expect(rule({ gate })?.cookies).toBe('none')
  expect(rule({ gate, cookies: 'all', keyedCookies: ['lang'] })).toMatchObject({
    ...{ cookies: 'all', keyedCookies: ['lang'] },
  })
})

const custom = (name: string, value = 'v'): object => ({ responseHeaders: { custom: [{ name, value }] } })
const cors = (change: object): object => ({
  responseHeaders: { cors: { origins: ['https://a.example'], ...change } },
})
const geo = (countries: string[]): DistributionInput => ({ ...site, geo: { mode: 'deny', countries } })
const bucket = (change: object): DistributionInput => ({ origins: [{ bucket: 'films' }], ...change })

test.each<[string, DistributionInput, string]>([
  [
    'a field that only HTTP may write',
    ruled({ headers: ['Host'] }),
    'the header "host" of behaviour "*" is set by Sluice itself: set "host" to "viewer" to tell the origin the viewer\'s',
  ],
  [
    'the host passed on',
    ruled({ forward: ['host'] }),
    'the header "host" of behaviour "*" is set by Sluice itself: set "host" to "viewer"',
  ],
  [
    "a viewer's own word of his country",
    ruled({ forward: ['CloudFront-Viewer-Country'] }),
    'the header "cloudfront-viewer-country" of behaviour "*" is written by edges themselves, and a viewer\'s own never passes: put it into "told"',
  ],
  [
    'an address keyed',
    ruled({ headers: ['CloudFront-Viewer-Address'] }),
    'the header "cloudfront-viewer-address" of behaviour "*" is another for every viewer, and so nothing to keep answers by: put it into "told"',
  ],
  ...['ASN', 'TLS', 'JA3-Fingerprint'].map((name): [string, DistributionInput, string] => [
    `${name} keyed`,
    ruled({ headers: [`CloudFront-Viewer-${name}`] }),
    'is another for every viewer',
  ]),
  ...['City', 'ASN', 'JA3-Fingerprint', 'Latitude', 'Time-Zone'].map(
    (name): [string, DistributionInput, string] => [
      `${name} told`,
      ruled({ told: [`CloudFront-Viewer-${name}`] }),
      `the field "cloudfront-viewer-${name.toLowerCase()}" that behaviour "*" tells is not known to edges`,
    ],
  ),
  ['a city keyed', ruled({ headers: ['cloudfront-viewer-city'] }), 'is not known to edges'],
  [
    'a field of somebody else told',
    ruled({ told: ['User-Agent'] }),
    'the field "user-agent" that behaviour "*" tells is not written by edges: put it into "forward"',
  ],
  [
    'a cookie that is a grant',
    ruled({ keyedCookies: ['CloudFront-Policy'], gate }),
    'the cookie "CloudFront-Policy" of behaviour "*" is a grant, which no origin sees and no answer is kept by',
  ],
  [
    'a cookie of tokens',
    ruled({ cookies: ['login-token'] }),
    'the cookie "login-token" of behaviour "*" is a grant',
  ],
  [
    'a cookie that is none',
    ruled({ cookies: ['a=b'] }),
    'the cookie "a=b" of behaviour "*" is no name of a cookie',
  ],
  [
    'answers to OPTIONS that are not let in',
    ruled({ methods: 'get', keepOptions: true }),
    'behaviour "*" has "keepOptions" and lets no OPTIONS in: set "methods" to "read", or take it out',
  ],
  [
    'any site with credentials',
    ruled(cors({ origins: ['*'], credentials: true })),
    'the CORS origins of behaviour "*" are "*" with credentials, which browsers refuse: list the sites',
  ],
  [
    'any site and one',
    ruled(cors({ origins: ['*', 'https://a.example'] })),
    'the CORS origins of behaviour "*" are "*" and others',
  ],
  ...['https://a.example/', 'a.example', 'https://a.*.example', 'https://*', 'https://*.com', 'null'].map(
    (origin): [string, DistributionInput, string] => [
      `the CORS origin ${origin}`,
      ruled(cors({ origins: [origin] })),
      `the CORS origin "${origin}" of behaviour "*" is none`,
    ],
  ),
  [
    'a CORS header that is none',
    ruled(cors({ headers: ['a b'] })),
    'the CORS header "a b" of behaviour "*" is no name',
  ],
  [
    'all methods and one',
    ruled(cors({ methods: ['ALL', 'GET'] })),
    'the CORS methods of behaviour "*" are "ALL"',
  ],
  [
    'a header of framing',
    ruled(custom('Content-Length')),
    'the header "Content-Length" of behaviour "*" is set by Sluice itself: use another name',
  ],
  ['a word of ours', ruled(custom('X-Sluice-Reason')), 'is set by Sluice itself'],
  ['a header of two lines', ruled(custom('X-A', 'a\r\nX-B: c')), 'may hold printable ASCII only'],
  ['a header without a value', ruled(custom('X-A', '')), 'the header "X-A" of behaviour "*" has no value'],
  [
    'a header twice',
    ruled({
      responseHeaders: {
        custom: [
          { name: 'X-A', value: 'a' },
          { name: 'x-a', value: 'b' },
        ],
      },
    }),
    'the header "x-a" of behaviour "*" is listed twice',
  ],
  [
    'framing removed',
    ruled({ responseHeaders: { remove: ['Transfer-Encoding'] } }),
    'the header "transfer-encoding" of behaviour "*" is needed by HTTP or Sluice itself and cannot be removed',
  ],
  [
    'the privacy of a gate removed',
    ruled({ gate, responseHeaders: { remove: ['Cache-Control'] } }),
    'the header "cache-control" of behaviour "*" would let caches in between keep what is gated',
  ],
  [
    'the privacy of a gate replaced',
    ruled({ gate, ...custom('Cache-Control', 'public, max-age=60') }),
    'the header "Cache-Control" of behaviour "*" would let caches in between keep what is gated',
  ],
  [
    'a word to other caches at a gate',
    ruled({ gate, ...custom('CDN-Cache-Control', 'private') }),
    'what is gated',
  ],
  [
    'a referrer policy that is none',
    ruled({ responseHeaders: { security: { referrerPolicy: { value: 'never' } } } }),
    'the referrerPolicy "never" of behaviour "*" is none: use one of no-referrer',
  ],
  [
    'an empty content security policy',
    ruled({ responseHeaders: { security: { contentSecurityPolicy: { value: '' } } } }),
    'the contentSecurityPolicy of behaviour "*" has no value',
  ],
  [
    'a filter that blocks and reports',
    ruled({
      responseHeaders: {
        security: { xssProtection: { protection: true, modeBlock: true, reportUri: '/x' } },
      },
    }),
    'the xssProtection of behaviour "*" blocks and reports',
  ],
  [
    'a root with a slash',
    { ...site, defaultRoot: '/index.html' },
    'the defaultRoot "/index.html" begins with a slash: write the name alone, as index.html',
  ],
  ['a root with a query', { ...site, defaultRoot: 'a?b' }, 'the defaultRoot "a?b" has a query or fragment'],
  [
    'a root that is no path',
    { ...site, defaultRoot: '../a' },
    'is a path that no request can have (dot-segment)',
  ],
  ['a root that is ours', { ...site, defaultRoot: '.sluice/session' }, 'is Sluice itself'],
  ['no country', geo([]), '"geo" names no country'],
  [
    'a country that is none',
    geo(['Germany']),
    '"geo" names "GERMANY", which is no country: write its two letters',
  ],
  [
    'a shield that is no place',
    { origins: [{ url: 'https://site.example', shield: 'eu west' }] },
    'the shield "eu west" of origin "site.example" is no place: use the name that "sluice nodes" lists as pop',
  ],
  [
    'TLS of a bucket',
    { origins: [{ bucket: 'films', tls: ['1.3'] }] },
    'origin "films" is of the kind s3, which has no "tls": take it out',
  ],
])('%s is refused with its place and the mend', (_what, input, sentence) => {
  const found = problemsOf(input)
  expect(found.join('\n')).toContain(sentence)
  expect(found).toHaveLength(1)
})

test('a gate may say of its own that answers are private', () => {
  expect(problemsOf(ruled({ gate, ...custom('Cache-Control', 'private, max-age=60') }))).toEqual([])
  expect(problemsOf(ruled(custom('Cache-Control', 'public, max-age=60')))).toEqual([])
})

describe('what is seldom meant is warned of', () => {
  const warnings = (input: DistributionInput): string[] => settled(input).warnings

  test('words about viewers before a bucket', () => {
    const rules = { pattern: '*', host: 'viewer', told: ['cloudfront-viewer-country'], cookies: ['a'] }
    expect(warnings(bucket({ behaviours: [rules] }))).toEqual([
      'behaviour "*" passes on what viewers send, of which a bucket is told nothing: set "forward" and "cookies" to "none"',
      'behaviour "*" tells of viewers, of which a bucket hears nothing: take "host" and "told" out',
    ])
  })

  test('any header with credentials', () => {
    expect(warnings(ruled(cors({ credentials: true })))).toEqual([
      'behaviour "*" allows the headers "*" with credentials, which browsers take for none: list them by name',
    ])
    expect(warnings(ruled(cors({ credentials: true, headers: ['range'] })))).toEqual([])
  })

  test('versions of TLS for an origin that is asked without', () => {
    expect(warnings({ origins: [{ url: 'http://site.example', tls: ['1.3'] }] })).toEqual([
      'origin "site.example" is asked without TLS, so its "tls" means nothing: write its url with https',
    ])
  })

  test('cookies that are not keyed where every answer is kept', () => {
    const ttl = { minimum: 60 }
    const kept = (cookies: object): string[] => warnings(ruled({ ttl, forward: 'none', ...cookies }))
    expect(kept({ cookies: ['a'] }).join()).toContain('shows its origin the cookies of viewers')
    expect(kept({ cookies: 'all', keyedCookies: 'all' })).toEqual([])
    expect(kept({ cookies: 'none', keyedCookies: ['a'] })).toEqual([])
  })
})
