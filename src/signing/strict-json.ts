/**
 * JSON.parse forgets duplicate names, and two readers that keep different ones would disagree about what was
 * signed. So a policy is read here: duplicates are refused, and the escape `\?` is understood, which is not JSON
 * but what CloudFront's own pages print for a literal question mark.
 */
export type Json = string | number | boolean | null | Json[] | JsonObject

export type JsonObject = ReadonlyMap<string, Json>

export type JsonResult = { kind: 'ok'; value: Json } | { kind: 'bad'; why: string }

/** A policy is four deep; this bounds the recursion. */
const DEEPEST = 8

const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '?': '\\?',
}

class Unreadable extends Error {}

export function readStrictJson(text: string): JsonResult {
  const at = { text, index: 0 }
  try {
    const value = readValue(at, 0)
    skipSpace(at)
    if (at.index < text.length) throw new Unreadable(`something follows the JSON at character ${at.index}`)
    return { kind: 'ok', value }
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'bad', why: error.message }
    throw error
  }
}

interface Cursor {
  readonly text: string
  index: number
}

function readValue(at: Cursor, depth: number): Json {
  if (depth > DEEPEST) throw new Unreadable(`the JSON is nested more than ${DEEPEST} deep`)
  skipSpace(at)
  const first = at.text[at.index]
  if (first === '{') return readObject(at, depth)
  if (first === '[') return readArray(at, depth)
  if (first === '"') return readString(at)
  const word = match(at, /true|false|null/y)
  if (word !== undefined) return word === 'null' ? null : word === 'true'
  const number = match(at, /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
  if (number !== undefined) return Number(number)
  throw new Unreadable(`not JSON at character ${at.index}`)
}

function readObject(at: Cursor, depth: number): JsonObject {
  const object = new Map<string, Json>()
  at.index++
  if (take(at, '}')) return object
  do {
    skipSpace(at)
    const name = readString(at)
    if (object.has(name)) throw new Unreadable(`"${name.slice(0, 64)}" stands twice`)
    expect(at, ':')
    object.set(name, readValue(at, depth + 1))
  } while (take(at, ','))
  expect(at, '}')
  return object
}

function readArray(at: Cursor, depth: number): Json[] {
  const array: Json[] = []
  at.index++
  if (take(at, ']')) return array
  do array.push(readValue(at, depth + 1))
  while (take(at, ','))
  expect(at, ']')
  return array
}

function readString(at: Cursor): string {
  if (at.text[at.index] !== '"') throw new Unreadable(`a string is missing at character ${at.index}`)
  at.index++
  let value = ''
  for (;;) {
    // RFC 8259 section 7: control characters must be escaped.
    value += match(at, /[^"\\\u0000-\u001f]+/y) ?? ''
    const next = at.text[at.index++]
    if (next === '"') return value
    if (next !== '\\') throw new Unreadable('a string does not end or holds a control character')
    const hex = match(at, /u[0-9A-Fa-f]{4}/y)
    const escaped = hex ?? at.text[at.index++] ?? ''
    const meant = hex === undefined ? ESCAPES[escaped] : String.fromCharCode(parseInt(hex.slice(1), 16))
    if (meant === undefined) throw new Unreadable(`an unknown escape at character ${at.index}`)
    value += meant
  }
}

function skipSpace(at: Cursor): void {
  match(at, /[ \t\r\n]+/y)
}

function take(at: Cursor, char: string): boolean {
  skipSpace(at)
  if (at.text[at.index] !== char) return false
  at.index++
  return true
}

function expect(at: Cursor, char: string): void {
  if (!take(at, char)) throw new Unreadable(`"${char}" is missing at character ${at.index}`)
}

function match(at: Cursor, sticky: RegExp): string | undefined {
  sticky.lastIndex = at.index
  const found = sticky.exec(at.text)?.[0]
  if (found !== undefined) at.index += found.length
  return found
}
