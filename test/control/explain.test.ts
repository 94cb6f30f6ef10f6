import { generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ControlClient, type Explanation, type ExplainRequest } from '../../src/client/index.ts'
import { explain } from '../../src/control/explain.ts'
import {
  GRANT_REASONS,
  instant,
  type ChannelId,
  type IssuerId,
  type KeyGroupId,
  type KeyId,
} from '../../src/core/index.ts'
import type { Behaviour, KeyGroup, Snapshot, TrustedIssuer } from '../../src/distribution/index.ts'
import { createSigner, signCookies, signPath, signPublish, signUrl } from '../../src/signing/index.ts'
import { EdgeBench, KEY_ID, keys, snapshotOf } from '../delivery/edge-bench.ts'
import { rawGet } from '../delivery/raw-get.ts'
import { ControlFixture } from './fixture.ts'

const pem = (key: typeof keys): string => key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signer = createSigner(pem(keys), KEY_ID)
const PATH = '/members/talk/index.m3u8'
const NOW = instant(Math.floor(Date.now() / 1000) * 1000)
const later = (seconds: number): typeof NOW => instant(NOW + seconds * 1000)
const SITE = 'http://127.0.0.1:8080'

const staff: KeyGroup = {
  id: 'kg-staff' as KeyGroupId, // a test's own
  name: 'staff',
  sha1: 'refuse',
  withoutResource: 'refuse',
  keys: [
    {
      id: 'KSTAFF' as KeyId, // a test's own
      name: 'of the staff',
      type: 'p256',
      pem: other.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    },
  ],
}

function siteOf(change: (all: Behaviour[]) => Behaviour[] = all => all): Snapshot {
  const base = snapshotOf()
  const [first] = base.distributions
  if (!first) throw new Error('no distribution')
  return {
    ...base,
    distributions: [{ ...first, aliases: ['media.example.com'], behaviours: change(first.behaviours) }],
    keyGroups: [...base.keyGroups, staff],
    channels: [
      {
        id: 'c1' as ChannelId, // a test's own
        path: '/live/stage',
        ingest: { keyGroups: base.keyGroups.map(group => group.id) },
        reconnect: 30_000,
        stops: 0,
        lease: 1,
      },
    ],
  }
}

const ask = (asked: ExplainRequest, site = siteOf()): Promise<Explanation> => explain(asked, site, NOW)

function cookie(
  resource = `${SITE}/members/talk/*`,
  terms: { seconds?: number; address?: string; by?: typeof signer } = {},
): string {
  const { seconds = 3600, address, by = signer } = terms
  const made = signCookies(by, {
    resource,
    expires: later(seconds),
    ...(address === undefined ? {} : { address }),
  })
  return Object.entries(made)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}

const short = ({ verdict, reason }: Explanation): string =>
  reason === null ? verdict : `${verdict} ${reason}`

