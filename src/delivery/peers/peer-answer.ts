import { Readable } from 'node:stream'
import type { Filling, StoredObject, UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, type Bytes, type Instant, type Milliseconds } from '../../core/index.ts'
import {
  parseRange,
  withoutFields,
  type ByteRange,
  type FlatHeaders,
  type Validators,
} from '../../http/index.ts'
import { known, type Answerable, type Exchange, type Replies, type Step } from '../exchange.ts'
import { fileFields, fileWith, type BodyFile } from './body-file.ts'
import { bodyName } from './body-name.ts'
import type { PeerQuestion } from './peer-question.ts'
import { RUN } from './run.ts'
import { sequenceFor } from './sequence.ts'
import { fillSource } from '../answer/held-bodies.ts'
import { hasLeft, sendBytes, sendStream } from '../answer/send-stream.ts'

/** What the steps keep of the process that asks. */
export type Asker = PeerQuestion

/** Why nothing is answered: the asker asks upstream itself, but for what failed here, which would fail there too. */
export type PeerRefusal = 'unreadable' | 'behind' | 'changed'

const STATUS: Record<PeerRefusal, number> = { unreadable: 400, behind: 421, changed: 412 }

export function refusePeer(x: Exchange, refusal: PeerRefusal): undefined {
  return end(x, STATUS[refusal], ['Sluice-Refused', refusal])
}

/** What went wrong at the owner goes wrong for the asker's viewer: the same code, the same answer. */
function failPeer(x: Exchange, error: unknown): undefined {
  return end(x, 502, ['Sluice-Failed', codeOf(error) ?? 'upstream-unreachable'])
}

/** A live playlist that may not be waited for. */
function badDirectivesForPeer(x: Exchange, problem: string): undefined {
  return end(x, 400, ['Sluice-Bad-Directives', problem])
}

/** Last step of what another process asks: the object as it is kept, and how long it may be kept there. */
const answerPeer: Step = (x: Exchange) => {
  const asker = known(x.asker, 'the asker')
  const found = known(x.found, 'what was found')
  if (asker.read !== undefined) return answerRead(x, found, asker.read)
  switch (found.kind) {
    case 'hit':
      return answerStored(x, found.object, found.kind, lifetime(found.object, now(x)))
    case 'refreshed': {
      const word = `refreshed ${joinable(x, found.joinUntil)}`
      return answerStored(x, found.object, word, lifetime(found.object, now(x)))
    }
    case 'stale':
      return answerStored(x, found.object, `stale ${found.why}`, lifetime(found.object, now(x)))
    case 'version':
      // Its next version may be here at any time, and nobody may be shown an older one after it (SEAMS 20).
      return answerVersion(x, found)
    case 'filling':
      return answerFill(x, found)
    case 'passing':
      return answerPassing(x, found.answer, `passing ${found.reason} ${found.forward}`)
    default:
      return found satisfies never
  }
}

/** For another process of this node. */
export const PEER_REPLIES: Replies = {
  found: answerPeer,
  badDirectives: badDirectivesForPeer,
  failed: failPeer,
  recorded: 'nowhere',
}

const NEVER = ['Sluice-Cache-Control', 'no-store']

function now(x: Exchange): Instant {
  return x.node.clock.now()
}

function answerStored(x: Exchange, object: StoredObject, word: string, life: string[]): ReturnType<Step> {
  const { status, headers, body, validators } = object
  if (isSame(known(x.asker, 'the asker').validators, validators))
    return end(x, 304, fields(x, headers, word, life))
  if (body.length > known(x.asker, 'the asker').largest && status === 200)
    return answerFrom(x, asFilling(object), word)
  const file = fileWith(x, { first: 0, last: body.length - 1 })
  if (file !== undefined) return handOver(x, file, status, fields(x, headers, word, life))
  x.head(status, [...fields(x, headers, word, life), 'Content-Length', String(body.length)])
  return sendBytes(x, body, object) as undefined // nothing follows this step
}

