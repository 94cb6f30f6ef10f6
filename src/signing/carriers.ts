import { findCarrier, type CarrierResult } from './carrier.ts'
import type { PathToken } from './path-token.ts'
import { bearerToken, tokenCookie, type TokenCarrierResult } from './viewer-token-carrier.ts'

/** Something of a viewer's request that may be a grant: a signed policy, or a token of an issuer. */
export type Carried = { of: 'policy'; found: CarrierResult } | { of: 'issuer'; found: TokenCarrierResult }

export type Carriers =
  /** In the URL, or as a bearer token: the viewer's own choice, beside which nothing else counts. */
  | { kind: 'chosen'; carrier: Carried }
  /**
   * Browsers send cookies by themselves, also those of yesterday and of others, so of these any that opens will do;
   * when none does, the first one's refusal is told. They are read only when asked for; none is `missing`.
   */
  | { kind: 'cookies'; read(): Carried[] }

/** What of a request may carry a grant; header fields as sent. */
export interface CarrierParts {
  /** Without the `?`. */
  query: string
  token?: PathToken | undefined
  /** A JSON Web Token that stands in the place of a path token. */
  jwt?: string | undefined
  authorization?: string | undefined
  cookies?: string | undefined
}

/** What of a gate decides where grants are looked for. */
export interface CarrierGate {
  /** Only their number counts here. */
  keyGroups: readonly unknown[]
  issuers: readonly unknown[]
  /** The cookies in which tokens of the issuers come, in the issuers' order. */
  issuerCookies(): readonly string[]
}

/**
 * The carriers of a viewer's request in the order in which they are tried: the URL (query, then path token), a bearer
 * token where issuers are named, then cookies (CloudFront's, then those of the issuers).
 */
export function carriersOf(parts: CarrierParts, gate: CarrierGate): Carriers {
  const { query, token, jwt, authorization, cookies } = parts
  const inUrl = findCarrier({ query, token })
  if (inUrl.kind !== 'none') return { kind: 'chosen', carrier: { of: 'policy', found: inUrl } }
  if (jwt !== undefined) return ofIssuer({ kind: 'token', via: 'path', text: jwt })
  const bearer = gate.issuers.length > 0 ? bearerToken(authorization) : NOTHING
  if (bearer.kind !== 'none') return ofIssuer(bearer)
  return { kind: 'cookies', read: () => (cookies === undefined ? [] : readCookies(cookies, gate)) }
}

const NOTHING: TokenCarrierResult = { kind: 'none' }

function ofIssuer(found: TokenCarrierResult): Carriers {
  return { kind: 'chosen', carrier: { of: 'issuer', found } }
}

/** Where no key could have signed them, CloudFront's cookies say nothing beside an issuer's. */
function readCookies(cookies: string, gate: CarrierGate): Carried[] {
  const tokens = [...new Set(gate.issuerCookies())]
    .map((name): Carried => ({ of: 'issuer', found: tokenCookie(cookies, name) }))
    .filter(({ found }) => found.kind !== 'none')
  const policy: Carried = { of: 'policy', found: findCarrier({ query: '', cookies }) }
  const foreign = tokens.length > 0 && gate.keyGroups.length === 0
  return foreign || policy.found.kind === 'none' ? tokens : [policy, ...tokens]
}
