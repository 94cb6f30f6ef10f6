/** A bare item of a structured field (RFC 9651 §3.3); what no dictionary of ours holds is told apart, not read. */
export type Item =
  | { kind: 'integer'; value: number }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'text'; value: string }
  | { kind: 'other' }

const KEY = /[a-z*][a-z0-9_\-.*]*/y
const INTEGER = /-?\d{1,15}(?![\d.])/y
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y
const TOKEN = /[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y
const BOOLEAN = /\?([01])/y
/** Decimals, byte sequences, dates and display strings. */
const OTHER =
  /-?\d{1,12}\.\d{1,3}(?![\d.])|:[A-Za-z0-9+/=]*:|@-?\d{1,15}(?![\d.])|%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y
const COMMA = /[ \t]*,[ \t]*(?=[^ \t])/y
const SPACES = / */y

/** Reads a dictionary (RFC 9651 §4.2.2), its parameters left out. Undefined when it is none: then all of it fails. */
export function parseDictionary(text: string): ReadonlyMap<string, Item> | undefined {
  const input = new Input(text.replace(/^ +| +$/g, ''))
  const members = new Map<string, Item>()
  while (!input.ended) {
    const key = input.take(KEY)
    if (key === undefined) return undefined
    const item = input.skip('=') ? (readList(input) ?? readItem(input)) : TRUE
    if (item === undefined || !readParameters(input)) return undefined
    members.set(key[0], item)
    if (!input.ended && !input.take(COMMA)) return undefined
  }
  return members
}

const TRUE: Item = { kind: 'boolean', value: true }

class Input {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get ended(): boolean {
    return this.#at >= this.#text.length
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match) this.#at = pattern.lastIndex
    return match ?? undefined
  }

  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }
}

function readItem(input: Input): Item | undefined {
  const integer = input.take(INTEGER)
  if (integer) return { kind: 'integer', value: Number(integer[0]) }
  const text = input.take(STRING)
  if (text) return { kind: 'text', value: (text[1] ?? '').replace(/\\(.)/g, '$1') }
  const boolean = input.take(BOOLEAN)
  if (boolean) return { kind: 'boolean', value: boolean[1] === '1' }
  const token = input.take(TOKEN)
  if (token) return { kind: 'text', value: token[0] }
  return input.take(OTHER) ? { kind: 'other' } : undefined
}

/** An inner list (RFC 9651 §4.2.1.2). */
function readList(input: Input): Item | undefined {
  if (!input.skip('(')) return undefined
  for (;;) {
    input.take(SPACES)
    if (input.skip(')')) return { kind: 'other' }
    if (input.ended || readItem(input) === undefined || !readParameters(input)) return undefined
  }
}

function readParameters(input: Input): boolean {
  while (input.skip(';')) {
    input.take(SPACES)
    if (!input.take(KEY)) return false
    if (input.skip('=') && readItem(input) === undefined) return false
  }
  return true
}
