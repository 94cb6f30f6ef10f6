import type { CanonicalPath, Instant } from '../core/index.ts'
import type { ExplainRequest } from '../client/index.ts'
import type { Behaviour, KeyGroup, TrustedIssuer } from '../distribution/index.ts'
import type { RawUrl } from '../http/index.ts'
import {
  bearerToken,
  findCarrier,
  stripSigning,
  tokenCookie,
  type CarrierResult,
  type TakenPath,
  type TokenCarrierResult,
} from '../signing/index.ts'
import { explainPolicy, firstThatOpens, type ExplainedGrant } from './explain-grant.ts'
import { explainToken } from './explain-token.ts'
import type { Site } from './explanation.ts'

export const NO_GRANT: ExplainedGrant = {
  ...{ carrier: null, key: null, policy: null, token: null, checks: [] },
  ...{ verdict: 'allowed', reason: null, detail: 'no gate stands before this path: everybody may read it' },
}

export interface Place {
  behaviour: Behaviour
  path: CanonicalPath
  site: Site
  now: Instant
}

/**
 * Finds what of a viewer's request counts as its grant, and explains it. Of cookies any that opens will do; when none
 * does, the first is told.
 */
export async function explainCarried(
  url: RawUrl,
  asked: ExplainRequest,
  taken: TakenPath,
  { behaviour, path, site, now }: Place,
): Promise<ExplainedGrant> {
  const { gate } = behaviour
  if (!gate) return NO_GRANT
  const issuers = site.issuers.filter(each => gate.issuers.includes(each.id))
  const counting = site.keyGroups.filter(group => gate.keyGroups.includes(group.id))
  const request = {
    ...{ scheme: url.scheme, authority: url.authority, rawPath: taken.rest, canonicalPath: path },
    query: stripSigning(url.query),
    address: asked.address ?? '',
    action: 'view' as const,
  }
  const told: ExplainedGrant[] = []
  for (const { of, found } of carriersOf(url, asked, taken, { issuers, counting })) {
    told.push(
      of === 'policy'
        ? explainPolicy({ ...request, carrier: found }, { counting, all: site.keyGroups }, now)
        : await explainToken(found, issuers, path, now),
    )
  }
  return (
    firstThatOpens(told) ??
    explainPolicy({ ...request, carrier: { kind: 'none' } }, { counting, all: [] }, now)
  )
}

type Found = { of: 'policy'; found: CarrierResult } | { of: 'issuer'; found: TokenCarrierResult }

/** The URL first (query, then path token), then Authorization, then cookies: CloudFront's, then those of issuers. */
function carriersOf(
  { query }: RawUrl,
  { cookie: cookies, authorization }: ExplainRequest,
  { token, jwt }: TakenPath,
  trust: { issuers: readonly TrustedIssuer[]; counting: readonly KeyGroup[] },
): Found[] {
  const inUrl = findCarrier({ query, token })
  if (inUrl.kind !== 'none') return [{ of: 'policy', found: inUrl }]
  if (jwt !== undefined) return [{ of: 'issuer', found: { kind: 'token', via: 'path', text: jwt } }]
  const bearer = trust.issuers.length > 0 ? bearerToken(authorization) : { kind: 'none' as const }
  if (bearer.kind !== 'none') return [{ of: 'issuer', found: bearer }]
  const tokens = [...new Set(trust.issuers.map(each => each.cookie))]
    .map((name): Found => ({ of: 'issuer', found: tokenCookie(cookies, name) }))
    .filter(({ found }) => found.kind !== 'none')
  const policy = findCarrier({ query: '', cookies })
  // Signed cookies that no key could have signed say nothing beside an issuer's cookie.
  const foreign = tokens.length > 0 && trust.counting.length === 0
  return foreign || policy.kind === 'none' ? tokens : [{ of: 'policy', found: policy }, ...tokens]
}
