import type { Filling, Found, StoredObject, UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, FUNCTION_REASONS, type Instant } from '../../core/index.ts'
import { cacheStatus, nodeAge, passedAge, type CacheOutcome } from '../../http/index.ts'
import { mayCarry, type Passing } from '../gate/carry.ts'
import { corsBeside } from './cors.ts'
import { known, type CacheWord, type Exchange, type Step } from '../exchange.ts'
import type { Use } from '../functions/node-functions.ts'
import { refuseFor } from '../functions/function-trouble.ts'
import { askedPlaylist, playlistUse } from '../functions/playlist-response.ts'
import { errorOf } from './error-page.ts'
import {
  isShortText,
  recodeFill,
  recodePassing,
  recodeStored,
  wholeSoon,
  type Sendable,
  type Unreadable,
} from './recode.ts'
import { begin, bodyFor, fieldsFor, firstBytes, planBody, type BodyPlan } from './plan-body.ts'
import { lastingOf } from './lasting.ts'
import { madeFrom } from './made-from.ts'
import { record } from '../record.ts'
import {
  ageOf,
  cannotRead,
  fetched,
  HIT,
  onItsWay,
  passed,
  REVALIDATED,
  STALE,
  VERSION_WORDS,
  type Filled,
} from './cache-words.ts'
import { sendError } from './refusal.ts'
import { fillSource, heldWhole, type Whole } from './held-bodies.ts'
import { changeAnswer, changeOf, changeStored, type PlaylistChange } from './changed-playlist.ts'
import { hasLeft, sendBytes, sendStream } from './send-stream.ts'
import { beginWhole } from './steady-head.ts'
import { passedLength, preparedHeaders, viewerHeaders } from './viewer-headers.ts'

/** Answers from whatever `lookup` found: conditions, range, then bytes as fast as the viewer takes them. */
export const deliver: Step = (x: Exchange) => {
  const use = x.behaviour?.functions === undefined ? undefined : playlistUse(x, 'asked')
  const isOne = use !== undefined && x.inPlaceOf === undefined && errorOf(known(x.found, 'it')).status === 200
  return isOne ? deliverAsked(x, use) : deliverFound(x)
}

const deliverFound: Step = (x: Exchange) => {
  const found = known(x.found, 'what was found')
  switch (found.kind) {
    case 'hit':
      return deliverStored(x, found.object, 'Hit', HIT)
    case 'refreshed':
      return deliverStored(x, found.object, 'RefreshHit', REVALIDATED)
    case 'stale':
      return deliverStored(x, found.object, 'Hit', STALE[found.why])
    case 'version':
      return deliverStored(x, found.object, ...VERSION_WORDS[found.source])
    case 'filling':
      if (mayCarry(found.fill) && changeOf(x) !== undefined) return deliverWhole(x, found)
      return isShortText(x, found.fill) ? deliverSoon(x, found) : deliverFill(x, found)
    case 'passing': {
      const change = found.answer.status === 200 ? changeOf(x) : undefined
      return change === undefined
        ? deliverPassing(x, found.answer, passed(found))
        : deliverGathered(x, found.answer, change, passed(found))
    }
  }
}

/** A playlist that is made for each request: this one's alone, whole, from what is there for all. */
async function deliverAsked(x: Exchange, use: Use): Promise<Step | undefined> {
  x.selects = false
  try {
    const { word, outcome, answer } = await madeFrom(x, known(x.found, 'what was found'))
    return deliverPassing(x, await askedPlaylist(x, use, answer), outcome, word)
  } catch (error) {
    const reason = FUNCTION_REASONS.find(each => each === codeOf(error))
    return reason === undefined
      ? cannotRead(x, error)
      : refuseFor(x, { kind: 'unusable', reason, message: '' })
  }
}

function deliverStored(
  x: Exchange,
  stored: StoredObject,
  fresh: CacheWord,
  outcome: CacheOutcome,
): undefined | Promise<undefined> {
  const change = stored.status === 200 ? changeOf(x) : undefined
  const plain = change === undefined ? stored : changeStored(x, stored, change)
  const object = recodeStored(x, plain)
  return object instanceof Promise
    ? object.then(made => sendStored(x, made, fresh, outcome))
    : sendStored(x, object, fresh, outcome)
}

