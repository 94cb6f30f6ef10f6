import { STATUS_CODES } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { fields, fieldValue, withoutFields, type FlatHeaders } from '../../http/index.ts'
import type { Json } from '../contract.ts'
import {
  cookieValues,
  headerValues,
  queryValues,
  readCookies,
  readQuery,
  readSetCookies,
  readValues,
  setCookieValues,
} from './cloudfront-values.ts'
import { headerFault, shown, titled } from './header-rules.ts'
import { isFields, own, readBytes, readStatus, readUri, value, type Fields, type Value } from './reading.ts'
import {
  unusable,
  type EventContext,
  type GivenRequest,
  type GivenResponse,
  type SeenRequest,
  type SeenResponse,
  type Unusable,
} from './seen.ts'

/** The event of CloudFront Functions, version 1.0. */
export function cloudFrontEvent(
  context: EventContext,
  request: SeenRequest,
  response?: SeenResponse,
): { [name: string]: Json } {
  return {
    version: '1.0',
    context: {
      distributionDomainName: context.domain,
      distributionId: context.distribution,
      eventType: context.event,
      requestId: context.request,
    },
    viewer: { ip: request.clientIp },
    request: {
      method: request.method,
      uri: request.uri,
      querystring: queryValues(request.query),
      headers: shownTo(request).values,
      cookies: cookieValues(fieldValue(request.headers, 'cookie')),
    },
    ...(response && { response: responseValue(response) }),
  }
}

interface Shown {
  headers: FlatHeaders
  values: Fields
}
const shownOnce = new WeakMap<SeenRequest, Shown>()

/** What a function is shown of a request's headers, which what it gives is compared with afterwards: made once for both. */
function shownTo(request: SeenRequest): Shown {
  const before = shownOnce.get(request)
  if (before !== undefined) return before
  const headers = shown(request.headers)
  const made = { headers, values: headerValues(headers) }
  shownOnce.set(request, made)
  return made
}

function responseValue({ status, headers }: SeenResponse): Fields {
  return {
    statusCode: status,
    statusDescription: STATUS_CODES[status] ?? '',
    headers: headerValues(shown(headers)),
    cookies: setCookieValues(setCookiesIn(headers)),
  }
}

function setCookiesIn(headers: FlatHeaders): string[] {
  return [...fields(headers)].flatMap(([name, text]) => (name.toLowerCase() === 'set-cookie' ? [text] : []))
}

const NO_HEADERS: FlatHeaders = []

/** What a function gave at viewer-request: the request to go on with, or the answer. `most` bounds the latter's body. */
export function readCloudFrontRequest(
  given: Json,
  seen: SeenRequest,
  most: number,
): GivenRequest | GivenResponse | Unusable {
  if (!isFields(given)) return unusable('function-result', 'it returned neither a request nor a response')
  if (own(given, 'statusCode') !== undefined)
    return readResponse(given, { status: 200, headers: NO_HEADERS }, { event: 'viewer-request', most })
  const method = own(given, 'method')
  if (method !== undefined && method !== seen.method)
    return unusable('function-result', 'it changed the method, which can only be read')
  const path = readUri(own(given, 'uri'), seen.uri)
  if (path.kind === 'unusable') return path
  const query = readQuery(own(given, 'querystring'), seen.query)
  if (query.kind === 'unusable') return query
  const headers = readRequestHeaders(given, seen)
  if (headers.kind === 'unusable') return headers
  const rest = { body: undefined, origin: undefined }
  return { kind: 'request', path: path.value, query: query.value, headers: headers.value, ...rest }
}

function readRequestHeaders(given: Fields, seen: SeenRequest): Value<FlatHeaders | undefined> | Unusable {
  const { headers: before, values } = shownTo(seen)
  const told = own(given, 'headers')
  const same = told === undefined || isDeepStrictEqual(told, values)
  const was = fieldValue(before, 'cookie')
  const cookies = readCookies(own(given, 'cookies'), was)
  if (cookies.kind === 'unusable') return cookies
  if (same && cookies.value === undefined) return value(undefined)
  let headers: string[] = withoutFields(before, COOKIE)
  if (!same) {
    const read = readValues(told, values, 'headers')
    if (read.kind === 'unusable') return read
    headers = read.value.flatMap(([name, text]) => [name.toLowerCase(), text])
    if (fieldValue(headers, 'cookie') !== undefined)
      return unusable('function-header', 'it gave a header Cookie: cookies have an object of their own')
  }
  const cookie = cookies.value ?? was ?? ''
  const all = cookie === '' ? headers : [...headers, 'cookie', cookie]
  return headerFault('viewer-request', before, all) ?? value(all)
}

const COOKIE: ReadonlySet<string> = new Set(['cookie'])

/** What a function made of an answer at viewer-response; `body` is undefined where it goes out as it is. */
export function readCloudFrontResponse(
  given: Json,
  seen: SeenResponse,
  most: number,
): GivenResponse | Unusable {
  if (!isFields(given)) return unusable('function-result', 'it returned no response')
  const shownHeaders = [...fields(seen.headers)].flatMap(([name, text]) => [name.toLowerCase(), text])
  return readResponse(
    given,
    { status: seen.status, headers: shownHeaders },
    { event: 'viewer-response', most },
  )
}

function readResponse(
  given: Fields,
  seen: SeenResponse,
  { event, most }: { event: 'viewer-request' | 'viewer-response'; most: number },
): GivenResponse | Unusable {
  const status = readStatus(own(given, 'statusCode') ?? seen.status)
  if (status.kind === 'unusable') return status
  const before = shown(seen.headers)
  const told = own(given, 'headers')
  const read = readValues(told ?? headerValues(before), headerValues(before), 'headers')
  if (read.kind === 'unusable') return read
  const wereSet = setCookieValues(setCookiesIn(before))
  const givenCookies = own(given, 'cookies')
  const lines =
    givenCookies === undefined || isDeepStrictEqual(givenCookies, wereSet)
      ? value(setCookiesIn(before))
      : readSetCookies(givenCookies, wereSet)
  if (lines.kind === 'unusable') return lines
  const headers = [
    ...read.value.flatMap(([name, text]) => [titled(name), text]),
    ...lines.value.flatMap(line => ['Set-Cookie', line]),
  ]
  // An answer of its own says nothing of what only requests have.
  const fault = headerFault(event === 'viewer-request' ? 'origin-response' : event, before, headers)
  if (fault !== undefined) return fault
  const body = readBody(own(given, 'body'), most)
  if (body.kind === 'unusable') return body
  return { kind: 'response', status: status.value, headers: withoutFields(headers, LENGTH), body: body.value }
}

const LENGTH: ReadonlySet<string> = new Set(['content-length'])

function readBody(given: Json | undefined, most: number): Value<Uint8Array | undefined> | Unusable {
  if (given === undefined || given === null) return value(undefined)
  if (isFields(given)) return readBytes(own(given, 'data') ?? '', own(given, 'encoding'), most)
  return readBytes(given, 'text', most)
}
