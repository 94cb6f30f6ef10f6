import { compileWildcard, wildcardMatches, type Wildcard } from './wildcard.ts'

/**
 * What a policy opens. Pattern and URL are split into scheme, domain, path and query, and no wildcard crosses its
 * section, so `https://h/hello*world` matches `/hello-world` and never `/hello?world` (CloudFront Developer Guide,
 * "Setting a signed URL with a custom policy", Resource).
 */
export interface Resource {
  /** As it stands in the policy. */
  readonly text: string
  /** `bare` is CloudFront's old stream name, `app/stream`; `never` is a text that names nothing. */
  readonly scheme: PatternScheme
  /** A URL is covered when any of these covers it; an exact resource was compared by its signature already. */
  readonly readings: readonly Reading[] | 'compared'
}

type PatternScheme = ViewerScheme | '*' | 'bare' | 'never'

export type ViewerScheme = 'http' | 'https' | 'rtmp' | 'rtmps'

interface Reading {
  host: Wildcard
  /** Undefined when the resource names no port: then it is not compared (SEAMS 5). */
  port: Wildcard | undefined
  path: Wildcard
  query: Wildcard
}

/** A URL as its four sections; `host` in lower case, `port` explicit or the scheme's own, `query` without `?`. */
export interface UrlSections {
  scheme: ViewerScheme
  host: string
  port: string
  path: string
  query: string
}

const SCHEME = /^(https?|rtmps?|\*):\/\//
// `http*://`, `HTTP://` and the like name no scheme; taken for a stream's name they would open something else.
const OTHER_SCHEME = /^[^/]*:\/\//
// A control byte can be in no URL, so such a resource names nothing.
const UNPRINTABLE = /[\u0000-\u001f\u007f]/
const DEFAULT_PORT: Record<ViewerScheme, string> = { http: '80', https: '443', rtmp: '1935', rtmps: '443' }

const ANY: Wildcard = { kind: 'any' }
const ANY_HOST: Pick<Reading, 'host' | 'port'> = { host: ANY, port: undefined }

/** What a policy without `Resource` opens to viewers; it publishes nothing. */
export const EVERYTHING: Resource = {
  text: '',
  scheme: '*',
  readings: [{ ...ANY_HOST, path: ANY, query: ANY }],
}

/** Any text compiles; one that cannot name a URL covers nothing. */
export function compileResource(text: string): Resource {
  if (UNPRINTABLE.test(text)) return { text, scheme: 'never', readings: [] }
  const scheme = SCHEME.exec(text)?.[1] as ViewerScheme | '*' | undefined // the pattern's alternatives
  if (scheme !== undefined) return { text, scheme, readings: readingsOf(text.slice(scheme.length + 3)) }
  if (text === '' || OTHER_SCHEME.test(text)) return { text, scheme: 'never', readings: [] }
  // A missing protocol with a leading `*` means any protocol; `*` alone is everything.
  if (text.startsWith('*')) return { text, scheme: '*', readings: readingsOf(text) }
  return {
    text,
    scheme: 'bare',
    readings: pathReadings(`/${text}`).map(reading => ({ ...ANY_HOST, ...reading })),
  }
}

/** The resource of a canned policy: its text was rebuilt from the request, and the signature has compared it. */
export function exactResource(text: string): Resource {
  return { text, scheme: compileResource(text).scheme, readings: 'compared' }
}

export function resourceCovers(resource: Resource, url: UrlSections): boolean {
  if (resource.readings === 'compared') return true
  if (!schemeCovers(resource.scheme, url.scheme)) return false
  for (const reading of resource.readings) if (readingCovers(reading, url)) return true
  return false
}

function readingCovers({ host, port, path, query }: Reading, url: UrlSections): boolean {
  return (
    wildcardMatches(path, url.path) &&
    wildcardMatches(query, url.query) &&
    wildcardMatches(host, url.host) &&
    (port === undefined || wildcardMatches(port, url.port))
  )
}

export type Section = 'scheme' | 'host' | 'port' | 'path' | 'query'