function sendStored(
  x: Exchange,
  object: Sendable | Unreadable,
  fresh: CacheWord,
  outcome: CacheOutcome,
): undefined {
  if ('kind' in object) return cannotDecode(x)
  const now = x.node.clock.now()
  const word = wordOf(x, object.status, fresh)
  const { status, body } = object
  const length = Buffer.isBuffer(body) ? body.length : undefined
  x.keptFor(object.freshUntil - object.bornAt)
  const plan = planBody(x, object, length, now)
  const age = String(ageOf(object.bornAt, now))
  const told = tell(outcome, object.freshUntil, now)
  const whole = plan.kind === 'whole' ? length : undefined
  if (whole === undefined || !beginWhole(x, object, { word, told, age, length: whole })) {
    const fixed = fieldsFor(plan, preparedHeaders(object, x.gated ? 'gated' : 'open'))
    const own = [...constant(x, word, told), ...corsBeside(x, object.headers), 'Age', age]
    begin(x, plan, { status, length }, { fixed, own })
  }
  if (plan.kind === 'none' || x.request.method === 'HEAD') {
    x.response.end()
  } else if (!Buffer.isBuffer(body)) {
    sendStream(x, body)
  } else if (plan.kind === 'ranges') {
    sendStream(
      x,
      bodyFor(plan, (first, last = Infinity) => [body.subarray(first, last + 1)]),
      () => heldWhole(x, { ...object, body }),
    )
  } else {
    const bytes = plan.kind === 'range' ? body.subarray(plan.range.first, plan.range.last + 1) : body
    sendBytes(x, bytes, object as Whole) // its body is the buffer that was looked at above
  }
  record(x)
}

/** What a playlist hands on is made from the whole of it. */
async function deliverWhole(x: Exchange, found: Found & { kind: 'filling' }): Promise<undefined> {
  let object
  try {
    object = await found.whole
  } catch (error) {
    const change = changeOf(x)
    if (codeOf(error) !== 'too-large' || change === undefined) return cannotRead(x, error)
    return deliverGathered(x, onItsWay(found.fill), change, fetched(found))
  }
  return deliverStored(x, object, ...wordsFor(found, 'stored'))
}

/** A short text is put into its coding as a whole, unless that is slow to come. */
async function deliverSoon(x: Exchange, found: Filled): Promise<Step | undefined> {
  const object = await wholeSoon(found.whole)
  if (object === undefined) return deliverFill(x, found)
  return deliverStored(x, object, ...wordsFor(found, 'stored'))
}

function deliverFill(x: Exchange, found: Filled): ReturnType<Step> {
  const fill = recodeFill(x, found.fill)
  if ('kind' in fill) return cannotDecode(x)
  const plan = planBody(x, fill, fill.length, x.node.clock.now())
  const wanted = x.request.method === 'HEAD' ? undefined : firstBytes(plan)
  if (fill.reach === undefined || wanted === undefined)
    return sendFill(x, fill, plan, wordsFor(found, 'stored'), found.freshUntil)
  return fill.reach(wanted.first, wanted.last).then(
    reached => {
      if (reached.kind !== 'changed') {
        const freshUntil = reached.kind === 'stored' ? found.freshUntil : undefined
        return sendFill(x, fill, plan, wordsFor(found, reached.kind), freshUntil)
      }
      // An origin with another version each time that it is asked has none that could be sent.
      if (turned.has(x)) return cannotRead(x, new Error('it changes all the time'))
      turned.add(x)
      x.found = reached.found
      return deliver
    },
    (error: unknown) => cannotRead(x, error),
  )
}

/** Those for whom a large object turned out to have changed since it was looked up. */
const turned = new WeakSet<Exchange>()

/** Of a large object that is in store it counts whether something had to be fetched for this. */
function wordsFor(found: Filled, reached: 'stored' | 'fetched'): [CacheWord, CacheOutcome] {
  if (found.source === undefined) return ['Miss', fetched(found)]
  if (reached === 'fetched') return ['Miss', { kind: 'forwarded', reason: 'partial', kept: 'stored' }]
  return SOURCES[found.source]
}

