import { constants, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { IssuerId } from '../../src/core/index.ts'
import type { JwtAlgorithm, PublicJwk, TrustedIssuer } from '../../src/distribution/index.ts'

/** JSON Web Tokens by node:crypto alone, so that jose verifies what it has not made. */
export interface TokenKey {
  algorithm: JwtAlgorithm
  keyId: string
  privateKey: KeyObject
  jwk: PublicJwk
}

export function tokenKey(algorithm: JwtAlgorithm, keyId: string): TokenKey {
  const { privateKey, publicKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : algorithm === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = publicKey.export({ format: 'jwk' }) as PublicJwk // of one of the three kinds
  return { algorithm, keyId, privateKey, jwk: { ...jwk, kid: keyId, alg: algorithm, use: 'sig' } }
}

export function signBytes({ algorithm, privateKey }: TokenKey, bytes: Uint8Array): Buffer {
  switch (algorithm) {
    case 'RS256':
      return sign('sha256', bytes, privateKey)
    case 'PS256':
      return sign('sha256', bytes, {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      })
    case 'ES256':
      return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    case 'EdDSA':
      return sign(null, bytes, privateKey)
  }
}

export const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Signs header and payload as they are given; a text stands for itself, whatever JSON it is or is not. */
export function tokenOf(key: TokenKey, payload: unknown, header: string | object = {}): string {
  const full =
    typeof header === 'string' ? header : { alg: key.algorithm, kid: key.keyId, typ: 'JWT', ...header }
  const signed = `${encoded(full)}.${encoded(payload)}`
  return `${signed}.${signBytes(key, Buffer.from(signed)).toString('base64url')}`
}

export const ISSUER = 'https://login.example/'
export const AUDIENCE = 'https://media.example/'

export function issuerOf(
  keys: TrustedIssuer['keys'] | TokenKey[],
  more: Partial<TrustedIssuer> = {},
): TrustedIssuer {
  return {
    id: 'iss-test' as IssuerId, // a test's own
    name: 'login',
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    keys: Array.isArray(keys) ? { kind: 'inline', keys: keys.map(({ jwk }) => jwk) } : keys,
    claim: 'paths',
    cookie: 'sluice-token',
    ...more,
  }
}
