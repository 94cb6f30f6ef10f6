import type { Filling, StoredObject } from '../../cache/index.ts'
import { pause, type Bytes, type Milliseconds } from '../../core/index.ts'
import {
  acceptsCoding,
  codingsOf,
  fieldValue,
  isCompressible,
  LARGEST_COMPRESSED,
  mayTransform,
  preferredCoding,
  varying,
  type Coding,
  type FlatHeaders,
} from '../../http/index.ts'
import type { Passing } from '../gate/carry.ts'
import { CodedFill } from './coded-fill.ts'
import { AT_ONCE, canDecode } from './compress.ts'
import { known, type Exchange } from '../exchange.ts'
import { recodedFields, type Recoding } from './recoded-fields.ts'

/** A viewer cannot read the coding of what is there, and too much is being decoded just now. */
export type Unreadable = { kind: 'unreadable' }

/** A stored object as one viewer is sent it; its body is in one piece unless it is decoded. */
export type Sendable = Omit<StoredObject, 'body'> & { readonly body: Buffer | AsyncIterable<Uint8Array> }

/** The stored object in the coding that is best for this viewer. */
export function recodeStored(x: Exchange, object: StoredObject): Sendable | Unreadable | Promise<Sendable> {
  const plan = planFor(x, object, object.body.length)
  if (plan.kind === 'as-is') return object
  if (plan.kind === 'decode') {
    const body = x.node.codingStreams.decoded(() => [object.body], plan.codings)
    if (body === undefined) return UNREADABLE
    return { ...object, headers: recodedFields(object.headers, 'decoded'), body }
  }
  const { coding } = plan
  const as = (text: Buffer | undefined): Sendable =>
    text === undefined ? object : { ...object, headers: recodedFields(object.headers, coding), body: text }
  const text = x.node.codedTexts.of(object.body, coding)
  return text instanceof Promise ? text.then(as) : as(text)
}

/** Whether a short text is on its way that this viewer takes in a coding: it is best made from the whole of it. */
export function isShortText(x: Exchange, fill: Filling): boolean {
  return (fill.length ?? Infinity) <= AT_ONCE && planFor(x, fill, fill.length).kind === 'compress'
}

/** Nobody notices it, and what an origin sends in one piece has come by then. */
const SOON: Milliseconds = 5

/** The whole of what is on its way if that is here in a moment; whoever reads what has failed is told why. */
export async function wholeSoon(whole: Promise<StoredObject>): Promise<StoredObject | undefined> {
  const over = new AbortController()
  try {
    return await Promise.race([whole, pause(SOON, over.signal).then(() => undefined)])
  } catch {
    return undefined
  } finally {
    over.abort()
  }
}

/** What is on its way, in the coding that is best for this viewer. */
export function recodeFill(x: Exchange, fill: Filling): Filling | Unreadable {
  const plan = planFor(x, fill, fill.length)
  if (plan.kind === 'as-is') return fill
  // What is kept in slices is never whole, so its coding would be made for each viewer anew.
  if (plan.kind === 'compress') return fill.reach === undefined ? codedFill(x, fill, plan.coding) : fill
  const body = x.node.codingStreams.decoded(() => fill.read(0), plan.codings)
  if (body === undefined) return UNREADABLE
  const { status, validators, bornAt } = fill
  const headers = recodedFields(fill.headers, 'decoded')
  return { status, headers, validators, length: undefined, bornAt, read: () => body }
}

const codedFills = new WeakMap<Filling, Partial<Record<Coding, CodedFill>>>()

function codedFill(x: Exchange, fill: Filling, coding: Coding): Filling {
  let made = codedFills.get(fill)
  if (made === undefined) codedFills.set(fill, (made = {}))
  const before = made[coding]
  if (before !== undefined) return before
  const body = x.node.codingStreams.compressed(() => fill.read(0), coding)
  return body === undefined
    ? fill
    : (made[coding] = new CodedFill(fill, recodedFields(fill.headers, coding), body))
}