describe('a request that is let in', () => {
  it('is told with all that decided', async () => {
    const told = await ask({
      url: `${SITE}${PATH}?utm=1`,
      cookie: `session=1; ${cookie()}`,
      address: '192.0.2.1',
    })
    const { checks, ...rest } = told
    expect(rest).toEqual({
      clock: new Date(NOW).toISOString(),
      url: `${SITE}${PATH}?utm=1`,
      action: 'view',
      verdict: 'allowed',
      reason: null,
      detail: 'every condition of the policy holds',
      distribution: { id: 'ETESTDISTRIBUT', domain: 'etestdistribut.cdn.localhost', by: 'fallback' },
      path: { canonical: PATH, bad: null },
      behaviours: [
        { pattern: '/members/*', matches: true, chosen: true, gated: true },
        { pattern: '/live/*', matches: false, chosen: false, gated: false },
        { pattern: '*', matches: true, chosen: false, gated: false },
      ],
      channel: null,
      gate: { keyGroups: [{ name: 'default', keys: [KEY_ID] }], issuers: [] },
      carrier: { via: 'cookie', kind: 'custom', hash: 'sha256' },
      key: { id: KEY_ID, name: 'test', groups: ['default'] },
      policy: {
        Statement: [
          {
            Resource: `${SITE}/members/talk/*`,
            Condition: { DateLessThan: { 'AWS:EpochTime': later(3600) / 1000 } },
          },
        ],
      },
      token: null,
      cache: { distribution: 'ETESTDISTRIBUT', path: PATH, query: '', headers: [] },
    })
    expect(checks.map(({ check, verdict }) => `${check} ${verdict}`)).toEqual(
      GRANT_REASONS.map(word => `${word} holds`),
    )
  })

  it.each<[string, () => ExplainRequest, Partial<Explanation>]>([
    [
      'a signed URL, its own query in the key',
      () => ({
        url: signUrl(signer, `${SITE}/members/a.pdf?page=2`, { expires: later(60) }).url,
      }),
      { carrier: { via: 'query', kind: 'canned', hash: 'sha256' }, url: `${SITE}/members/a.pdf?page=2` },
    ],
    [
      'a path token, which nobody is told',
      () => ({
        url: signPath(signer, `${SITE}${PATH}`, { expires: later(60), resource: '*://*/members/*' }).url,
      }),
      { carrier: { via: 'path', kind: 'custom', hash: 'either' }, url: `${SITE}/~…${PATH}` },
    ],
    [
      'another spelling of the path',
      () => ({ url: `${SITE}/%6Dembers/talk/a%2fb`.replace('%2f', '%2D'), cookie: cookie() }),
      { path: { canonical: '/members/talk/a-b', bad: null } },
    ],
    [
      'what is open, with a token that is not needed',
      () => ({
        url: signPath(signer, `${SITE}/open/x`, { expires: later(60), resource: '*' }).url,
      }),
      { carrier: null, gate: null, detail: 'no gate stands before this path: everybody may read it' },
    ],
    ['our own pages', () => ({ url: `${SITE}/.sluice/player` }), { behaviours: [], distribution: null }],
  ])('%s', async (_, asked, expected) => {
    expect(await ask(asked())).toMatchObject({ verdict: 'allowed', ...expected })
  })
})

describe('what is told', () => {
  it.each<[string, () => ExplainRequest, string, RegExp]>([
    ['no grant', () => ({ url: `${SITE}${PATH}` }), 'refused missing', /no signed policy/],
    [
      'half a grant',
      () => ({ url: `${SITE}${PATH}`, cookie: `CloudFront-Key-Pair-Id=${KEY_ID}` }),
      'refused malformed',
      /Signature is missing/,
    ],
    ['a bad path', () => ({ url: `${SITE}/members/../x` }), 'refused bad-path', /dot-segment/],
    [
      'dotted parts that are no token',
      () => ({ url: `${SITE}/~a.b.c${PATH}` }),
      'refused malformed',
      /path token/,
    ],
    ['an over-long URL', () => ({ url: `${SITE}/${'x'.repeat(9000)}` }), 'refused', /8192/],
    [
      'an address that nobody named',
      () => ({ url: `${SITE}${PATH}`, cookie: cookie(undefined, { address: '192.0.2.0/24' }) }),
      'unknown',
      /--address/,
    ],
    [
      'another address',
      () => ({
        url: `${SITE}${PATH}`,
        cookie: cookie(undefined, { address: '192.0.2.0/24' }),
        address: '198.51.100.1',
      }),
      'refused wrong-ip',
      /198\.51\.100\.1 is not in 192\.0\.2\.0\/24/,
    ],
    [
      'what is over',
      () => ({ url: `${SITE}${PATH}`, cookie: cookie(undefined, { seconds: -3600 * 3 }) }),
      'refused expired',
      /3 h ago/,
    ],
    [
      'a neighbour',
      () => ({ url: `${SITE}/members/show/x`, cookie: cookie() }),
      'refused wrong-resource',
      /does not cover/,
    ],
  ])('of %s', async (_, asked, verdict, detail) => {
    const told = await ask(asked())
    expect(short(told)).toBe(verdict)
    expect(told.detail).toMatch(detail)
  })

  it('of a key of another group is its name and group', async () => {
    const by = createSigner(pem(other), 'KSTAFF')
    const told = await ask({ url: `${SITE}${PATH}`, cookie: cookie(undefined, { by }) })
    expect([short(told), told.key]).toEqual([
      'refused unknown-key',
      { id: 'KSTAFF', name: 'of the staff', groups: ['staff'] },
    ])
  })

  it('of several faults is each, and the first in the order of reasons', async () => {
    const told = await ask({ url: `${SITE}/members/show/x`, cookie: cookie(undefined, { seconds: -60 }) })
    expect(told.checks.filter(each => each.verdict === 'fails').map(each => each.check)).toEqual([
      'wrong-resource',
      'expired',
    ])
    expect(told.reason).toBe('wrong-resource')
  })

  it('of a host is by which name it was found, and why none was', async () => {
    const url = `http://MEDIA.example.com${PATH}`
    expect((await ask({ url })).distribution?.by).toBe('name')
    const closed = { ...siteOf(), fallbackDistribution: null }
    const unknown = await ask({ url: `http://nobody.example${PATH}` }, closed)
    expect([short(unknown), unknown.detail]).toEqual([
      'refused unknown-host',
      'no distribution has the name nobody.example: make it an alias of one',
    ])
    const off = { ...closed, distributions: closed.distributions.map(each => ({ ...each, enabled: false })) }
    expect((await ask({ url }, off)).detail).toMatch(/switched off/)
  })

  it('of the protocol comes before the grant', async () => {
    const only = (viewerProtocol: Behaviour['viewerProtocol']): Snapshot =>
      siteOf(all => all.map(each => ({ ...each, viewerProtocol })))
    expect(short(await ask({ url: `${SITE}${PATH}`, cookie: cookie() }, only('https-only')))).toBe(
      'refused https-only',
    )
    expect(short(await ask({ url: `${SITE}${PATH}`, cookie: cookie() }, only('redirect-to-https')))).toBe(
      'redirected',
    )
  })

  it('of the key of the cache is the query that counts', async () => {
    const keyed = siteOf(all => all.map(each => ({ ...each, query: ['v'], headers: ['accept-language'] })))
    const { cache } = await ask({ url: `${SITE}/a.js?x=1&v=2` }, keyed)
    expect(cache).toEqual({
      distribution: 'ETESTDISTRIBUT',
      path: '/a.js',
      query: 'v=2',
      headers: ['accept-language'],
    })
  })

  it.each(['ftp://h/x', '/members/x', 'http://', 'http://u:p@h/x'])(
    'of %s is that it is no URL',
    async url => {
      await expect(ask({ url })).rejects.toMatchObject({ code: 'bad-url', kind: 'usage' })
    },
  )
})

