import { STATUS_CODES } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { withoutFields, type FlatHeaders } from '../../http/index.ts'
import type { FunctionEvent } from '../../distribution/index.ts'
import type { Json } from '../contract.ts'
import { headerFault, shown } from './header-rules.ts'
import { lambdaHeaders, readLambdaHeaders } from './lambda-headers.ts'
import { lambdaOrigin, readLambdaOrigin } from './lambda-origin.ts'
import {
  isFields,
  own,
  readBytes,
  readQueryText,
  readStatus,
  readUri,
  value,
  type Fields,
  type Value,
} from './reading.ts'
import {
  unusable,
  type EventContext,
  type GivenRequest,
  type GivenResponse,
  type SeenRequest,
  type SeenResponse,
  type Unusable,
} from './seen.ts'

/** The one record of Lambda@Edge, at each of CloudFront's four events. */
export function lambdaEvent(
  context: EventContext,
  request: SeenRequest,
  response?: SeenResponse,
): { [name: string]: Json } {
  const cf: Fields = {
    config: {
      distributionDomainName: context.domain,
      distributionId: context.distribution,
      eventType: context.event,
      requestId: context.request,
    },
    request: requestValue(request),
    ...(response && { response: responseValue(response) }),
  }
  return { Records: [{ cf }] }
}

function requestValue({ clientIp, method, uri, query, headers, body, origin }: SeenRequest): Fields {
  return {
    ...{ clientIp, method, uri, querystring: query, headers: lambdaHeaders(shown(headers)) },
    ...(body && {
      body: {
        ...{ inputTruncated: body.truncated, action: 'read-only', encoding: 'base64' },
        data: Buffer.from(body.bytes).toString('base64'),
      },
    }),
    ...(origin && { origin: lambdaOrigin(origin) }),
  }
}

function responseValue({ status, headers }: SeenResponse): Fields {
  const statusDescription = STATUS_CODES[status] ?? ''
  return { status: String(status), statusDescription, headers: lambdaHeaders(shown(headers)) }
}

export interface RequestLimits {
  /** Of an answer of its own, in bytes. */
  answer: number
  /** Of a body that it puts in place of the viewer's. */
  body: number
}

/** What a handler gave at a request event: the request to go on with, or an answer in place of one. */
export function readLambdaRequest(
  given: Json,
  seen: SeenRequest,
  event: 'viewer-request' | 'origin-request',
  limits: RequestLimits,
): GivenRequest | GivenResponse | Unusable {
  if (!isFields(given)) return unusable('function-result', 'it gave neither a request nor a response')
  if (own(given, 'status') !== undefined) return readAnswer(given, limits.answer)
  for (const name of ['method', 'clientIp'] as const) {
    const told = own(given, name)
    if (told !== undefined && told !== seen[name])
      return unusable('function-result', `it changed ${name}, which can only be read`)
  }
  const path = readUri(own(given, 'uri'), seen.uri)
  if (path.kind === 'unusable') return path
  const query = readQuery(own(given, 'querystring'), seen.query)
  if (query.kind === 'unusable') return query
  const headers = readRequestHeaders(own(given, 'headers'), seen, event)
  if (headers.kind === 'unusable') return headers
  const body = readBody(own(given, 'body'), limits.body)
  if (body.kind === 'unusable') return body
  const origin = readLambdaOrigin(own(given, 'origin'), seen.origin)
  if (origin.kind === 'unusable') return origin
  return {
    ...{ kind: 'request', path: path.value, query: query.value, headers: headers.value },
    ...{ body: body.value, origin: origin.value },
  }
}

function readQuery(given: Json | undefined, was: string): Value<string | undefined> | Unusable {
  if (given === undefined || given === was) return value(undefined)
  if (typeof given !== 'string') return unusable('function-result', 'it gave a querystring that is no text')
  return readQueryText(given)
}

function readRequestHeaders(
  given: Json | undefined,
  seen: SeenRequest,
  event: FunctionEvent,
): Value<FlatHeaders | undefined> | Unusable {
  const before = shown(seen.headers)
  if (given === undefined || isDeepStrictEqual(given, lambdaHeaders(before))) return value(undefined)
  const read = readLambdaHeaders(given)
  if (read.kind === 'unusable') return read
  const headers = read.value.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text))
  return headerFault(event, before, headers) ?? value(headers)
}

function readBody(given: Json | undefined, most: number): Value<Uint8Array | undefined> | Unusable {
  if (!isFields(given) || own(given, 'action') !== 'replace') return value(undefined)
  return readBytes(own(given, 'data') ?? '', own(given, 'encoding'), most)
}

/** An answer that a handler gives of itself. */
function readAnswer(given: Fields, most: number): GivenResponse | Unusable {
  return readLambdaResponse(given, { status: 0, headers: [] }, { event: 'origin-response', most })
}

/**
 * What a handler made of an answer. At viewer-response the status and the body are not its to change; at origin-response
 * it may put a body of its own in the place of the origin's, which it is not shown.
 */
export function readLambdaResponse(
  given: Json,
  seen: SeenResponse,
  { event, most }: { event: FunctionEvent; most: number },
): GivenResponse | Unusable {
  if (!isFields(given)) return unusable('function-result', 'it gave no response')
  const told = own(given, 'status')
  // As it was shown, whatever that was.
  const same = told === undefined || told === String(seen.status) || told === seen.status
  const status = same && seen.status !== 0 ? value(seen.status) : readStatus(told)
  if (status.kind === 'unusable') return status
  const before = shown(seen.headers)
  const headers = readLambdaHeaders(own(given, 'headers') ?? lambdaHeaders(before))
  if (headers.kind === 'unusable') return headers
  const fault = headerFault(event, before, headers.value)
  if (fault !== undefined) return fault
  const text = own(given, 'body')
  const body =
    text === undefined || text === null ? value(undefined) : readBytes(text, own(given, 'bodyEncoding'), most)
  if (body.kind === 'unusable') return body
  if (event === 'viewer-response' && (!same || body.value !== undefined))
    return unusable(
      'function-result',
      'it changed what is only to be read at viewer-response: status or body',
    )
  return {
    ...{ kind: 'response', status: status.value, headers: withoutFields(headers.value, LENGTH) },
    body: body.value,
  }
}

const LENGTH: ReadonlySet<string> = new Set(['content-length'])
