import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import { settleIssuer, type IssuerInput } from '../../src/distribution/index.ts'

const ID = 'iss-test' as IssuerId // a test's own
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
const p256 = ec.publicKey.export({ format: 'jwk' })

const base = { name: 'login', issuer: 'https://login.example/', audience: 'films' }
const inline = (...keys: object[]): IssuerInput => ({
  ...base,
  keys: { kind: 'inline', keys: keys as { kty: string }[] }, // some are wrong on purpose
})
const at = (url: string): IssuerInput => ({ ...base, keys: { kind: 'url', url } })

describe('an issuer', () => {
  test('gets what was left out', () => {
    expect(settleIssuer(at('https://login.example/.well-known/jwks.json?v=1'), ID)).toEqual({
      kind: 'good',
      issuer: {
        ...base,
        id: ID,
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        keys: { kind: 'url', url: 'https://login.example/.well-known/jwks.json?v=1' },
        claim: 'paths',
        cookie: 'sluice-token',
      },
      warnings: [],
    })
  })

  test('keeps public members only', () => {
    const whole = { ...p256, kid: '1', use: 'sig', alg: 'ES256', x5t: 'abc', key_ops: ['verify'] }
    expect(settleIssuer(inline(whole, rsa, ed), ID)).toMatchObject({
      kind: 'good',
      issuer: { keys: { kind: 'inline', keys: [{ ...p256, kid: '1', use: 'sig', alg: 'ES256' }, rsa, ed] } },
    })
  })

  test('whose keys come without TLS is warned of, unless from this machine', () => {
    expect(settleIssuer(at('http://login.example/jwks'), ID)).toMatchObject({
      kind: 'good',
      warnings: [
        'the keys of login.example are fetched without TLS, so whoever stands in between could put in their own: use https://',
      ],
    })
    expect(settleIssuer(at('http://127.0.0.1:8080/jwks'), ID)).toMatchObject({ kind: 'good', warnings: [] })
  })

  test.each<[string, IssuerInput, string]>([
    ['a private key', inline(ec.privateKey.export({ format: 'jwk' })), 'key 1 holds the secret member "d"'],
    ['a shared key', inline({ kty: 'oct', k: 'c2VjcmV0' }), 'key 1 holds the secret member "k"'],
    ['a key of no kind', inline({ kty: 'oct' }), 'key 1 is of a kind that no token can be checked with'],
    ['another curve', inline(p256, { ...p256, crv: 'P-384' }), 'key 2 is of a kind that no token can be'],
    ['half a key', inline({ kty: 'EC', crv: 'P-256', x: p256.x }), 'key 1 is no key'],
    [
      'a short key',
      inline(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })),
      'key 1 is RSA of less than 2048 bits',
    ],
    ['a key for encryption', inline({ ...rsa, use: 'enc' }), 'key 1 can sign by none of RS256'],
    [
      'an algorithm without its key',
      { ...inline(rsa), algorithms: ['ES256'] },
      'key 1 can sign by none of ES256',
    ],
    ['a URL with a password', at('https://u:p@login.example/'), 'the URL of its key set is none'],
    ['a URL of a file', at('file:///etc/passwd'), 'the URL of its key set is none'],
    ['a fragment', at('https://login.example/#x'), 'the URL of its key set is none'],
    [
      'a cookie of policies',
      { ...at('https://l.example/'), cookie: 'CloudFront-Policy' },
      'carries signed policies',
    ],
    ['a cookie that is none', { ...at('https://l.example/'), cookie: 'a b' }, 'is no name of a cookie here'],
  ])('with %s is refused', (_what, input, sentence) => {
    const settled = settleIssuer(input, ID)
    expect(settled.kind === 'bad' ? settled.problems : []).toEqual([expect.stringContaining(sentence)])
    expect(JSON.stringify(settled)).not.toContain(ec.privateKey.export({ format: 'jwk' }).d)
  })
})
