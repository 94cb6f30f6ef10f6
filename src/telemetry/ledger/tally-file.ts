import { createHash } from 'node:crypto'
import { instant, KiB, type Instant } from '../../core/index.ts'
import { USAGE_TYPES, type UsageType } from '../../usage/index.ts'
import type { Counts, Slot } from './counts.ts'
import type { LedgerDisk } from './disk.ts'

/** Which entries of the ledger the numbers are to become. */
export interface TallyHead {
  life: string
  /** Of the first of them. */
  sequence: number
  from: Instant
}

/** What a process has left behind. */
export interface FoundTally extends TallyHead {
  /** When it last wrote that it lives, a second before its end at most. */
  until: Instant
  counted: (Slot & { amount: number })[]
}

/** The head is a page of its own: a kill cannot tear a write within one page. */
const PAGE = 4 * KiB
const SEEN_AT = PAGE - 8
const NUMBERS_AT = PAGE
/** Distributions times their types in five minutes; what is more stays in memory until the entry is closed. */
export const MOST_SLOTS = 4096
const NAMES_AT = NUMBERS_AT + 8 * MOST_SLOTS
const NAMES_ROOM = 512 * KiB
const END = NAMES_AT + NAMES_ROOM

/**
 * The numbers of the open entry, in a file whose blocks are all there before the first is counted: to write into it needs no
 * room on the disk. Numbers lie in the byte order of the machine, which alone reads them. A slot gets its name before its
 * number, so that no number is without one.
 */
export class TallyFile {
  readonly #disk: LedgerDisk
  readonly #file: string
  #handle: number | undefined
  #named = 0
  /** Behind it there are zeros only; nobody knows what an earlier process has left. */
  #namesEnd = END
  #unsynced = false

  constructor(disk: LedgerDisk, file: string) {
    this.#disk = disk
    this.#file = file
  }

  /** What an earlier process has counted and not closed; undefined where there is nothing, or it was closed. */
  find(): FoundTally | undefined {
    const bytes = this.#disk.read(this.#file)
    if (bytes === undefined || bytes.length < END) return undefined
    const head = readHead(bytes.subarray(0, SEEN_AT))
    if (head === undefined) return undefined
    const seen = bytes.readDoubleLE(SEEN_AT)
    const names = bytes.toString('utf8', NAMES_AT, bytes.indexOf(0, NAMES_AT) >>> 0).split('\n')
    // What stands behind the last line's end is a name that was not written to its end, and has no number.
    names.pop()
    const counted = names.flatMap((line, at) => {
      const slot = readSlot(line)
      const amount = bytes.readDoubleLE(NUMBERS_AT + 8 * at)
      return slot !== undefined && Number.isSafeInteger(amount) ? [{ ...slot, amount }] : []
    })
    return { ...head, until: instant(Math.max(seen, head.from)), counted }
  }

  /** Begins anew; until it returns there is nothing in it that counts. */
  begin(head: TallyHead): void {
    const handle = (this.#handle ??= this.#disk.open(this.#file))
    this.free()
    this.#disk.write(handle, Buffer.alloc(this.#namesEnd - NUMBERS_AT), NUMBERS_AT)
    this.#named = 0
    this.#namesEnd = NAMES_AT
    this.#disk.write(handle, writeHead(head), 0)
  }

  /** What changed is in the file when it returns; what does not fit any more is not. */
  write(counts: Counts): void {
    if (this.#handle === undefined) return
    if (counts.slots.length > this.#named) this.#name(counts.slots, this.#handle)
    const changed = counts.changed(this.#named)
    if (changed !== undefined) this.#disk.write(this.#handle, changed.bytes, NUMBERS_AT + 8 * changed.from)
    counts.written()
    this.#unsynced = true
  }

  /** Slots for which there is room. */
  get isFull(): boolean {
    return this.#named >= MOST_SLOTS || this.#namesEnd > END - KiB
  }

  /** What was written so far outlives a loss of power. */
  async sync(now: Instant): Promise<void> {
    if (this.#handle === undefined || !this.#unsynced) return
    this.#unsynced = false
    const seen = Buffer.alloc(8)
    seen.writeDoubleLE(now)
    this.#disk.write(this.#handle, seen, SEEN_AT)
    await this.#disk.sync(this.#handle)
  }

  /** The numbers have become entries. */
  free(): void {
    const handle = (this.#handle ??= this.#disk.open(this.#file))
    this.#disk.write(handle, Buffer.alloc(PAGE), 0)
  }

  close(): void {
    if (this.#handle !== undefined) this.#disk.close(this.#handle)
    this.#handle = undefined
  }

  #name(slots: readonly Slot[], handle: number): void {
    let text = ''
    let named = this.#named
    for (; named < Math.min(slots.length, MOST_SLOTS); named++) {
      const { hour, distribution, type, detail } = slots[named] ?? NO_SLOT
      const line = `${JSON.stringify([hour, distribution, type, detail])}\n`
      if (this.#namesEnd + Buffer.byteLength(text) + Buffer.byteLength(line) >= END) break
      text += line
    }
    if (text === '') return
    const bytes = Buffer.from(text)
    this.#disk.write(handle, bytes, this.#namesEnd)
    this.#named = named
    this.#namesEnd += bytes.length
  }
}

const NO_SLOT: Slot = { hour: instant(0), distribution: '', type: USAGE_TYPES[0], detail: '' }

function writeHead({ life, sequence, from }: TallyHead): Buffer {
  const text = JSON.stringify([life, sequence, from])
  const page = Buffer.alloc(PAGE)
  page.write(`${digestOf(text)} ${text}\n`)
  page.writeDoubleLE(from, SEEN_AT)
  return page
}

function readHead(bytes: Buffer): TallyHead | undefined {
  const line = bytes.toString('utf8', 0, Math.max(0, bytes.indexOf('\n')))
  const [digest, text] = [line.slice(0, 64), line.slice(65)]
  if (text === '' || digest !== digestOf(text)) return undefined
  // Whoever wrote the digest wrote it of this.
  const [life, sequence, from] = JSON.parse(text) as [string, number, Instant]
  return { life, sequence, from }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

const TYPES: ReadonlySet<string> = new Set(USAGE_TYPES)

function readSlot(line: string): Slot | undefined {
  try {
    const [hour, distribution, type, detail] = JSON.parse(line) as unknown[]
    if (typeof hour !== 'number' || typeof distribution !== 'string' || typeof detail !== 'string')
      return undefined
    // The set has no other words.
    return TYPES.has(String(type))
      ? { hour: instant(hour), distribution, type: type as UsageType, detail }
      : undefined
  } catch {
    return undefined
  }
}
