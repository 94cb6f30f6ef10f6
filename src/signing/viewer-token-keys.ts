import { createPublicKey, type KeyObject } from 'node:crypto'
import type { IssuerId } from '../core/index.ts'
import type { ViewerToken } from './viewer-token.ts'

export type TokenAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** An issuer as the snapshot has it; only what verification needs. */
export interface IssuerTerms {
  id: IssuerId
  issuer: string
  audience: string
  algorithms: readonly TokenAlgorithm[]
  /** The claim that lists path globs. */
  claim: string
  /** The cookie that may carry its tokens. */
  cookie: string
}

/** A public key as RFC 7517 writes it; other members are not looked at. */
export interface IssuerJwk {
  kty: string
  kid?: string
  alg?: string
  use?: string
  crv?: string
  n?: string
  e?: string
  x?: string
  y?: string
}

export interface IssuerKey {
  readonly keyId: string | undefined
  /** Of the issuer's algorithms those that this key is for; never empty. */
  readonly algorithms: readonly TokenAlgorithm[]
  readonly key: KeyObject
}

/** An issuer with its keys; another value whenever either changes, so that what is remembered under it ends with it. */
export interface IssuerTrust {
  readonly terms: IssuerTerms
  readonly keys: readonly IssuerKey[]
  /** How many keys of the set are for none of the issuer's algorithms, or cannot be read. */
  readonly unusable: number
}

/** RFC 7518 §3.3 and §3.5. */
const SHORTEST_MODULUS = 2048

/** Parses the keys of a set once, since that costs more than a verification. Keys that do not fit open nothing. */
export function trustIssuer(terms: IssuerTerms, jwks: readonly IssuerJwk[]): IssuerTrust {
  const keys = jwks.flatMap(jwk => {
    const algorithms = terms.algorithms.filter(algorithm => isFor(jwk, algorithm))
    const key = algorithms.length > 0 ? readJwk(jwk) : undefined
    return key === undefined ? [] : [{ keyId: jwk.kid, algorithms, key }]
  })
  return { terms, keys, unusable: jwks.length - keys.length }
}

/** Whether the issuer signs by the algorithm that the token names, with a key of its own. */
export function mayBeOf(token: ViewerToken, { algorithms }: IssuerTerms): boolean {
  return token.keySource === 'issuer' && algorithms.some(algorithm => algorithm === token.algorithm)
}

/** More keys without a name, or with one name, are not tried: a forgery must not cost a verification for each. */
const MOST_TRIED = 4

/**
 * The keys that may have signed a token: those of its `kid`; where it has none, or the set has no key of that name,
 * those that bear no name. None is the sign that the set may be out of date.
 */
export function keysFor(token: ViewerToken, { keys }: IssuerTrust): readonly IssuerKey[] {
  const fitting = keys.filter(key => key.algorithms.some(algorithm => algorithm === token.algorithm))
  const named = fitting.filter(key => key.keyId === token.keyId)
  const meant = token.keyId === undefined ? fitting : named
  return (meant.length > 0 ? meant : fitting.filter(key => key.keyId === undefined)).slice(0, MOST_TRIED)
}

function isFor({ kty, crv, use, alg }: IssuerJwk, algorithm: TokenAlgorithm): boolean {
  if (use !== undefined && use !== 'sig') return false
  // RFC 9864 gives EdDSA with Ed25519 a name of its own; keys may already bear it.
  if (alg !== undefined && alg !== algorithm && !(alg === 'Ed25519' && algorithm === 'EdDSA')) return false
  switch (algorithm) {
    case 'RS256':
    case 'PS256':
      return kty === 'RSA'
    case 'ES256':
      return kty === 'EC' && crv === 'P-256'
    case 'EdDSA':
      return kty === 'OKP' && crv === 'Ed25519'
  }
}

function readJwk({ kty, crv, n, e, x, y }: IssuerJwk): KeyObject | undefined {
  try {
    // Only public members are handed on, so a private key that somebody publishes is not even read.
    const members = Object.entries({ kty, crv, n, e, x, y }).filter(([, value]) => value !== undefined)
    const key = createPublicKey({ key: Object.fromEntries(members), format: 'jwk' })
    const bits = key.asymmetricKeyDetails?.modulusLength
    return bits !== undefined && bits < SHORTEST_MODULUS ? undefined : key
  } catch {
    return undefined
  }
}
