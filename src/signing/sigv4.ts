import { createHash, createHmac } from 'node:crypto'
import type { Instant } from '../core/index.ts'

/**
 * AWS Signature Version 4 as S3 and its kin check it: header form, each path segment encoded exactly once, nothing
 * normalised (Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header"). What other services
 * check is in `verify-sigv4.ts`.
 */
export interface SigningCredentials {
  accessKeyId: string
  secretAccessKey: string
  /** Of temporary credentials. */
  sessionToken?: string
}

export interface S3Request {
  method: 'GET' | 'HEAD'
  /** As it stands in Host: with its port unless that is the scheme's own. */
  host: string
  /** As `s3Path` makes it. */
  path: string
  /** As `s3Query` makes it. */
  query: string
}

/** SHA-256 of no bytes. Stores that refuse `UNSIGNED-PAYLOAD` over plain HTTP take it. */
const EMPTY_BODY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The fields to send with the request, Authorization among them, name and value in turn. */
export function signS3(
  request: S3Request,
  credentials: SigningCredentials,
  region: string,
  now: Instant,
): string[] {
  const at = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const scope = `${at.slice(0, 8)}/${region}/s3/aws4_request`
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const sent = ['x-amz-content-sha256', EMPTY_BODY, 'x-amz-date', at]
  if (sessionToken !== undefined) sent.push('x-amz-security-token', sessionToken)
  const { names, lines } = canonicalFields(['host', request.host, ...sent])
  const canonical = [request.method, request.path, request.query, ...lines, '', names, EMPTY_BODY].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n')
  const signature = hmac(signingKey(secretAccessKey, scope), toSign).toString('hex')
  const credential = `Credential=${accessKeyId}/${scope}`
  sent.push('Authorization', `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`)
  return sent
}

/** The fields are given sorted, in lower case. */
function canonicalFields(fields: readonly string[]): { names: string; lines: string[] } {
  const names: string[] = []
  const lines: string[] = []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    names.push(fields[at] ?? '')
    lines.push(`${fields[at] ?? ''}:${(fields[at + 1] ?? '').trim().replace(/ +/g, ' ')}`)
  }
  return { names: names.join(';'), lines }
}

export function signingKey(secret: string, scope: string): Buffer {
  return scope.split('/').reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`))
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * The path of an object in the one spelling that both the request line and the signature have. A path as RFC 3986
 * reads it is decoded once and every byte that is not unreserved is escaped, so `+` is a plus sign to every store.
 * Undefined when it is no UTF-8, which no key can be.
 */
export function s3Path(path: string): string | undefined {
  const segments = path.split('/').map(segment => decoded(segment))
  return segments.includes(undefined) ? undefined : segments.map(each => strictly(each ?? '')).join('/')
}

/** Sorted and spelled as the signature has it; `+` is a space, as in every form that a page sends. */
export function s3Query(query: string): string {
  if (query === '') return ''
  const pairs = query.split('&').flatMap((parameter): [string, string][] => {
    const [name = '', ...value] = parameter.split('=')
    if (name === '') return []
    const [plainName, plainValue] = [name, value.join('=')].map(
      text => decoded(text.replaceAll('+', ' ')) ?? '',
    )
    return [[strictly(plainName ?? ''), strictly(plainValue ?? '')]]
  })
  return pairs
    .sort(([one, oneValue], [other, otherValue]) => order(one, other) || order(oneValue, otherValue))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** `encodeURIComponent` leaves five characters that AWS escapes ("UriEncode"). */
export function strictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** By code unit: what is compared is ASCII. */
function order(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
