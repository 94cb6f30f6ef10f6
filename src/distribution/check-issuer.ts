import { createPublicKey } from 'node:crypto'
import { reader, type IssuerId } from '../core/index.ts'
import type { IssuerInput } from './issuer-input.ts'
import { JWT_ALGORITHMS, TrustedIssuer, type JwtAlgorithm, type PublicJwk } from './schema.ts'

export type SettledIssuer =
  | { kind: 'good'; issuer: TrustedIssuer; warnings: string[] }
  /** Sentences, each naming its place and the mend. */
  | { kind: 'bad'; problems: string[] }

/** The one validation of issuers: fills in what was left out, and takes public keys only. */
export function settleIssuer(input: IssuerInput, id: IssuerId): SettledIssuer {
  const problems: string[] = []
  const warnings: string[] = []
  const algorithms = JWT_ALGORITHMS.filter(name => input.algorithms?.includes(name) ?? true)
  const keys: TrustedIssuer['keys'] =
    input.keys.kind === 'url'
      ? { kind: 'url', url: setUrl(input.keys.url, { problems, warnings }) }
      : { kind: 'inline', keys: input.keys.keys.flatMap((key, at) => readKey(key, at + 1, problems)) }
  const cookie = input.cookie ?? 'sluice-token'
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(cookie))
    problems.push(`the cookie "${cookie}" is no name of a cookie here: use letters, digits, "-" and "_"`)
  else if (/^cloudfront-/i.test(cookie))
    problems.push(`the cookie "${cookie}" carries signed policies: use another name`)
  if (keys.kind === 'inline' && problems.length === 0) {
    const lone = keys.keys.findIndex(key => !algorithms.some(name => serves(key, name)))
    if (lone >= 0)
      problems.push(
        `key ${lone + 1} can sign by none of ${algorithms.join(', ')}: take it out, or allow its algorithm`,
      )
  }
  if (problems.length > 0) return { kind: 'bad', problems }
  const { name, issuer, audience, claim = 'paths' } = input
  return {
    kind: 'good',
    issuer: readIssuer({ id, name, issuer, audience, algorithms, keys, claim, cookie }),
    warnings,
  }
}

const readIssuer: (value: unknown) => TrustedIssuer = reader(TrustedIssuer, 'the issuer')

function setUrl(text: string, told: { problems: string[]; warnings: string[] }): string {
  if (!/^https?:\/\/[^\s/?#@\\]+(?:[/?][^\s#\\]*)?$/i.test(text) || !URL.canParse(text)) {
    told.problems.push(
      'the URL of its key set is none: write it as https://login.example/.well-known/jwks.json, without name, password and fragment',
    )
    return text
  }
  const url = new URL(text)
  if (url.protocol === 'http:' && !/^(?:localhost|127\.|\[::1\])/.test(url.hostname)) {
    told.warnings.push(
      `the keys of ${url.host} are fetched without TLS, so whoever stands in between could put in their own: use https://`,
    )
  }
  return url.href
}

/** Members that only a private or a shared key has (RFC 7518 §6.2.2, §6.3.2, §6.4). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

const PUBLIC = ['kty', 'kid', 'alg', 'use', 'crv', 'n', 'e', 'x', 'y'] as const

function readKey(given: object, number: number, problems: string[]): PublicJwk[] {
  const member = PRIVATE.find(each => Object.hasOwn(given, each))
  if (member !== undefined) {
    problems.push(
      `key ${number} holds the secret member "${member}": give the public half only, and make a new key, since this one has been told`,
    )
    return []
  }
  const kept = Object.fromEntries(
    Object.entries(given).filter(([name]) => PUBLIC.some(each => each === name)),
  )
  const why = keyProblem(kept)
  if (why === undefined) return [kept as PublicJwk] // checked again with the whole issuer
  problems.push(`key ${number} ${why}`)
  return []
}

function keyProblem(jwk: Record<string, unknown>): string | undefined {
  const { kty, crv } = jwk
  const known = kty === 'RSA' || (kty === 'EC' && crv === 'P-256') || (kty === 'OKP' && crv === 'Ed25519')
  if (!known) return 'is of a kind that no token can be checked with: use RSA, EC on P-256, or OKP on Ed25519'
  try {
    const { modulusLength } = createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyDetails ?? {}
    if (modulusLength !== undefined && modulusLength < 2048)
      return 'is RSA of less than 2048 bits: make a longer one'
    return undefined
  } catch {
    return 'is no key: copy it whole out of the key set'
  }
}

function serves({ kty, alg, use }: PublicJwk, algorithm: JwtAlgorithm): boolean {
  const fits = { RSA: ['RS256', 'PS256'], EC: ['ES256'], OKP: ['EdDSA', 'Ed25519'] }[kty]
  const named = alg === 'Ed25519' ? 'EdDSA' : alg
  return use !== 'enc' && fits.includes(algorithm) && (named === undefined || named === algorithm)
}
