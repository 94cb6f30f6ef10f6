import { KiB, type Bytes } from '../../core/index.ts'
import { byteAt, Segments, UNIT, UNITS_OF_SEGMENT, type Block, type Place, type Segment } from './segments.ts'

export type { Block, Place } from './segments.ts'

/** Of the segments that are full, at the most one part in so many lies fallow before some are emptied into others. */
const FALLOW_PART = 4
/** Fewer are not worth it. */
const FEW_SEGMENTS = 4

export const LONGEST_RECORD: Bytes = 16 * KiB

/** The first word of every record: how many units it takes, less than zero once it was freed. */
const UNITS = 0

/**
 * Memory for many small records, outside of what the garbage collector walks through. What is freed is had again by
 * moving what is left of the emptiest segments, so at the most a quarter lies fallow.
 */
export class Arena {
  readonly #segments = new Segments()
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
    return this.#segments.bytes
  }

  /** What is had of the system: a quarter more at the most, and two blocks. */
  get reserved(): Bytes {
    return this.#segments.reserved
  }

  /** Undefined when it is too long or there are too many. The record's first word is this room's own. */
  allocate(length: Bytes): Place | undefined {
    if (length > LONGEST_RECORD) return undefined
    const units = Math.ceil(length / UNIT)
    if (this.#open === undefined || this.#open.used + units > UNITS_OF_SEGMENT) {
      const next = this.#segments.take()
      if (next === undefined) return undefined
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
    const segment = this.#segments.of(place)
    if (segment === undefined) return
    const units = this.#unitsAt(place)
    this.#setUnits(place, -units)
    segment.live -= units
    this.#live -= units
    if (segment.live === 0) this.#vacate(segment)
    while (this.#segments.used > FEW_SEGMENTS && this.#isFallow()) this.#clear(this.#emptiest())
    const sparse = this.#segments.sparsest(this.#open)
    if (sparse !== undefined) this.#clear(sparse)
  }

  blockOf(place: Place): Block {
    return this.#segments.blockOf(place)
  }

  /** The record's first byte in its block. */
  at(place: Place): Bytes {
    return byteAt(place)
  }

  #unitsAt(place: Place): number {
    return this.blockOf(place).words[(this.at(place) >> 2) + UNITS] ?? 0
  }

  #setUnits(place: Place, units: number): void {
    this.blockOf(place).words[(this.at(place) >> 2) + UNITS] = units
  }

  #vacate(segment: Segment): void {
    segment.used = 0
    if (segment !== this.#open) this.#segments.giveBack(segment)
  }

  #isFallow(): boolean {
    const units = this.#segments.used * UNITS_OF_SEGMENT
    return units - this.#live > units / FALLOW_PART + UNITS_OF_SEGMENT
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

const FULL: Segment = { first: 0, used: 0, live: Infinity }
