import { describe, expect, test } from 'vitest'
import type { DistributionId, IssuerId, KeyGroupId, OriginAccessId } from '../../src/core/index.ts'
import {
  DEFAULT_WIRE,
  firstDistribution,
  settleDistribution,
  type Distribution,
  type DistributionInput,
  type Surroundings,
} from '../../src/distribution/index.ts'

const ID = 'ENEW0000000001' as DistributionId // a test's own
const FIRST = firstDistribution(
  'EFIRST00000001' as DistributionId, // a test's own
  'cdn.localhost',
  'kg-default' as KeyGroupId, // a test's own
)

function around(change: Partial<Surroundings> = {}): Surroundings {
  return {
    id: ID,
    domain: 'enew0000000001.cdn.localhost',
    before: undefined,
    others: [],
    keyGroups: [
      { id: 'kg-default' as KeyGroupId, name: 'default' }, // a test's own
      { id: 'kg-partners' as KeyGroupId, name: 'partners' }, // a test's own
    ],
    issuers: [{ id: 'iss-login' as IssuerId, name: 'login' }], // a test's own
    originAccess: [{ id: 'EACCESS' as OriginAccessId, name: 'films' }], // a test's own
    policies: [],
    ...change,
  }
}

function good(
  input: DistributionInput,
  where = around(),
): { distribution: Distribution; warnings: string[] } {
  const settled = settleDistribution(input, where)
  if (settled.kind !== 'good') throw new Error(JSON.stringify(settled))
  return settled
}

function problems(input: DistributionInput, where = around()): string[] {
  const settled = settleDistribution(input, where)
  return settled.kind === 'bad' ? settled.problems : settled.kind === 'taken' ? [settled.problem] : []
}

const OPEN = {
  pattern: '*',
  originId: 'site.example',
  gate: null,
  carry: 'none',
  ttl: { minimum: 0, default: 86_400, maximum: 31_536_000 },
  viewerProtocol: 'allow-all',
  query: 'all',
  headers: [],
  forward: 'all',
  cookies: 'all',
  methods: 'all',
  compress: true,
  corsOrigins: [],
} as const

