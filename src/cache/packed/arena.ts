import { KiB, MiB, type Bytes } from '../../core/index.ts'

/** Records lie at multiples of this, the line of a processor's cache. */
const UNIT: Bytes = 64
/** What is emptied and used anew as a whole. */
const SEGMENT: Bytes = MiB
/** Had of the system at once, which gives it when it is used: few large ones stay at hand themselves. */
const BLOCK: Bytes = 32 * MiB

/** A place is the number of a unit: its first bits are that of its block or segment. */
const BLOCK_BITS = 19
const SEGMENT_BITS = 14
const IN_BLOCK = BLOCK / UNIT - 1
const IN_SEGMENT = SEGMENT / UNIT - 1
/** So that a place fits into 31 bits: 128 GiB. */
const MOST_SEGMENTS = 2 ** (31 - SEGMENT_BITS) - 1

/** Of the segments that are full, at the most one part in so many lies fallow before some are emptied into others. */
const FALLOW_PART = 4
/** Fewer are not worth it. */
const FEW_SEGMENTS = 4

export const LONGEST_RECORD: Bytes = 16 * KiB

/** Where a record is. Another one may be there once something was freed or allocated. */
export type Place = number

/** The same bytes in three ways. */
export interface Block {
  readonly bytes: Buffer
  readonly words: Int32Array
  readonly numbers: Float64Array
}

interface Segment {
  /** Its first unit. */
  readonly first: Place
  /** Units from here on are empty. */
  used: number
  /** Units of records that are not freed. */
  live: number
}

/** The first word of every record: how many units it takes, less than zero once it was freed. */
const UNITS = 0

/**
 * Memory for many small records, outside of what the garbage collector walks through. What is freed is had again by
 * moving what is left of the emptiest segments, so at the most a quarter lies fallow.
 */
export class Arena {
  readonly #blocks: Block[] = []
  readonly #segments = new Set<Segment>()
  readonly #all: Segment[] = []
  readonly #empty: Segment[] = []
  readonly #moved: (from: Place, to: Place) => void
  #live = 0
  /** Is being filled. */
  #open: Segment | undefined

  /** `moved` is told of every record that comes to lie elsewhere, when it is there already. */
  constructor(moved: (from: Place, to: Place) => void) {
    this.#moved = moved
  }

  /** All that is in use. */
  get bytes(): Bytes {
    return this.#segments.size * SEGMENT
  }

  /** Undefined when it is too long or there are too many. The record's first word is this room's own. */
  allocate(length: Bytes): Place | undefined {
    if (length > LONGEST_RECORD) return undefined
    const units = Math.ceil(length / UNIT)
    if (this.#open === undefined || this.#open.used + units > IN_SEGMENT + 1) {
      const next = this.#empty.pop() ?? this.#newSegment()
      if (next === undefined) return undefined
      this.#segments.add(next)
      this.#open = next
    }
    const place = this.#open.first + this.#open.used
    this.#open.used += units
    this.#open.live += units
    this.#live += units
    this.#setUnits(place, units)
    return place
  }

  free(place: Place): void {
    const segment = this.#all[place >>> SEGMENT_BITS]
    if (segment === undefined) return
    const units = this.#unitsAt(place)
    this.#setUnits(place, -units)
    segment.live -= units
    this.#live -= units
    if (segment.live === 0) this.#vacate(segment)
    while (this.#segments.size > FEW_SEGMENTS && this.#isFallow()) this.#clear(this.#emptiest())
  }

  blockOf(place: Place): Block {
    return this.#blocks[place >>> BLOCK_BITS] ?? NOWHERE
  }

  /** The record's first byte in its block. */
  at(place: Place): Bytes {
    return (place & IN_BLOCK) * UNIT
  }

  #unitsAt(place: Place): number {
    return this.blockOf(place).words[(this.at(place) >> 2) + UNITS] ?? 0
  }

  #setUnits(place: Place, units: number): void {
    this.blockOf(place).words[(this.at(place) >> 2) + UNITS] = units
  }

  #newSegment(): Segment | undefined {
    const index = this.#all.length
    if (index >= MOST_SEGMENTS) return undefined
    const segment = { first: index << SEGMENT_BITS, used: 0, live: 0 }
    if (segment.first >>> BLOCK_BITS >= this.#blocks.length) this.#blocks.push(newBlock())
    this.#all.push(segment)
    return segment
  }

  #vacate(segment: Segment): void {
    segment.used = 0
    if (segment === this.#open) return
    this.#segments.delete(segment)
    this.#empty.push(segment)
  }

  #isFallow(): boolean {
    const units = this.#segments.size * (IN_SEGMENT + 1)
    return units - this.#live > units / FALLOW_PART + IN_SEGMENT
  }

  #emptiest(): Segment {
    let least: Segment = FULL
    for (const each of this.#segments) if (each !== this.#open && each.live < least.live) least = each
    return least
  }

  /** Moves what is left in it. */
  #clear(segment: Segment): void {
    const { first, used } = segment
    for (let at = first; at < first + used;) {
      const units = this.#unitsAt(at)
      if (units > 0) this.#move(at, units)
      at += Math.abs(units)
    }
    this.#live -= segment.live
    segment.live = 0
    this.#vacate(segment)
  }

  #move(from: Place, units: number): void {
    const to = this.allocate(units * UNIT)
    // Less is in use than was before.
    if (to === undefined) throw new Error('no room to move a record')
    const at = this.at(from)
    this.blockOf(to).bytes.set(this.blockOf(from).bytes.subarray(at, at + units * UNIT), this.at(to))
    this.#moved(from, to)
  }
}

function newBlock(): Block {
  const bytes = Buffer.allocUnsafeSlow(BLOCK)
  return { bytes, words: new Int32Array(bytes.buffer), numbers: new Float64Array(bytes.buffer) }
}

const NOWHERE: Block = { bytes: Buffer.alloc(0), words: new Int32Array(0), numbers: new Float64Array(0) }
const FULL: Segment = { first: 0, used: 0, live: Infinity }
