import type { Bytes, Instant } from '../core/index.ts'
import { contentRange, formatHttpDate, isNotModified, parseRange, rangeApplies } from '../http/index.ts'

/** The request headers that an answer depends on. */
export interface Asked {
  method: 'GET' | 'HEAD'
  range: string | undefined
  ifRange: string | undefined
  ifNoneMatch: string | undefined
  ifModifiedSince: string | undefined
}

/** Something that can be served; its bytes are made only when they are needed. */
export interface Representation {
  type: string
  /** Strong, with its quotes. */
  etag: string
  modified: Instant
  cacheControl: string
  size: Bytes
  bytes(): Uint8Array | Promise<Uint8Array>
}

export interface Answer {
  status: 200 | 206 | 304 | 400 | 404 | 416 | 503
  headers: Record<string, string>
  body: Uint8Array | undefined
}

/** Answers a GET or HEAD (RFC 9110 13.2.2, 14). */
export async function answer(what: Representation, asked: Asked, now: Instant): Promise<Answer> {
  const { etag, size } = what
  const lastModified = formatHttpDate(what.modified)
  const validators = { etag, lastModified }
  const headers: Record<string, string> = {
    ETag: etag,
    'Last-Modified': lastModified,
    'Cache-Control': what.cacheControl,
    'Accept-Ranges': 'bytes',
  }
  if (isNotModified(asked, validators, now)) return { status: 304, headers, body: undefined }
  // RFC 9110 14.2: a range counts for GET only.
  const wanted = asked.method === 'GET' && rangeApplies(asked.ifRange, validators) ? asked.range : undefined
  const range = parseRange(wanted, size)
  headers['Content-Type'] = what.type
  if (range.kind === 'unsatisfiable') {
    return text(416, 'range not satisfiable', { 'Content-Range': `bytes */${size}` })
  }
  if (asked.method === 'HEAD')
    return { status: 200, headers: { ...headers, 'Content-Length': String(size) }, body: undefined }
  const bytes = await what.bytes()
  if (range.kind === 'whole')
    return { status: 200, headers: { ...headers, 'Content-Length': String(size) }, body: bytes }
  const { first, last } = range.range
  return {
    status: 206,
    headers: {
      ...headers,
      'Content-Range': contentRange(range.range, size),
      'Content-Length': String(last - first + 1),
    },
    body: bytes.subarray(first, last + 1),
  }
}

/** A 404; short-lived, since what is not there yet may be published the next moment. */
export function notFound(): Answer {
  return text(404, 'not found', { 'Cache-Control': 'public, max-age=1' })
}

/** What may be answered otherwise the next moment, and must not be kept. */
export function refused(status: 400 | 503, words: string): Answer {
  return text(status, words, { 'Cache-Control': 'no-store' })
}

/** Who asks is to ask another origin, or this one in a moment. */
export function elsewhere(): Answer {
  const headers = { 'Cache-Control': 'no-store', 'X-Sluice-Reason': 'origin-away' }
  return text(503, 'the origin of this channel is away, try again', headers)
}

function text(status: 400 | 404 | 416 | 503, words: string, headers: Record<string, string>): Answer {
  const body = Buffer.from(`${words}\n`)
  return {
    status,
    headers: {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': String(body.length),
      ...headers,
    },
    body,
  }
}