describe('what is left out', () => {
  test('is filled in around a single URL', () => {
    expect(good({ origin: 'https://Site.Example:443/' })).toEqual({
      kind: 'good',
      distribution: {
        id: ID,
        domain: 'enew0000000001.cdn.localhost',
        aliases: [],
        enabled: true,
        comment: '',
        origins: [
          { id: 'site.example', kind: 'http', url: 'https://site.example', headers: [], ...DEFAULT_WIRE },
        ],
        behaviours: [OPEN],
        errors: [],
      },
      warnings: [],
    })
  })

  test.each<[string, object, object]>([
    [
      'a bucket of Amazon',
      { bucket: 'films', region: 'eu-central-1', access: 'films' },
      {
        id: 'films',
        kind: 's3',
        endpoint: 'https://s3.eu-central-1.amazonaws.com',
        bucket: 'films',
        region: 'eu-central-1',
        addressing: 'host',
        path: '',
        access: 'EACCESS',
      },
    ],
    [
      'a bucket of another store',
      { id: 'store', bucket: 'films', endpoint: 'http://minio.internal:9000/', path: '/site/' },
      {
        id: 'store',
        kind: 's3',
        endpoint: 'http://minio.internal:9000',
        bucket: 'films',
        region: 'us-east-1',
        addressing: 'path',
        path: '/site',
        access: null,
      },
    ],
    ['the built-in origin', { kind: 'built-in' }, { id: 'built-in', kind: 'built-in' }],
    [
      'a server with a prefix',
      { url: 'http://10.0.0.5:8081/a/b/' },
      { id: '10.0.0.5:8081', kind: 'http', url: 'http://10.0.0.5:8081/a/b', headers: [], ...DEFAULT_WIRE },
    ],
    [
      'a server by an IPv6 address',
      { url: 'http://[2001:DB8::1]:8081' },
      {
        id: '[2001:db8::1]:8081',
        kind: 'http',
        url: 'http://[2001:db8::1]:8081',
        headers: [],
        ...DEFAULT_WIRE,
      },
    ],
  ])('is filled in for %s', (_what, origin, whole) => {
    expect(good({ origins: [origin] }).distribution.origins).toEqual([whole])
  })

  test('of viewers is nothing before a bucket and before ours, and no cookie behind a gate', () => {
    const rules = (origin: object, rule: object = {}) => {
      const settled = good({ origins: [origin], behaviours: [{ pattern: '*', ...rule }] })
      const [{ query, forward, cookies, methods } = OPEN] = settled.distribution.behaviours
      return [[query, forward, cookies, methods], settled.warnings]
    }
    const nothing = [['none', 'none', 'none', 'read'], []]
    expect(rules({ bucket: 'films', access: 'films' })).toEqual(nothing)
    expect(rules({ kind: 'built-in' })).toEqual(nothing)
    expect(rules({ url: 'http://a.example' }, { gate: { issuers: ['login'] } })).toEqual([
      ['all', 'all', 'none', 'all'],
      [],
    ])
  })

  test('of ports, where viewers choose the scheme, is taken from the URL', () => {
    const ports = (url: string) => {
      const [origin] = good({ origins: [{ url, protocol: 'match-viewer' }] }).distribution.origins
      return origin?.kind === 'http' ? [origin.httpPort, origin.httpsPort] : []
    }
    expect(ports('http://a.example')).toEqual([80, 443])
    expect(ports('http://a.example:8080')).toEqual([8080, 443])
    expect(ports('https://a.example:8443')).toEqual([80, 8443])
  })

  test('in lifetimes fits what is given', () => {
    const ttl = (given: object) =>
      good({ origin: 'http://a.example', behaviours: [{ pattern: '*', ttl: given }] }).distribution
        .behaviours[0]?.ttl
    expect(ttl({ maximum: 60 })).toEqual({ minimum: 0, default: 60, maximum: 60 })
    expect(ttl({ minimum: 100_000 })).toEqual({ minimum: 100_000, default: 100_000, maximum: 31_536_000 })
    expect(ttl({ maximum: 3_153_600_000, default: 3_153_600_000 })).toEqual({
      minimum: 0,
      default: 3_153_600_000,
      maximum: 3_153_600_000,
    })
    expect(ttl({ default: 5 })).toEqual({ minimum: 0, default: 5, maximum: 31_536_000 })
  })
})

describe('names', () => {
  test('of key groups and issuers become ids, and ids stay, each once', () => {
    const gate = { keyGroups: ['default', 'kg-default', 'kg-partners'], issuers: ['login'] }
    const behaviours = [{ pattern: '/members/*', gate }, { pattern: '*' }]
    expect(good({ origin: 'http://a.example', behaviours }).distribution.behaviours[0]?.gate).toEqual({
      keyGroups: ['kg-default', 'kg-partners'],
      issuers: ['iss-login'],
    })
  })

  test('never take the place of an id', () => {
    const keyGroups = [
      { id: 'kg-evil' as KeyGroupId, name: 'kg-default' }, // a test's own
      ...around().keyGroups,
    ]
    const behaviours = [{ pattern: '*', gate: { keyGroups: ['kg-default'] } }]
    const { distribution } = good({ origin: 'http://a.example', behaviours }, around({ keyGroups }))
    expect(distribution.behaviours[0]?.gate?.keyGroups).toEqual(['kg-default'])
  })
})

describe('what is settled', () => {
  test('is good input again and settles to itself', () => {
    const { distribution } = good({
      aliases: ['Media.Example.com.'],
      comment: 'all of it',
      origins: [
        { url: 'https://site.example', headers: [{ name: 'X-Secret', value: 'abc' }] },
        { bucket: 'films', access: 'films' },
      ],
      behaviours: [
        { pattern: '/members/*', originId: 'films', gate: { keyGroups: ['default'] }, carry: 'define' },
        { pattern: '*', query: ['a', 'a'], headers: ['Accept-Language'], corsOrigins: ['https://a.example'] },
      ],
    })
    expect(distribution.aliases).toEqual(['media.example.com'])
    const shown = { ...distribution, fallback: false }
    expect(good(shown, around({ before: distribution })).distribution).toEqual(distribution)
  })
})