/** The sections in which a resource differs from a URL, in the reading that comes nearest; none when it covers it. */
export function differingSections(resource: Resource, url: UrlSections): Section[] {
  if (resource.readings === 'compared') return []
  // What is no URL of this kind at all has no other sections worth comparing.
  if (!schemeCovers(resource.scheme, url.scheme)) {
    if (resource.scheme === 'never' || resource.scheme === 'bare') return ['scheme']
  }
  const differing = resource.readings.map(reading => {
    const sections: [Section, boolean][] = [
      ['scheme', schemeCovers(resource.scheme, url.scheme)],
      ['host', wildcardMatches(reading.host, url.host)],
      ['port', reading.port === undefined || wildcardMatches(reading.port, url.port)],
      ['path', wildcardMatches(reading.path, url.path)],
      ['query', wildcardMatches(reading.query, url.query)],
    ]
    return sections.filter(([, covered]) => !covered).map(([section]) => section)
  })
  return differing.reduce((nearest, other) => (other.length < nearest.length ? other : nearest))
}

interface SplitHost {
  readonly host: string
  readonly port: string
  readonly explicit: boolean
}

/** Nearly all who ask name the same one. */
let lastSplit: { authority: string; scheme: ViewerScheme; split: SplitHost } | undefined

/** Splits a Host header or an HTTP/2 authority; an IPv6 literal keeps its brackets. `explicit` is false when the port is the scheme's own. */
export function splitHost(authority: string, scheme: ViewerScheme): SplitHost {
  if (lastSplit?.authority === authority && lastSplit.scheme === scheme) return lastSplit.split
  const { name, port } = splitPort(authority, /^\d+$/)
  const split = { host: name.toLowerCase(), port: port ?? DEFAULT_PORT[scheme], explicit: port !== undefined }
  lastSplit = { authority, scheme, split }
  return split
}

function schemeCovers(pattern: PatternScheme, scheme: ViewerScheme): boolean {
  if (pattern === '*') return true
  const live = scheme === 'rtmp' || scheme === 'rtmps'
  if (pattern === 'bare') return live
  return pattern === scheme || (pattern === 'rtmp' && live)
}

function readingsOf(afterScheme: string): Reading[] {
  const end = afterScheme.search(/\/|\\\?/)
  const domain = end < 0 ? afterScheme : afterScheme.slice(0, end)
  const { name, port } = splitPort(domain, /^[\d*?]+$/)
  const where = {
    host: compileWildcard(name.toLowerCase()),
    port: port === undefined ? undefined : compileWildcard(port),
  }
  if (end < 0 && domain.endsWith('*')) {
    // A trailing `*` in the domain implies `/*\?*`.
    return [{ ...where, path: ANY, query: ANY }]
  }
  const rest = end < 0 ? '' : afterScheme.slice(end)
  return pathReadings(rest.startsWith('/') ? rest : `/${rest}`).map(reading => ({ ...where, ...reading }))
}

function pathReadings(text: string): Pick<Reading, 'path' | 'query'>[] {
  const separator = text.indexOf('\\?')
  if (separator >= 0) return [pathAndQuery(text.slice(0, separator), text.slice(separator + 2))]
  // A trailing `*` in the path implies `\?*`; otherwise a URL with a query is not covered.
  const strict = pathAndQuery(text, text.endsWith('*') ? '*' : '')
  // AWS's signers copy a URL's own parameters into the policy with a plain `?`, which by the letter is a wildcard.
  const copied = /^([^?]*)\?([^/?=&*]+=.*)$/.exec(text)
  return copied === null ? [strict] : [strict, pathAndQuery(copied[1] ?? '', copied[2] ?? '')]
}

function pathAndQuery(path: string, query: string): Pick<Reading, 'path' | 'query'> {
  return { path: compileWildcard(path), query: compileWildcard(query) }
}

function splitPort(authority: string, portLike: RegExp): { name: string; port: string | undefined } {
  const colon = authority.lastIndexOf(':')
  if (colon <= authority.lastIndexOf(']')) return { name: authority, port: undefined }
  const port = authority.slice(colon + 1)
  if (!portLike.test(port)) return { name: authority, port: undefined }
  return { name: authority.slice(0, colon), port }
}
