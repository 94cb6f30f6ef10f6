import type { Incoming } from './exchange.ts'
import { LONGEST_URL, MAX_FIELDS, MAX_HEAD_BYTES } from './viewers/limits.ts'

/** What the parsers let pass and nobody should answer, in CloudFront's words. `ends` says that the connection does too. */
export interface HeadFault {
  status: number
  code: string
  message: string
  ends: 'connection' | 'request'
}

/** Undefined for a head that may be read on. */
export function faultOf(request: Incoming): HeadFault | undefined {
  const { rawHeaders, url = '' } = request
  if (url.length > LONGEST_URL) return fault(414, 'URITooLong', `A URL has at most ${LONGEST_URL} bytes`)
  if (rawHeaders.length > 2 * MAX_FIELDS)
    return fault(431, 'RequestHeaderFieldsTooLarge', `A request has at most ${MAX_FIELDS} header fields`)
  return 'stream' in request ? faultOfTwo(rawHeaders) : faultOfOne(request)
}

/** HTTP/1.1's parser counts the bytes itself. */
function faultOfTwo(rawHeaders: readonly string[]): HeadFault | undefined {
  let size = 0
  for (const text of rawHeaders) size += text.length
  return size <= MAX_HEAD_BYTES
    ? undefined
    : fault(431, 'RequestHeaderFieldsTooLarge', `A request's header has at most ${MAX_HEAD_BYTES} bytes`)
}

function faultOfOne({ httpVersion, headers }: Incoming): HeadFault | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return last(505, 'HTTPVersionNotSupported', 'HTTP/1.1 and HTTP/2 are served')
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  // RFC 9112 §6.1: a message of 1.0 that has it is framed faultily, since somebody on its way may not have known it.
  if (httpVersion === '1.0') return last(400, 'BadRequest', 'Transfer-Encoding is none of HTTP/1.0')
  if (coding.toLowerCase() !== 'chunked')
    return last(501, 'NotImplemented', 'No transfer coding but chunked is known')
  return undefined
}

function fault(status: number, code: string, message: string): HeadFault {
  return { status, code, message, ends: 'request' }
}

/** Where a message ends is in doubt, so nothing behind it is read. */
function last(status: number, code: string, message: string): HeadFault {
  return { status, code, message, ends: 'connection' }
}

export interface AbsoluteTarget {
  authority: string
  /** Path and query. */
  path: string
}

/**
 * Takes `http://host/path` apart (RFC 9112 §3.2.2), which every server has to accept; undefined for what is none. Which
 * of the two schemes it names decides nothing.
 */
export function readAbsolute(url: string): AbsoluteTarget | undefined {
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url) ?? []
  if (authority === undefined) return undefined
  return { authority, path: rest.startsWith('/') ? rest : `/${rest}` }
}

/** Our name in `CDN-Loop` (RFC 8586): what goes to an origin bears it, and what comes back with it has gone in a circle. */
export const CDN_ID = 'sluice'

export function isLoop(cdnLoop: string | undefined): boolean {
  if (cdnLoop === undefined) return false
  return cdnLoop.split(',').some(each => each.split(';')[0]?.trim().toLowerCase() === CDN_ID)
}