describe('secret headers', () => {
  const secret = (value: string | null | undefined, url = 'https://site.example/x') => ({
    origins: [
      { id: 'site', url, headers: [{ name: 'x-secret', ...(value === undefined ? {} : { value }) }] },
    ],
  })
  const before = good({
    origins: [
      { id: 'site', url: 'https://site.example', headers: [{ name: 'X-Secret', value: 'hush-hush' }] },
    ],
  }).distribution

  test.each([[undefined], [null]])('with the value %s keep the stored one', value => {
    const { distribution } = good(secret(value), around({ before }))
    expect(distribution.origins).toEqual([
      {
        id: 'site',
        kind: 'http',
        url: 'https://site.example/x',
        headers: [{ name: 'x-secret', value: 'hush-hush' }],
        ...DEFAULT_WIRE,
      },
    ])
  })

  test('take a new value', () => {
    expect(good(secret('new'), around({ before })).distribution.origins).toMatchObject([
      { headers: [{ value: 'new' }] },
    ])
  })

  test('do not follow an origin to another server', () => {
    const moved = problems(secret(null, 'https://other.example'), around({ before }))
    expect(moved).toEqual([
      'the header "x-secret" of origin "site" needs its value again, since the origin is another server now: a secret goes only where it was meant for',
    ])
  })

  test('do not follow an origin to other ports', () => {
    const [origin] = secret(null).origins
    const moved = { origins: [{ ...origin, protocol: 'match-viewer' as const }] }
    expect(problems(moved, around({ before })).join()).toContain('needs its value again')
  })

  test('need a value where none is stored, and never stand in a sentence', () => {
    expect(problems(secret(null))).toEqual([
      'the header "x-secret" of origin "site" has no value, and none is stored: give it one',
    ])
    expect(problems(secret('hush\nhush')).join()).not.toContain('hush')
  })
})

const site = { origin: 'https://site.example' }
const behaviour = (rule: object): DistributionInput => ({ ...site, behaviours: [{ pattern: '*', ...rule }] })
const http = (origin: object): DistributionInput => ({
  origins: [{ id: 'o', url: 'http://a.example', ...origin }],
})
const header = (name: string): DistributionInput => http({ headers: [{ name, value: 'v' }] })
const s3 = (origin: object): DistributionInput => ({ origins: [{ id: 'b', bucket: 'films', ...origin }] })

