import type { CanonicalPath, Instant } from '../core/index.ts'
import type { ExplainRequest } from '../client/index.ts'
import type { Behaviour } from '../distribution/index.ts'
import type { RawUrl } from '../http/index.ts'
import { carriersOf, stripSigning, type TakenPath } from '../signing/index.ts'
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

/** Explains what of a viewer's request counts as its grant. */
export async function explainCarried(
  url: RawUrl,
  asked: ExplainRequest,
  taken: TakenPath,
  { behaviour, path, site, now }: Place,
): Promise<ExplainedGrant> {
  const { gate } = behaviour
  if (!gate) return NO_GRANT
  // In the gate's order: edges try them, and tell of the first, in this one.
  const issuers = gate.issuers.flatMap(id => site.issuers.find(each => each.id === id) ?? [])
  const counting = site.keyGroups.filter(group => gate.keyGroups.includes(group.id))
  const request = {
    ...{ scheme: url.scheme, authority: url.authority, rawPath: taken.rest, canonicalPath: path },
    query: stripSigning(url.query),
    address: asked.address ?? '',
    action: 'view' as const,
  }
  const carriers = carriersOf(
    {
      ...{ query: url.query, token: taken.token, jwt: taken.jwt },
      ...{ authorization: asked.authorization, cookies: asked.cookie },
    },
    { ...gate, issuerCookies: () => issuers.map(({ cookie }) => cookie) },
  )
  const told: ExplainedGrant[] = []
  for (const { of, found } of carriers.kind === 'chosen' ? [carriers.carrier] : carriers.read()) {
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
