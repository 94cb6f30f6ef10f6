import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import type { PublicJwk, TrustedIssuer } from '../../src/distribution/index.ts'
import { PushedIssuers } from '../../src/delivery/workers/pushed-issuers.ts'
import { issuerOf } from '../signing/tokens.ts'

function jwk(kid: string): PublicJwk {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...(publicKey.export({ format: 'jwk' }) as PublicJwk), kid, alg: 'ES256' } // a key as RFC 7517 has it
}

const inline = issuerOf([])
const remote: TrustedIssuer = {
  ...inline,
  id: 'iss-remote' as IssuerId, // a test's own
  keys: { kind: 'url', url: 'https://issuer.example/keys' },
}

function keyIds(issuers: PushedIssuers): (string | undefined)[] | undefined {
  return issuers.of(remote.id)?.keys.map(({ keyId }) => keyId)
}

test('an issuer has the keys that were handed out last, and stays the same value while they do', () => {
  const issuers = new PushedIssuers(() => Promise.resolve())
  const first = jwk('one')
  issuers.take([{ issuer: remote.id, keys: [first] }])
  issuers.follow([remote, inline])
  const before = [issuers.of(remote.id), issuers.of(inline.id)]
  expect(keyIds(issuers)).toEqual(['one'])
  issuers.take([{ issuer: remote.id, keys: [first] }])
  issuers.follow([remote, inline])
  expect([issuers.of(remote.id), issuers.of(inline.id)].every((each, n) => each === before[n])).toBe(true)
  issuers.take([{ issuer: remote.id, keys: [first, jwk('two')] }])
  expect(keyIds(issuers)).toEqual(['one', 'two'])
  expect(issuers.of(inline.id)).toBe(before[1])
  issuers.follow([inline])
  expect(issuers.of(remote.id)).toBe(undefined)
})

test('an unknown key makes the manager ask, for issuers at an address only, and its failure breaks nothing', async () => {
  const asked: IssuerId[] = []
  const issuers = new PushedIssuers(issuer => {
    asked.push(issuer)
    return Promise.reject(new Error('the manager has ended'))
  })
  issuers.follow([remote, inline])
  await Promise.all([remote.id, inline.id, 'iss-unknown' as IssuerId].map(id => issuers.renew(id))) // known to nobody
  expect(asked).toEqual([remote.id])
})
