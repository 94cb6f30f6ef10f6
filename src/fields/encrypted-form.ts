import { KiB, type Bytes } from '../core/index.ts'
import type { EncryptionProfile } from '../distribution/index.ts'
import type { FieldEncryptor } from './encryptor.ts'
import { FormReader, RefusedForm, type Piece } from './form-reader.ts'
import { patternsOf } from './name-matcher.ts'
import type { FormRefusal } from './status.ts'

/** Of a form that much is made before any of it goes on: nearly all forms are whole by then. */
const HELD: Bytes = 64 * KiB

/**
 * A form on its way to an origin, to be read once: its fields are encrypted while it comes. Who asks for it begins with
 * `prepare`; what is refused later breaks the form off before its end, which no server takes for a whole one (RFC 9112 §8).
 */
export class EncryptedForm implements AsyncIterable<Uint8Array> {
  readonly #made: AsyncGenerator<Uint8Array, void>
  readonly #reader: FormReader
  readonly #held: Uint8Array[] = []
  #isWhole = false
  #fields = 0
  /** Why it is not sent on, or not to its end. */
  refusal: FormRefusal | undefined
  /** What broke it off, whatever that was. */
  failure: unknown

  constructor(body: AsyncIterable<Uint8Array>, profile: EncryptionProfile, encryptor: FieldEncryptor) {
    this.#reader = new FormReader(patternsOf(profile))
    this.#made = this.#make(body, encryptor)
  }

  /** Fields that have been encrypted so far. */
  get fields(): number {
    return this.#fields
  }

  /** Whether all of it has been read and encrypted. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** Makes so much of it as is held back, or all. Rejects with `RefusedForm`, and as body and encryptor do. */
  async prepare(): Promise<void> {
    let size = 0
    while (size < HELD) {
      const { done, value } = await this.#made.next()
      if (done === true) return
      this.#held.push(value)
      size += value.length
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let chunk = this.#held.shift(); chunk !== undefined; chunk = this.#held.shift()) yield chunk
    yield* this.#made
  }

  async *#make(body: AsyncIterable<Uint8Array>, encryptor: FieldEncryptor): AsyncGenerator<Uint8Array, void> {
    try {
      for await (const chunk of body) yield* this.#encrypted(this.#reader.push(chunk), encryptor)
      yield* this.#encrypted(this.#reader.end(), encryptor)
      this.#isWhole = true
    } catch (error) {
      this.failure = error
      if (error instanceof RefusedForm) this.refusal = error.status
      throw error
    }
  }

  async *#encrypted(pieces: readonly Piece[], encryptor: FieldEncryptor): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) {
        yield piece
        continue
      }
      const message = await encryptor.encrypt(piece.value, piece.entity)
      this.#fields++
      yield Buffer.from(message, 'latin1')
    }
  }
}
