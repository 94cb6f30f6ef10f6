import type { IncomingHttpHeaders } from 'node:http'

/** More fields, or bytes of names and values, than this are not kept; RFC 9113 §10.5.1 leaves such a request to us. */
export interface HeadLimits {
  fields: number
  bytes: number
}

/** A request's head, well-formed by RFC 9113 §8. It may be that of many requests and is never changed. */
export interface RequestHead {
  readonly method: string
  /** Path and query; empty for CONNECT. */
  readonly url: string
  /** Empty when there is only a Host. */
  readonly authority: string
  /** Names in lower case, those of pseudo-header fields with their colon; lines of one name as Node joins them. */
  readonly headers: IncomingHttpHeaders
  /** As sent: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly contentLength: number | undefined
}

/** `too-large` has not been looked at further. */
export type HeadFault = 'malformed' | 'too-large'

/** Collects the fields of one block, and judges them. */
export class HeadReader {
  readonly #limits: HeadLimits
  #raw: string[] = []
  #bytes = 0
  #fault: HeadFault | undefined

  constructor(limits: HeadLimits) {
    this.#limits = limits
  }

  readonly onField = (name: string, value: string): void => {
    this.#bytes += name.length + value.length
    if (this.#bytes > this.#limits.bytes || this.#raw.length >= 2 * this.#limits.fields) {
      this.#fault = 'too-large'
      this.#raw.length = 0
    }
    if (this.#fault === undefined) this.#raw.push(name, value)
  }

  /** Of what has come since the last time. */
  takeRequest(): RequestHead | HeadFault {
    return this.#take(requestOf)
  }

  /** Trailers are judged, and nobody looks at them. */
  takeTrailers(): 'well-formed' | HeadFault {
    return this.#take(raw => (areTrailers(raw) ? 'well-formed' : 'malformed'))
  }

  #take<T>(judge: (raw: readonly string[]) => T): T | HeadFault {
    const [raw, fault] = [this.#raw, this.#fault]
    this.#raw = []
    this.#bytes = 0
    this.#fault = undefined
    return fault ?? judge(raw)
  }
}

const COLON = 0x3a

/** §8.3.1 and §8.5. */
function requestOf(raw: readonly string[]): RequestHead | 'malformed' {
  // A field may have the name of a thing that other objects have.
  const headers = Object.create(null) as IncomingHttpHeaders // nothing is in it
  const pseudo: { [name in Pseudo]?: string } = {}
  let contentLength: number | undefined
  let others = false
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    if (name.charCodeAt(0) === COLON) {
      if (others || !isPseudo(name) || pseudo[name] !== undefined || !PSEUDO[name].test(value))
        return 'malformed'
      pseudo[name] = value
    } else {
      others = true
      if (!isField(name, value)) return 'malformed'
      if (ONCE.has(name) && headers[name] !== undefined) return 'malformed'
      if (name === 'content-length' && (contentLength = lengthOf(value)) === undefined) return 'malformed'
    }
    add(headers, name, value)
  }
  const { ':method': method, ':path': path, ':scheme': scheme, ':authority': authority } = pseudo
  if (method === undefined || (authority === undefined && headers.host === undefined)) return 'malformed'
  if (method === 'CONNECT') {
    if (path !== undefined || scheme !== undefined || authority === undefined) return 'malformed'
  } else {
    if (path === undefined || scheme === undefined) return 'malformed'
    if (!path.startsWith('/') && !(path === '*' && method === 'OPTIONS')) return 'malformed'
  }
  return { method, url: path ?? '', authority: authority ?? '', headers, rawHeaders: raw, contentLength }
}

/** §8.1: no pseudo-header fields. */
function areTrailers(raw: readonly string[]): boolean {
  for (let at = 0; at + 1 < raw.length; at += 2) if (!isField(raw[at] ?? '', raw[at + 1] ?? '')) return false
  return true
}

type Pseudo = ':method' | ':path' | ':scheme' | ':authority'

/** What they may be made of: no controls and no spaces (RFC 9110 §9.1, RFC 3986). */
const PSEUDO: Readonly<Record<Pseudo, RegExp>> = {
  ':method': /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/,
  ':path': /^[\x21-\x7e\x80-\xff]+$/,
  ':scheme': /^[A-Za-z][A-Za-z0-9+.-]*$/,
  ':authority': /^[\x21-\x7e\x80-\xff]*$/,
}

function isPseudo(name: string): name is Pseudo {
  return name === ':method' || name === ':path' || name === ':scheme' || name === ':authority'
}

/** Whoever reads one of two may read another than whoever stands behind. */
const ONCE = new Set(['content-length', 'host'])

/** §8.2.1 and §8.2.2. */
function isField(name: string, value: string): boolean {
  if (!isName(name) || !VALUE.test(value)) return false
  return !OF_CONNECTIONS.has(name) && (name !== 'te' || value.toLowerCase() === 'trailers')
}

/** RFC 9110 §5.5, with no space before or behind it. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

/** The names that viewers use are few. */
const names = new Set<string>()
const MOST_NAMES = 256

function isName(name: string): boolean {
  if (names.has(name)) return true
  if (!NAME.test(name)) return false
  if (names.size < MOST_NAMES && name.length <= 64) names.add(name)
  return true
}

/** What says something of a connection has no meaning here. */
export const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  ...['connection', 'http2-settings', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'],
])

function lengthOf(value: string): number | undefined {
  const length = /^\d{1,16}$/.test(value) ? Number(value) : NaN
  return Number.isSafeInteger(length) ? length : undefined
}

/** Of several lines of one name; the first counts of those that have one value. */
function add(headers: IncomingHttpHeaders, name: string, value: string): void {
  const before = headers[name]
  if (before === undefined) headers[name] = name === 'set-cookie' ? [value] : value
  else if (Array.isArray(before)) before.push(value)
  else if (!SINGLE.has(name)) headers[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}` // §8.2.3
}

const SINGLE = new Set([
  ...['access-control-allow-credentials', 'access-control-max-age', 'access-control-request-method', 'age'],
  ...[
    'authorization',
    'content-encoding',
    'content-language',
    'content-location',
    'content-md5',
    'content-range',
  ],
  ...[
    'content-type',
    'date',
    'dnt',
    'etag',
    'expires',
    'from',
    'if-match',
    'if-modified-since',
    'if-none-match',
  ],
  ...['if-range', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'proxy-authorization'],
  ...['range', 'referer', 'retry-after', 'tk', 'upgrade-insecure-requests', 'user-agent'],
  'x-content-type-options',
])
