import type { DistributionId, KeyGroupId } from '../core/index.ts'
import type { Behaviour, Distribution, HttpOrigin, Lifetimes } from './schema.ts'

/** CloudFront's lifetimes: 24 hours when the origin says nothing, a year at most. */
export const DEFAULT_LIFETIMES: Lifetimes = { minimum: 0, default: 86_400, maximum: 31_536_000 }

/** How an HTTP origin is talked to unless it says otherwise: CloudFront's attempts and time limits. */
export const DEFAULT_WIRE: Omit<HttpOrigin, 'id' | 'kind' | 'url' | 'headers'> = {
  protocol: 'as-url',
  httpPort: 80,
  httpsPort: 443,
  attempts: 3,
  connectTimeout: 10,
  responseTimeout: 30,
  keepAlive: 5,
}

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
    forward: 'none',
    cookies: 'none',
    methods: 'read',
    compress: true,
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
    errors: [],
  }
}
