import {
  membersOf,
  viewerFieldRefusal,
  type Behaviour,
  type Origin,
  type OriginAccess,
  type Snapshot,
} from '../../distribution/index.ts'
import type { Seconds } from '../../core/index.ts'
import type { Bounds, KeyedQuery } from '../../http/index.ts'
import { forwardingOf, secretsOf, type Forwarding } from './forwarding.ts'
import { AWS_SIGNATURE_FIELDS } from './origin-bucket.ts'

/** One origin of a behaviour, and what of a viewer's request goes there beside the path. */
export interface Member {
  origin: Origin
  /** What proves to a bucket that we may read it. */
  access: OriginAccess | undefined
  query: KeyedQuery
  /** Names of header fields, in lower case. */
  headers: readonly string[]
  /** What goes there unkeyed; undefined when nothing does. */
  forwarding: Forwarding | undefined
}

/**
 * Where a behaviour's objects come from. Of a group, origin and access are those of its first member, and what is keyed
 * or may go upstream is whatever goes to either: so the key is the same whoever answers.
 */
export interface Source extends Member {
  /** In the order in which they are asked. */
  members: readonly [first: Member, second?: Member]
  /** With which the first passes a question on to the second. */
  failover: ReadonlySet<number>
  /** Between which its answers live. */
  bounds: Bounds
}

/** Of every behaviour whose origin is there. */
export function sourcesOf(
  snapshot: Pick<Snapshot, 'distributions' | 'originAccess'>,
): Map<Behaviour, Source> {
  const accesses = new Map(snapshot.originAccess.map(access => [access.id, access]))
  const sources = new Map<Behaviour, Source>()
  for (const distribution of snapshot.distributions) {
    const { behaviours, errors, originGroups = [] } = distribution
    const leastOfErrors = new Map(
      errors.flatMap(({ status, ttl }): [number, Seconds][] => (ttl === undefined ? [] : [[status, ttl]])),
    )
    for (const behaviour of behaviours) {
      const origins = membersOf(distribution, behaviour.originId)
      const [first, second] = origins.map(origin => memberFor(behaviour, origin, accesses))
      if (first === undefined) continue
      const failover = new Set(originGroups.find(({ id }) => id === behaviour.originId)?.statuses)
      const bounds = { ...behaviour.ttl, errors: leastOfErrors }
      const both = second === undefined ? first : widened(first, second)
      const members: Source['members'] = second === undefined ? [first] : [first, second]
      sources.set(behaviour, { ...both, members, failover, bounds })
    }
  }
  return sources
}

function memberFor(
  behaviour: Behaviour,
  origin: Origin,
  accesses: ReadonlyMap<string, OriginAccess>,
): Member {
  const access = origin.kind === 's3' && origin.access !== null ? accesses.get(origin.access) : undefined
  const [query, headers] = [queryFor(behaviour, origin), headersFor(behaviour, origin, access)]
  return { origin, access, query, headers, forwarding: forwardingOf(behaviour, origin) }
}

/** A bucket takes less than a server does; of what both take they take the same. */
function widened(first: Member, second: Member): Member {
  const headers = [...new Set([...first.headers, ...second.headers])]
  const query = first.query === 'none' ? second.query : first.query
  return { ...first, query, headers, forwarding: forwardingToEither(first.forwarding, second.forwarding) }
}

function forwardingToEither(
  first: Forwarding | undefined,
  second: Forwarding | undefined,
): Forwarding | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return {
    selects: name => first.selects(name) || second.selects(name),
    cookies: first.cookies === 'all' ? 'all' : second.cookies,
    viewer: first.viewer === 'told' ? 'told' : second.viewer,
  }
}

/**
 * To a bucket only what is named: `?acl` or `?uploads` asks for something else than the object, and
 * `?response-content-type` for an answer that would then be everybody's.
 */
function queryFor({ query }: Behaviour, origin: Origin): KeyedQuery {
  return origin.kind === 's3' && query === 'all' ? 'none' : query
}

/** What a node sets itself, or a secret that stands in its place, is never a viewer's to send. */
function headersFor(behaviour: Behaviour, origin: Origin, access: OriginAccess | undefined): string[] {
  const secrets = secretsOf(origin)
  const named = behaviour.headers.filter(name => viewerFieldRefusal(name) === undefined && !secrets.has(name))
  if (!named.includes('authorization')) return named
  if (origin.kind === 's3' && alwaysSigns(origin.access, access))
    return named.filter(name => name !== 'authorization')
  return origin.kind === 's3' ? [...named, ...AWS_SIGNATURE_FIELDS] : named
}

/** One that is not known here cannot sign; the question fails then, whoever signed it. */
function alwaysSigns(named: string | null, access: OriginAccess | undefined): boolean {
  if (named === null) return false
  return access === undefined || access.kind === 'identity' || access.signing === 'always'
}