function answerFill(x: Exchange, found: Answerable & { kind: 'filling' }): ReturnType<Step> {
  const { fill, joined, reason, source } = found
  const words = ['filling', reason, joined ? 'joined' : 'led', source ?? 'none']
  const word = [...words, joinable(x, found.joinUntil)].join(' ')
  const large = (fill.length ?? 0) > known(x.asker, 'the asker').largest
  if (large && fill.status === 200) return answerFrom(x, fill, word)
  // How long it may be kept is known when it is whole. Until then it is stale at once, so the next who wants it of the
  // asker makes him ask whether it still holds.
  const age = Math.max(0, now(x) - fill.bornAt)
  x.head(fill.status, [...fields(x, fill.headers, word, milliseconds(age, 0)), ...lengthOf(fill)])
  return stream(x, fill) as undefined // nothing follows this step
}

/** For so long the asker's other viewers may be given it as well. */
function joinable(x: Exchange, until: Instant | undefined): string {
  return until === undefined ? 'always' : String(Math.max(0, until - now(x)))
}

function stream(x: Exchange, fill: Filling, first = 0, last?: number): void {
  const { read, held } = fillSource(x, fill)
  sendStream(x, read(first, last), held)
}

function answerVersion(x: Exchange, { object, source }: Answerable & { kind: 'version' }): ReturnType<Step> {
  const at = now(x)
  const age = Math.max(0, at - object.bornAt)
  const word = `version ${source} ${object.freshUntil - at}`
  return answerStored(x, object, word, ['Sluice-Age-Ms', String(age), ...NEVER])
}

/**
 * What is too large for the asker to keep: it learns what there is, and gets the bytes that its viewer seems to want.
 * For others it asks again.
 */
function answerFrom(x: Exchange, fill: Filling, word: string): ReturnType<Step> {
  const length = fill.length ?? 0
  const range = x.header('range')
  const parsed = range === undefined ? undefined : parseRange(range, length)
  const { first, last } = parsed?.kind === 'range' ? parsed.range : { first: 0, last: length - 1 }
  const large = ['Sluice-Large', String(length), 'Sluice-Part', `${first}-${last}`]
  const age = Math.max(0, now(x) - fill.bornAt)
  const life = ['Sluice-Age-Ms', String(age), ...NEVER]
  const name = bodyName(known(x.found, 'what was found'))
  const named = name === undefined ? [] : ['Sluice-Body', name]
  const head = [...fields(x, fill.headers, word, life), ...large, ...named]
  return sendPart(x, { fill, range: { first, last }, head })
}

interface PeerPart {
  fill: Filling
  range: ByteRange
  head: string[]
}

/** The first byte is here or on its way before there is a head, which says whether it had to be fetched. */
function sendPart(x: Exchange, { fill, range: { first, last }, head }: PeerPart): ReturnType<Step> {
  const send = (reached: 'stored' | 'fetched'): undefined => {
    const file = reached === 'stored' ? fileWith(x, { first, last }, fill) : undefined
    if (file !== undefined) return handOver(x, file, 200, [...head, 'Sluice-Reached', reached])
    x.head(200, [...head, 'Sluice-Reached', reached, 'Content-Length', String(last - first + 1)])
    stream(x, fill, first, last)
  }
  if (fill.reach === undefined) return send('stored')
  return fill.reach(first, last).then(
    reached => (reached.kind === 'changed' ? refusePeer(x, 'changed') : send(reached.kind)),
    (error: unknown) => failPeer(x, error),
  )
}

/** The asker opens it himself; of a piece that ends sooner than what he wants he comes back for the rest. */
function handOver(x: Exchange, file: BodyFile, status: number, head: string[]): undefined {
  x.head(status, [...head, ...fileFields(file)])
  x.response.end()
}

