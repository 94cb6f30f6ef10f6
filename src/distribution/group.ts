import { canonicalPath } from '../core/index.ts'
import type { ErrorInput, OriginGroupInput } from './input.ts'
import {
  FAILOVER_STATUSES,
  type Distribution,
  type ErrorRule,
  type Origin,
  type OriginGroup,
} from './schema.ts'

/** When nothing is said: the origin has broken down, or what stands before it says so. */
const DEFAULT_STATUSES = [500, 502, 503, 504]

/** Whom a behaviour that names this id asks, in order: the origin, or the members of the group; none that is not there. */
export function membersOf(
  { origins, originGroups = [] }: Pick<Distribution, 'origins' | 'originGroups'>,
  id: string,
): Origin[] {
  const ids = originGroups.find(each => each.id === id)?.members ?? [id]
  return ids.flatMap(each => origins.find(origin => origin.id === each) ?? [])
}

export function completeGroup(input: OriginGroupInput, origins: readonly Origin[]): OriginGroup {
  const statuses = [...new Set(input.statuses ?? DEFAULT_STATUSES)]
  return {
    id: input.id,
    members: input.members ?? origins.slice(0, 2).map(({ id }) => id),
    statuses: statuses.sort((a, b) => a - b),
  }
}

export function completeError({ status, ttl, page, respondWith }: ErrorInput): ErrorRule {
  const canonical = typeof page === 'string' && !/[?#]/.test(page) ? canonicalPath(page) : undefined
  return {
    status,
    ...(ttl !== undefined && { ttl }),
    ...(typeof page === 'string' && { page: canonical?.kind === 'ok' ? canonical.path : page }),
    ...(typeof respondWith === 'number' && { respondWith }),
  }
}

export function groupProblems({ originGroups = [], origins }: Distribution): string[] {
  return originGroups.flatMap(({ id, members, statuses }, at) => {
    const place = `the origin group "${id}"`
    const problems: string[] = []
    if (origins.some(each => each.id === id))
      problems.push(`${place} is called like an origin: give it an "id" of its own`)
    if (originGroups.findIndex(each => each.id === id) !== at)
      problems.push(`${place} is there twice: give each group an "id" of its own`)
    if (members.length !== 2 || members[0] === members[1])
      problems.push(`${place} needs two different "members": the origin that is asked first, then the other`)
    for (const member of members)
      if (!origins.some(each => each.id === member))
        problems.push(`${place} names the origin "${member}", which is not listed: list it or name another`)
    const strange = statuses.filter(status => !FAILOVER_STATUSES.some(known => known === status))
    if (strange.length > 0)
      problems.push(
        `${place} cannot fail over on ${strange.join(', ')}: its "statuses" are of ${FAILOVER_STATUSES.join(', ')}`,
      )
    return problems
  })
}

export function errorProblems({ errors }: Distribution): string[] {
  return errors.flatMap(({ status, ttl, page, respondWith }, at) => {
    const place = `the rule for the error ${status}`
    const problems: string[] = []
    if (errors.findIndex(each => each.status === status) !== at)
      problems.push(`${place} is there twice: only the first would count, put them into one`)
    if (ttl === undefined && page === undefined)
      problems.push(`${place} says nothing: give it a "ttl" or a "page"`)
    if (respondWith !== undefined && page === undefined)
      problems.push(`${place} has "respondWith" without a "page": name the page, or take it out`)
    if (respondWith !== undefined && respondWith !== 200 && respondWith < 400)
      problems.push(
        `${place} cannot answer ${respondWith}: set "respondWith" to 200 or to the status of an error`,
      )
    if (page !== undefined)
      problems.push(...pageProblem(page).map(why => `the page "${page}" of ${place} ${why}`))
    return problems
  })
}

/** A query would be the viewer's own, and what is reserved is no object. */
function pageProblem(page: string): string[] {
  if (!page.startsWith('/')) return ['is no path: write it as /errors/404.html']
  if (/[?#]/.test(page)) return ['has a query or fragment: end it before that']
  const canonical = canonicalPath(page)
  if (canonical.kind === 'bad') return [`is a path that no request can have (${canonical.why}): mend it`]
  if (/^\/\.sluice(?:\/|$)/.test(canonical.path)) return ['is Sluice itself: name another']
  return []
}
