import {
  membersOf,
  namesAny,
  namesIt,
  viewerFieldRefusal,
  type Behaviour,
  type Distribution,
  type Named,
  type Origin,
  type OriginAccess,
  type Snapshot,
} from '../../distribution/index.ts'
import type { Seconds } from '../../core/index.ts'
import type { Bounds } from '../../http/index.ts'
import { forwardingOf, secretsOf, setsCookies, type Forwarding } from './forwarding.ts'
import { AWS_SIGNATURE_FIELDS } from './origin-bucket.ts'
import { isWritten } from './written-fields.ts'

/** One origin of a behaviour, and what of a viewer's request goes there beside the path. */
export interface Member {
  origin: Origin
  /** What proves to a bucket that we may read it. */
  access: OriginAccess | undefined
  /** Parameters that are keyed. */
  query: Named
  /** Those, and others that go there. */
  sends: Named
  /** Names of header fields that are keyed, in lower case; `cloudfront-…` are the edge's own words. */
  headers: readonly string[]
  /** Cookies that are keyed. */
  cookies: Named
  /** Whose Host it is told. The viewer's is keyed. */
  host: 'origin' | 'viewer'
  /** Whether its answers may set cookies. */
  setsCookies: boolean
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
  /** Whether anything beside path and query is keyed, if only a method. */
  keysFields: boolean
}

/** Of every behaviour whose origin is there. */
export function sourcesOf(
  snapshot: Pick<Snapshot, 'distributions' | 'originAccess'>,
): Map<Behaviour, Source> {
  const sources = new Map<Behaviour, Source>()
  for (const distribution of snapshot.distributions) {
    const { behaviours, originGroups = [] } = distribution
    for (const behaviour of behaviours) {
      const origins = membersOf(distribution, behaviour.originId)
      const failover = new Set(originGroups.find(({ id }) => id === behaviour.originId)?.statuses)
      const place = { distribution, originAccess: snapshot.originAccess, origins, failover }
      const source = sourceOf(behaviour, place)
      if (source !== undefined) sources.set(behaviour, source)
    }
  }
  return sources
}

/** Where a behaviour's objects are to come from. */
export interface Origins extends Pick<Source, 'failover'>, Pick<Snapshot, 'originAccess'> {
  distribution: Pick<Distribution, 'errors'>
  /** One, or two in the order in which they are asked. */
  origins: readonly Origin[]
}

/** Undefined where there is no origin. */
export function sourceOf(
  behaviour: Behaviour,
  { distribution, originAccess, origins, failover }: Origins,
): Source | undefined {
  const sends = bothOf(behaviour.query, behaviour.forwardQuery)
  const [first, second] = origins.map(origin => memberFor({ ...behaviour, sends }, origin, originAccess))
  if (first === undefined) return undefined
  const leastOfErrors = new Map(
    distribution.errors.flatMap(({ status, ttl }): [number, Seconds][] =>
      ttl === undefined ? [] : [[status, ttl]],
    ),
  )
  const bounds = { ...behaviour.ttl, errors: leastOfErrors }
  const both = second === undefined ? first : widened(first, second)
  const members: Source['members'] = second === undefined ? [first] : [first, second]
  return { ...both, members, failover, bounds, keysFields: keysFields(behaviour, both) }
}

function keysFields({ keepOptions }: Behaviour, { headers, cookies, host }: Member): boolean {
  return headers.length > 0 || namesAny(cookies) || host === 'viewer' || keepOptions === true
}

function memberFor(
  behaviour: Behaviour & Pick<Member, 'sends'>,
  origin: Origin,
  accesses: readonly OriginAccess[],
): Member {
  const named = origin.kind === 's3' ? origin.access : null
  const access = named === null ? undefined : accesses.find(({ id }) => id === named)
  const [query, sends] = [queryFor(behaviour.query, origin), queryFor(behaviour.sends, origin)]
  const isServer = origin.kind === 'http'
  const cookies = isServer ? (behaviour.keyedCookies ?? 'none') : 'none'
  return {
    ...{ origin, access, query, sends, cookies, headers: headersFor(behaviour, origin, access) },
    host: isServer ? (behaviour.host ?? 'origin') : 'origin',
    setsCookies: isServer && setsCookies(behaviour),
    forwarding: forwardingOf(behaviour, origin),
  }
}

/** A bucket takes less than a server does; of what both take they take the same. */
function widened(first: Member, second: Member): Member {
  const headers = [...new Set([...first.headers, ...second.headers])]
  const { query, sends, cookies, host } = first.origin.kind === 'http' ? first : second
  const forwarding = forwardingToEither(first.forwarding, second.forwarding)
  return {
    ...{ ...first, query, sends, headers, cookies, host, forwarding },
    setsCookies: first.setsCookies || second.setsCookies,
  }
}

function forwardingToEither(
  first: Forwarding | undefined,
  second: Forwarding | undefined,
): Forwarding | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return {
    selects: name => first.selects(name) || second.selects(name),
    cookies: first.cookies ?? second.cookies,
    told: first.told.length > 0 ? first.told : second.told,
    codings: first.codings,
    viewer: first.viewer === 'told' ? 'told' : second.viewer,
  }
}

/**
 * To a bucket only what is named: `?acl` or `?uploads` asks for something else than the object, and
 * `?response-content-type` for an answer that would then be everybody's.
 */
function queryFor(query: Named, origin: Origin): Named {
  return origin.kind === 's3' && !Array.isArray(query) ? 'none' : query
}

/** What either names; the one alone where the other names nothing. */
function bothOf(one: Named, other: Named = 'none'): Named {
  if (typeof other === 'string') return other === 'all' ? other : one
  if (typeof one === 'string') return one === 'all' ? one : other
  if (Array.isArray(other)) return Array.isArray(one) ? [...one, ...other] : lessBy(one.except, other)
  return lessBy(other.except, one)
}

function lessBy(names: readonly string[], taken: Named): Named {
  const except = names.filter(name => !namesIt(taken, name))
  return except.length === 0 ? 'all' : { except }
}

/** What a node sets itself, or a secret that stands in its place, is never a viewer's to send. */
function headersFor(behaviour: Behaviour, origin: Origin, access: OriginAccess | undefined): string[] {
  const secrets = secretsOf(origin)
  const named = behaviour.headers.filter(
    name => isWritten(name) || (viewerFieldRefusal(name) === undefined && !secrets.has(name)),
  )
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