const SOURCES: Record<'hit' | 'refreshed' | 'stale', [CacheWord, CacheOutcome]> = {
  hit: ['Hit', HIT],
  refreshed: ['RefreshHit', REVALIDATED],
  stale: ['Hit', { kind: 'hit', detail: 'stale' }],
}

function sendFill(
  x: Exchange,
  fill: Filling,
  plan: BodyPlan,
  [word, outcome]: [CacheWord, CacheOutcome],
  freshUntil: Instant | undefined,
): undefined {
  const now = x.node.clock.now()
  x.keptFor(lastingOf(x, fill, freshUntil))
  const fixed = fieldsFor(plan, preparedHeaders(fill, x.gated ? 'gated' : 'open'))
  const own = constant(x, wordOf(x, fill.status, word), tell(outcome, freshUntil, now))
  own.push(...corsBeside(x, fill.headers))
  const isFirst = word === 'Miss' && !(outcome.kind === 'forwarded' && outcome.collapsed === 'collapsed')
  own.push(...(isFirst ? ageThere(fill, now) : ['Age', String(ageOf(fill.bornAt, now))]))
  begin(x, plan, fill, { fixed, own })
  if (plan.kind === 'none' || x.request.method === 'HEAD') {
    x.response.end()
    return record(x) as undefined // nothing follows this step
  }
  record(x)
  const { read, held } = fillSource(x, fill)
  sendStream(x, bodyFor(plan, read), held)
}

/** An answer that was in some cache before us stays as old as it is (RFC 9111 §5.1). */
function ageThere({ headers, bornAt }: Filling, now: Instant): string[] {
  const wasKept = passedAge(headers) !== undefined || nodeAge(headers) >= 1_000
  return wasKept ? ['Age', String(ageOf(bornAt, now))] : []
}

/** A playlist that nobody stores is read whole as well. */
async function deliverGathered(
  x: Exchange,
  answer: UpstreamAnswer,
  change: PlaylistChange,
  outcome: CacheOutcome,
): Promise<undefined> {
  let carried
  try {
    carried = await changeAnswer(answer, change)
  } catch (error) {
    return cannotRead(x, error)
  }
  return deliverPassing(x, carried, outcome)
}

function cannotDecode(x: Exchange): undefined {
  return sendError(x, 503, 'ServiceUnavailable', 'Too much is being decoded', ['Retry-After', '1'])
}

function deliverPassing(
  x: Exchange,
  came: Passing,
  outcome: CacheOutcome,
  word: CacheWord = 'Miss',
): undefined {
  const answer = recodePassing(x, came)
  if ('kind' in answer) {
    came.destroy()
    return cannotDecode(x)
  }
  const { status, headers } = answer
  if (hasLeft(x.response)) {
    // No `close` follows any more, and a body that nobody reads would hold its connection to the origin for ever.
    answer.destroy()
    x.status = status
    return record(x) as undefined // nothing follows this step
  }
  const base = [
    ...viewerHeaders(headers, x.gated ? 'gated' : 'open'),
    ...constant(x, wordOf(x, status, word), tell(outcome, undefined, answer.respondedAt)),
    ...corsBeside(x, headers),
  ]
  // It was in some cache before us, and nobody but that one knows how old it is.
  const age = passedAge(headers)
  if (age !== undefined) base.push('Age', String(age))
  x.head(status, [...base, ...passedLength(status, headers)])
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

function wordOf(x: Exchange, status: number, word: CacheWord): CacheWord {
  return status >= 400 || x.inPlaceOf !== undefined ? 'Error' : word
}

/** What every delivered answer carries beside the origin's own fields. */
function constant(x: Exchange, word: CacheWord, told: string): string[] {
  x.cache = word
  const fields = x.node.signature(x.id)
  fields.push('X-Cache', `${word} from sluice`, 'Cache-Status', told)
  if (x.variesByCoding) fields.push('Vary', 'Accept-Encoding')
  return fields
}

/** RFC 9211. */
function tell(outcome: CacheOutcome, freshUntil: Instant | undefined, now: Instant): string {
  return cacheStatus(outcome, freshUntil === undefined ? undefined : Math.floor((freshUntil - now) / 1000))
}