test.each<[string, DistributionInput, string]>([
  ['no origin', {}, 'there is no origin: give "origin" a URL, or list "origins"'],
  [
    'both origins',
    { ...site, origins: [{ url: 'http://a.example' }] },
    'both "origin" and "origins" are given',
  ],
  ['an origin of no kind', { origins: [{ id: 'x' }] }, 'origin "x" does not say what it is: give a "url"'],
  [
    'two origins of one id',
    { origins: [{ url: 'http://a.example' }, { url: 'https://a.example' }] },
    'origin "a.example" is there twice: give each',
  ],
  [
    'a field of another kind',
    http({ bucket: 'x', kind: 'http' }),
    'origin "o" is of the kind http, which has no "bucket": take it out',
  ],
  [
    'no scheme',
    http({ url: 'a.example' }),
    'the url of origin "o" is no address: begin it with https:// or http://',
  ],
  ['another scheme', http({ url: 'ftp://a.example' }), 'is no address: begin it with'],
  ['credentials', http({ url: 'http://u:p@a.example' }), 'holds a name or password: take it out'],
  ['a query', http({ url: 'http://a.example/?x' }), 'holds a query or fragment'],
  ['a fragment', http({ url: 'http://a.example/#x' }), 'holds a query or fragment'],
  ['a space', http({ url: 'http://a.example/a b' }), 'holds a space or a control character'],
  [
    'dot segments',
    http({ url: 'http://a.example/a/../b' }),
    'has a path that no request can have (dot-segment)',
  ],
  ['a backslash', http({ url: 'http://a.example\\b' }), 'has a path that no request can have (not-absolute)'],
  ['no host', http({ url: 'http://' }), 'is no address: write it as https://site.example'],
  [
    'a port that is none',
    http({ url: 'http://a.example:99999' }),
    'is no address: write it as https://site.example',
  ],
  [
    'the header Host',
    header('Host'),
    'the header "Host" of origin "o" is set by Sluice itself: use another name',
  ],
  ['a private word', header('Sluice-Seq'), 'the header "Sluice-Seq" of origin "o" is set by Sluice itself'],
  ['a header of the store', header('X-Amz-Date'), 'is set by Sluice itself'],
  ['a header that is no name', header('a b'), 'the header "a b" of origin "o" is no name of a header field'],
  [
    'a header twice',
    http({
      headers: [
        { name: 'A', value: 'x' },
        { name: 'a', value: 'y' },
      ],
    }),
    'is listed twice',
  ],
  [
    'a header value of two lines',
    http({ headers: [{ name: 'A', value: 'x\r\nB: y' }] }),
    'the value of the header "A" of origin "o" may hold printable ASCII only',
  ],
  [
    'an empty header value',
    http({ headers: [{ name: 'A', value: '' }] }),
    'the value of the header "A" of origin "o" is empty',
  ],
  ['a bucket that is none', s3({ bucket: 'a/b' }), 'origin "b" needs a "bucket" of 2 to 63'],
  ['an s3 origin without bucket', { origins: [{ id: 'b', kind: 's3' }] }, 'origin "b" needs a "bucket"'],
  [
    'a region that is none',
    s3({ region: 'eu central', endpoint: 'http://a.example' }),
    'the region of origin "b" is no region',
  ],
  ['a path of a bucket that is none', s3({ path: 'site' }), 'the path of origin "b" is none'],
  [
    'a bucket before an address',
    s3({ endpoint: 'http://10.0.0.5:9000', addressing: 'host' }),
    'cannot put its bucket before an IP address',
  ],
  [
    'an unknown access',
    s3({ access: 'nobody' }),
    'origin "b" names the origin access "nobody", which there is not: make it with',
  ],
  ['no last behaviour', { ...site, behaviours: [{ pattern: '/a/*' }] }, 'the last behaviour must be "*"'],
  [
    'a pattern twice',
    { ...site, behaviours: [{ pattern: 'a/*' }, { pattern: '/a/*' }, { pattern: '*' }] },
    'behaviour "/a/*" is there twice',
  ],
  ['an empty pattern', { ...site, behaviours: [{ pattern: '' }, { pattern: '*' }] }, 'behaviour "" is empty'],
  [
    'a pattern with a space',
    { ...site, behaviours: [{ pattern: '/a b' }, { pattern: '*' }] },
    'holds a space',
  ],
  [
    'a pattern that is a URL',
    { ...site, behaviours: [{ pattern: 'https://a/*' }, { pattern: '*' }] },
    'is a URL: write its path only',
  ],
  [
    'a pattern of dot segments',
    { ...site, behaviours: [{ pattern: '/a/../b' }, { pattern: '*' }] },
    'matches no path (dot-segment)',
  ],
  [
    'a pattern of a bad escape',
    { ...site, behaviours: [{ pattern: '/a%zz' }, { pattern: '*' }] },
    'matches no path (bad-escape)',
  ],
  [
    'a reserved pattern',
    { ...site, behaviours: [{ pattern: '/.sluice/*' }, { pattern: '*' }] },
    'is about /.sluice/',
  ],
  [
    'an origin that is not listed',
    behaviour({ originId: 'x' }),
    'behaviour "*" names the origin "x", which is not listed',
  ],
  ['a gate for nobody', behaviour({ gate: {} }), 'the gate of behaviour "*" trusts nobody'],
  [
    'an unknown key group',
    behaviour({ gate: { keyGroups: ['typo'] } }),
    'behaviour "*" trusts the key group "typo", which there is not',
  ],
  [
    'an unknown issuer',
    behaviour({ gate: { issuers: ['typo'] } }),
    'behaviour "*" trusts the issuer "typo", which there is not',
  ],
  ['carry without a gate', behaviour({ carry: 'define' }), 'behaviour "*" has carry "define"'],
  [
    'carry for tokens',
    behaviour({ carry: 'define', gate: { issuers: ['login'] } }),
    'gate it by a key group',
  ],
  [
    'lifetimes that fall',
    behaviour({ ttl: { minimum: 10, default: 5 } }),
    'the ttl of behaviour "*" must rise',
  ],
  [
    'a header of ours forwarded',
    behaviour({ headers: ['Range'] }),
    'the header "range" of behaviour "*" is set by Sluice itself',
  ],
  [
    'cookies forwarded',
    behaviour({ headers: ['Cookie'] }),
    'the header "cookie" of behaviour "*" is set by Sluice itself',
  ],
  ...['X-Forwarded-For', 'x-forwarded-host', 'Forwarded', 'X-Real-IP', 'Via', 'CDN-Loop'].map(
    (name): [string, DistributionInput, string] => [
      `${name}, which viewers write themselves`,
      behaviour({ headers: [name] }),
      `the header "${name.toLowerCase()}" of behaviour "*" is one that viewers write themselves, and an origin would take it for the word of a proxy: take it out`,
    ],
  ),
  ...['Range', 'Cookie', 'X-Forwarded-For', 'a b'].map((name): [string, DistributionInput, string] => [
    `${name} in "forward"`,
    behaviour({ forward: [name] }),
    `the header "${name.toLowerCase()}" of behaviour "*" is`,
  ]),
  [
    'writing to a bucket',
    { origins: [{ bucket: 'films', access: 'films' }], behaviours: [{ pattern: '*', methods: 'all' }] },
    'behaviour "*" has methods "all" before a bucket, where a node that signs would write for everybody: set "read"',
  ],
  [
    'writing to the built-in origin',
    { origins: [{ kind: 'built-in' }], behaviours: [{ pattern: '*', methods: 'all' }] },
    'behaviour "*" has methods "all" before the built-in origin',
  ],
  [
    'a port that belongs to neither scheme',
    http({ url: 'http://a.example:8080', protocol: 'match-viewer', httpPort: 80 }),
    'origin "o" is asked in the viewer\'s scheme, at "httpPort" 80 and not at the port 8080 of its url',
  ],
  [
    'a CORS origin with a path',
    behaviour({ corsOrigins: ['https://a.example/'] }),
    'the CORS origin "https://a.example/" of behaviour "*" is none',
  ],
  ['any CORS origin', behaviour({ corsOrigins: ['*'] }), 'the CORS origin "*" of behaviour "*" is none'],
  [
    'an alias with a scheme',
    { ...site, aliases: ['https://a.example'] },
    'the alias "https://a.example" is no host name',
  ],
  ['an alias with a port', { ...site, aliases: ['a.example:80'] }, 'is no host name'],
  ['an alias with a wildcard', { ...site, aliases: ['*.a.example'] }, 'has a wildcard: list each name'],
  ['an alias twice', { ...site, aliases: ['a.example', 'A.example'] }, 'is listed twice'],
  [
    'its own domain as alias',
    { ...site, aliases: ['enew0000000001.cdn.localhost'] },
    "is the distribution's own domain",
  ],
])('%s is refused with its place and the mend', (_what, input, sentence) => {
  const found = problems(input)
  expect(found.join('\n')).toContain(sentence)
  expect(found).toHaveLength(1)
})

