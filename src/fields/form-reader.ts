import { SluiceError } from '../core/index.ts'
import { LONGEST_FIELD, LONGEST_FORM, MOST_FIELDS } from './limits.ts'
import { NameMatcher, type Entity, type Patterns } from './name-matcher.ts'
import type { FormRefusal } from './status.ts'

/** What a form becomes: bytes as they came, and values to be encrypted in their place. */
export type Piece = Uint8Array | { value: Uint8Array; entity: Entity }

/** A form that is not sent on. */
export class RefusedForm extends SluiceError {
  readonly status: FormRefusal

  constructor(status: FormRefusal) {
    super('form-refused', `a form is refused: ${status}`, { side: 'viewer' })
    this.status = status
  }
}

const AMPERSAND = 0x26
const EQUALS = 0x3d
const PERCENT = 0x25
const PLUS = 0x2b
const SPACE = 0x20

/**
 * Reads one `application/x-www-form-urlencoded` body (WHATWG URL §5.1), in pieces of any size. What is not encrypted goes
 * through as it came, byte for byte; a value that is comes out decoded. Held back are at most a pattern's length of a name
 * and one value. Throws `RefusedForm`; a form of which nothing is refused but a `%` without two hexadecimal digits.
 */
export class FormReader {
  readonly #matcher: NameMatcher
  #part: 'name' | 'value' = 'name'
  /** Of the value that is being read; undefined where it goes through. */
  #entity: Entity | undefined
  readonly #value = Buffer.alloc(LONGEST_FIELD)
  #valueLength = 0
  /** Digits of an escape that are still to come, and what they make. */
  #digits: 0 | 1 | 2 = 0
  #escaped = 0
  #length = 0
  #isEmpty = true
  #fields = 0

  constructor(patterns: Patterns) {
    this.#matcher = new NameMatcher(patterns)
  }

  /** Fields that are to be encrypted, so far. */
  get fields(): number {
    return this.#fields
  }

  push(chunk: Uint8Array): Piece[] {
    this.#length += chunk.length
    if (this.#length > LONGEST_FORM) throw new RefusedForm('RequestLengthLimitClientError')
    const pieces: Piece[] = []
    /** Where what goes through as it came begins. */
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      if (this.#isPassing) at = this.#skip(chunk, at)
      const byte = chunk[at]
      if (byte === undefined) break
      const isEnd = byte === AMPERSAND
      if (!isEnd && (byte !== EQUALS || this.#part === 'value')) {
        this.#isEmpty = false
        this.#take(byte)
        continue
      }
      if (this.#digits > 0) throw malformed()
      if (!isEnd) {
        this.#beginValue()
        if (this.#entity !== undefined) pieces.push(chunk.subarray(from, at + 1))
        continue
      }
      const isTaken = this.#entity !== undefined
      const ended = this.#endPair()
      if (ended.length === 0) continue
      if (!isTaken) pieces.push(chunk.subarray(from, at))
      pieces.push(...ended)
      from = at
    }
    if (this.#entity === undefined) pieces.push(chunk.subarray(from))
    return pieces.filter(piece => !(piece instanceof Uint8Array) || piece.length > 0)
  }

  /** Whether nothing matters of what comes but where it ends, and that its escapes are some. */
  get #isPassing(): boolean {
    if (this.#digits > 0) return false
    return this.#part === 'value' ? this.#entity === undefined : !this.#matcher.open
  }

  /** The next place that matters; most of a form is skipped in this way. */
  #skip(chunk: Uint8Array, from: number): number {
    const isName = this.#part === 'name'
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === AMPERSAND || byte === PERCENT || (isName && byte === EQUALS)) return at
    }
    return chunk.length
  }

  end(): Piece[] {
    if (this.#digits > 0) throw malformed()
    return this.#endPair()
  }

  #beginValue(): void {
    this.#part = 'value'
    this.#entity = this.#matcher.end()
    if (this.#entity !== undefined && ++this.#fields > MOST_FIELDS)
      throw new RefusedForm('FieldNumberLimitClientError')
  }

  /** What takes the place of a value; nothing where it has gone through. */
  #endPair(): Piece[] {
    const pieces: Piece[] = []
    if (this.#part === 'name' && !this.#isEmpty) {
      // WHATWG: a name without `=` has an empty value.
      this.#beginValue()
      if (this.#entity !== undefined) pieces.push(Uint8Array.of(EQUALS))
    }
    if (this.#entity !== undefined)
      pieces.push({
        value: Uint8Array.from(this.#value.subarray(0, this.#valueLength)),
        entity: this.#entity,
      })
    this.#part = 'name'
    this.#entity = undefined
    this.#valueLength = 0
    this.#isEmpty = true
    this.#matcher.begin()
    return pieces
  }

  #take(byte: number): void {
    if (this.#digits > 0) {
      const digit = digitOf(byte)
      if (digit < 0) throw malformed()
      this.#escaped = this.#escaped * 16 + digit
      if (--this.#digits > 0) return
      this.#keep(this.#escaped)
    } else if (byte === PERCENT) {
      this.#digits = 2
      this.#escaped = 0
    } else this.#keep(byte === PLUS ? SPACE : byte)
  }

  #keep(byte: number): void {
    if (this.#part === 'name') return this.#matcher.take(byte)
    if (this.#entity === undefined) return
    if (this.#valueLength === LONGEST_FIELD) throw new RefusedForm('FieldLengthLimitClientError')
    this.#value[this.#valueLength++] = byte
  }
}

function malformed(): RefusedForm {
  return new RefusedForm('MalformedInputClientError')
}

/** -1 for what is none. */
function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
