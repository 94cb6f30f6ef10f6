import type { Filling, Found, StoredObject } from '../cache/index.ts'
import { codeOf, type Instant } from '../core/index.ts'
import {
  contentRange,
  fieldValue,
  isNotModified,
  parseRange,
  rangeApplies,
  type ByteRange,
  type Validators,
} from '../http/index.ts'
import { carriedShape, carryPassing, mayCarry, type Passing, type Shape } from './carry.ts'
import { corsHeaders } from './cors.ts'
import { known, type CacheWord, type Exchange, type Step } from './exchange.ts'
import { record } from './record.ts'
import { sendError } from './refusal.ts'
import { hasLeft, sendBytes, sendStream } from './send-stream.ts'
import { preparedHeaders, viewerHeaders } from './viewer-headers.ts'

/** Answers from whatever `lookup` found: conditions, range, then bytes as fast as the viewer takes them. */
export const deliver: Step = (x: Exchange) => {
  const found = known(x.found, 'what was found')
  const shape = carriedShape(x)
  switch (found.kind) {
    case 'hit':
      return deliverStored(x, found.object, 'Hit', 'hit')
    case 'refreshed':
      return deliverStored(x, found.object, 'RefreshHit', 'fwd=stale; fwd-status=304')
    case 'stale':
      return deliverStored(x, found.object, 'Hit', 'hit; fwd=stale; detail=upstream-failed')
    case 'version':
      return deliverStored(x, found.object, ...VERSION_WORDS[found.source])
    case 'filling':
      return shape !== undefined && mayCarry(found.fill) ? deliverWhole(x, found) : deliverFill(x, found)
    case 'passing':
      return shape !== undefined && found.answer.status === 200
        ? deliverGathered(x, found, shape)
        : deliverPassing(x, found.answer, found.reason)
  }
}

const VERSION_WORDS: Record<'known' | 'fetched' | 'joined', [CacheWord, string]> = {
  known: ['Hit', 'hit'],
  fetched: ['Miss', 'fwd=miss; stored'],
  joined: ['Miss', 'hit; collapsed'],
}

function deliverStored(x: Exchange, stored: StoredObject, fresh: CacheWord, member: string): undefined {
  const now = x.node.clock.now()
  const shape = carriedShape(x)
  const object = shape === undefined || stored.status !== 200 ? stored : x.node.carried.of(stored, shape)
  const word = object.status >= 400 ? 'Error' : fresh
  const { body } = object
  const base = [
    ...preparedHeaders(object, x.gated ? 'gated' : 'open'),
    ...constant(x, word, member, object.freshUntil, now),
  ]
  base.push('Age', String(Math.max(0, Math.floor((now - object.bornAt) / 1000))))
  const plan = planBody(x, object.status, object.validators, body.length, now)
  begin(x, plan, object.status, base, body.length)
  if (plan.kind === 'none' || x.request.method === 'HEAD') {
    x.response.end()
  } else {
    sendBytes(x, plan.kind === 'range' ? body.subarray(plan.range.first, plan.range.last + 1) : body)
  }
  record(x)
}

/** What a playlist hands on is made from the whole of it. */
async function deliverWhole(x: Exchange, { whole, joined }: Found & { kind: 'filling' }): Promise<undefined> {
  let object
  try {
    object = await whole
  } catch (error) {
    return cannotRead(x, error)
  }
  return deliverStored(x, object, 'Miss', joined ? 'hit; collapsed' : 'fwd=miss; stored')
}

function deliverFill(x: Exchange, found: Found & { kind: 'filling' }): undefined {
  const { fill, joined } = found
  const now = x.node.clock.now()
  const member = joined ? 'hit; collapsed' : 'fwd=miss; stored'
  const base = [
    ...preparedHeaders(fill, x.gated ? 'gated' : 'open'),
    ...constant(x, fill.status >= 400 ? 'Error' : 'Miss', member, undefined, now),
  ]
  const plan = planBody(x, fill.status, fill.validators, fill.length, now)
  begin(x, plan, fill.status, base, fill.length)
  if (plan.kind === 'none' || x.request.method === 'HEAD') {
    x.response.end()
    return record(x) as undefined // nothing follows this step
  }
  record(x)
  const { first, last } = plan.kind === 'range' ? plan.range : { first: 0, last: undefined }
  sendStream(x, readFill(fill, first, last))
}

