import { CompactSign, importJWK, SignJWT, type JWTPayload } from 'jose'
import { describe, expect, test } from 'vitest'
import { after, instant, type NodeId } from '../../src/core/index.ts'
import { mintNodeToken, newNodeKey, verifyNodeToken, type NodeIdentity } from '../../src/signing/index.ts'

const NOW = instant(1_780_000_000_000)
const SECONDS = 1_780_000_000
const edge: NodeIdentity = { id: 'edge-1' as NodeId, role: 'edge', ...newNodeKey() }
const other: NodeIdentity = { id: 'edge-2' as NodeId, role: 'edge', ...newNodeKey() }
const PEERS = [other, edge].map(({ id, role, publicJwk }) => ({ id, role, publicKey: publicJwk }))

const verify = (token: string, now = NOW, audience: 'origin' | 'control' = 'origin') =>
  verifyNodeToken(token, PEERS, audience, now)

test('keys are Ed25519, and the public half has no private part', () => {
  expect(edge.publicJwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: edge.privateJwk.x })
  expect(edge.privateJwk).toEqual({ ...edge.publicJwk, d: expect.stringMatching(/^[\w-]{43}$/) as string })
  expect(edge.publicJwk.x).toMatch(/^[\w-]{43}$/)
})

test('a token says who is asking, for a minute, to one kind of node', async () => {
  const token = await mintNodeToken(edge, 'origin', NOW)
  const [header = '', claims = ''] = token.split('.').map(part => Buffer.from(part, 'base64url').toString())
  expect(JSON.parse(header)).toEqual({ alg: 'EdDSA', kid: 'edge-1' })
  expect(JSON.parse(claims)).toEqual({ iss: 'edge-1', aud: 'origin', iat: SECONDS, exp: SECONDS + 60 })
  expect(await verify(token)).toEqual({ kind: 'peer', id: 'edge-1', role: 'edge' })
})

describe('time, with 30 s leeway', () => {
  test.each([
    [-31, 'refused'],
    [-30, 'peer'],
    [0, 'peer'],
    [60, 'peer'],
    [89, 'peer'],
    [90, 'refused'],
    [3600, 'refused'],
  ])('%d s after it was made: %s', async (seconds, kind) => {
    const token = await mintNodeToken(edge, 'origin', NOW)
    expect((await verify(token, after(NOW, seconds * 1000))).kind).toBe(kind)
  })
})

test('it opens no other door', async () => {
  expect((await verify(await mintNodeToken(edge, 'origin', NOW), NOW, 'control')).kind).toBe('refused')
})

test('a node that is not listed any more is refused', async () => {
  const token = await mintNodeToken(edge, 'origin', NOW)
  const left = PEERS.filter(({ id }) => id !== 'edge-1')
  expect(await verifyNodeToken(token, left, 'origin', NOW)).toEqual({
    kind: 'refused',
    why: 'the node is not known here; it has not joined or was removed',
  })
})

test("a node cannot speak in another's name", async () => {
  const token = await mintNodeToken({ id: edge.id, privateJwk: other.privateJwk }, 'origin', NOW)
  expect((await verify(token)).kind).toBe('refused')
})

describe('a token that is not exactly ours is refused', () => {
  const good: JWTPayload = { iss: 'edge-1', aud: 'origin', iat: SECONDS, exp: SECONDS + 60 }
  const make = (claims: JWTPayload, header: object = { alg: 'EdDSA', kid: 'edge-1' }) =>
    new SignJWT(claims).setProtectedHeader(header as { alg: string }).sign(edge.privateJwk)

  test('the pattern itself is good', async () => {
    expect((await verify(await make(good))).kind).toBe('peer')
  })

  test.each<[string, JWTPayload]>([
    ['no expiry', { iss: 'edge-1', aud: 'origin', iat: SECONDS }],
    ['no issue time', { iss: 'edge-1', aud: 'origin', exp: SECONDS + 60 }],
    ['no audience', { iss: 'edge-1', iat: SECONDS, exp: SECONDS + 60 }],
    ['no issuer', { aud: 'origin', iat: SECONDS, exp: SECONDS + 60 }],
    ['another issuer', { ...good, iss: 'edge-2' }],
    ['a long life', { ...good, exp: SECONDS + 3600 }],
    ['several audiences', { ...good, aud: ['origin', 'control'] }],
    ['not valid before', { ...good, nbf: SECONDS + 3600 }],
    ['issued in the future', { ...good, iat: SECONDS + 300, exp: SECONDS + 360 }],
  ])('%s', async (_name, claims) => {
    expect((await verify(await make(claims))).kind).toBe('refused')
  })

  test.each<[string, object]>([
    ['no key id', { alg: 'EdDSA' }],
    ['an unknown key id', { alg: 'EdDSA', kid: 'edge-9' }],
    ['a key in the header', { alg: 'EdDSA', kid: 'edge-1', jwk: edge.publicJwk }],
    ['a critical extension', { alg: 'EdDSA', kid: 'edge-1', b64: true, crit: ['b64'] }],
  ])('%s', async (_name, header) => {
    expect((await verify(await make(good, header))).kind).toBe('refused')
  })

  test('no algorithm at all', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    expect((await verify(`${part({ alg: 'none', kid: 'edge-1' })}.${part(good)}.`)).kind).toBe('refused')
  })

  test('the public key used as a secret', async () => {
    const secret = Buffer.from(edge.publicJwk.x, 'base64url')
    const token = await new SignJWT(good).setProtectedHeader({ alg: 'HS256', kid: 'edge-1' }).sign(secret)
    expect((await verify(token)).kind).toBe('refused')
  })

  test('claims that are not JSON', async () => {
    const key = await importJWK(edge.privateJwk, 'EdDSA')
    const token = await new CompactSign(Buffer.from('hello'))
      .setProtectedHeader({ alg: 'EdDSA', kid: 'edge-1' })
      .sign(key)
    expect((await verify(token)).kind).toBe('refused')
  })

  test.each([
    '',
    '.',
    '..',
    'a.b.c',
    'Bearer x',
    'eyJ',
    '{}',
    'é.é.é',
    'x'.repeat(5000),
    `${'x'.repeat(600)}.y.z`,
  ])('noise: %s', async token => {
    expect((await verify(token)).kind).toBe('refused')
  })

  test('one character changed anywhere', async () => {
    const token = await mintNodeToken(edge, 'origin', NOW)
    for (let at = 0; at < token.length; at += 2) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'Q' : 'A') + token.slice(at + 1)
      expect((await verify(changed)).kind, `character ${at}`).toBe('refused')
    }
  })
})
