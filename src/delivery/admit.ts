import type { GrantReason } from '../core/index.ts'
import type { Behaviour } from '../distribution/index.ts'
import {
  bearerToken,
  findCarrier,
  judge,
  stripSigning,
  tokenCookie,
  type Authenticated,
  type Carrier,
  type CarrierResult,
  type JudgedRequest,
  type TokenCarrier,
  type TokenCarrierResult,
} from '../signing/index.ts'
import { admitToken, type TokenAdmission } from './admit-token.ts'
import { known, type Exchange, type Target } from './exchange.ts'

/** Whether a request may have what lies at a path behind a gate. */
export type Admission =
  | {
      kind: 'admitted'
      /** Tells grants apart; too little of one to let anybody in. */
      grant: string
      /** What carried the grant, for those who hand it on in another form. Holds what lets a reader in. */
      carrier: Carrier | CookieToken
    }
  | { kind: 'refused'; reason: GrantReason }

/** A token, and the cookie in which its issuer's tokens may come. */
export interface CookieToken extends TokenCarrier {
  readonly cookie: string
}

/** What is asked for; usually the request's own target. */
export type Asked = Pick<Target, 'rawPath' | 'path' | 'query' | 'token' | 'jwt'>

/**
 * Holds what the request carries against the gate of a behaviour and the path that is asked for. What stands in the URL
 * counts, then a bearer token where issuers are named, then cookies. Browsers send cookies by themselves, also those of
 * yesterday and of others, so of these any that opens will do; of the rest the first is the viewer's choice.
 */
export function admit(x: Exchange, behaviour: Behaviour, asked: Asked): Admission | Promise<Admission> {
  const inUrl = findCarrier({ query: asked.query, token: asked.token })
  if (inUrl.kind !== 'none') return admitPolicy(x, behaviour, asked, inUrl)
  if (asked.jwt !== undefined)
    return admitJwt(x, behaviour, asked, { kind: 'token', via: 'path', text: asked.jwt })
  const bearer = namesIssuers(behaviour) ? bearerToken(x.header('authorization')) : NOTHING
  if (bearer.kind !== 'none') return admitJwt(x, behaviour, asked, bearer)
  return (
    admitSeenCookies(x, behaviour, asked) ??
    firstOf(cookieCarriers(x, behaviour), carried => admitCookie(x, behaviour, asked, carried))
  )
}

/** Nearly every request of a film comes with the cookies of the one before; what does not open is looked at anew. */
function admitSeenCookies(x: Exchange, behaviour: Behaviour, asked: Asked): Admission | undefined {
  const cookies = x.header('cookie')
  const trusted = x.node.trustedBy(behaviour)
  const seen = cookies && trusted && x.node.grants.seenCookies(cookies, trusted)
  if (!seen) return undefined
  const admission = admitAuthentic(x, asked, seen.carrier, seen.authentic)
  return admission.kind === 'admitted' ? admission : undefined
}

export function namesIssuers({ gate }: Behaviour): boolean {
  return gate !== null && gate.issuers.length > 0
}

const NOTHING: TokenCarrierResult = { kind: 'none' }

type CookieCarrier = { of: 'policy'; found: CarrierResult } | { of: 'issuer'; found: TokenCarrierResult }

/** Signed cookies come first. Where no key could have signed them, they say nothing beside an issuer's cookie. */
function cookieCarriers(x: Exchange, behaviour: Behaviour): CookieCarrier[] {
  const cookies = x.header('cookie')
  if (cookies === undefined) return []
  const names = new Set(x.node.issuersOf(behaviour).map(({ terms }) => terms.cookie))
  const tokens = [...names]
    .map((name): CookieCarrier => ({ of: 'issuer', found: tokenCookie(cookies, name) }))
    .filter(({ found }) => found.kind !== 'none')
  const policies: CookieCarrier = { of: 'policy', found: findCarrier({ query: '', cookies }) }
  const foreign = tokens.length > 0 && behaviour.gate?.keyGroups.length === 0
  return foreign || policies.found.kind === 'none' ? tokens : [policies, ...tokens]
}

function admitCookie(
  x: Exchange,
  behaviour: Behaviour,
  asked: Asked,
  carried: CookieCarrier,
): Admission | Promise<Admission> {
  return carried.of === 'policy'
    ? admitPolicy(x, behaviour, asked, carried.found)
    : admitJwt(x, behaviour, asked, carried.found)
}

/** The first admission; else the first refusal. */
function firstOf(
  carriers: readonly CookieCarrier[],
  ask: (carrier: CookieCarrier) => Admission | Promise<Admission>,
  refused?: Admission,
): Admission | Promise<Admission> {
  const [carrier, ...others] = carriers
  if (carrier === undefined) return refused ?? { kind: 'refused', reason: 'missing' }
  const settle = (admission: Admission): Admission | Promise<Admission> =>
    admission.kind === 'admitted' ? admission : firstOf(others, ask, refused ?? admission)
  const admission = ask(carrier)
  return admission instanceof Promise ? admission.then(settle) : settle(admission)
}

function admitPolicy(x: Exchange, behaviour: Behaviour, asked: Asked, carrier: CarrierResult): Admission {
  if (carrier.kind === 'none' || carrier.kind === 'keyless') return { kind: 'refused', reason: 'missing' }
  if (carrier.kind === 'malformed') return { kind: 'refused', reason: 'malformed' }
  const trusted = known(x.node.trustedBy(behaviour), 'the trusted keys')
  const authenticated = x.node.grants.authenticate(carrier, requestOf(x, asked), trusted)
  if (authenticated.kind === 'refused') return { kind: 'refused', reason: authenticated.reason }
  const cookies = carrier.via === 'cookie' ? x.header('cookie') : undefined
  if (cookies !== undefined)
    x.node.grants.rememberCookies(cookies, trusted, { carrier, authentic: authenticated })
  return admitAuthentic(x, asked, carrier, authenticated)
}

function requestOf(x: Exchange, asked: Asked): JudgedRequest {
  const { scheme, authority, address } = known(x.viewer, 'the viewer')
  return {
    scheme,
    authority,
    rawPath: asked.rawPath,
    canonicalPath: asked.path,
    query: stripSigning(asked.query),
    address,
    action: 'view',
  }
}

function admitAuthentic(
  x: Exchange,
  asked: Asked,
  carrier: Carrier,
  authenticated: Authenticated & { kind: 'authentic' },
): Admission {
  const verdict = judge(authenticated.policy, authenticated.keyId, requestOf(x, asked), x.startedAt)
  if (verdict.kind === 'refused') return { kind: 'refused', reason: verdict.reason }
  return {
    kind: 'admitted',
    grant: carrier.signature.slice(0, 20),
    // Cookies must declare what a path token leaves open.
    carrier: carrier.hash === 'either' ? { ...carrier, hash: authenticated.hash } : carrier,
  }
}

function admitJwt(
  x: Exchange,
  behaviour: Behaviour,
  asked: Asked,
  carrier: TokenCarrierResult,
): Admission | Promise<Admission> {
  if (carrier.kind === 'none') return { kind: 'refused', reason: 'missing' }
  if (carrier.kind === 'malformed') return { kind: 'refused', reason: 'malformed' }
  const told = (admission: TokenAdmission): Admission => {
    if (admission.kind === 'refused') return { kind: 'refused', reason: admission.reason }
    const { label, cookie } = admission
    return { kind: 'admitted', grant: label, carrier: { ...carrier, cookie } }
  }
  const admission = admitToken(x, behaviour, carrier, asked.path)
  return admission instanceof Promise ? admission.then(told) : told(admission)
}
