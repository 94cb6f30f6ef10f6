import type { KeyObject } from 'node:crypto'
import { compactVerify, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import { epochSeconds, messageOf, type Instant, type Seconds } from '../core/index.ts'

/** The one door to jose; no function here reads a clock. Nodes sign by EdDSA with Ed25519 keys alone. */
export interface Ed25519PublicJwk {
  kty: 'OKP'
  crv: 'Ed25519'
  x: string
}

export interface Ed25519PrivateJwk extends Ed25519PublicJwk {
  d: string
}

export interface Claims {
  issuer: string
  audience: string
  issuedAt: Instant
  expires: Instant
}

const ALGORITHM = 'EdDSA'

/** Compact serialisation; the header names the algorithm and the key, nothing else. */
export function signJwt(
  { issuer, audience, issuedAt, expires }: Claims,
  keyId: string,
  key: Ed25519PrivateJwk,
): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM, kid: keyId })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(epochSeconds(issuedAt))
    .setExpirationTime(epochSeconds(expires))
    .sign(key)
}

/** The key that a token claims to be signed with; undefined when the token is not ours to look at. Nothing is verified. */
export function keyIdOf(token: string): string | undefined {
  try {
    const { alg, kid, ...others } = decodeProtectedHeader(token)
    return alg === ALGORITHM && Object.keys(others).every(name => name === 'typ') ? kid : undefined
  } catch {
    return undefined
  }
}

export interface Expectations {
  issuer: string
  audience: string
  now: Instant
  /** How far two machines' clocks may be apart. */
  leeway: Seconds
  /** No token may say that it lives longer. */
  longestLife: Seconds
}

export type JwtResult =
  | { kind: 'valid' }
  /** `untimely`: its key has signed it, for another time than now. */
  | { kind: 'refused'; why: string; untimely?: true }

export async function verifyJwt(
  token: string,
  key: Ed25519PublicJwk,
  expected: Expectations,
): Promise<JwtResult> {
  const { issuer, audience, now, leeway, longestLife } = expected
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      issuer,
      audience,
      currentDate: new Date(now),
      clockTolerance: leeway,
      // Also refuses a token that is issued in the future.
      maxTokenAge: longestLife,
      requiredClaims: ['iss', 'aud', 'iat', 'exp'],
    })
    const { iat = 0, exp = Infinity, aud } = payload
    if (exp - iat > longestLife) return { kind: 'refused', why: `it lives longer than ${longestLife} s` }
    if (aud !== audience) return { kind: 'refused', why: 'it is for several audiences' }
    return { kind: 'valid' }
  } catch (error) {
    const why = messageOf(error)
    return isUntimely(error) ? { kind: 'refused', why, untimely: true } : { kind: 'refused', why }
  }
}

/** jose looks at claims once the signature is good. */
function isUntimely(error: unknown): boolean {
  if (error instanceof errors.JWTExpired) return true
  return error instanceof errors.JWTClaimValidationFailed && ['iat', 'exp', 'nbf'].includes(error.claim)
}

/**
 * Whether a public key signed a token by exactly this algorithm; claims are not looked at. The header's `alg` must be
 * the same, and jose holds the key to it, so that no key serves another kind of signature (RFC 8725 §3.1).
 */
export async function verifyJws(token: string, key: KeyObject, algorithm: string): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    return true
  } catch {
    return false
  }
}
