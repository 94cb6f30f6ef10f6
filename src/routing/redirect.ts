import type { Distribution } from '../distribution/index.ts'
import { nameAtEdge } from './names.ts'
import type { Ranked } from './nearest.ts'
import { authorityOf, portOf, type Scheme } from './steering.ts'

export interface Redirected {
  location: string
  to: Ranked
}

/**
 * Where a request is sent: the nearest edge that speaks its scheme, under a name of the distribution that is that edge's
 * alone. `target` is path and query as they came, so that tokens in them come along. Undefined where there is none.
 */
export function redirectOf(
  { domain }: Pick<Distribution, 'domain'>,
  ranked: readonly Ranked[],
  { scheme, target }: { scheme: Scheme; target: string },
): Redirected | undefined {
  const to = ranked.find(({ edge }) => portOf(edge, scheme) !== undefined)
  const port = to && portOf(to.edge, scheme)
  if (to === undefined || port === undefined) return undefined
  const authority = authorityOf(nameAtEdge(domain, to.edge.id), port, scheme)
  return { location: `${scheme}://${authority}${target}`, to }
}
