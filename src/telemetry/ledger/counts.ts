import type { Instant } from '../../core/index.ts'
import type { UsageAmount, UsageType } from '../../usage/index.ts'

/** What one number counts. */
export interface Slot {
  hour: Instant
  distribution: string
  type: UsageType
  detail: string
}

/** What was counted in one hour, in the order in which an entry has it. */
export interface HourAmounts {
  hour: Instant
  amounts: UsageAmount[]
}

const BYTES_EACH = 8
const FIRST_ROOM = 256

/**
 * Numbers that only grow, in the memory of this process. They lie as the tally file holds them, so that those which have
 * changed are written in one go.
 */
export class Counts {
  readonly slots: Slot[] = []
  #numbers = new Float64Array(FIRST_ROOM)
  /** The slots of the present hour, by distribution, then by type and detail. */
  #rows = new Map<string, Map<string, number>>()
  #hour: Instant
  /** The row of the distribution that was counted last, which mostly is the next one too. */
  #last: { distribution: string; row: Map<string, number> } | undefined
  /** Slots whose numbers were changed since they were written: from one to before another. */
  #changedFrom = Infinity
  #changedTo = 0

  constructor(hour: Instant) {
    this.#hour = hour
  }

  add(distribution: string, type: UsageType, amount: number, detail = ''): void {
    const row = this.#last?.distribution === distribution ? this.#last.row : this.#rowOf(distribution)
    const name = detail === '' ? type : `${type} ${detail}`
    const slot = row.get(name) ?? this.#newSlot(row, name, { hour: this.#hour, distribution, type, detail })
    this.#numbers[slot] = (this.#numbers[slot] ?? 0) + amount
    if (slot < this.#changedFrom) this.#changedFrom = slot
    if (slot >= this.#changedTo) this.#changedTo = slot + 1
  }

  /** What is counted from now on belongs to another hour. */
  turnTo(hour: Instant): void {
    if (hour === this.#hour) return
    this.#hour = hour
    this.#rows = new Map()
    this.#last = undefined
  }

  /** The numbers that were changed, as bytes, and the slot of the first; undefined where none was. */
  changed(most: number): { from: number; bytes: Uint8Array } | undefined {
    const from = this.#changedFrom
    const to = Math.min(this.#changedTo, most)
    if (from >= to) return undefined
    return { from, bytes: new Uint8Array(this.#numbers.buffer, from * BYTES_EACH, (to - from) * BYTES_EACH) }
  }

  written(): void {
    this.#changedFrom = Infinity
    this.#changedTo = 0
  }

  /** Nothing of it is written any more, or not where it is to be written from now on. */
  unwritten(): void {
    this.#changedFrom = 0
    this.#changedTo = this.slots.length
  }

  get isEmpty(): boolean {
    return this.slots.length === 0
  }

  byHour(): HourAmounts[] {
    return byHour(this.slots.map((slot, at) => ({ ...slot, amount: this.#numbers[at] ?? 0 })))
  }

  #rowOf(distribution: string): Map<string, number> {
    let row = this.#rows.get(distribution)
    if (row === undefined) {
      row = new Map<string, number>()
      this.#rows.set(distribution, row)
    }
    this.#last = { distribution, row }
    return row
  }

  #newSlot(row: Map<string, number>, name: string, slot: Slot): number {
    const at = this.slots.push(slot) - 1
    if (at >= this.#numbers.length) {
      const larger = new Float64Array(2 * this.#numbers.length)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    row.set(name, at)
    return at
  }
}

/** Sums what was counted of the same thing; what is 0 is left out. */
export function byHour(counted: (Slot & { amount: number })[]): HourAmounts[] {
  const hours = new Map<Instant, Map<string, UsageAmount>>()
  for (const { hour, distribution, type, detail, amount } of counted) {
    if (amount <= 0) continue
    let sums = hours.get(hour)
    if (sums === undefined) {
      sums = new Map<string, UsageAmount>()
      hours.set(hour, sums)
    }
    const name = `${distribution}\n${type}\n${detail}`
    const before = sums.get(name)
    if (before === undefined) sums.set(name, { distribution, type, detail, amount })
    else before.amount += amount
  }
  return [...hours]
    .sort(([one], [other]) => one - other)
    .map(([hour, sums]) => ({ hour, amounts: [...sums.values()].sort(inOrder) }))
}

function inOrder(one: UsageAmount, other: UsageAmount): number {
  return (
    compare(one.distribution, other.distribution) ||
    compare(one.type, other.type) ||
    compare(one.detail, other.detail)
  )
}

/** By code units. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
