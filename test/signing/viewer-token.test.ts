import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { JWT_ALGORITHMS, type TrustedIssuer } from '../../src/distribution/index.ts'
import {
  bearerToken,
  readTokenPaths,
  takePathToken,
  tokenCookie,
  verifyViewerToken,
} from '../../src/signing/index.ts'
import { AUDIENCE, encoded, ISSUER, issuerOf, signBytes, tokenKey, tokenOf } from './tokens.ts'

const NOW = 1_780_000_000
const keys = {
  RS256: tokenKey('RS256', 'rs'),
  PS256: tokenKey('PS256', 'ps'),
  ES256: tokenKey('ES256', 'es'),
  EdDSA: tokenKey('EdDSA', 'ed'),
}
const all = Object.values(keys)
const key = keys.ES256
const stranger = tokenKey('ES256', 'es')
const claims = { iss: ISSUER, aud: AUDIENCE, exp: NOW + 600, paths: ['/members/talk/*'] }
const without = (name: keyof typeof claims): object =>
  Object.fromEntries(Object.entries(claims).filter(([each]) => each !== name))

async function word(
  token: string,
  options: { issuer?: Partial<TrustedIssuer>; keys?: typeof all; path?: string } = {},
): Promise<string> {
  const issuer = issuerOf([], options.issuer)
  const jwks = (options.keys ?? all).map(({ jwk }) => jwk)
  const request = { canonicalPath: options.path ?? '/members/talk/index.m3u8' }
  const verdict = await verifyViewerToken(token, issuer, jwks, request, instant(NOW * 1000))
  return verdict.kind === 'allowed' ? 'allowed' : verdict.reason
}

describe('a token that a trusted issuer signed', () => {
  test.each(JWT_ALGORITHMS)('opens what its globs cover, by %s', async algorithm => {
    expect(await word(tokenOf(keys[algorithm], claims))).toBe('allowed')
  })

  test.each<[string, object]>([
    ['one glob instead of a list', { ...claims, paths: '/members/talk/*' }],
    ['its audience in a list of one', { ...claims, aud: [AUDIENCE] }],
    ['a fraction of a second', { ...claims, exp: NOW + 0.5 }],
    ['a start that is now', { ...claims, nbf: NOW }],
    ['a start within the leeway', { ...claims, nbf: NOW + 5 }],
    ['claims that nobody asked for', { ...claims, sub: 'x', scope: { a: [1, null, true] } }],
  ])('opens with %s', async (_name, payload) => {
    expect(await word(tokenOf(key, payload))).toBe('allowed')
  })

  test('opens without a kid, and where the key bears no name', async () => {
    const unnamed = { ...key, jwk: { ...key.jwk, kid: undefined } }
    expect(await word(tokenOf(key, claims, { kid: undefined }))).toBe('allowed')
    expect(await word(tokenOf(key, claims), { keys: [unnamed] as unknown as typeof all })).toBe('allowed') // a kid that is undefined is none
  })

  test('opens by a key whose alg is the newer name of EdDSA', async () => {
    const named = { ...keys.EdDSA, jwk: { ...keys.EdDSA.jwk, alg: 'Ed25519' } }
    expect(await word(tokenOf(keys.EdDSA, claims), { keys: [named] })).toBe('allowed')
  })
})

