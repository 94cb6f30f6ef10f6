import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { instant, type IssuerId, type KeyGroupId } from '../../src/core/index.ts'
import {
  DEFAULT_WIRE,
  JWT_ALGORITHMS,
  type Snapshot,
  type TrustedIssuer,
} from '../../src/distribution/index.ts'
import { createGuard, IssuerKeys } from '../../src/outbound/index.ts'
import { createSigner, readViewerToken, signCookies, signPath, trustIssuer } from '../../src/signing/index.ts'
import { GrantMemo } from '../../src/delivery/gate/grant-memo.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { startJwksServer, type JwksServer } from '../outbound/jwks-server.ts'
import { AUDIENCE, encoded, ISSUER, issuerOf, tokenKey, tokenOf, type TokenKey } from '../signing/tokens.ts'
import { EdgeBench, handClock, KEY_ID, keys as policyKeys, snapshotOf } from './edge-bench.ts'
import { rawGet, type Answer } from './raw-get.ts'

const PATH = '/members/talk/index.m3u8'
const keys = {
  RS256: tokenKey('RS256', 'rs'),
  PS256: tokenKey('PS256', 'ps'),
  ES256: tokenKey('ES256', 'es'),
  EdDSA: tokenKey('EdDSA', 'ed'),
}
const key = keys.ES256
const stranger = tokenKey('ES256', 'es')
const everyKey = issuerOf(Object.values(keys))
const ID = everyKey.id

/** The first distribution, whose `/members/*` trusts these issuers beside its key group, or them alone. */
function trusting(issuers: TrustedIssuer[], beside: 'key group' | 'nothing' = 'key group'): Snapshot {
  const snapshot = snapshotOf({ issuers })
  return {
    ...snapshot,
    distributions: snapshot.distributions.map(distribution => ({
      ...distribution,
      behaviours: distribution.behaviours.map(behaviour => ({
        ...behaviour,
        headers: ['authorization', 'cookie'],
        gate: behaviour.gate && {
          keyGroups: beside === 'nothing' ? ([] as KeyGroupId[]) : behaviour.gate.keyGroups,
          issuers: issuers.map(({ id }) => id),
        },
      })),
    })),
  }
}

const seconds = (clock: { now(): number }): number => Math.floor(clock.now() / 1000)
const clock = handClock()
const claims = (more: object = {}): object => ({
  iss: ISSUER,
  aud: AUDIENCE,
  exp: seconds(clock) + 600,
  paths: ['/members/talk/*'],
  ...more,
})

type Carrier = 'path token' | 'Authorization' | 'cookie'
const CARRIERS: Carrier[] = ['path token', 'Authorization', 'cookie']

let bench: EdgeBench
let seen: string[]
beforeAll(async () => {
  bench = await EdgeBench.start(
    (request, response) => {
      seen.push(JSON.stringify([request.url, request.rawHeaders]))
      response.writeHead(200, { 'Cache-Control': 'max-age=60', ETag: '"t"' }).end('film')
    },
    { clock },
  )
})
beforeEach(() => {
  seen = []
  bench.node.apply(trusting([everyKey]))
})
afterAll(() => bench.close())

function ask(token: string, by: Carrier, path = PATH, at = bench): Promise<Answer> {
  if (by === 'path token') return rawGet(at.url, `/~${token}${path}`)
  return rawGet(at.url, path, {
    headers:
      by === 'cookie' ? { Cookie: `a=b; sluice-token=${token}` } : { Authorization: `Bearer ${token}` },
  })
}

const verdict = ({ status, headers }: Answer): unknown[] => [status, headers['x-sluice-reason']]

