import type { UpstreamAnswer } from '../../cache/index.ts'
import {
  isHidden,
  isUnusable,
  limitsOf,
  readLambdaResponse,
  unusable,
  type GivenResponse,
  type SeenRequest,
  type Unusable,
} from '../../functions/index.ts'
import { fields, withoutFields } from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'
import { foreignAnswer } from '../upstream/origin-request.ts'
import { functionFailed } from './failure-words.ts'
import { inOnePiece } from './in-one-piece.ts'
import type { Use } from './node-functions.ts'
import { argumentFor, ranFor } from './seen.ts'

export interface Answered {
  request: SeenRequest
  answer: UpstreamAnswer
  /** It was asked for a range. */
  partial: boolean
  /** Names of what the origin alone is told, in lower case. */
  secrets: ReadonlySet<string>
  /** Whether it may set any: what it says is kept, for others too. */
  cookies: 'none' | 'all'
}

/** An origin's answer as the behaviour's function has it, before anything is kept. Its body is not shown. */
export async function originResponse(
  x: Exchange,
  use: Use,
  { request, answer, partial, secrets, cookies }: Answered,
): Promise<UpstreamAnswer> {
  const read = await ask(x, use, request, { answer, partial })
  if (isUnusable(read)) {
    answer.destroy()
    throw functionFailed(read)
  }
  const given = { ...read, headers: foreignAnswer(read.headers, secrets, cookies) }
  // What nodes say among themselves, and how the message is framed, functions are not shown.
  const unseen = [...fields(answer.headers)].filter(([name]) => isKept(name.toLowerCase())).flat()
  if (given.body === undefined && !isBodiless(given.status))
    return { ...answer, status: given.status, headers: [...given.headers, ...unseen] }
  if (answer.status === given.status && given.body === undefined)
    return { ...answer, headers: [...given.headers, ...unseen] }
  answer.destroy()
  const body = Buffer.from(isBodiless(given.status) ? [] : (given.body ?? []))
  return {
    ...answer,
    status: given.status,
    headers: [
      ...withoutFields(given.headers, OF_THE_OTHER_BODY),
      ...withoutFields(unseen, LENGTH),
      ...['Content-Length', String(body.length)],
    ],
    ...inOnePiece(body),
  }
}

function isKept(name: string): boolean {
  return name === 'content-length' || isHidden(name)
}

function isBodiless(status: number): boolean {
  return status === 204 || status === 304
}

const LENGTH: ReadonlySet<string> = new Set(['content-length'])

/** Of the body that the function's own stands in place of. */
const OF_THE_OTHER_BODY: ReadonlySet<string> = new Set([
  ...['etag', 'last-modified', 'accept-ranges', 'content-encoding', 'content-range', 'content-md5'],
  ...['digest', 'content-digest', 'repr-digest'],
])

async function ask(
  x: Exchange,
  use: Use,
  request: SeenRequest,
  { answer, partial }: Pick<Answered, 'answer' | 'partial'>,
): Promise<GivenResponse | Unusable> {
  const { functions } = x.node
  if (functions === undefined || use.runtime === undefined)
    return unusable('function-failed', 'it is not known here')
  const seen = { status: answer.status, headers: answer.headers }
  const { answer: most } = limitsOf(use.runtime, 'origin-response')
  return functions.run(use, argumentFor(x, use, request, seen), ranFor(x), value => {
    const read = readLambdaResponse(value, seen, { event: 'origin-response', most })
    if (isUnusable(read)) return read
    return answerFault(answer.status, read, partial) ?? read
  })
}

/** What would be kept as something else than it is: a part as a whole, or a confirmation as an empty object. */
function answerFault(was: number, { status, body }: GivenResponse, partial: boolean): Unusable | undefined {
  if (status === was && body === undefined) return undefined
  if (was === 206 || (partial && was === 416))
    return unusable('function-result', 'it gave another status, or a body, in place of a part')
  if (status === 206 || status === 304)
    return was === status ? undefined : unusable('function-result', `it made a ${status} of what is none`)
  if (was === 304 && body === undefined)
    return unusable('function-result', 'it gave another status in place of a 304, and no body')
  return undefined
}
