import { encodeHuffman, huffmanLength } from './hpack-huffman.ts'
import { STATIC_TABLE } from './hpack-tables.ts'
import { OF_CONNECTIONS } from './request-head.ts'

/** Name, value, name, value. */
export type Fields = readonly string[]

/** The fields of a block that are the same each time, coded once. */
export interface PreparedFields {
  readonly bytes: Buffer
  /** Whether Date is among them. */
  readonly dated: boolean
}

/** Index of a name in the static table, the first one that has it. */
const indexes = new Map<string, number>()
for (const [at, [name]] of STATIC_TABLE.entries()) if (!indexes.has(name)) indexes.set(name, at + 1)

/** How a name is written before a value: literal, entering no table (RFC 7541 §6.2.2). Undefined for what is not sent. */
const names = new Map<string, Buffer | undefined>()

/** Answers have a few dozen names; more than these are read each time. */
const MOST_NAMES = 256

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function nameBytes(field: string): Buffer | undefined {
  if (names.has(field)) return names.get(field)
  const made = makeName(field)
  if (names.size < MOST_NAMES && field.length <= 64) names.set(field, made)
  return made
}

/** Throws what no field can be called. What says something of a connection is left out (RFC 9113 §8.2.2). */
function makeName(field: string): Buffer | undefined {
  if (!TOKEN.test(field)) throw new TypeError('a header field has a name that is none')
  const name = field.toLowerCase()
  if (OF_CONNECTIONS.has(name) || name === 'te') return undefined
  const index = indexes.get(name)
  const bytes = Buffer.alloc(16 + name.length)
  let at = 0
  if (index !== undefined) at = writeInteger(bytes, at, { prefix: 4, first: 0, value: index })
  else {
    bytes[at++] = 0
    at = writeText(bytes, at, name)
  }
  return bytes.subarray(0, at)
}

interface PrefixedInteger {
  prefix: number
  /** The bits before it. */
  first: number
  value: number
}

/** §5.1. */
function writeInteger(out: Uint8Array, at: number, { prefix, first, value }: PrefixedInteger): number {
  const most = (1 << prefix) - 1
  if (value < most) {
    out[at] = first | value
    return at + 1
  }
  out[at++] = first | most
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128
  out[at++] = rest
  return at
}

function writeText(out: Buffer, at: number, text: string): number {
  const coded = huffmanLength(text)
  if (coded >= text.length) return writePlain(out, at, text)
  return encodeHuffman(text, out, writeInteger(out, at, { prefix: 7, first: 0x80, value: coded }))
}

/** Up to here a loop is faster than asking the buffer. */
const SHORT = 32

function writePlain(out: Buffer, at: number, text: string): number {
  const { length } = text
  if (length >= 127) at = writeInteger(out, at, { prefix: 7, first: 0, value: length })
  else out[at++] = length
  if (length > SHORT) {
    out.write(text, at, length, 'latin1')
    return at + length
  }
  for (let each = 0; each < length; each++) out[at++] = text.charCodeAt(each)
  return at
}

/** RFC 9110 §5.5; each character stands for a byte. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

function checked(value: string): string {
  if (!VALUE.test(value)) throw new TypeError('a header field has a value that cannot be sent')
  return value
}

/** More than a list of fields takes, whatever is in it. */
export function roomFor(fields: Fields): number {
  let room = 0
  for (let at = 0; at < fields.length; at++) room += 8 + (fields[at]?.length ?? 0)
  return room
}

const prepared = new WeakMap<Fields, PreparedFields>()

/** Read and coded once for each list; throws for one that cannot be sent. */
export function prepare(fields: Fields): PreparedFields {
  let made = prepared.get(fields)
  if (made === undefined) prepared.set(fields, (made = makePrepared(fields)))
  return made
}

/**
 * Several lines of one name as one (RFC 9110 §5.3), but for Set-Cookie, of which each is its own: of a field that may stand
 * once some clients take the first line and others the last.
 */
export function oneLineEach(fields: Fields): Fields {
  const places = new Map<string, number>()
  let lines: string[] | undefined
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase()
    const before = name === 'set-cookie' ? undefined : places.get(name)
    if (before === undefined) {
      places.set(name, lines?.length ?? at)
      lines?.push(fields[at] ?? '', fields[at + 1] ?? '')
    } else {
      lines ??= fields.slice(0, at)
      lines[before + 1] = `${lines[before + 1]}, ${fields[at + 1]}`
    }
  }
  return lines ?? fields
}

function makePrepared(list: Fields): PreparedFields {
  const fields = oneLineEach(list)
  const bytes = Buffer.allocUnsafeSlow(roomFor(fields))
  let at = 0
  let dated = false
  for (let each = 0; each + 1 < fields.length; each += 2) {
    const [name = '', value = ''] = [fields[each], fields[each + 1]]
    const before = nameBytes(name)
    if (before === undefined) continue
    if (name.length === 4 && name.toLowerCase() === 'date') dated = true
    at += before.copy(bytes, at)
    at = writeText(bytes, at, checked(value))
  }
  return { bytes: Buffer.from(bytes.subarray(0, at)), dated }
}

/** Writes fields as they are, at `at`, and tells where they end. There is room for them. */
export function writeFields(out: Buffer, at: number, fields: Fields): number {
  for (let each = 0; each + 1 < fields.length; each += 2) {
    const before = nameBytes(fields[each] ?? '')
    if (before === undefined) continue
    for (let byte = 0; byte < before.length; byte++) out[at++] = before[byte] ?? 0
    at = writePlain(out, at, checked(fields[each + 1] ?? ''))
  }
  return at
}

/** `:status` is in the table for some, with its value (§6.1). */
export function writeStatus(out: Buffer, at: number, status: number): number {
  const index = STATUS_INDEXES[status]
  if (index !== undefined) {
    out[at] = 0x80 | index
    return at + 1
  }
  out[at++] = 8
  return writePlain(out, at, String(status))
}

const STATUS_INDEXES: Readonly<Record<number, number>> = {
  ...{ 200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14 },
}

let dated: { second: number; bytes: Buffer } = { second: 0, bytes: Buffer.alloc(0) }

/** By the machine's clock, as over HTTP/1.1 (RFC 9110 §6.6.1). */
export function dateField(): Buffer {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dated.second)
    dated = { second, bytes: makePrepared(['date', new Date(second * 1000).toUTCString()]).bytes }
  return dated.bytes
}
