import { fieldValue, type FlatHeaders } from './headers.ts'

/** Where a request went, as the viewer named it. */
export interface RequestTarget {
  method: string
  scheme: 'http' | 'https'
  /** With its port, if it has one. */
  authority: string
  /** With its query. */
  target: string
}

/** As registered (RFC 9110 §16.1); a method that is not known here may change anything. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY'])

/**
 * The targets, path and query, whose stored answers a successful unsafe request undoes (RFC 9111 §4.4): its own and,
 * when they lie at the same origin, those that Location and Content-Location name. Not canonical yet.
 */
export function invalidatedTargets(
  request: RequestTarget,
  answer: { status: number; headers: FlatHeaders },
): string[] {
  if (SAFE.has(request.method) || answer.status < 200 || answer.status >= 400) return []
  const targets = new Set([request.target])
  const base = `${request.scheme}://${request.authority}${request.target}`
  for (const name of ['location', 'content-location']) {
    const value = fieldValue(answer.headers, name)
    if (value === undefined || !URL.canParse(value, base)) continue
    const url = new URL(value, base)
    if (url.origin === new URL(base).origin) targets.add(url.pathname + url.search)
  }
  return [...targets]
}