describe.each(CARRIERS)('a token in the %s', by => {
  test.each(JWT_ALGORITHMS)(
    'signed by %s opens what its globs cover and nothing of a neighbour',
    async algorithm => {
      const token = tokenOf(keys[algorithm], claims())
      expect(verdict(await ask(token, by))).toEqual([200, undefined])
      expect(verdict(await ask(token, by, '/members/talk/video/1.m4s'))).toEqual([200, undefined])
      expect(verdict(await ask(token, by, '/members/talk2/index.m3u8'))).toEqual([403, 'wrong-resource'])
      expect(verdict(await ask(token, by, '/%6Dembers/other/index.m3u8'))).toEqual([403, 'wrong-resource'])
    },
  )

  test.each<[string, () => string, string]>([
    ['a word in three parts', () => 'a.b.c', 'malformed'],
    ['no exp', () => tokenOf(key, claims({ exp: undefined })), 'malformed'],
    [
      'exp twice',
      () => tokenOf(key, JSON.stringify(claims()).replace('{', '{"exp":9999999999,')),
      'malformed',
    ],
    ['crit', () => tokenOf(key, claims(), { crit: ['b64'], b64: false }), 'malformed'],
    ['another issuer', () => tokenOf(key, claims({ iss: 'https://evil.example/' })), 'unknown-key'],
    ['an unknown kid', () => tokenOf(key, claims(), { kid: 'new' }), 'unknown-key'],
    ['an algorithm that is not allowed', () => tokenOf(key, claims(), { alg: 'HS256' }), 'unknown-key'],
    ['a key of its own', () => tokenOf(stranger, claims(), { jwk: stranger.jwk }), 'unknown-key'],
    ['a stranger’s key', () => tokenOf(stranger, claims()), 'bad-signature'],
    ['another audience', () => tokenOf(key, claims({ aud: 'other' })), 'wrong-resource'],
    ['several audiences', () => tokenOf(key, claims({ aud: [AUDIENCE, 'other'] })), 'wrong-resource'],
    ['an end that is past', () => tokenOf(key, claims({ exp: seconds(clock) - 1 })), 'expired'],
    ['a start to come', () => tokenOf(key, claims({ nbf: seconds(clock) + 60 })), 'not-yet'],
  ])('with %s is refused', async (_name, token, reason) => {
    expect(verdict(await ask(token(), by))).toEqual([403, reason])
    expect(bench.lines.at(-1)).toMatchObject({ status: 403, reason })
  })

  test('that was let in before ends with its time and with its issuer', async () => {
    const token = tokenOf(key, claims({ exp: seconds(clock) + 10 }))
    expect(verdict(await ask(token, by))).toEqual([200, undefined])
    clock.move(11_000)
    expect(verdict(await ask(token, by))).toEqual([403, 'expired'])
    const longer = tokenOf(key, claims())
    expect(verdict(await ask(longer, by))).toEqual([200, undefined])
    bench.node.apply(trusting([issuerOf([keys.RS256])]))
    expect(verdict(await ask(longer, by))).toEqual([403, 'unknown-key'])
    bench.node.apply(trusting([{ ...everyKey, audience: 'other' }]))
    expect(verdict(await ask(longer, by))).toEqual([403, 'wrong-resource'])
    bench.node.apply(trusting([everyKey]))
    expect(verdict(await ask(longer, by))).toEqual([200, undefined])
    bench.node.apply(trusting([]))
    const reason = by === 'path token' ? 'unknown-key' : 'missing'
    expect(verdict(await ask(longer, by))).toEqual([403, reason])
  })
})

const privateKey = policyKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const signer = createSigner(privateKey, KEY_ID)
const terms = (): { expires: ReturnType<typeof instant>; resource: string } => ({
  expires: instant(clock.now() + 600_000),
  resource: '*://*/members/talk/*',
})
function policyCookies(resource = '*://*/members/talk/*'): string {
  const cookies = signCookies(signer, { ...terms(), resource })
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}

