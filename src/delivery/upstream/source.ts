import {
  viewerFieldRefusal,
  type Behaviour,
  type Origin,
  type OriginAccess,
  type Snapshot,
} from '../../distribution/index.ts'
import type { Bounds, KeyedQuery } from '../../http/index.ts'
import { forwardingOf, secretsOf, type Forwarding } from './forwarding.ts'
import { AWS_SIGNATURE_FIELDS } from './origin-bucket.ts'

/** Where a behaviour's objects come from, and what of a viewer's request is keyed and goes there beside the path. */
export interface Source {
  origin: Origin
  /** What proves to a bucket that we may read it. */
  access: OriginAccess | undefined
  query: KeyedQuery
  /** Names of header fields, in lower case. */
  headers: readonly string[]
  /** What goes there unkeyed; undefined when nothing does. */
  forwarding: Forwarding | undefined
  /** Between which its answers live. */
  bounds: Bounds
}

/** Of every behaviour whose origin is there. */
export function sourcesOf(
  snapshot: Pick<Snapshot, 'distributions' | 'originAccess'>,
): Map<Behaviour, Source> {
  const accesses = new Map(snapshot.originAccess.map(access => [access.id, access]))
  const sources = new Map<Behaviour, Source>()
  for (const { origins, behaviours, errors } of snapshot.distributions) {
    const leastOfErrors = new Map(errors.map(({ status, ttl }) => [status, ttl]))
    for (const behaviour of behaviours) {
      const origin = origins.find(({ id }) => id === behaviour.originId)
      if (origin === undefined) continue
      const access = origin.kind === 's3' && origin.access !== null ? accesses.get(origin.access) : undefined
      const [query, headers] = [queryFor(behaviour, origin), headersFor(behaviour, origin, access)]
      const forwarding = forwardingOf(behaviour, origin)
      const bounds = { ...behaviour.ttl, errors: leastOfErrors }
      sources.set(behaviour, { origin, access, query, headers, forwarding, bounds })
    }
  }
  return sources
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