/** An answer that is this viewer's alone, in the coding that is best for him. */
export function recodePassing(x: Exchange, answer: Passing): Passing | Unreadable {
  const { headers } = answer
  const said = fieldValue(headers, 'content-length')
  // Most pages that are made for one viewer do not say how long they are.
  const plan = planFor(x, answer, said === undefined ? LARGEST_COMPRESSED : Number(said))
  if (plan.kind === 'as-is') return answer
  const recoding: Recoding = plan.kind === 'decode' ? 'decoded' : plan.coding
  const body =
    plan.kind === 'decode'
      ? x.node.codingStreams.decoded(() => answer.body, plan.codings)
      : x.node.codingStreams.compressed(() => answer.body, plan.coding)
  if (body === undefined) return plan.kind === 'decode' ? UNREADABLE : answer
  return { ...answer, headers: recodedFields(headers, recoding), body }
}

const UNREADABLE: Unreadable = { kind: 'unreadable' }

type Plan =
  { kind: 'as-is' } | { kind: 'compress'; coding: Coding } | { kind: 'decode'; codings: readonly string[] }

const AS_IS: Plan = { kind: 'as-is' }

interface Source {
  readonly status: number
  readonly headers: FlatHeaders
}

/** Decides, and tells the exchange whether others may be sent something else and whether a range makes sense. */
function planFor(x: Exchange, source: Source, length: Bytes | undefined): Plan {
  const nature = natureOf(source, length)
  const plan = nature.kind === 'plain' ? AS_IS : planByNature(x, nature)
  x.wholeOnly = plan.kind !== 'as-is'
  return plan
}

function planByNature(x: Exchange, nature: Exclude<Nature, { kind: 'plain' }>): Plan {
  if (nature.kind !== 'coded') {
    if (!known(x.behaviour, 'the behaviour').compress) return AS_IS
    x.variesByCoding = !nature.saysSo
    const coding = nature.kind === 'text' ? wantedCoding(x) : 'identity'
    return coding === 'identity' ? AS_IS : { kind: 'compress', coding }
  }
  x.variesByCoding = !nature.saysSo
  const { codings } = nature
  const accepted = x.header('accept-encoding')
  // What nobody here can decode goes on as it came: the origin means somebody who can.
  if (!canDecode(codings)) return AS_IS
  return codings.every(coding => acceptsCoding(accepted, coding)) ? AS_IS : { kind: 'decode', codings }
}

/**
 * Ranges are of the text as it is stored, since a coding is made anew at times and never quite the same. By a date alone
 * nobody can tell what a viewer has a part of (RFC 9110 §13.1.5), so he is sent the whole.
 */
function wantedCoding(x: Exchange): Coding | 'identity' {
  if (x.request.httpVersion === '1.0') return 'identity'
  const ranged = x.request.method === 'GET' && x.header('range') !== undefined
  if (ranged && !/^[A-Z][a-z]{2,8}, /.test(x.header('if-range') ?? '')) return 'identity'
  return preferredCoding(x.header('accept-encoding'))
}

type Nature =
  | { kind: 'plain' }
  /** `saysSo`: its Vary names Accept-Encoding already. */
  | { kind: 'text'; saysSo: boolean }
  /** A text of which nobody knows yet whether it is long enough to be compressed. */
  | { kind: 'text-of-unknown-length'; saysSo: boolean }
  | { kind: 'coded'; codings: readonly string[]; saysSo: boolean }

/** Whether all viewers are sent this body as it is. */
export function isPlain(source: Source, length: Bytes): boolean {
  return readNature(source, length).kind === 'plain'
}

const natures = new WeakMap<Source, Nature>()

/** Learnt once for each answer. */
function natureOf(source: Source, length: Bytes | undefined): Nature {
  let nature = natures.get(source)
  if (nature === undefined) natures.set(source, (nature = readNature(source, length)))
  return nature
}

function readNature(source: Source, length: Bytes | undefined): Nature {
  const codings = codingsOf(source.headers)
  // Of a part nothing can be decoded, and an empty answer has nothing that could be.
  const decodable = source.status >= 200 && ![204, 206, 304].includes(source.status)
  const vary = varying(source.headers)
  const saysSo = vary.kind === 'anything' || vary.names.includes('accept-encoding')
  if (codings.length > 0)
    return decodable && mayTransform(source.headers) ? { kind: 'coded', codings, saysSo } : { kind: 'plain' }
  if (!isCompressible(source, length ?? LARGEST_COMPRESSED)) return { kind: 'plain' }
  return { kind: length === undefined ? 'text-of-unknown-length' : 'text', saysSo }
}
