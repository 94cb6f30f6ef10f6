/** A URL in its parts as they were written; nothing is decoded, resolved or put into another case. */
export interface RawUrl {
  scheme: 'http' | 'https' | 'rtmp' | 'rtmps'
  /** `host` or `host:port`. */
  authority: string
  /** Without port, lower case. */
  host: string
  /** From the first slash on, without the query. */
  path: string
  /** Without `?`; empty when there is none. */
  query: string
}

export type RawUrlResult = { kind: 'url'; url: RawUrl } | { kind: 'bad'; why: string }

const PARTS = /^(https?|rtmps?):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/i
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/
/** What browsers escape before they ask; a terminal lets it be pasted. */
const UNSENT = /[^\u0021-\u007e]+/gu

/**
 * Reads what somebody pasted into the request that a client would send for it. WHATWG's parser would resolve dot
 * segments and so hide what is asked for here. A fragment is dropped: it is never sent.
 */
export function readRawUrl(text: string): RawUrlResult {
  const [, scheme = '', authority = '', path = '', query = ''] = PARTS.exec(text.trim()) ?? []
  if (scheme === '') return bad('begin it with "http://", "https://", "rtmp://" or "rtmps://"')
  if (authority.includes('@')) return bad('leave out the name and password before the "@"')
  const host = AUTHORITY.exec(authority)?.[1]
  if (host === undefined) return bad('it names no host')
  return {
    kind: 'url',
    url: {
      scheme: scheme.toLowerCase() as RawUrl['scheme'], // the pattern's alternatives
      authority,
      host: host.toLowerCase(),
      path: path === '' ? '/' : asSent(path),
      query: asSent(query),
    },
  }
}

function asSent(part: string): string {
  return part.replace(UNSENT, found => encodeURIComponent(found.replace(/\p{Surrogate}/gu, '\ufffd')))
}

function bad(why: string): RawUrlResult {
  return { kind: 'bad', why }
}
