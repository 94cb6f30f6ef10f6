import {
  isUnusable,
  limitsOf,
  readCloudFrontRequest,
  readLambdaRequest,
  unusable,
  type GivenRequest,
  type GivenResponse,
  type OriginChange,
  type SeenRequest,
  type Unusable,
} from '../../functions/index.ts'
import { KiB, type Bytes } from '../../core/index.ts'
import { stripSigning } from '../../signing/index.ts'
import { viewerHeaders } from '../answer/viewer-headers.ts'
import { WITHOUT_LENGTH } from '../answer/plan-body.ts'
import { known, type Exchange, type Step } from '../exchange.ts'
import { isSelecting } from '../known-head.ts'
import { onward } from '../onward.ts'
import { record } from '../record.ts'
import { AwaitedAnswer } from './awaited-answer.ts'
import { refuseFor } from './function-trouble.ts'
import type { Use } from './node-functions.ts'
import { elsewhere, takes } from './other-origin.ts'
import { argumentFor, giveFields, ranFor, seenByViewerEvents } from './seen.ts'
import { takeBody, withBody } from './taken-body.ts'
import { viewerResponse } from './viewer-response.ts'

/** As much of a body as CloudFront shows at viewer-request, and takes in its place. */
const BODY: Bytes = 40 * KiB

/**
 * The behaviour's functions have their say, after the gate and before the key: the answer is one's own, or the request goes
 * on as it has left it. Which behaviour a request meets it does not change.
 */
export const customise: Step = (x: Exchange) => {
  const use = x.uses?.['viewer-request']
  awaitLastWord(x)
  return use === undefined ? onward(x) : runFor(x, use)
}

function awaitLastWord(x: Exchange): void {
  const use = x.uses?.['viewer-response']
  if (use === undefined || x.leaving !== undefined || x.response instanceof AwaitedAnswer) return
  x.response = new AwaitedAnswer(
    x.response,
    (status, headers) => viewerResponse(x, use, status, headers),
    () => x.node.usage.counts.sent(x),
  )
}

async function runFor(x: Exchange, use: Use): Promise<Step | undefined> {
  if (use.body && (await takeBody(x, BODY)) === 'left') return undefined
  const seen: SeenRequest = { ...seenByViewerEvents(x), body: x.taken?.seen }
  const given = await ask(x, use, seen)
  if (isUnusable(given)) {
    x.taken?.upload.refuse()
    return refuseFor(x, given)
  }
  if (given.kind === 'response') return answerWith(x, use, given)
  goOnWith(x, given)
  return onward(x)
}

async function ask(
  x: Exchange,
  use: Use,
  seen: SeenRequest,
): Promise<GivenRequest | GivenResponse | Unusable> {
  const { functions } = x.node
  const { runtime } = use
  if (functions === undefined || runtime === undefined)
    return unusable('function-failed', 'it is not known here')
  const { answer } = limitsOf(runtime, 'viewer-request')
  return functions.run(use, argumentFor(x, use, seen), ranFor(x), (value, origin) => {
    if (runtime === 'lambda-edge')
      return readLambdaRequest(value, seen, 'viewer-request', { answer, body: BODY })
    const read = readCloudFrontRequest(value, seen, answer)
    if (read.kind !== 'request' || origin === undefined) return read
    return chooseOrigin(x, origin) ?? read
  })
}

function chooseOrigin(x: Exchange, change: OriginChange): Unusable | undefined {
  const found = elsewhere(x, change)
  if (isUnusable(found)) return found
  if (!takes(x.request.method ?? '', found.source))
    return unusable('function-result', 'it sent a request that is no GET to an origin that takes no other')
  x.elsewhere = found
  return undefined
}

function goOnWith(x: Exchange, { path, query, headers, body }: GivenRequest): void {
  const target = known(x.target, 'the target')
  if (path !== undefined && path !== target.path) {
    x.named = target.path
    x.target = { ...target, path, rawPath: path }
  }
  if (query !== undefined) x.ownQuery = stripSigning(query)
  if (headers !== undefined) {
    giveFields(x, headers)
    // Of OPTIONS that are kept there is no part, whatever is asked.
    if (x.request.method !== 'OPTIONS') x.selects = isSelecting(x.headers)
  }
  if (body !== undefined && x.taken !== undefined) x.taken = withBody(x.taken, body)
}

/** An answer of the function's own: for this viewer, and kept by nobody here. */
function answerWith(x: Exchange, use: Use, { status, headers, body = NOTHING }: GivenResponse): undefined {
  x.generated = true
  x.cache = 'Miss'
  const who = use.runtime === 'lambda-edge' ? 'LambdaGeneratedResponse' : 'FunctionGeneratedResponse'
  const length = WITHOUT_LENGTH.has(status) ? [] : ['Content-Length', String(body.length)]
  x.head(status, [
    ...viewerHeaders(headers, x.gated ? 'gated' : 'open'),
    ...[...length, 'X-Cache', `${who} from sluice`],
    ...x.node.signature(x.id),
  ])
  const sends = x.request.method !== 'HEAD' && length.length > 0
  if (sends) x.bodyBytes = body.length
  x.node.usage.counts.sent(x)
  x.response.end(sends ? body : undefined)
  record(x)
  x.taken?.upload.refuse()
  return undefined
}

const NOTHING: Uint8Array = new Uint8Array(0)
