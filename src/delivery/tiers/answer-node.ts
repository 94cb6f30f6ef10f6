import type { IncomingMessage } from 'node:http'
import type { Filling, StoredObject, UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, type Instant } from '../../core/index.ts'
import { fieldValue, formatHttpDate, withoutFields, type FlatHeaders } from '../../http/index.ts'
import { fillSource, heldWhole } from '../answer/held-bodies.ts'
import {
  begin,
  bodyFor,
  fieldsFor,
  firstBytes,
  planBody,
  type BodyPlan,
  type Representation,
} from '../answer/plan-body.ts'
import { hasLeft, sendBytes, sendStream } from '../answer/send-stream.ts'
import { passedLength } from '../answer/viewer-headers.ts'
import {
  known,
  type Answerable,
  type CacheWord,
  type Exchange,
  type Replies,
  type Step,
} from '../exchange.ts'
import { RUN } from '../peers/run.ts'
import { sequenceFor } from '../peers/sequence.ts'
import { record } from '../record.ts'
import { neverConnected } from '../upstream/patience.ts'
import { EXACT } from './node-question.ts'

/** Why a regional cache does not answer an edge, which asks elsewhere then. */
export type NodeRefusal = 'not-a-node' | 'unreadable' | 'behind' | 'not-ready'

const STATUS: Record<NodeRefusal, number> = {
  'not-a-node': 403,
  unreadable: 400,
  behind: 421,
  'not-ready': 503,
}

export function refuseNode(x: Exchange, refusal: NodeRefusal): undefined {
  if (refusal === 'not-a-node') x.reason = refusal
  return end(x, STATUS[refusal], ['Sluice-Refused', refusal, 'X-Sluice-Reason', refusal])
}

/**
 * Last step of what an edge asks: what is kept, as its origin has sent it, with the age that it has by now, in
 * milliseconds (SEAMS 18). How long it may be used the edge works out from the same fields by the same rules, so that it
 * goes stale in both tiers at once.
 */
const answerNode: Step = (x: Exchange) => {
  const found = known(x.found, 'what was found')
  switch (found.kind) {
    case 'hit':
    case 'refreshed':
    case 'stale':
      return answerStored(x, found.object, found.kind === 'refreshed' ? 'RefreshHit' : 'Hit')
    case 'version':
      return answerStored(x, found.object, found.source === 'known' ? 'Hit' : 'Miss')
    case 'filling':
      return answerFill(x, found)
    case 'passing':
      return answerPassing(x, found.answer)
    default:
      return found satisfies never
  }
}

/** What failed here would fail at the edge too. */
function failNode(x: Exchange, error: unknown): undefined {
  const code = codeOf(error) ?? 'upstream-unreachable'
  x.node.log.warn({ id: x.id, code, path: x.loggedPath }, 'upstream failed')
  return end(x, 502, ['Sluice-Failed', neverConnected(error) ? `${code} unconnected` : code])
}

/** Nothing in it that could be stored (SEAMS 19). */
function badDirectivesForNode(x: Exchange): undefined {
  return end(x, 400, ['Sluice-Seq', String(x.appliedThen), 'Cache-Control', 'no-store'])
}

/** For an edge. */
export const NODE_REPLIES: Replies = {
  found: answerNode,
  badDirectives: badDirectivesForNode,
  failed: failNode,
  recorded: 'counted',
}

function answerStored(x: Exchange, object: StoredObject, word: CacheWord): undefined {
  const { status, body } = object
  const plan = planFor(x, object, body.length)
  x.cache = word
  begin(x, plan, { status, length: body.length }, headOf(x, plan, object))
  if (plan.kind === 'none') x.response.end()
  else if (plan.kind === 'ranges') {
    const read = (first: number, last = Infinity): Buffer[] => [body.subarray(first, last + 1)]
    sendStream(x, bodyFor(plan, read), () => heldWhole(x, object))
  } else {
    const bytes = plan.kind === 'range' ? body.subarray(plan.range.first, plan.range.last + 1) : body
    sendBytes(x, bytes, object)
  }
  record(x)
}

/**
 * A date that is not the very one says nothing: what lies there now may be older than what the edge has, an earlier
 * version or that of another origin of a group, and is to take its place all the same.
 */