describe('names of other distributions', () => {
  test.each([[FIRST.domain], ['media.example.com']])('%s cannot be taken', alias => {
    const others = [{ ...FIRST, aliases: ['Media.Example.com'], enabled: false }]
    expect(settleDistribution({ ...site, aliases: [alias] }, around({ others }))).toEqual({
      kind: 'taken',
      problem: `the alias "${alias}" belongs to the distribution ${FIRST.id}: take it out there first`,
    })
  })
})

test('a file of one distribution does not replace another', () => {
  const before = good(site).distribution
  expect(problems({ ...FIRST, fallback: true }, around({ before }))).toEqual([
    `this is the distribution ${FIRST.id}, not ${ID}: take its "id" out to copy it there`,
    `the domain of ${ID} is enew0000000001.cdn.localhost and cannot be changed: add "${FIRST.domain}" to "aliases"`,
  ])
  expect(good({ ...FIRST, behaviours: [{ pattern: '*' }] }).distribution.id).toBe(ID)
})

describe('the order of behaviours', () => {
  const gate = { keyGroups: ['default'] }
  const warnings = (...behaviours: DistributionInput['behaviours'] & object): string[] =>
    good({ ...site, behaviours: [...behaviours, { pattern: '*' }] }).warnings

  test('that opens what a gate was written for is warned of', () => {
    expect(warnings({ pattern: '/mem*' }, { pattern: '/members/*', gate })).toEqual([
      'behaviour "/members/*" is never reached, since "/mem*" before it matches all of it, and that one is open to everybody: put the gated one first',
    ])
    expect(warnings({ pattern: '*.jpg' }, { pattern: '/members/*', gate })).toEqual([
      'behaviour "*.jpg" is open and stands before "/members/*", so what both match needs no signature: put it behind, or gate it too, unless that is meant',
    ])
  })

  test('that never reaches a behaviour is warned of', () => {
    expect(warnings({ pattern: '/a/*', gate }, { pattern: '/a/b/*' })).toEqual([
      'behaviour "/a/b/*" is never reached, since "/a/*" before it matches all of it: put it first, or take it out',
    ])
  })

  test('that is as it should be is not', () => {
    expect(warnings({ pattern: '/members/*', gate }, { pattern: '/live/*' })).toEqual([])
    expect(warnings({ pattern: '/live/*' }, { pattern: '/members/*', gate })).toEqual([])
    expect(warnings({ pattern: '/members/a/*', gate }, { pattern: '/members/*', gate })).toEqual([])
  })
})