function readFill(fill: Filling, first: number, last: number | undefined): AsyncIterable<Uint8Array> {
  return last === undefined ? fill.read(first) : fill.read(first, last)
}

/** A playlist that nobody stores is read whole as well. */
async function deliverGathered(
  x: Exchange,
  { answer, reason }: Found & { kind: 'passing' },
  shape: Shape,
): Promise<undefined> {
  let carried
  try {
    carried = await carryPassing(answer, shape)
  } catch (error) {
    return cannotRead(x, error)
  }
  return deliverPassing(x, carried, reason)
}

function cannotRead(x: Exchange, error: unknown): undefined {
  x.node.log.warn({ id: x.id, code: codeOf(error), path: x.loggedPath }, 'an answer broke off')
  return sendError(x, 502, 'BadGateway', 'The origin broke its answer off')
}

function deliverPassing(x: Exchange, answer: Passing, reason: string): undefined {
  const { status, headers } = answer
  if (hasLeft(x.response)) {
    // No `close` follows any more, and a body that nobody reads would hold its connection to the origin for ever.
    answer.destroy()
    x.status = status
    return record(x) as undefined // nothing follows this step
  }
  const base = [
    ...viewerHeaders(headers, x.gated ? 'gated' : 'open'),
    ...constant(
      x,
      status >= 400 ? 'Error' : 'Miss',
      `fwd=miss; detail=${reason}`,
      undefined,
      answer.respondedAt,
    ),
  ]
  const length = fieldValue(headers, 'content-length')
  if (length !== undefined) base.push('Content-Length', length)
  x.head(status, base)
  record(x)
  if (x.request.method === 'HEAD') {
    answer.destroy()
    x.response.end()
    return
  }
  // This request's own: when the viewer leaves, nobody else waits for it.
  x.response.once('close', () => answer.destroy())
  sendStream(x, answer.body)
}

type BodyPlan = { kind: 'whole' } | { kind: 'range'; range: ByteRange } | { kind: 'none'; status: 304 | 416 }

/** Conditions first, then the range (RFC 9110 §13.2.2). Only a 200 has either. */
function planBody(
  x: Exchange,
  status: number,
  validators: Validators,
  length: number | undefined,
  now: Instant,
): BodyPlan {
  if (status !== 200) return { kind: 'whole' }
  const conditions = {
    ifNoneMatch: x.header('if-none-match'),
    ifModifiedSince: x.header('if-modified-since'),
  }
  if (isNotModified(conditions, validators, now)) return { kind: 'none', status: 304 }
  // RFC 9110 §14.2: a range counts for GET only.
  const range = x.request.method === 'GET' ? x.header('range') : undefined
  if (range === undefined || length === undefined || !rangeApplies(x.header('if-range'), validators))
    return { kind: 'whole' }
  const parsed = parseRange(range, length)
  return parsed.kind === 'unsatisfiable' ? { kind: 'none', status: 416 } : parsed
}

function begin(
  x: Exchange,
  plan: BodyPlan,
  status: number,
  headers: string[],
  length: number | undefined,
): void {
  x.status = plan.kind === 'range' ? 206 : plan.kind === 'none' ? plan.status : status
  if (plan.kind === 'range' && length !== undefined) {
    headers.push('Content-Range', contentRange(plan.range, length))
    headers.push('Content-Length', String(plan.range.last - plan.range.first + 1))
  } else if (x.status === 416) {
    headers.push('Content-Range', `bytes */${length ?? '*'}`, 'Content-Length', '0')
  } else if (x.status !== 304 && length !== undefined) {
    headers.push('Content-Length', String(length))
  }
  x.head(x.status, headers)
}

/** What every delivered answer carries beside the origin's own fields. RFC 9211 for Cache-Status. */
function constant(
  x: Exchange,
  word: CacheWord,
  member: string,
  freshUntil: Instant | undefined,
  now: Instant,
): string[] {
  x.cache = word
  const ttl = freshUntil === undefined ? '' : `; ttl=${Math.floor((freshUntil - now) / 1000)}`
  return [
    'X-Cache',
    `${word} from sluice`,
    'Cache-Status',
    `sluice; ${member}${ttl}`,
    ...x.node.signature(x.id),
    ...corsHeaders(x),
  ]
}