function planFor(x: Exchange, there: Representation, length: number | undefined): BodyPlan {
  const { headers } = x.request as IncomingMessage // node:http alone listens for nodes
  const isOther = headers['if-modified-since'] !== there.validators.lastModified
  if (headers[EXACT] !== undefined && isOther) delete headers['if-modified-since']
  return planBody(x, there, length, x.node.clock.now())
}

type Filled = Answerable & { kind: 'filling' }

function answerFill(x: Exchange, found: Filled): ReturnType<Step> {
  const { fill } = found
  const plan = planFor(x, fill, fill.length)
  const wanted = firstBytes(plan)
  if (fill.reach === undefined || wanted === undefined) return sendFill(x, found, plan, 'Miss')
  return fill.reach(wanted.first, wanted.last).then(
    reached => {
      if (reached.kind !== 'changed')
        return sendFill(x, found, plan, reached.kind === 'stored' ? 'Hit' : 'Miss')
      // An origin with another version each time that it is asked has none that could be sent.
      if (turned.has(x)) return failNode(x, new Error('it changes all the time'))
      turned.add(x)
      x.found = reached.found
      return answerNode
    },
    (error: unknown) => failNode(x, error),
  )
}

/** Those for whom a large object turned out to have changed since it was looked up. */
const turned = new WeakSet<Exchange>()

function sendFill(x: Exchange, { fill, source }: Filled, plan: BodyPlan, reached: CacheWord): undefined {
  x.cache = source === undefined ? 'Miss' : reached
  begin(x, plan, fill, headOf(x, plan, fill))
  if (plan.kind === 'none') {
    x.response.end()
    return record(x) as undefined // nothing follows this step
  }
  record(x)
  const { read, held } = fillSource(x, fill)
  sendStream(x, bodyFor(plan, read), held)
}

/** One viewer's own: the edge finds that out for itself, and asks for no other with the same answer. */
function answerPassing(x: Exchange, answer: UpstreamAnswer): undefined {
  x.cache = 'Miss'
  const { status, headers } = answer
  if (hasLeft(x.response)) {
    answer.destroy()
    x.status = status
    return record(x) as undefined // nothing follows this step
  }
  const own = ['Sluice-Seq', String(sequenceFor(x)), ...RUN, ...passedLength(status, headers)]
  x.head(status, [...withoutFields(headers, OF_A_PASSED_ANSWER), ...own])
  record(x)
  x.response.once('close', () => answer.destroy())
  sendStream(x, answer.body)
}

/** What the origin has said of this very answer to us. */
const OF_A_HOP: ReadonlySet<string> = new Set([
  'sluice-age-ms',
  'sluice-seq',
  'age',
  'content-length',
  'accept-ranges',
])
/** Its age, whoever has told it, is as good as it was. */
const OF_A_PASSED_ANSWER: ReadonlySet<string> = new Set(['sluice-seq', 'content-length'])

function headOf(
  x: Exchange,
  plan: BodyPlan,
  { headers, bornAt }: Pick<Filling, 'headers' | 'bornAt'>,
): { fixed: readonly string[]; own: string[] } {
  const age = Math.max(0, x.node.clock.now() - bornAt)
  const told = ['Sluice-Age-Ms', String(Math.min(age, LONGEST)), 'Sluice-Seq', String(sequenceFor(x))]
  return {
    fixed: fieldsFor(plan, withoutFields(headers, OF_A_HOP)),
    own: [...told, ...RUN, ...dateOf(headers, bornAt)],
  }
}

/** Whoever receives an answer without Date gives it one (RFC 9110 §6.6.1); from it the edge counts what `Expires` means. */
function dateOf(headers: FlatHeaders, bornAt: Instant): string[] {
  return fieldValue(headers, 'date') === undefined ? ['Date', formatHttpDate(bornAt)] : []
}

/** Twelve digits can be told. */
const LONGEST = 999_999_999_999

function end(x: Exchange, status: number, headers: string[]): undefined {
  x.cache = 'Error'
  x.head(status, [...headers, ...RUN, 'Content-Length', '0'])
  x.response.end()
  record(x)
}
