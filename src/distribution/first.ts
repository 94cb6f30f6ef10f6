import type { DistributionId, KeyGroupId } from '../core/index.ts'
import type { Behaviour, Distribution, Lifetimes } from './schema.ts'

/** CloudFront's lifetimes: 24 hours when the origin says nothing, a year at most. */
export const DEFAULT_LIFETIMES: Lifetimes = { minimum: 0, default: 86_400, maximum: 31_536_000 }

const BUILT_IN = 'built-in'

function behaviour(pattern: string, gate: Behaviour['gate']): Behaviour {
  return {
    pattern,
    originId: BUILT_IN,
    gate,
    ttl: DEFAULT_LIFETIMES,
    viewerProtocol: 'allow-all',
    carry: 'none',
    query: 'none',
    headers: [],
    corsOrigins: [],
  }
}

/** The distribution that a fresh installation starts with (INTERFACE.md, "Names and ports"). */
export function firstDistribution(
  id: DistributionId,
  domainSuffix: string,
  members: KeyGroupId,
): Distribution {
  return {
    id,
    domain: `${id.toLowerCase()}.${domainSuffix}`,
    aliases: [],
    enabled: true,
    comment: 'made at first start',
    origins: [{ id: BUILT_IN, kind: 'built-in' }],
    behaviours: [
      behaviour('/members/*', { keyGroups: [members], issuers: [] }),
      behaviour('/live/*', null),
      behaviour('*', null),
    ],
  }
}