describe('an encoder', () => {
  const publish = (path: string): string =>
    signPublish(signer, '127.0.0.1:1935', path, { expires: later(60) }).url

  it('with a grant for a channel is let in', async () => {
    const told = await ask({ url: publish('/live/stage') })
    expect(told).toMatchObject({
      action: 'publish',
      verdict: 'allowed',
      channel: { path: '/live/stage', exists: true },
      gate: { keyGroups: [{ name: 'default', keys: [KEY_ID] }] },
      url: 'rtmp://127.0.0.1:1935/live/stage',
      distribution: null,
      cache: null,
    })
  })

  it.each<[string, () => string, string]>([
    ['with a grant for nobody’s channel', () => publish('/live/none'), 'refused no-channel'],
    ['without a grant, wherever', () => 'rtmp://h/live/none', 'refused missing'],
    [
      'with a viewer’s grant',
      () =>
        `rtmp://h/live/stage?${new URL(signUrl(signer, `${SITE}/live/stage`, { expires: later(60), resource: '*://*/live/*' }).url).search.slice(1)}`,
      'refused wrong-action',
    ],
  ])('%s is not', async (_, url, verdict) => {
    expect(short(await ask({ url: url() }))).toBe(verdict)
  })

  it('has no cookies', async () => {
    const told = await ask({ url: 'rtmp://h/live/stage', cookie: cookie('rtmp://*/live/*') })
    expect(short(told)).toBe('refused missing')
  })
})

