import { Lru, MiB, type Bytes } from '../../core/index.ts'
import type { Coding } from '../../http/index.ts'
import { AT_ONCE, compressWhole } from './compress.ts'

/** Of all texts in all codings. */
const MOST_BYTES: Bytes = 64 * MiB
/** Threads are shared with disk reads and name lookups, so a crowd of long texts takes no more of them at once. */
const MOST_AT_ONCE = 8

/** One text in one coding, as far as it is not made. */
interface Place {
  making?: Promise<Buffer | undefined>
  /** It would not be shorter. */
  useless?: true
}

/**
 * Texts in their codings, made once for each stored body however many ask. A revalidated object has the body of the
 * one before it, and so its codings as well. They go with the body; of too many, those that were asked for longest ago
 * go first and are made again.
 */
export class CodedTexts {
  readonly #places = new WeakMap<Buffer, Record<Coding, Place>>()
  readonly #made = new Lru<Place, Buffer>({
    maxSize: MOST_BYTES,
    sizeCalculation: text => text.length + 500,
  })
  readonly #bodiesGone = new FinalizationRegistry<Record<Coding, Place>>(places => {
    for (const place of Object.values(places)) this.#made.delete(place)
  })
  #underWay = 0

  /**
   * At once when it is made or short. Undefined when the text must do as it is: it would not be shorter, or too many
   * are being made.
   */
  of(body: Buffer, coding: Coding): Buffer | undefined | Promise<Buffer | undefined> {
    const place = this.#placesOf(body)[coding]
    if (place.useless) return undefined
    return this.#made.get(place) ?? place.making ?? this.#make(body, coding, place)
  }

  /** What the texts take that are made. */
  get bytes(): Bytes {
    return this.#made.calculatedSize
  }

  #placesOf(body: Buffer): Record<Coding, Place> {
    let places = this.#places.get(body)
    if (places === undefined) {
      places = { br: {}, gzip: {} }
      this.#places.set(body, places)
      this.#bodiesGone.register(body, places)
    }
    return places
  }

  #make(body: Buffer, coding: Coding, place: Place): Buffer | undefined | Promise<Buffer | undefined> {
    if (body.length > AT_ONCE && this.#underWay >= MOST_AT_ONCE) return undefined
    const made = compressWhole(body, coding)
    if (!(made instanceof Promise)) return this.#keep(place, made, body.length)
    this.#underWay++
    place.making = made
      .then(
        text => this.#keep(place, text, body.length),
        // Memory was short, and the text itself is there.
        () => undefined,
      )
      .finally(() => {
        this.#underWay--
        delete place.making
      })
    return place.making
  }

  #keep(place: Place, text: Buffer, plain: Bytes): Buffer | undefined {
    if (text.length >= plain) {
      place.useless = true
      return undefined
    }
    this.#made.set(place, text)
    return text
  }
}
