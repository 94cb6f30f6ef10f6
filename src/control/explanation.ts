import type { Explanation } from '../client/index.ts'
import type { Reason } from '../core/index.ts'
import type { Snapshot } from '../distribution/index.ts'
import type { RawUrl } from '../http/index.ts'
import { stripSigning, withoutTokens, type TakenPath } from '../signing/index.ts'

/** What nodes decide by. */
export type Site = Pick<
  Snapshot,
  'distributions' | 'fallbackDistribution' | 'keyGroups' | 'issuers' | 'channels'
>

/** All but the clock; the reason is one of ours. */
export type Said = Omit<Explanation, 'clock' | 'reason'> & { reason: Reason | null }

/** What is said of a request before anything is known of it: refused, and nothing that it carries is told back. */
export function nothingSaid(
  action: Said['action'],
  { scheme, authority, query }: RawUrl,
  { token, jwt, rest }: Pick<TakenPath, 'token' | 'jwt' | 'rest'>,
): Said {
  const own = stripSigning(query)
  const path = withoutTokens(rest)
  return {
    url: `${scheme}://${authority}${token === undefined && jwt === undefined ? '' : '/~…'}${path}${own === '' ? '' : `?${own}`}`,
    action,
    verdict: 'refused',
    reason: null,
    detail: '',
    ...{ distribution: null, channel: null, gate: null, carrier: null, key: null, cache: null },
    path: { canonical: null, bad: null },
    behaviours: [],
    policy: null,
    token: null,
    checks: [],
  }
}
