import type { UpstreamAnswer } from '../../cache/index.ts'
import { MiB, type Bytes, type CanonicalPath } from '../../core/index.ts'
import type { Origin, OriginAccess } from '../../distribution/index.ts'
import {
  isUnusable,
  limitsOf,
  readLambdaRequest,
  unusable,
  type GivenRequest,
  type GivenResponse,
  type SeenBody,
  type SeenRequest,
  type Unusable,
} from '../../functions/index.ts'
import { fields, fieldValue, type FlatHeaders } from '../../http/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { secretsOf } from '../upstream/forwarding.ts'
import { foreignAnswer, namesOf, override } from '../upstream/origin-request.ts'
import { originResponse } from './origin-response.ts'
import { functionFailed } from './failure-words.ts'
import { inOnePiece } from './in-one-piece.ts'
import type { Use, Uses } from './node-functions.ts'
import { argumentFor, ranFor } from './seen.ts'
import { givenOrigin, seenOrigin } from './seen-origin.ts'

/** A question to an origin, as far as functions change it. */
export interface OriginQuestion {
  origin: Origin
  access?: OriginAccess | undefined
  path: CanonicalPath
  query: string
  headers: FlatHeaders
}

export interface AroundQuestion<Question> {
  method: string
  /** What goes out beside the question's own fields, to be read. */
  own: FlatHeaders
  /** What a function was shown of its body, if anything. */
  body: SeenBody | undefined
  /** Of a range, whose answer no function may take the place of. */
  partial: boolean
  cookies: 'none' | 'all'
  /** Whether an answer of this status is not the last word, since another origin is asked then. */
  passesOn: (status: number) => boolean
  ask: (question: Question, body: Uint8Array | undefined) => Promise<UpstreamAnswer>
}

/** As much of a body as CloudFront shows at origin-request, and takes in its place. */
export const ORIGIN_BODY: Bytes = MiB

/** Whether anything is run around questions to origins. */
export function runsAtOrigin(uses: Uses | undefined): uses is Uses {
  return uses !== undefined && (uses['origin-request'] !== undefined || uses['origin-response'] !== undefined)
}

/**
 * Asks an origin by way of the behaviour's functions, in the process that asks it: a question may go elsewhere or be
 * answered by the function itself, and the answer is what the function has made of it. Rejects with the reason as its code
 * where one fails.
 */
export async function askThroughFunctions<Question extends OriginQuestion>(
  x: Exchange,
  uses: Uses,
  question: Question,
  around: AroundQuestion<Question>,
): Promise<UpstreamAnswer> {
  const seen = seenAtOrigin(x, question, around)
  const use = uses['origin-request']
  if (use === undefined) return answered(x, uses, { seen, question, around, body: undefined })
  const given = await ask(x, use, seen)
  if (isUnusable(given)) throw functionFailed(given)
  if (given.kind === 'response') return generated(x, question, given, around.cookies)
  const changed = { ...question, ...changesOf(given, question, seen) }
  const now: SeenRequest = {
    ...seen,
    ...{ uri: changed.path, query: changed.query, headers: given.headers ?? seen.headers },
    origin: given.origin ?? seen.origin,
  }
  return answered(x, uses, { seen: now, question: changed, around, body: given.body })
}

async function answered<Question extends OriginQuestion>(
  x: Exchange,
  uses: Uses,
  asked: {
    seen: SeenRequest
    question: Question
    around: AroundQuestion<Question>
    body: Uint8Array | undefined
  },
): Promise<UpstreamAnswer> {
  const { seen, question, around, body } = asked
  const answer = await around.ask(question, body)
  const use = uses['origin-response']
  if (use === undefined || around.passesOn(answer.status)) return answer
  const { partial, cookies } = around
  return originResponse(x, use, {
    request: seen,
    answer,
    partial,
    cookies,
    secrets: secretsOf(question.origin),
  })
}

function seenAtOrigin<Question extends OriginQuestion>(
  x: Exchange,
  { origin, path, query, headers }: Question,
  { method, own, body }: AroundQuestion<Question>,
): SeenRequest {
  const viewer = known(x.viewer, 'the viewer')
  const { domain } = known(x.served, 'the distribution').distribution
  const seen = seenOrigin(origin, { scheme: viewer.scheme, domain })
  const host = ['host', seen.domainName]
  return {
    ...{ clientIp: viewer.address, method, uri: path, query, body, origin: seen },
    headers: override(host, own, headers).map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text)),
  }
}

async function ask(
  x: Exchange,
  use: Use,
  seen: SeenRequest,
): Promise<GivenRequest | GivenResponse | Unusable> {
  const { functions } = x.node
  if (functions === undefined || use.runtime === undefined)
    return unusable('function-failed', 'it is not known here')
  const { answer } = limitsOf(use.runtime, 'origin-request')
  return functions.run(use, argumentFor(x, use, seen), ranFor(x), value =>
    readLambdaRequest(value, seen, 'origin-request', { answer, body: ORIGIN_BODY }),
  )
}

function changesOf(
  { path, query, headers, origin }: GivenRequest,
  question: OriginQuestion,
  seen: SeenRequest,
): Partial<OriginQuestion> {
  return {
    ...(path !== undefined && { path }),
    ...(query !== undefined && { query }),
    ...(headers !== undefined && { headers: changedFields(headers, question.headers, seen.headers) }),
    ...(origin !== undefined && givenOrigin(origin, { origin: question.origin, access: question.access })),
  }
}

/** What the function has left as it was shown, and the question did not say itself, is said by whoever asks. */
function changedFields(given: FlatHeaders, asked: FlatHeaders, shown: FlatHeaders): string[] {
  const own = new Set(namesOf(asked))
  return [...fields(given)]
    .filter(([name]) => own.has(name) || fieldValue(given, name) !== fieldValue(shown, name))
    .flat()
}

/** As if the origin had said it: kept, or not, by what it says of itself. */
function generated(
  { node }: Exchange,
  { origin, headers }: OriginQuestion,
  given: GivenResponse,
  cookies: 'none' | 'all',
): UpstreamAnswer {
  const now = node.clock.now()
  const body = Buffer.from(given.body ?? [])
  return {
    status: given.status,
    headers: [
      ...foreignAnswer(given.headers, secretsOf(origin), cookies),
      'Content-Length',
      String(body.length),
    ],
    ...{ requestedAt: now, respondedAt: now, forwarded: namesOf(headers) },
    ...inOnePiece(body),
  }
}