describe('a JSON Web Token', () => {
  const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...rsa.publicKey.export({ format: 'jwk' }), kty: 'EC' as const, kid: 'one' }
  const issuer: TrustedIssuer = {
    id: 'iss-1' as IssuerId, // a test's own
    name: 'website',
    issuer: 'https://www.example.com',
    audience: 'media',
    algorithms: ['ES256'],
    keys: { kind: 'inline', keys: [jwk] },
    claim: 'paths',
    cookie: 'media_token',
  }
  const CLAIMS = {
    iss: issuer.issuer,
    aud: 'media',
    exp: later(600) / 1000,
    paths: ['/members/talk/*'],
    name: 'Ada',
  }
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

  function jwt(claims: object = {}, header: object = {}, key = rsa): string {
    const text = `${part({ alg: 'ES256', kid: 'one', ...header })}.${part({ ...CLAIMS, ...claims })}`
    const signature = sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
    return `${text}.${signature.toString('base64url')}`
  }

  const trusting = (one: TrustedIssuer = issuer): Snapshot => ({
    ...siteOf(all =>
      all.map(each => (each.gate ? { ...each, gate: { ...each.gate, issuers: [one.id] } } : each)),
    ),
    issuers: [one],
  })
  const url = `${SITE}${PATH}`

  it.each<[string, () => ExplainRequest, string]>([
    ['Authorization', () => ({ url, authorization: `Bearer ${jwt()}` }), 'authorization'],
    ['the cookie of its issuer', () => ({ url, cookie: `a=b; media_token=${jwt()}` }), 'cookie'],
    ['the path', () => ({ url: `${SITE}/~${jwt()}${PATH}` }), 'path'],
  ])('in %s is read, and told without what lets in', async (_, asked, via) => {
    const told = await ask(asked(), trusting())
    expect([short(told), told.carrier, told.token]).toEqual([
      'allowed',
      { via, kind: 'token', hash: null },
      {
        algorithm: 'ES256',
        keyId: 'one',
        trustedIssuer: 'website',
        claims: { iss: issuer.issuer, aud: 'media', exp: CLAIMS.exp, paths: ['/members/talk/*'] },
      },
    ])
    expect(JSON.stringify(told)).not.toContain(jwt().split('.')[1])
  })

  it.each<[string, () => string, string]>([
    ['that is over', () => jwt({ exp: later(-60) / 1000 }), 'refused expired'],
    ['that begins later', () => jwt({ nbf: later(600) / 1000 }), 'refused not-yet'],
    ['for another film', () => jwt({ paths: ['/members/show/*'] }), 'refused wrong-resource'],
    ['for another audience', () => jwt({ aud: 'shop' }), 'refused wrong-resource'],
    ['of a stranger', () => jwt({ iss: 'https://evil.example' }), 'refused unknown-key'],
    ['with another algorithm', () => jwt({}, { alg: 'RS256' }), 'refused unknown-key'],
    ['with a key that is not there', () => jwt({}, { kid: 'two' }), 'refused unknown-key'],
    ['that another key signed', () => jwt({}, {}, other), 'refused bad-signature'],
    ['without paths', () => jwt({ paths: 7 }), 'refused malformed'],
    ['that is none', () => 'a.b', 'refused malformed'],
  ])('%s is refused', async (_, token, verdict) => {
    expect(short(await ask({ url, authorization: `Bearer ${token()}` }, trusting()))).toBe(verdict)
  })

  it('of an issuer whose keys are elsewhere stays open, unless something else decides', async () => {
    const away = trusting({ ...issuer, keys: { kind: 'url', url: 'https://www.example.com/keys' } })
    const told = await ask({ url, authorization: `Bearer ${jwt()}` }, away)
    expect(short(told)).toBe('unknown')
    expect(told.checks.filter(each => each.verdict === 'unknown').map(each => each.check)).toEqual([
      'unknown-key',
      'bad-signature',
    ])
    const over = await ask({ url, authorization: `Bearer ${jwt({ exp: later(-60) / 1000 })}` }, away)
    expect(short(over)).toBe('refused expired')
  })

  it('in its cookie opens beside signed cookies of yesterday, which are told when neither does', async () => {
    const old = cookie('*://*/members/*', { seconds: -60 })
    const both = (token: string): ExplainRequest => ({ url, cookie: `${old}; media_token=${token}` })
    const opened = await ask(both(jwt()), trusting())
    expect([short(opened), opened.carrier?.kind]).toEqual(['allowed', 'token'])
    const neither = await ask(both(jwt({ paths: [] })), trusting())
    expect([short(neither), neither.carrier?.kind]).toEqual(['refused expired', 'custom'])
  })

  it('counts only where the behaviour trusts an issuer, and behind a signed URL', async () => {
    expect(short(await ask({ url, authorization: `Bearer ${jwt()}` }))).toBe('refused missing')
    expect(short(await ask({ url: `${SITE}/~${jwt()}${PATH}` }))).toBe('refused unknown-key')
    const signed = signUrl(signer, url, { expires: later(60) }).url
    const told = await ask({ url: signed, authorization: `Bearer ${jwt()}` }, trusting())
    expect(told.carrier?.via).toBe('query')
  })
})