describe('the built-in origin', () => {
  const open = '"/members/*" of the built-in origin needs a signature at the distribution'

  test('open in one distribution and gated in another is warned of', () => {
    const { warnings } = good({ origins: [{ kind: 'built-in' }] }, around({ others: [FIRST] }))
    expect(warnings).toEqual([`${open} ${FIRST.id} and is open at ${ID} (behaviour "*"): gate it there too`])
  })

  test('gated in both, behind another origin, or in one that is switched off is not', () => {
    const gate = { keyGroups: ['default'] }
    const both = {
      origins: [{ kind: 'built-in' as const }],
      behaviours: [{ pattern: '/members/*', gate }, { pattern: '*' }],
    }
    expect(good(both, around({ others: [FIRST] })).warnings).toEqual([])
    expect(good(site, around({ others: [FIRST] })).warnings).toEqual([])
    const off = { origins: [{ kind: 'built-in' as const }], enabled: false }
    expect(good(off, around({ others: [FIRST] })).warnings).toEqual([])
  })
})

test('a header that is both a secret and forwarded is refused', () => {
  const origins = [{ url: 'http://a.example', headers: [{ name: 'X-Secret', value: 'v' }] }]
  expect(problems({ origins, behaviours: [{ pattern: '*', headers: ['x-secret'] }] })).toEqual([
    'the header "x-secret" of behaviour "*" is a secret of its origin, which no viewer may set: take it out',
  ])
})

test('a header that is both a secret and passed on unkeyed is refused', () => {
  const origins = [{ url: 'http://a.example', headers: [{ name: 'X-Secret', value: 'v' }] }]
  expect(problems({ origins, behaviours: [{ pattern: '*', forward: ['x-secret'] }] }).join()).toContain(
    'is a secret of its origin',
  )
})

