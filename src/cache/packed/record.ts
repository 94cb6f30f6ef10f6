import { instant, type Instant } from '../../core/index.ts'
import type { CacheKey } from '../../http/index.ts'
import type { StoredObject } from '../contract.ts'
import { validatorsOf } from '../declared.ts'
import type { Block } from './arena.ts'

/**
 * The head of a plain answer as lines of HTTP/1.1, each with its end, characters up to 0xff: those of every answer, and
 * those beside them of who comes through no gate and of who comes through one.
 */
export interface Rendered {
  readonly lines: string
  readonly open: string
  readonly gated: string
  /** What else whoever renders wants to know of the object when it is asked for; 16 bits. */
  readonly marks: number
}

/** An object as one stretch of bytes, but for where it lies. */
export interface Packing {
  readonly object: StoredObject
  readonly rendered: Rendered
  /** What neither the numbers nor the lines tell. */
  readonly rest: string
  readonly length: number
}

/** Words. The first is the arena's; the last of these have two numbers of 16 bits each. */
const HASH = 1
const MARKS = 2
const KEY_AND_STATUS = 3
const LINES_AND_OPEN = 12
const GATED_AND_BODY = 13
const REST = 14
/** Numbers of eight bytes. */
const BORN_AT = 2
const FRESH_UNTIL = 3
const SEQUENCE = 4
const ASKED_AT = 5
/** Bytes: where the key begins; lines, body and rest follow. */
const PROLOGUE = 64

/** Two numbers in a word. */
const both = (low: number, high: number): number => low | (high << 16)
const lowOf = (word = 0): number => word & 0xffff
const highOf = (word = 0): number => word >>> 16

/** Beside the marks: it was asked for since somebody last looked. */
const USED = 1 << 16

const BEYOND_LATIN1 = /[^\0-\xff]/

/** Undefined for what cannot be written down in such a way. */
export function packingOf(object: StoredObject, rendered: Rendered): Packing | undefined {
  const { key, body } = object
  const rest = restOf(object)
  if (rest === undefined || BEYOND_LATIN1.test(rest) || BEYOND_LATIN1.test(key)) return undefined
  const { lines, open, gated } = rendered
  const texts = key.length + lines.length + open.length + gated.length + rest.length
  return { object, rendered, rest, length: PROLOGUE + texts + body.length }
}

function restOf(object: StoredObject): string | undefined {
  const { key, distributionId, path, validators, headers } = object
  const { etag, lastModified } = validatorsOf(headers)
  const derived = validators.etag === etag && validators.lastModified === lastModified
  const rest: Record<string, unknown> = derived ? {} : { validators }
  for (const [name, value] of Object.entries(object)) {
    if (TOLD.has(name)) continue
    // JSON has no word for it.
    if (typeof value === 'number' && !Number.isFinite(value)) return undefined
    rest[name] = value
  }
  const split = key === `${distributionId} ${path}`
  return JSON.stringify({ ...(split ? { split: distributionId.length } : { distributionId, path }), ...rest })
}

/** What stands in the record in another way. */
const TOLD: ReadonlySet<string> = new Set([
  ...['key', 'distributionId', 'path', 'validators', 'body'],
  ...['status', 'bornAt', 'freshUntil', 'sequence', 'askedAt'],
])

export function write({ bytes, words, numbers }: Block, at: number, hash: number, packing: Packing): void {
  const { object, rendered, rest } = packing
  const word = at >> 2
  const number = at >> 3
  words[word + HASH] = hash
  words[word + MARKS] = rendered.marks
  words[word + KEY_AND_STATUS] = both(object.key.length, object.status)
  words[word + LINES_AND_OPEN] = both(rendered.lines.length, rendered.open.length)
  words[word + GATED_AND_BODY] = both(rendered.gated.length, object.body.length)
  words[word + REST] = rest.length
  numbers[number + BORN_AT] = object.bornAt
  numbers[number + FRESH_UNTIL] = object.freshUntil
  numbers[number + SEQUENCE] = object.sequence
  numbers[number + ASKED_AT] = object.askedAt ?? NaN
  let to = at + PROLOGUE
  for (const text of [object.key, rendered.lines, rendered.open, rendered.gated])
    to += bytes.write(text, to, 'latin1')
  bytes.set(object.body, to)
  bytes.write(rest, to + object.body.length, 'latin1')
}

export function hashAt({ words }: Block, at: number): number {
  return words[(at >> 2) + HASH] ?? 0
}