const hmac = (secret: string | Buffer): string => {
  const signed = `${encoded({ alg: 'HS256', kid: 'rs' })}.${encoded(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
const pemOf = keys.RS256.privateKey
const good = tokenOf(key, claims)
const [header = '', payload = '', signature = ''] = good.split('.')

describe('is refused', () => {
  test.each<[string, string, string]>([
    // Not a JWT at all.
    ['nothing', '', 'malformed'],
    ['a word', 'word', 'malformed'],
    ['two parts', `${header}.${payload}`, 'malformed'],
    ['four parts', `${good}.x`, 'malformed'],
    ['five parts, which is encryption', 'a.b.c.d.e', 'malformed'],
    ['a header that is no JSON', `${encoded('{')}.${payload}.${signature}`, 'malformed'],
    ['a header that is a list', `${encoded([])}.${payload}.${signature}`, 'malformed'],
    ['a payload that is a text', tokenOf(key, '"text"'), 'malformed'],
    [
      'a payload that is not UTF-8',
      `${header}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.AA`,
      'malformed',
    ],
    ['a byte order mark', tokenOf(key, `\ufeff${JSON.stringify(claims)}`), 'malformed'],
    ['padding', `${header}==.${payload}.${signature}`, 'malformed'],
    ['the other base64', good.replace('.', '+.'), 'malformed'],
    [
      'stray bits behind the last byte',
      // 64 bytes end in one of these four; the next letter stands for the same bytes.
      good.replace(/[AQgw]$/, last => ({ A: 'B', Q: 'R', g: 'h', w: 'x' })[last] ?? ''),
      'malformed',
    ],
    ['a space before it', ` ${good}`, 'malformed'],
    ['8 KiB and one', tokenOf(key, { ...claims, pad: 'x'.repeat(6200) }).padEnd(8193, 'A'), 'malformed'],
    // Headers.
    ['no alg', tokenOf(key, claims, { alg: undefined }), 'malformed'],
    ['crit', tokenOf(key, claims, { crit: ['exp'], exp: 1 }), 'malformed'],
    ['crit that names b64', tokenOf(key, claims, { crit: ['b64'], b64: true }), 'malformed'],
    ['b64 that is false', tokenOf(key, claims, { b64: false, crit: ['b64'] }), 'malformed'],
    ['b64 alone', tokenOf(key, claims, { b64: false }), 'malformed'],
    ['two algs', tokenOf(key, claims, '{"alg":"none","alg":"ES256","kid":"es"}'), 'malformed'],
    ['a kid that is a number', tokenOf(key, claims, { kid: 7 }), 'malformed'],
    ['alg none, unsigned', `${encoded({ alg: 'none' })}.${payload}.`, 'unknown-key'],
    ['alg none, with a signature', `${encoded({ alg: 'none' })}.${payload}.${signature}`, 'unknown-key'],
    ['alg nOnE', `${encoded({ alg: 'nOnE' })}.${payload}.`, 'unknown-key'],
    [
      'HMAC with the public key in PEM',
      hmac(pemOf.export({ type: 'pkcs8', format: 'pem' }).toString()),
      'unknown-key',
    ],
    ['HMAC with the modulus', hmac(Buffer.from(keys.RS256.jwk.n ?? '', 'base64url')), 'unknown-key'],
    ['an algorithm of no issuer', tokenOf(key, claims, { alg: 'ES384' }), 'unknown-key'],
    ['jwk, its own key', tokenOf(stranger, claims, { jwk: stranger.jwk }), 'unknown-key'],
    ['jku', tokenOf(key, claims, { jku: 'https://evil.example/jwks' }), 'unknown-key'],
    ['x5u', tokenOf(key, claims, { x5u: 'https://evil.example/cert' }), 'unknown-key'],
    ['x5c', tokenOf(key, claims, { x5c: ['AA=='] }), 'unknown-key'],
    ['an unknown kid', tokenOf(key, claims, { kid: 'other' }), 'unknown-key'],
    ['the kid of a key for another algorithm', tokenOf(key, claims, { kid: 'rs' }), 'unknown-key'],
    [
      'RS256 where the key is for PS256',
      tokenOf({ ...keys.PS256, algorithm: 'RS256' }, claims),
      'unknown-key',
    ],
    // Claims that must be there.
    ['no iss', tokenOf(key, without('iss')), 'malformed'],
    ['no aud', tokenOf(key, without('aud')), 'malformed'],
    ['no exp', tokenOf(key, without('exp')), 'malformed'],
    ['no paths', tokenOf(key, without('paths')), 'malformed'],
    ['iss that is a list', tokenOf(key, { ...claims, iss: [ISSUER] }), 'malformed'],
    ['aud that is a number', tokenOf(key, { ...claims, aud: 5 }), 'malformed'],
    ['exp that is a text', tokenOf(key, { ...claims, exp: `${NOW + 600}` }), 'malformed'],
    ['exp in milliseconds', tokenOf(key, { ...claims, exp: (NOW + 600) * 1000 }), 'malformed'],
    [
      'exp that is infinite',
      tokenOf(key, JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')),
      'malformed',
    ],
    ['nbf that is a text', tokenOf(key, { ...claims, nbf: 'now' }), 'malformed'],
    ['exp twice', tokenOf(key, JSON.stringify(claims).replace('{', `{"exp":${NOW - 1},`)), 'malformed'],
    ['paths twice', tokenOf(key, JSON.stringify(claims).replace('{', '{"paths":["/"],')), 'malformed'],
    ['a policy’s escape', tokenOf(key, JSON.stringify(claims).replace('talk', '\\?')), 'malformed'],
    ['paths that is an object', tokenOf(key, { ...claims, paths: { a: '/*' } }), 'malformed'],
    ['a glob that is a number', tokenOf(key, { ...claims, paths: ['/*', 1] }), 'malformed'],
    ['an empty glob', tokenOf(key, { ...claims, paths: [''] }), 'malformed'],
    ['101 globs', tokenOf(key, { ...claims, paths: Array(101).fill('/*') }), 'malformed'],
    ['a glob of 513 characters', tokenOf(key, { ...claims, paths: [`/${'x'.repeat(512)}`] }), 'malformed'],
    // Whose it is.
    ['an unknown issuer', tokenOf(key, { ...claims, iss: 'https://login.example' }), 'unknown-key'],
    ['a stranger’s key under a known kid', tokenOf(stranger, claims), 'bad-signature'],
    ['no signature', `${header}.${payload}.`, 'bad-signature'],
    ['another payload', `${header}.${encoded({ ...claims, paths: ['/*'] })}.${signature}`, 'bad-signature'],
    [
      'a signature in DER',
      tokenOf({ ...key, algorithm: 'RS256' }, claims, { alg: 'ES256' }),
      'bad-signature',
    ],
    // What it opens.
    ['another audience', tokenOf(key, { ...claims, aud: 'https://other.example/' }), 'wrong-resource'],
    ['several audiences', tokenOf(key, { ...claims, aud: [AUDIENCE, 'other'] }), 'wrong-resource'],
    ['no audience in its list', tokenOf(key, { ...claims, aud: [] }), 'wrong-resource'],
    ['no glob', tokenOf(key, { ...claims, paths: [] }), 'wrong-resource'],
    [
      'a neighbour',
      tokenOf(key, { ...claims, paths: ['/members/tal/*', '/members/talk2/*'] }),
      'wrong-resource',
    ],
    ['another case', tokenOf(key, { ...claims, paths: ['/Members/talk/*'] }), 'wrong-resource'],
    ['a neighbour, expired', tokenOf(key, { ...claims, paths: ['/x'], exp: NOW - 5 }), 'wrong-resource'],
    ['its end', tokenOf(key, { ...claims, exp: NOW }), 'expired'],
    ['its end and a start to come', tokenOf(key, { ...claims, exp: NOW - 1, nbf: NOW + 60 }), 'expired'],
    ['a start to come', tokenOf(key, { ...claims, nbf: NOW + 6 }), 'not-yet'],
  ])('%s', async (_name, token, reason) => {
    expect(await word(token)).toBe(reason)
  })

  test('an algorithm that the issuer may not use, though a key of the set fits', async () => {
    expect(await word(tokenOf(keys.RS256, claims), { issuer: { algorithms: ['ES256'] } })).toBe('unknown-key')
  })

  test('a key for encryption, a short one, and one that is none', async () => {
    const jwks = [
      { ...key, jwk: { ...key.jwk, use: 'enc' } },
      { ...key, jwk: { ...key.jwk, x: 'AA' } },
    ]
    expect(await word(good, { keys: jwks })).toBe('unknown-key')
  })
})

test('a token of the largest size is read', async () => {
  const size = (pad: number): string => tokenOf(key, { ...claims, pad: 'x'.repeat(pad) })
  const pad = 6000 + Math.floor(((8192 - size(6000).length) * 3) / 4)
  expect(size(pad).length).toBeGreaterThan(8188)
  expect(await word(size(pad))).toBe('allowed')
})

test('a claim may have any name', async () => {
  const token = tokenOf(key, { ...claims, paths: [], 'https://media.example/paths': '/members/*' })
  expect(await word(token, { issuer: { claim: 'https://media.example/paths' } })).toBe('allowed')
})

test.each<[string, string, boolean]>([
  ['*', '/any/thing', true],
  ['/*', '/any/thing', true],
  ['/members/*', '/members/a/b/c.m4s', true],
  ['members/*', '/members/a', true],
  ['/members/*', '/members', false],
  ['/members/*', '/Members/a', false],
  ['/members', '/members/a', false],
  ['*.m3u8', '/a/b.m3u8', true],
  ['/a/?/c', '/a/b/c', true],
  ['/a/?/c', '/a/bb/c', false],
  ['/a/?/c', '/a//c', false],
  ['/a?c', '/a/c', true],
  ['/a/*/d', '/a/b/c/d', true],
  ['/%6Dembers/*', '/members/x', true],
  ['/für/*', '/f%C3%BCr/x', true],
  ['/vip!/*', '/vip%21/x', true],
  ['/vip%21/*', '/vip!/x', true],
  ['/a%2A', '/a*', true],
  ['/a%2A', '/a%2A', true],
  ['/a%2A', '/abc', false],
  ['/a%2a*', '/a*bc', true],
  ['/a?', '/a*', true],
  ['/a%3Fb', '/a%3Fb', true],
  ['/a%3Fb', '/axb', false],
])('the glob %s covers %s: %s', (glob, path, covered) => {
  const read = readTokenPaths([glob])
  expect(read.kind === 'paths' && read.paths.cover(path)).toBe(covered)
})

test('a glob made to repeat itself costs no more than its length', () => {
  const read = readTokenPaths([`/${'*a'.repeat(200)}*b`])
  expect(read.kind === 'paths' && read.paths.cover(`/${'a'.repeat(8000)}`)).toBe(false)
})

describe('carriers', () => {
  test('Bearer in any case, and no other scheme', () => {
    expect(bearerToken('bearer  abc ')).toEqual({ kind: 'token', via: 'authorization', text: 'abc' })
    expect(bearerToken('Bearer')).toEqual({ kind: 'token', via: 'authorization', text: '' })
    for (const other of [undefined, '', 'Basic abc', 'Bearerabc', 'abc'])
      expect(bearerToken(other)).toEqual({ kind: 'none' })
  })

  test('the cookie of exactly that name', () => {
    const found = { kind: 'token', via: 'cookie', text: 'x.y.z' }
    expect(tokenCookie('a=1; t=x.y.z; b=2', 't')).toEqual(found)
    expect(tokenCookie('t="x.y.z";t=x.y.z', 't')).toEqual(found)
    expect(tokenCookie('at=x.y.z; T=x', 't')).toEqual({ kind: 'none' })
    expect(tokenCookie('t=x.y.z; t=other', 't').kind).toBe('malformed')
    expect(tokenCookie(undefined, 't')).toEqual({ kind: 'none' })
  })

  test.each(JWT_ALGORITHMS)('a token of %s before a path is taken off it', algorithm => {
    const token = tokenOf(keys[algorithm], claims)
    expect(takePathToken(`/~${token}/members/x`)).toEqual({ jwt: token, rest: '/members/x' })
    expect(takePathToken(`/%7E${token}/members/x`)).toEqual({ jwt: token, rest: '/members/x' })
  })

  test.each([
    ['a header without alg', `${encoded({ typ: 'JWT' })}.${payload}.${signature}`],
    ['a header whose alg is deeper', `${encoded({ a: { alg: 'x' } })}.${payload}.${signature}`],
    ['an empty signature', `${header}.${payload}.`],
    ['an escaped dot', good.replace('.', '%2E')],
  ])('with %s it is no token', (_name, text) => {
    expect(takePathToken(`/~${text}/members/x`)).toMatchObject({ token: undefined, lookalike: '/members/x' })
  })
})

test('whatever byte of a signed token is changed, it is refused', async () => {
  const at = fc.nat({ max: good.length - 1 })
  await fc.assert(
    fc.asyncProperty(at, fc.constantFrom(...'ABCxyz019-_.~%= '), async (index, char) => {
      fc.pre(good[index] !== char)
      expect(await word(good.slice(0, index) + char + good.slice(index + 1))).not.toBe('allowed')
    }),
    { numRuns: 1000 },
  )
})

test('whatever stands in a signed header and payload, the answer is a word', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.json(), async (one, other) => {
      const signed = `${encoded(one)}.${encoded(other)}`
      const sealed = `${signed}.${signBytes(key, Buffer.from(signed)).toString('base64url')}`
      expect(await word(sealed)).not.toBe('allowed')
      expect(await word(tokenOf(key, other))).not.toBe('allowed')
    }),
    { numRuns: 300 },
  )
})