describe('what an origin is shown of viewers', () => {
  const warnings = (rule: object, origin: object = { url: 'http://a.example' }): string[] =>
    good({ origins: [origin], behaviours: [{ pattern: '*', ...rule }] }).warnings
  const kept = (what: string) =>
    `behaviour "*" shows its origin the ${what} of viewers and keeps every answer for 60 s, those that are one viewer's own too: set the minimum ttl to 0`

  test('is warned of where every answer is kept', () => {
    const ttl = { minimum: 60 }
    expect(warnings({ ttl })).toEqual([kept('cookies and Authorization')])
    expect(warnings({ ttl, cookies: 'none' })).toEqual([kept('Authorization')])
    expect(warnings({ ttl, forward: ['accept'] })).toEqual([kept('cookies')])
    const harmless = { ttl, cookies: 'none' }
    expect(warnings({ ...harmless, forward: 'none' })).toEqual([])
    expect(warnings({ ...harmless, headers: ['authorization'] })).toEqual([])
    expect(warnings({ ...harmless, gate: { issuers: ['login'] } })).toEqual([])
  })

  test('is warned of where it means nothing', () => {
    const nothing = (what: string) =>
      `behaviour "*" passes on what viewers send, of which ${what} is told nothing: set "forward" and "cookies" to "none"`
    expect(warnings({ forward: 'all' }, { bucket: 'films' })).toEqual([nothing('a bucket')])
    expect(warnings({ cookies: 'all' }, { kind: 'built-in' })).toEqual([nothing('the built-in origin')])
  })
})

describe('where an origin is', () => {
  const warnings = (origin: object): string[] => good({ origins: [{ id: 'o', ...origin }] }).warnings
  const here = (range: string) => [
    `origin "o" is on the machine of each edge, where only those are asked that it lists: loopback needs --allow-origin ${range} at "sluice up"`,
  ]

  test.each([
    ['http://127.0.0.1:8081', here('127.0.0.1')],
    ['http://127.1.2.3', here('127.1.2.3')],
    ['http://localhost:3000', here('127.0.0.1')],
    ['https://app.localhost', here('127.0.0.1')],
    ['http://[::1]:3000', here('::1')],
    [
      'http://169.254.169.254',
      ['origin "o" has a link-local address, where none is ever asked: give it another'],
    ],
    ['http://[fe80::1]', ['origin "o" has a link-local address, where none is ever asked: give it another']],
    ['http://10.0.0.1', []],
    ['http://[fd00::1]', []],
    ['http://127.example', []],
    ['http://localhost.example', []],
  ])('%s is warned of where edges may not ask it', (url, told) => expect(warnings({ url })).toEqual(told))

  test('is warned of for a bucket too', () => {
    expect(warnings({ bucket: 'films', endpoint: 'http://127.0.0.1:9000' })).toEqual(here('127.0.0.1'))
  })

  test('is warned of when its ports mean nothing, or its secret goes in the clear', () => {
    expect(warnings({ url: 'http://a.example', httpPort: 8080 })).toEqual([
      'origin "o" has ports that count with protocol "match-viewer" only: put its port into its url',
    ])
    const headers = [{ name: 'X-Secret', value: 'v' }]
    expect(warnings({ url: 'https://a.example', protocol: 'match-viewer', headers })).toEqual([
      'origin "o" is sent its secret over plain HTTP whenever a viewer comes so: set its "protocol" to "as-url" with an https url',
    ])
  })
})

test('a whole query for a bucket is warned of', () => {
  const behaviours = [{ pattern: '*', query: 'all' as const }]
  expect(good({ origins: [{ bucket: 'films' }], behaviours }).warnings).toEqual([
    'behaviour "*" passes on all of the query, of which a bucket is told nothing: list the parameters that it is to be told',
  ])
  expect(good({ ...site, behaviours }).warnings).toEqual([])
})

test('a bucket with a dot before a host of TLS is warned of', () => {
  expect(good({ origins: [{ bucket: 'films.example' }] }).warnings).toEqual([
    'the bucket "films.example" has a dot, which certificates of stores do not cover: set "addressing" to "path"',
  ])
})

test.each<[string, DistributionInput['logs'], Distribution['logs']]>([
  ['nothing more', undefined, undefined],
  ['nothing more, where that is said', null, undefined],
  ['more, without cookies', {}, { cookies: false }],
  ['more, with cookies', { cookies: true }, { cookies: true }],
])('lines of its log hold %s', (_, logs, stored) => {
  const origin = 'https://site.example'
  expect(good({ origin, ...(logs !== undefined && { logs }) }).distribution.logs).toEqual(stored)
})