export function isOf({ bytes, words }: Block, at: number, key: CacheKey): boolean {
  const { length } = key
  if (lowOf(words[(at >> 2) + KEY_AND_STATUS]) !== length) return false
  const from = at + PROLOGUE
  for (let each = 0; each < length; each++) if (bytes[from + each] !== key.charCodeAt(each)) return false
  return true
}

/** Whether it was asked for since this was asked last. */
export function wasUsed({ words }: Block, at: number): boolean {
  const word = (at >> 2) + MARKS
  const marks = words[word] ?? 0
  words[word] = marks & ~USED
  return (marks & USED) !== 0
}

/** The object anew, as it was, with a body of its own. */
export function read({ bytes, words, numbers }: Block, at: number): StoredObject {
  const word = at >> 2
  const number = at >> 3
  const keyAndStatus = words[word + KEY_AND_STATUS]
  const linesAndOpen = words[word + LINES_AND_OPEN]
  const gatedAndBody = words[word + GATED_AND_BODY]
  const keyTo = at + PROLOGUE + lowOf(keyAndStatus)
  const bodyAt = keyTo + lowOf(linesAndOpen) + highOf(linesAndOpen) + lowOf(gatedAndBody)
  const bodyTo = bodyAt + highOf(gatedAndBody)
  const key = bytes.toString('latin1', at + PROLOGUE, keyTo) as CacheKey // it was one when it was written
  const text = bytes.toString('latin1', bodyTo, bodyTo + (words[word + REST] ?? 0))
  const { split, ...rest } = JSON.parse(text) as Partial<StoredObject> & { split?: number } // by `restOf`
  const body = Buffer.allocUnsafeSlow(bodyTo - bodyAt)
  bytes.copy(body, 0, bodyAt, bodyTo)
  const askedAt = numbers[number + ASKED_AT] ?? NaN
  const whole = {
    key,
    ...(split !== undefined && { distributionId: key.slice(0, split), path: key.slice(split + 1) }),
    validators: validatorsOf(rest.headers ?? []),
    ...rest,
    sequence: numbers[number + SEQUENCE],
    status: highOf(keyAndStatus),
    bornAt: numbers[number + BORN_AT],
    freshUntil: numbers[number + FRESH_UNTIL],
    ...(!Number.isNaN(askedAt) && { askedAt }),
    body,
  }
  const { etag, lastModified } = whole.validators
  return { ...whole, validators: { etag, lastModified } } as StoredObject // all that `restOf` and `write` took from one
}

/**
 * What of a packed object a plain answer needs. It is the same one each time, and holds until the next call of whoever
 * gave it: what it tells of may lie elsewhere then.
 */
export class Glance {
  bytes: Buffer = NOTHING
  marks = 0
  status = 0
  bornAt: Instant = instant(0)
  freshUntil: Instant = instant(0)
  sequence = 0
  /** Zero where it is not known. */
  askedAt: Instant = instant(0)
  /** Where these begin, one behind the other; the body has as many bytes as `bodyLength` says. */
  linesAt = 0
  openAt = 0
  gatedAt = 0
  bodyAt = 0
  bodyLength = 0

  /** Takes down that it was used. */
  at({ bytes, words, numbers }: Block, at: number): this {
    const word = at >> 2
    const number = at >> 3
    const marks = words[word + MARKS] ?? 0
    if ((marks & USED) === 0) words[word + MARKS] = marks | USED
    this.bytes = bytes
    this.marks = marks & ~USED
    const keyAndStatus = words[word + KEY_AND_STATUS]
    const linesAndOpen = words[word + LINES_AND_OPEN]
    const gatedAndBody = words[word + GATED_AND_BODY]
    this.status = highOf(keyAndStatus)
    this.bornAt = instant(numbers[number + BORN_AT] ?? 0)
    this.freshUntil = instant(numbers[number + FRESH_UNTIL] ?? 0)
    this.sequence = numbers[number + SEQUENCE] ?? 0
    const askedAt = numbers[number + ASKED_AT] ?? NaN
    this.askedAt = instant(Number.isNaN(askedAt) ? 0 : askedAt)
    this.linesAt = at + PROLOGUE + lowOf(keyAndStatus)
    this.openAt = this.linesAt + lowOf(linesAndOpen)
    this.gatedAt = this.openAt + highOf(linesAndOpen)
    this.bodyAt = this.gatedAt + lowOf(gatedAndBody)
    this.bodyLength = highOf(gatedAndBody)
    return this
  }
}

const NOTHING = Buffer.alloc(0)