describe('of several carriers', () => {
  const good = (): string => tokenOf(key, claims())
  const late = (): string => tokenOf(key, claims({ exp: seconds(clock) - 5 }))

  test('the behaviour takes either kind', async () => {
    expect(verdict(await ask(good(), 'cookie'))).toEqual([200, undefined])
    expect(verdict(await rawGet(bench.url, PATH, { headers: { Cookie: policyCookies() } }))).toEqual([
      200,
      undefined,
    ])
    const { url } = signPath(signer, `${bench.url}${PATH}`, terms())
    expect(verdict(await rawGet(url, url.slice(bench.url.length)))).toEqual([200, undefined])
  })

  test.each<[string, () => { path?: string; headers: Record<string, string> }, unknown[]]>([
    [
      'the path wins over Authorization',
      () => ({ path: `/~${late()}${PATH}`, headers: { Authorization: `Bearer ${good()}` } }),
      [403, 'expired'],
    ],
    [
      'the query wins over the path',
      () => ({ path: `/~${good()}${PATH}?Policy=x`, headers: {} }),
      [403, 'missing'],
    ],
    [
      'Authorization wins over cookies',
      () => ({ headers: { Authorization: `Bearer ${late()}`, Cookie: policyCookies() } }),
      [403, 'expired'],
    ],
    [
      'a Bearer that is no token is malformed',
      () => ({ headers: { Authorization: 'Bearer opaque', Cookie: policyCookies() } }),
      [403, 'malformed'],
    ],
    [
      'another scheme is no carrier',
      () => ({ headers: { Authorization: 'Basic dTpw', Cookie: `sluice-token=${good()}` } }),
      [200, undefined],
    ],
    [
      'of cookies any that opens will do',
      () => ({ headers: { Cookie: `${policyCookies('*://*/members/x/*')}; sluice-token=${good()}` } }),
      [200, undefined],
    ],
    [
      'signed cookies tell why first',
      () => ({ headers: { Cookie: `${policyCookies('*://*/members/x/*')}; sluice-token=${late()}` } }),
      [403, 'wrong-resource'],
    ],
    [
      'two different tokens in one cookie are malformed',
      () => ({ headers: { Cookie: `sluice-token=${good()}; sluice-token=${late()}` } }),
      [403, 'malformed'],
    ],
    ['nothing is missing', () => ({ headers: {} }), [403, 'missing']],
  ])('%s', async (_name, request, expected) => {
    const { path = PATH, headers } = request()
    expect(verdict(await rawGet(bench.url, path, { headers }))).toEqual(expected)
  })

  test('where no key group is named, policies open nothing and do not stand in a token’s way', async () => {
    bench.node.apply(trusting([everyKey], 'nothing'))
    const both = (token: string): Promise<Answer> =>
      rawGet(bench.url, PATH, { headers: { Cookie: `${policyCookies()}; sluice-token=${token}` } })
    expect(verdict(await both(good()))).toEqual([200, undefined])
    expect(verdict(await both(late()))).toEqual([403, 'expired'])
    expect(verdict(await rawGet(bench.url, PATH, { headers: { Cookie: policyCookies() } }))).toEqual([
      403,
      'unknown-key',
    ])
  })

  test('the issuer is the one that the token names, with its own cookie', async () => {
    const other = tokenKey('EdDSA', 'other')
    const more = { id: 'iss-other' as IssuerId, issuer: 'https://sso.example/', cookie: 'sso' }
    bench.node.apply(trusting([everyKey, issuerOf([other], more)]))
    const theirs = tokenOf(other, claims({ iss: more.issuer }))
    const withCookie = (name: string, token: string): Promise<Answer> =>
      rawGet(bench.url, PATH, { headers: { Cookie: `${name}=${token}` } })
    expect(verdict(await withCookie('sso', theirs))).toEqual([200, undefined])
    expect(verdict(await ask(tokenOf(other, claims()), 'Authorization'))).toEqual([403, 'unknown-key'])
    expect(verdict(await ask(tokenOf({ ...other, keyId: 'es' }, claims()), 'cookie'))).toEqual([
      403,
      'unknown-key',
    ])
    const late = tokenOf(key, claims({ exp: 1 }))
    const headers = { Cookie: `sluice-token=${late}; sso=${theirs}` }
    expect(verdict(await rawGet(bench.url, PATH, { headers }))).toEqual([200, undefined])
  })

  test('two issuers of one name and two audiences each open their own', async () => {
    const two = issuerOf([key], { id: 'iss-two' as IssuerId, audience: 'two' })
    bench.node.apply(trusting([everyKey, two]))
    for (const aud of [AUDIENCE, 'two', 'two', AUDIENCE])
      expect(verdict(await ask(tokenOf(key, claims({ aud })), 'cookie'))).toEqual([200, undefined])
    expect(verdict(await ask(tokenOf(key, claims({ aud: 'three' })), 'cookie'))).toEqual([
      403,
      'wrong-resource',
    ])
  })
})

test('all viewers share one cached object, and tokens reach neither key, nor log, nor origin', async () => {
  const path = '/members/talk/shared.m4s'
  const tokens = [claims(), claims({ sub: 'a' }), claims({ sub: 'b' })].map(each => tokenOf(key, each))
  const before = bench.lines.length
  for (const token of tokens) {
    for (const by of CARRIERS) expect(verdict(await ask(token, by, path))).toEqual([200, undefined])
  }
  expect(seen.length).toBe(1)
  const written = JSON.stringify([seen, bench.lines.slice(before)])
  for (const part of tokens.flatMap(token => token.split('.').slice(1))) expect(written).not.toContain(part)
  expect(bench.lines.slice(before).map(({ path }) => path)).toEqual(Array(9).fill(path))
})