function answerRead(x: Exchange, found: Answerable, read: NonNullable<Asker['read']>): ReturnType<Step> {
  const fill = readable(found)
  if (fill === undefined || !isThere(read, found, fill)) {
    if (found.kind === 'passing') found.answer.destroy()
    return refusePeer(x, 'changed')
  }
  return sendPart(x, { fill, range: read, head: [...RUN] })
}

/** Whether these are the bytes of which the asker has some already. */
function isThere(read: NonNullable<Asker['read']>, found: Answerable, { validators }: Filling): boolean {
  const name = bodyName(found)
  return name === read.body && (name !== undefined || isSame(read.version, validators))
}

function readable(found: Answerable): Filling | undefined {
  if (found.kind === 'filling') return found.fill
  return found.kind === 'passing' ? undefined : asFilling(found.object)
}

function asFilling(object: StoredObject): Filling {
  const { status, headers, validators, bornAt, body } = object
  return {
    ...{ status, headers, validators, bornAt },
    length: body.length,
    read: (first, last = body.length - 1) => Readable.from([body.subarray(first, last + 1)]),
  }
}

function answerPassing(x: Exchange, answer: UpstreamAnswer, word: string): undefined {
  if (hasLeft(x.response)) return answer.destroy() as undefined // nothing follows this step
  x.head(answer.status, [
    ...withoutFields(answer.headers, BODILESS.has(answer.status) ? OF_A_HOP : OF_A_NODE),
    ...['Sluice-Found', word, ...NEVER, ...RUN],
  ])
  // Nobody else waits for it.
  x.response.once('close', () => answer.destroy())
  sendStream(x, answer.body)
}

/** Answers without a body, whatever their fields say (RFC 9110 §6.4.1). */
const BODILESS: ReadonlySet<number> = new Set([204, 304])

/** What was said to the owner alone; the asker is told by the owner. */
const OF_A_NODE: ReadonlySet<string> = new Set([
  ...[
    'sluice-cache-control',
    'sluice-age-ms',
    'sluice-seq',
    'sluice-found',
    'sluice-large',
    'sluice-part',
    'sluice-run',
    'sluice-reached',
    'sluice-body',
    'sluice-file',
  ],
])
const OF_A_HOP: ReadonlySet<string> = new Set([...OF_A_NODE, 'content-length'])

function fields(x: Exchange, headers: FlatHeaders, word: string, life: string[]): string[] {
  const own = ['Sluice-Found', word, 'Sluice-Seq', String(sequenceFor(x)), ...life, ...RUN]
  return [...withoutFields(headers, OF_A_HOP), ...own]
}

/** So much may be said (`NodeLifetime`): some thirty years. What lives longer is asked for again then. */
const LONGEST: Milliseconds = 999_999_999_999

/** What is left of it. */
function lifetime({ bornAt, freshUntil }: StoredObject, at: Instant): string[] {
  return milliseconds(Math.max(0, at - bornAt), Math.max(0, freshUntil - at))
}

function milliseconds(age: Milliseconds, left: Milliseconds): string[] {
  const told = Math.min(age, LONGEST)
  const life = Math.min(told + left, LONGEST)
  return ['Sluice-Age-Ms', String(told), 'Sluice-Cache-Control', `max-age-ms=${life}`]
}

function lengthOf({ length }: { length: Bytes | undefined }): string[] {
  return length === undefined ? [] : ['Content-Length', String(length)]
}

/** Whether the asker has this very version. One without validators is not known to be the same. */
function isSame(asked: Validators, there: Validators): boolean {
  if (asked.etag !== undefined) return asked.etag === there.etag
  return (
    asked.lastModified !== undefined && asked.lastModified === there.lastModified && there.etag === undefined
  )
}

function end(x: Exchange, status: number, headers: string[]): undefined {
  x.head(status, status === 304 ? headers : [...headers, ...RUN, 'Content-Length', '0'])
  x.response.end()
}
