import { KiB, MiB, type Bytes } from '../../core/index.ts'

/** Records lie in pieces of memory of this size, at multiples of `UNIT`. */
const SEGMENT: Bytes = MiB
const UNIT: Bytes = 64
/** A place is the number of a segment, and in its last bits that of a unit there. */
const UNIT_BITS = 14
const UNITS = SEGMENT / UNIT
/** So that it fits into 31 bits: 128 GiB. */
const MOST_SEGMENTS = 2 ** 31 / UNITS - 1

/** Of the segments that are full, at the most one part in so many lies fallow before some are emptied into others. */
const FALLOW_PART = 4
/** Fewer are not worth it. */
const FEW_SEGMENTS = 4

export const LONGEST_RECORD: Bytes = 16 * KiB

/** Where a record is. Another one may be there once something was freed or allocated. */
export type Place = number

/** The same bytes in three ways. */
export interface Segment {
  readonly bytes: Buffer
  readonly words: Int32Array
  readonly numbers: Float64Array
  /** From here on nothing is in it. */
  used: Bytes
  /** Of records that are not freed. */
  live: Bytes
}

/** The first word of every record: how long it is, less than zero once it was freed. */
const LENGTH = 0

/**
 * Memory for many small records, outside of what the garbage collector walks through. What is freed is had again by
 * moving what is left of the emptiest segments, so at the most a quarter lies fallow.
 */
export class Arena {
  readonly #segments: (Segment | undefined)[] = []
  readonly #free: number[] = []
  readonly #moved: (from: Place, to: Place) => void
  #count = 0
  #live: Bytes = 0
  /** Is being filled. */
  #open = -1

  /** `moved` is told of every record that comes to lie elsewhere, when it is there already. */
  constructor(moved: (from: Place, to: Place) => void) {
    this.#moved = moved
  }

  /** All that is taken. */
  get bytes(): Bytes {
    return this.#count * SEGMENT
  }

  /** Undefined when it is too long or there are too many. The record's first word is this room's own. */
  allocate(length: Bytes): Place | undefined {
    const size = Math.ceil(length / UNIT) * UNIT
    if (size > LONGEST_RECORD) return undefined
    let segment = this.#segments[this.#open]
    if (segment === undefined || segment.used + size > SEGMENT) {
      const index = this.#free.pop() ?? this.#segments.length
      if (index >= MOST_SEGMENTS) return undefined
      segment = newSegment()
      this.#segments[index] = segment
      this.#count++
      this.#open = index
    }
    const at = segment.used
    segment.used += size
    segment.live += size
    this.#live += size
    segment.words[(at >> 2) + LENGTH] = size
    return this.#open * UNITS + at / UNIT
  }

  free(place: Place): void {
    const segment = this.segmentOf(place)
    const word = (this.at(place) >> 2) + LENGTH
    const size = segment.words[word] ?? 0
    segment.words[word] = -size
    segment.live -= size
    this.#live -= size
    if (segment.live === 0) this.#vacate(place >>> UNIT_BITS, segment)
    while (this.#count > FEW_SEGMENTS && this.bytes - this.#live > this.bytes / FALLOW_PART + SEGMENT)
      if (!this.#empty()) return
  }

  segmentOf(place: Place): Segment {
    return this.#segments[place >>> UNIT_BITS] ?? NOWHERE
  }

  /** The record's first byte in its segment. */
  at(place: Place): Bytes {
    return (place & (UNITS - 1)) * UNIT
  }

  #vacate(index: number, segment: Segment): void {
    if (index === this.#open) segment.used = 0
    else this.#drop(index)
  }

  #drop(index: number): void {
    this.#segments[index] = undefined
    this.#free.push(index)
    this.#count--
  }

  /** Moves what is left of the emptiest segment; false where there is none. */
  #empty(): boolean {
    let least = -1
    for (const [index, each] of this.#segments.entries())
      if (index !== this.#open && each && each.live < (this.#segments[least]?.live ?? SEGMENT)) least = index
    const segment = this.#segments[least]
    if (segment === undefined) return false
    for (let at = 0; at < segment.used;) {
      const size = segment.words[(at >> 2) + LENGTH] ?? 0
      if (size > 0) this.#move(least * UNITS + at / UNIT, segment, at, size)
      at += Math.abs(size)
    }
    this.#drop(least)
    return true
  }

  #move(from: Place, segment: Segment, at: Bytes, size: Bytes): void {
    const to = this.allocate(size)
    // Less lies there than was freed, and that many there were.
    if (to === undefined) throw new Error('no room to move a record')
    this.segmentOf(to).bytes.set(segment.bytes.subarray(at, at + size), this.at(to))
    segment.live -= size
    this.#live -= size
    this.#moved(from, to)
  }
}

function newSegment(): Segment {
  const bytes = Buffer.allocUnsafeSlow(SEGMENT)
  const { buffer } = bytes
  return { bytes, words: new Int32Array(buffer), numbers: new Float64Array(buffer), used: 0, live: 0 }
}

const NOWHERE: Segment = {
  ...{ bytes: Buffer.alloc(0), words: new Int32Array(0), numbers: new Float64Array(0), used: 0, live: 0 },
}
