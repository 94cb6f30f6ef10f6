import {
  isHidden,
  isUnusable,
  limitsOf,
  readCloudFrontResponse,
  readLambdaResponse,
  unusable,
  type GivenResponse,
  type Unusable,
} from '../../functions/index.ts'
import { fields, fieldValue, withoutFields, type FlatHeaders } from '../../http/index.ts'
import { WITHOUT_LENGTH } from '../answer/plan-body.ts'
import { errorText } from '../answer/refusal.ts'
import type { Exchange } from '../exchange.ts'
import type { LastWord } from './awaited-answer.ts'
import { codeFor, MESSAGE } from './failure-words.ts'
import type { Use } from './node-functions.ts'
import { argumentFor, ranFor, seenByViewerEvents } from './seen.ts'

/**
 * The last word on an answer's head. CloudFront asks for none on errors, on pages in their place, and on what a function
 * has answered at viewer-request.
 */
export function viewerResponse(
  x: Exchange,
  use: Use,
  status: number,
  headers: FlatHeaders,
): Promise<LastWord> | undefined {
  if (status >= 400 || status < 200 || x.inPlaceOf !== undefined || x.generated) return undefined
  return lastWord(x, use, status, headers)
}

async function lastWord(x: Exchange, use: Use, status: number, headers: FlatHeaders): Promise<LastWord> {
  const given = await ask(x, use, status, headers)
  if (isUnusable(given)) return refusal(x, given)
  const length = fieldValue(headers, 'content-length')
  const { body } = given
  const framing = WITHOUT_LENGTH.has(given.status)
    ? { length: [], body: EMPTY }
    : body !== undefined
      ? { length: ['Content-Length', String(body.length)], body }
      : { length: length === undefined ? [] : ['Content-Length', length], body: undefined }
  if (framing.body !== undefined) x.bodyBytes = x.request.method === 'HEAD' ? 0 : framing.body.length
  x.status = given.status
  // What functions are never shown of an answer stays with it.
  const unseen = [...fields(withoutFields(headers, LENGTH))].filter(([name]) => isHidden(name.toLowerCase()))
  const about = body === undefined ? given.headers : withoutFields(given.headers, OF_THE_OTHER_BODY)
  return {
    status: given.status,
    headers: [...about, ...unseen.flat(), ...framing.length],
    body: framing.body,
  }
}

const EMPTY = new Uint8Array(0)
const LENGTH: ReadonlySet<string> = new Set(['content-length'])
const OF_THE_OTHER_BODY: ReadonlySet<string> = new Set([
  ...['content-range', 'accept-ranges', 'content-encoding', 'etag', 'last-modified', 'content-md5'],
  ...['digest', 'content-digest', 'repr-digest'],
])

async function ask(
  x: Exchange,
  use: Use,
  status: number,
  headers: FlatHeaders,
): Promise<GivenResponse | Unusable> {
  const { functions } = x.node
  const { runtime } = use
  if (functions === undefined || runtime === undefined)
    return unusable('function-failed', 'it is not known here')
  const seen = { status, headers }
  const { answer } = limitsOf(runtime, 'viewer-response')
  return functions.run(use, argumentFor(x, use, seenByViewerEvents(x), seen), ranFor(x), value => {
    if (runtime === 'lambda-edge')
      return readLambdaResponse(value, seen, { event: 'viewer-response', most: answer })
    const read = readCloudFrontResponse(value, seen, answer)
    return read.kind === 'response' ? (placeFault(status, read) ?? read) : read
  })
}

/** What a viewer would keep as something else than it is: a part, or nothing at all, as a whole. */
function placeFault(was: number, { status, body }: GivenResponse): Unusable | undefined {
  if (was !== 206 && was !== 304) return undefined
  if (body !== undefined)
    return unusable('function-result', `it gave a body in place of a part or of none (${was})`)
  return status !== was && status < 300
    ? unusable('function-result', `it made a ${status} of a part or of nothing (${was})`)
    : undefined
}

/** The head that was to go out is lost, and its body with it. */
function refusal(x: Exchange, { reason }: Unusable): LastWord {
  x.reason = reason
  x.cache = 'Error'
  x.status = 502
  const body = errorText(x, codeFor(reason), MESSAGE)
  x.bodyBytes = x.request.method === 'HEAD' ? 0 : body.length
  return {
    status: 502,
    headers: [
      ...['Content-Type', 'text/xml', 'Content-Length', String(body.length), 'Cache-Control', 'no-store'],
      ...['X-Cache', 'Error from sluice', ...x.node.signature(x.id), 'X-Sluice-Reason', reason],
    ],
    body,
  }
}
