import type { Instant } from '../../core/index.ts'
import {
  contentRange,
  fieldValue,
  judgeConditions,
  parseHttpDate,
  parseRanges,
  rangeApplies,
  withoutFields,
  type ByteRange,
  type FlatHeaders,
  type Validators,
} from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'
import { Multipart } from './multipart.ts'
import type { Chunks } from './send-stream.ts'

/** What of a representation a viewer is sent. */
export type BodyPlan =
  | { kind: 'whole' }
  | { kind: 'range'; range: ByteRange }
  | { kind: 'ranges'; parts: Multipart }
  | { kind: 'none'; status: 304 | 412 | 416 }

/** What is there to be sent. */
export interface Representation {
  readonly status: number
  readonly headers: FlatHeaders
  readonly validators: Validators
  readonly bornAt: Instant
}

const WHOLE: BodyPlan = { kind: 'whole' }

/**
 * Conditions first, then the ranges (RFC 9110 §13.2.2). Only a 200 has either. `length` is undefined while nobody knows
 * it.
 */
export function planBody(
  x: Exchange,
  there: Representation,
  length: number | undefined,
  now: Instant,
): BodyPlan {
  const { status, headers, validators } = there
  if (status !== 200 || !x.selects) return WHOLE
  const conditions = {
    ifMatch: x.header('if-match'),
    ifUnmodifiedSince: x.header('if-unmodified-since'),
    ifNoneMatch: x.header('if-none-match'),
    ifModifiedSince: x.header('if-modified-since'),
  }
  const judged = judgeConditions(conditions, validators, now)
  if (judged !== 'met') return { kind: 'none', status: judged === 'failed' ? 412 : 304 }
  // RFC 9110 §14.2: a range counts for GET only.
  const range = x.request.method === 'GET' && !x.wholeOnly ? x.header('range') : undefined
  if (range === undefined || length === undefined) return WHOLE
  if (!rangeApplies(x.header('if-range'), validators, madeAt(there))) return WHOLE
  const parsed = parseRanges(range, length)
  if (parsed.kind === 'unsatisfiable') return { kind: 'none', status: 416 }
  const [first, second] = parsed.kind === 'ranges' ? parsed.ranges : []
  if (parsed.kind === 'whole' || first === undefined) return WHOLE
  if (second === undefined) return { kind: 'range', range: first }
  const type = fieldValue(headers, 'content-type')
  return { kind: 'ranges', parts: new Multipart(parsed.ranges, length, type) }
}

/** An answer that came without Date was made when its age was zero (RFC 9110 §6.6.1). */
function madeAt({ headers, bornAt }: Representation): Instant {
  const date = fieldValue(headers, 'date')
  return (date === undefined ? undefined : parseHttpDate(date, bornAt)) ?? bornAt
}

/** The fields of a head: `fixed` are the same list for all who are sent the same, `own` are this answer's and are added to. */
export interface HeadFields {
  fixed: readonly string[]
  own: string[]
}

/** Writes the head that a plan means for what has this status and length. */
export function begin(
  x: Exchange,
  plan: BodyPlan,
  { status, length }: { status: number; length: number | undefined },
  fields: HeadFields,
): void {
  const headers = fields.own
  x.status = statusOf(plan, status)
  if (status === 200 && length !== undefined && !x.wholeOnly) headers.push('Accept-Ranges', 'bytes')
  if (plan.kind === 'range' && length !== undefined) {
    headers.push('Content-Range', contentRange(plan.range, length))
    headers.push('Content-Length', String(plan.range.last - plan.range.first + 1))
  } else if (plan.kind === 'ranges') {
    headers.push('Content-Type', plan.parts.type, 'Content-Length', String(plan.parts.length))
  } else if (x.status === 416) {
    headers.push('Content-Range', `bytes */${length ?? '*'}`, 'Content-Length', '0')
  } else if (x.status === 412) {
    headers.push('Content-Length', '0')
  } else if (!WITHOUT_LENGTH.has(x.status) && length !== undefined) {
    headers.push('Content-Length', String(length))
    if (plan.kind === 'whole' && 'writeHeadOnce' in x.response && x.rules === undefined) {
      x.node.usage.counts.begun(x)
      if (x.isLogged) x.keepHead([...fields.fixed, ...headers])
      return x.response.writeHeadOnce(status, fields.fixed, headers)
    }
  }
  x.head(x.status, [...fields.fixed, ...headers])
}

/** RFC 9110 §8.6 forbids it beside the one, and beside the other it would be the length of something else. */
export const WITHOUT_LENGTH: ReadonlySet<number> = new Set([204, 304])

function statusOf(plan: BodyPlan, status: number): number {
  if (plan.kind === 'none') return plan.status
  return plan.kind === 'whole' ? status : 206
}

/** The prepared fields without what a plan says anew. */
export function fieldsFor(plan: BodyPlan, headers: readonly string[]): readonly string[] {
  return plan.kind === 'ranges' ? withoutFields(headers, OF_THE_WHOLE) : headers
}

const OF_THE_WHOLE: ReadonlySet<string> = new Set(['content-type'])

/** First and last byte that are wanted first; undefined where nothing is sent. */
export function firstBytes(plan: BodyPlan): { first: number; last: number } | undefined {
  if (plan.kind === 'none') return undefined
  if (plan.kind === 'range') return plan.range
  return plan.kind === 'ranges' ? plan.parts.first : { first: 0, last: Infinity }
}

/** The bytes that a plan means, in order. */
export function bodyFor(plan: BodyPlan, read: (first: number, last?: number) => Chunks): Chunks {
  if (plan.kind === 'ranges') return plan.parts.read(read)
  return plan.kind === 'range' ? read(plan.range.first, plan.range.last) : read(0)
}
