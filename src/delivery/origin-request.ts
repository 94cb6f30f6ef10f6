import type { HttpOrigin } from '../distribution/index.ts'
import { fields, type FlatHeaders, type Validators } from '../http/index.ts'
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
export function ownFields(validators: Validators | undefined): string[] {
  const own = ['User-Agent', 'Sluice', 'Via', '1.1 sluice', 'Accept-Encoding', 'identity']
  return [...own, ...conditions(validators)]
}

/** Asks for the object only if it is another than the stored one. */
export function conditions(validators: Validators | undefined): string[] {
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
  const { origin: url, pathname } = new URL(origin.url)
  const path = `${pathname.replace(/\/$/, '')}${question.path}`
  const secret = origin.headers.flatMap(({ name, value }) => [name, value])
  return {
    url,
    target: question.query === '' ? path : `${path}?${question.query}`,
    headers: override(ownFields(question.validators), question.headers, secret),
    forwarded: namesOf(question.headers),
  }
}

export function namesOf(headers: FlatHeaders): string[] {
  return [...fields(headers)].map(([name]) => name.toLowerCase())
}

/** Cookies of an origin that is never shown any would be one viewer's in the hands of all. */
const NEVER_PASSED: ReadonlySet<string> = new Set(['set-cookie', 'set-cookie2'])

/**
 * The answer of a foreign origin without what only nodes may say, and without whatever is named like a secret of ours:
 * some origins hand back what they were sent.
 */
export function foreignAnswer(headers: FlatHeaders, secrets: readonly string[]): string[] {
  const hidden = new Set(secrets.map(name => name.toLowerCase()))
  const out: string[] = []
  for (const [name, value] of fields(headers)) {
    const lower = name.toLowerCase()
    if (/^(?:x-)?sluice-/.test(lower) || NEVER_PASSED.has(lower) || hidden.has(lower)) continue
    out.push(name, value)
  }
  return out
}