test('a foreign origin is not told an Authorization or a cookie that means a grant, though the behaviour names them', async () => {
  const told: string[][] = []
  const site = createServer((request, response) => {
    told.push(request.rawHeaders)
    response.setHeader('Cache-Control', 'max-age=60').end('page')
  })
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  const { port } = site.address() as AddressInfo // listening on TCP
  const snapshot = trusting([everyKey])
  const foreign = await EdgeBench.start((_request, response) => response.end('built-in'), {
    clock,
    allowOrigins: ['127.0.0.0/8'],
    snapshot: {
      ...snapshot,
      distributions: snapshot.distributions.map(distribution => ({
        ...distribution,
        origins: [
          { id: 'site', kind: 'http', url: `http://127.0.0.1:${port}`, headers: [], ...DEFAULT_WIRE },
        ],
        behaviours: distribution.behaviours.map(behaviour => ({
          ...behaviour,
          originId: 'site',
          headers: ['authorization', 'cookie', 'accept-language'],
        })),
      })),
    },
  })
  try {
    const tokens = [claims({ sub: 1 }), claims({ sub: 2 })].map(each => tokenOf(key, each))
    for (const token of tokens) {
      const headers = {
        Authorization: `Bearer ${token}`,
        Cookie: `sluice-token=${token}`,
        'Accept-Language': 'de',
      }
      expect(verdict(await rawGet(foreign.url, PATH, { headers }))).toEqual([200, undefined])
    }
    const names = told.map(fields => fields.filter((_, at) => at % 2 === 0).map(name => name.toLowerCase()))
    expect(names.length).toBe(1)
    expect(names[0]).toContain('accept-language')
    expect(names[0]).not.toContain('authorization')
    expect(names[0]).not.toContain('cookie')
    expect(JSON.stringify(told)).not.toContain(tokens[0])
  } finally {
    await foreign.close()
    await new Promise(resolve => site.close(resolve))
  }
})

test('a token is verified once, for everybody who brings it and for one set of keys', async () => {
  const memo = new GrantMemo()
  const [trust, other] = [trustIssuer(everyKey, [key.jwk]), trustIssuer(everyKey, [key.jwk])]
  const [good, forged] = [tokenOf(key, claims()), tokenOf(stranger, claims())].map(readViewerToken)
  if (good?.kind !== 'token' || forged?.kind !== 'token') throw new Error('both can be read')
  const first = memo.authenticateToken(good, trust)
  expect(memo.authenticateToken(good, trust)).toBe(first)
  const grant = await first
  expect(memo.seenToken(good.text, trust)).toBe(grant)
  expect(await memo.authenticateToken(good, trust)).toBe(grant)
  expect(memo.seenToken(good.text, other)).toBeUndefined()
  expect(await memo.authenticateToken(forged, trust)).toMatchObject({ reason: 'bad-signature' })
  expect(memo.seenToken(forged.text, trust)).toBeUndefined()
})

test('relative playlists inherit the path token', async () => {
  const token = tokenOf(key, claims())
  const next = new URL('video/index.m3u8', `${bench.url}/~${token}${PATH}`)
  expect(verdict(await rawGet(bench.url, next.pathname))).toEqual([200, undefined])
})

test('an ungated behaviour ignores tokens, good and bad', async () => {
  for (const token of [tokenOf(key, claims()), tokenOf(stranger, claims()), 'a.b.c']) {
    for (const by of ['Authorization', 'cookie'] as const)
      expect(verdict(await ask(token, by, '/open/film'))).toEqual([200, undefined])
  }
  expect(verdict(await ask(tokenOf(stranger, claims()), 'path token', '/open/film'))).toEqual([
    200,
    undefined,
  ])
  expect(new Set(seen.map(each => (JSON.parse(each) as [string])[0]))).toEqual(new Set(['/open/film']))
})

test('on a gated behaviour three dotted parts that are neither token are malformed', async () => {
  const token = tokenOf(key, claims())
  for (const each of ['a.b.c', `${encoded({ typ: 'JWT' })}.x.y`, token.replace('.', '%2E')])
    expect(verdict(await ask(each, 'path token'))).toEqual([403, 'malformed'])
})

test('a session by token is the issuer’s cookie', async () => {
  const token = tokenOf(key, claims())
  const answer = await rawGet(bench.url, '/.sluice/session?path=/members/talk/', {
    headers: { Authorization: `Bearer ${token}` },
  })
  expect([answer.status, answer.headers['set-cookie']]).toEqual([
    204,
    [`sluice-token=${token}; Path=/members/talk/; Secure; HttpOnly; SameSite=None; Partitioned`],
  ])
})

