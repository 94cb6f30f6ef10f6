import { createHash } from 'node:crypto'
import { after, type Instant, type IssuerId, type Milliseconds } from '../core/index.ts'
import { refuse, type Refused } from './authenticate.ts'
import { verifyJws } from './jwt.ts'
import { readViewerToken, type ViewerToken } from './viewer-token.ts'
import {
  keysFor,
  mayBeOf,
  trustIssuer,
  type IssuerJwk,
  type IssuerTerms,
  type IssuerTrust,
} from './viewer-token-keys.ts'
import { readTokenPaths, type TokenPaths } from './viewer-token-paths.ts'

/** What a trusted issuer has promised; opens nothing by itself. */
export interface TokenGrant {
  readonly kind: 'authentic'
  readonly issuerId: IssuerId
  /** The start of a hash of the token: tells grants apart, too little to be one. */
  readonly label: string
  readonly audience: 'ours' | 'other'
  readonly paths: TokenPaths
  readonly expires: Instant
  readonly notBefore: Instant | undefined
}

export type TokenAuthenticated = TokenGrant | Refused

/** What a token is held against: the one spelling of the path (SEAMS 1). */
export interface TokenRequest {
  canonicalPath: string
}

export type TokenVerdict = { kind: 'allowed'; grant: TokenGrant } | Refused

/**
 * Issuers write the second of signing into `nbf`, and an edge whose clock is a little behind would turn a viewer away
 * who has just logged in. `exp` has none: a grant ends when it says, as a policy's does.
 */
export const NOT_BEFORE_LEEWAY: Milliseconds = 5_000

/**
 * Whether a trusted issuer signed a token. Says nothing yet of audience, path and time, so the answer holds for as
 * long as this trust does and may be remembered. Never throws, whatever a viewer sends.
 */
export async function authenticateToken(token: ViewerToken, trust: IssuerTrust): Promise<TokenAuthenticated> {
  const { terms } = trust
  if (token.issuer !== terms.issuer) return unknownIssuer()
  const read = readTokenPaths(token.claims.get(terms.claim))
  if (read.kind === 'bad') return refuse('malformed', `the claim "${terms.claim}" ${read.why}`)
  if (!mayBeOf(token, terms)) return refuse('unknown-key', foreign(token))
  const keys = keysFor(token, trust)
  if (keys.length === 0)
    return refuse('unknown-key', "the issuer's keys have none that the token could be signed with")
  for (const { key } of keys) {
    if (!(await verifyJws(token.text, key, token.algorithm))) continue
    const { expires, notBefore, audiences } = token
    return {
      kind: 'authentic',
      issuerId: terms.id,
      label: createHash('sha256').update(token.text).digest('base64url').slice(0, 20),
      // A token for several audiences is good at each of them, so each could use it at the others (RFC 8725 §3.9).
      audience: audiences.length === 1 && audiences[0] === terms.audience ? 'ours' : 'other',
      paths: read.paths,
      ...{ expires, notBefore },
    }
  }
  return refuse('bad-signature', "none of the issuer's keys that fit the token has signed it")
}

/** Holds an authentic token against a request: audience, path, times; the first that fails, in INTERFACE.md's order. */
export function judgeToken(grant: TokenGrant, { canonicalPath }: TokenRequest, now: Instant): TokenVerdict {
  if (grant.audience !== 'ours')
    return refuse(
      'wrong-resource',
      "the token's audience is not exactly the one that the issuer signs for here",
    )
  if (!grant.paths.cover(canonicalPath))
    return refuse('wrong-resource', 'none of the path globs in the token covers this path')
  if (now >= grant.expires) return refuse('expired', 'the token has expired')
  if (grant.notBefore !== undefined && after(now, NOT_BEFORE_LEEWAY) < grant.notBefore)
    return refuse('not-yet', 'the token is not valid yet')
  return { kind: 'allowed', grant }
}

/** Reads, authenticates and judges in one; whoever remembers answers calls the three of them instead. */
export async function verifyViewerToken(
  text: string,
  issuer: IssuerTerms,
  keys: readonly IssuerJwk[],
  request: TokenRequest,
  now: Instant,
): Promise<TokenVerdict> {
  const token = readViewerToken(text)
  if (token.kind === 'malformed') return refuse('malformed', token.why)
  const answer = await authenticateToken(token, trustIssuer(issuer, keys))
  return answer.kind === 'refused' ? answer : judgeToken(answer, request, now)
}

export function unknownIssuer(): Refused {
  return refuse('unknown-key', 'this behaviour trusts no issuer of the name that the token gives')
}

function foreign({ keySource }: ViewerToken): string {
  return keySource === 'foreign'
    ? 'the token names or brings a key of its own (jku, jwk, x5u, x5c); only those of its issuer count'
    : "the token's algorithm is not one that its issuer may sign with"
}
