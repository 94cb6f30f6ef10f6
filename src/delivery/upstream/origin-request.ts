import type { HttpOrigin } from '../../distribution/index.ts'
import { fields, withTrace, type FlatHeaders, type Validators } from '../../http/index.ts'
import { CDN_ID } from '../request-head.ts'
import type { UpstreamQuestion } from './upstream.ts'

/** One request to a foreign origin, as it goes out. */
export interface OriginRequest {
  /** Scheme, host and port. */
  url: string
  /** Path and query. */
  target: string
  headers: string[]
  /** The viewer's fields that it carries, in lower case. */
  forwarded: string[]
}

/** What every foreign origin is told. Nothing here is a viewer's. */
export function ownFields(question: Pick<UpstreamQuestion, 'validators' | 'range' | 'ifRange'>): string[] {
  const own = ['User-Agent', 'Sluice', 'Via', '1.1 sluice', 'CDN-Loop', CDN_ID, 'Accept-Encoding', 'identity']
  return [...own, ...conditionsOf(question)]
}

/** Asks for the object only if it is another than the stored one, and for no more of it than is wanted. */
export function conditionsOf({
  validators,
  range,
  ifRange,
}: Pick<UpstreamQuestion, 'validators' | 'range' | 'ifRange'>): string[] {
  const wanted = range === undefined ? [] : ['Range', range]
  if (range !== undefined && ifRange !== undefined) wanted.push('If-Range', ifRange)
  return [...conditions(validators), ...wanted]
}

function conditions(validators: Validators | undefined): string[] {
  const { etag, lastModified } = validators ?? {}
  if (etag !== undefined) return ['If-None-Match', etag]
  return lastModified === undefined ? [] : ['If-Modified-Since', lastModified]
}

/** Later fields stand in place of earlier ones of the same name, so the origin's own are given last. */
export function override(...lists: FlatHeaders[]): string[] {
  const merged = new Map<string, string[]>()
  for (const list of lists) {
    const own = new Map<string, string[]>()
    for (const [name, value] of fields(list)) {
      const lower = name.toLowerCase()
      own.set(lower, [...(own.get(lower) ?? []), name, value])
    }
    for (const [lower, lines] of own) merged.set(lower, lines)
  }
  return [...merged.values()].flat()
}

/** A request to an HTTP origin: its prefix before the canonical path, its secret headers over a viewer's. */
export function httpRequest(origin: HttpOrigin, question: UpstreamQuestion): OriginRequest {
  return {
    ...placeOf(origin, question),
    headers: override(
      ownFields(question),
      withTrace(question.headers, question.trace ?? []),
      secretFields(origin),
    ),
    forwarded: namesOf(question.headers),
  }
}

/** Where an HTTP origin has a path, for a viewer of this scheme. */
export function placeOf(
  origin: HttpOrigin,
  { path, query, scheme }: Pick<UpstreamQuestion, 'path' | 'query' | 'scheme'>,
): Pick<OriginRequest, 'url' | 'target'> {
  const { pathname } = new URL(origin.url)
  const whole = `${pathname.replace(/\/$/, '')}${path}`
  return { url: serverOf(origin, scheme), target: query === '' ? whole : `${whole}?${query}` }
}

/** Scheme, host and port. */
export function serverOf(origin: HttpOrigin, scheme: UpstreamQuestion['scheme']): string {
  const url = new URL(origin.url)
  if (origin.protocol === 'as-url' || scheme === undefined) return url.origin
  const port = scheme === 'https' ? origin.httpsPort : origin.httpPort
  return new URL(`${scheme}://${url.hostname}:${port}`).origin
}

/** What the origin knows us by. */
export function secretFields({ headers }: HttpOrigin): string[] {
  return headers.flatMap(({ name, value }) => [name, value])
}

export function namesOf(headers: FlatHeaders): string[] {
  return [...fields(headers)].map(([name]) => name.toLowerCase())
}

/** Cookies of an origin that is never shown any would be one viewer's in the hands of all. */
const COOKIES: ReadonlySet<string> = new Set(['set-cookie', 'set-cookie2'])

/** What only nodes may say to each other; the one targeted field of ours is anybody's (RFC 9213). */
const OF_NODES = /^(?:x-)?sluice-(?!cdn-cache-control$)/

/** It would send viewers past us, to where the origin itself listens (RFC 7838). */
const PAST_US = 'alt-svc'

/**
 * The answer of a foreign origin without what only nodes may say, and without whatever is named like a secret of ours
 * (names in lower case): some origins hand back what they were sent.
 */
export function foreignAnswer(
  headers: FlatHeaders,
  secrets: ReadonlySet<string>,
  cookies: 'none' | 'all' = 'none',
): string[] {
  const out: string[] = []
  for (const [name, value] of fields(headers)) {
    const lower = name.toLowerCase()
    if (OF_NODES.test(lower) || secrets.has(lower) || lower === PAST_US) continue
    if (cookies === 'none' && COOKIES.has(lower)) continue
    out.push(name, value)
  }
  return out
}