describe('keys at an address', () => {
  let folder: string
  let server: JwksServer
  let issuers: IssuerKeys
  let remote: EdgeBench
  const first = tokenKey('ES256', 'first')
  const second = tokenKey('ES256', 'second')
  const follow = async (): Promise<void> => {
    issuers = new IssuerKeys({
      ...{ stateDir: folder, clock, log: silentLogger },
      guard: createGuard({ allow: ['127.0.0.0/8'], ownPorts: [] }),
    })
    await issuers.start()
    const snapshot = trusting([issuerOf({ kind: 'url', url: server.url })])
    remote = await EdgeBench.start((_request, response) => response.end('film'), { clock, issuers, snapshot })
  }
  const play = async (signer: TokenKey, more = {}): Promise<unknown[]> =>
    verdict(await ask(tokenOf(signer, claims(more)), 'Authorization', PATH, remote))

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-jwt-'))
    server = await startJwksServer(first)
  })
  afterEach(async () => {
    await remote.close()
    await server.close()
    await rm(folder, { recursive: true })
  })

  test('are fetched once for all who come at the start', async () => {
    await follow()
    const answers = await Promise.all(Array.from({ length: 20 }, (_, sub) => play(first, { sub })))
    expect(answers).toEqual(Array(20).fill([200, undefined]))
    expect(server.asked).toBe(1)
  })

  test('rotate without a gap, and what the old key signed ends with it', async () => {
    await follow()
    expect(await play(first, { sub: 'a' })).toEqual([200, undefined])
    server.publish(first, second)
    expect(await play(second)).toEqual([200, undefined])
    expect(await play(first, { sub: 'a' })).toEqual([200, undefined])
    expect(server.asked).toBe(2)
    server.publish(second)
    clock.move(300_000)
    await issuers.refreshDue()
    expect(await play(first, { sub: 'a' })).toEqual([403, 'unknown-key'])
    expect(await play(second)).toEqual([200, undefined])
  })

  test('are asked for once a minute in a storm of unknown kids, and viewers play on', async () => {
    await follow()
    expect(await play(first)).toEqual([200, undefined])
    const storm = async (): Promise<void> => {
      const asks = Array.from({ length: 100 }, (_, n) => play({ ...stranger, keyId: `made-up-${n}` }))
      expect(await Promise.all(asks)).toEqual(Array(100).fill([403, 'unknown-key']))
    }
    await storm()
    await storm()
    expect(server.asked).toBe(2)
    clock.move(60_000)
    await storm()
    expect(server.asked).toBe(3)
    expect(await play(first)).toEqual([200, undefined])
  })

  test('that were stored open while their issuer is away at the start', async () => {
    const sets = [{ issuer: ID, url: server.url, keys: [first.jwk] }]
    await writeFile(join(folder, 'issuer-keys.json'), JSON.stringify({ sets }))
    server.answer(response => response.destroy())
    await follow()
    expect(await play(first)).toEqual([200, undefined])
    expect(await play(second)).toEqual([403, 'unknown-key'])
    server.publish(first, second)
    clock.move(60_000)
    expect(await play(second)).toEqual([200, undefined])
  })

  test('that nobody knows yet open nothing, without an error of ours', async () => {
    server.answer(response => response.writeHead(500).end())
    await follow()
    expect(await play(first)).toEqual([403, 'unknown-key'])
  })
})

test('2,000 mutated tokens: none is let in, none makes an error of ours', async () => {
  const token = tokenOf(key, claims())
  const mutated = fc.oneof(
    fc
      .tuple(fc.nat({ max: token.length - 1 }), fc.constantFrom(...'AZaz09-_.~='))
      .map(([at, char]) => token.slice(0, at) + char + token.slice(at + 1)),
    fc.nat({ max: token.length - 1 }).map(at => token.slice(0, at) + token.slice(at + 1)),
    fc
      .tuple(fc.nat({ max: token.length }), fc.constantFrom('.', 'e30', '%2E', '%7E', 'AAAA'))
      .map(([at, text]) => token.slice(0, at) + text + token.slice(at)),
    fc.json().map(header => `${encoded(header)}.${token.split('.').slice(1).join('.')}`),
    fc.json().map(payload => tokenOf(stranger, payload)),
    fc.constantFrom('none', 'HS256', 'RS256', 'EdDSA', 'ES512').map(alg => tokenOf(key, claims(), { alg })),
  )
  const samples = fc.sample(mutated, { numRuns: 2000 }).filter(each => each !== token)
  expect(samples.length).toBeGreaterThan(1900)
  const before = bench.lines.length
  for (let at = 0; at < samples.length; at += 50) {
    const some = samples.slice(at, at + 50)
    await Promise.all(some.map((each, n) => ask(each, CARRIERS[n % 3] ?? 'cookie')))
  }
  // With a dot too many or too few it is no token before a path but an ordinary, open path (SEAMS 1).
  const lines = bench.lines.slice(before)
  expect(lines.length).toBe(samples.length)
  const wrong = lines.filter(({ status, path }) =>
    String(path).startsWith('/members/')
      ? status !== 403 && status !== 400
      : status !== 200 && status !== 403 && status !== 400,
  )
  expect(wrong).toEqual([])
})