describe('an edge', () => {
  let bench: EdgeBench
  beforeAll(async () => {
    bench = await EdgeBench.start((_request, response) => response.writeHead(200).end('film'), {
      snapshot: siteOf(),
    })
  })
  afterAll(() => bench.close())

  it.each<[string, string, () => string | undefined]>([
    ['nothing', PATH, () => undefined],
    ['good cookies', PATH, () => cookie('*://*/members/talk/*')],
    ['cookies for a neighbour', '/members/show/x', () => cookie('*://*/members/talk/*')],
    ['cookies that are over', PATH, () => cookie('*://*/members/talk/*', { seconds: -60 })],
    ['cookies of another key', PATH, () => cookie('*://*/*', { by: createSigner(pem(other), KEY_ID) })],
    ['cookies of another group', PATH, () => cookie('*://*/*', { by: createSigner(pem(other), 'KSTAFF') })],
    ['half a grant', PATH, () => 'CloudFront-Policy=a'],
    [
      'a broken grant',
      PATH,
      () => `CloudFront-Policy=a; CloudFront-Signature=b; CloudFront-Key-Pair-Id=${KEY_ID}`,
    ],
    ['a range that holds nobody', PATH, () => cookie('*://*/*', { address: '192.0.2.0/24' })],
    ['an escaped path', '/%6dembers/talk/index.m3u8', () => cookie('*://*/members/talk/*')],
    ['a path out of the gate', '/members/../open', () => undefined],
    ['an escaped slash', '/members%2ftalk', () => undefined],
    ['dotted parts', `/~a.b.c${PATH}`, () => undefined],
    ['an open path', '/open/x', () => undefined],
    ['a resource with a query', `${PATH}?a=1`, () => cookie('*://*/members/talk/index.m3u8')],
  ])('says the same of %s', async (_, path, header) => {
    const cookies = header()
    const told = await explain(
      {
        url: `${bench.url}${path}`,
        address: '127.0.0.1',
        ...(cookies === undefined ? {} : { cookie: cookies }),
      },
      siteOf(),
      instant(Date.now()),
    )
    const answer = await rawGet(bench.url, path, {
      headers: cookies === undefined ? {} : { Cookie: cookies },
    })
    const said = answer.status === 200 ? 'allowed' : `refused ${String(answer.headers['x-sluice-reason'])}`
    expect(short(told)).toBe(said)
  })
})

describe('POST /v1/explain', () => {
  let control: ControlFixture
  beforeAll(async () => {
    control = await ControlFixture.open()
  })
  afterAll(() => control.end())

  it('answers whoever may read, of the newest configuration, and tells nothing that lets in', async () => {
    const { token } = await control.client.createToken({ name: 'r', scopes: ['read'] })
    const reader = new ControlClient({ url: control.url, token })
    const key = await control.client.importKey({
      name: 'website',
      pem: keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      group: 'default',
    })
    const by = createSigner(pem(keys), key.id)
    const carried = cookie('*://*/members/talk/*', { by })
    const told = await reader.explain({ url: `${SITE}${PATH}`, cookie: carried })
    expect([short(told), told.key]).toEqual(['allowed', { id: key.id, name: 'website', groups: ['default'] }])
    for (const [, secret = ''] of carried.matchAll(/=([A-Za-z0-9_~-]{40,})/g)) {
      expect(JSON.stringify(told)).not.toContain(secret.slice(0, 30))
    }
    await control.client.deleteKey(key.id)
    expect(short(await reader.explain({ url: `${SITE}${PATH}`, cookie: carried }))).toBe(
      'refused unknown-key',
    )
  })

  it('asks for a token', async () => {
    const stranger = new ControlClient({ url: control.url, token: 'none' })
    await expect(stranger.explain({ url: `${SITE}${PATH}` })).rejects.toMatchObject({ kind: 'unauthorised' })
  })
})
