import { MiB, type Bytes } from '../../core/index.ts'

/** Records lie at multiples of this, the line of a processor's cache. */
export const UNIT: Bytes = 64
/** What is emptied and used anew as a whole. */
const SEGMENT: Bytes = MiB
export const UNITS_OF_SEGMENT = SEGMENT / UNIT
/** Had of the system at once, which gives it when it is used: few large ones stay at hand themselves. */
const BLOCK: Bytes = 32 * MiB
const SEGMENTS_OF_BLOCK = BLOCK / SEGMENT

/** A place is the number of a unit: its first bits are that of its block or segment. */
const BLOCK_BITS = 19
const SEGMENT_BITS = 14
const IN_BLOCK = BLOCK / UNIT - 1
/** So that a place fits into 31 bits: 128 GiB. */
const MOST_BLOCKS = 2 ** (31 - BLOCK_BITS) - 1

/** As many segments may lie empty as one for so many that are used, and those of one block. */
const EMPTY_PART = 4

/** Where a record is. Another one may be there once something was freed or allocated. */
export type Place = number

/** The same bytes in three ways. */
export interface Block {
  readonly bytes: Buffer
  readonly words: Int32Array
  readonly numbers: Float64Array
}

export interface Segment {
  /** Its first unit. */
  readonly first: Place
  /** Units from here on are empty. */
  used: number
  /** Units of records that are not freed. */
  live: number
}

/** What of a block is used, and what is not. */
interface Share {
  readonly used: Set<Segment>
  readonly empty: Segment[]
}

/** Memory in segments, had of the system in blocks and given back when nothing of a block is used any more. */
export class Segments implements Iterable<Segment> {
  /** In place of one that was given back stands none. */
  readonly #blocks: Block[] = []
  readonly #shares = new Map<number, Share>()
  readonly #all: Segment[] = []
  readonly #gone: number[] = []
  #used = 0

  /** How many are used. */
  get used(): number {
    return this.#used
  }

  get bytes(): Bytes {
    return this.#used * SEGMENT
  }

  get reserved(): Bytes {
    return this.#shares.size * BLOCK
  }

  /** An empty one, of the block that is used most; undefined when there are too many. */
  take(): Segment | undefined {
    let fullest: Share | undefined
    for (const share of this.#shares.values())
      if (share.empty.length > 0 && share.used.size >= (fullest?.used.size ?? 0)) fullest = share
    const share = fullest ?? this.#newShare()
    const segment = share?.empty.pop()
    if (segment === undefined) return undefined
    share?.used.add(segment)
    this.#used++
    return segment
  }

  giveBack(segment: Segment): void {
    const index = segment.first >>> BLOCK_BITS
    const share = this.#shares.get(index)
    if (!share?.used.delete(segment)) return
    segment.used = 0
    share.empty.push(segment)
    this.#used--
    if (share.used.size > 0) return
    this.#shares.delete(index)
    this.#blocks[index] = NOWHERE
    this.#gone.push(index)
  }

  /** What is to be emptied next, so that a block can be given back, where too much lies empty. */
  sparsest(but: Segment | undefined): Segment | undefined {
    const empty = this.#shares.size * SEGMENTS_OF_BLOCK - this.#used
    if (empty <= this.#used / EMPTY_PART + SEGMENTS_OF_BLOCK) return undefined
    let least: Share | undefined
    for (const share of this.#shares.values())
      if (share.used.size < (least?.used.size ?? Infinity) && !(but && share.used.has(but))) least = share
    const [segment] = least?.used ?? []
    return segment
  }

  [Symbol.iterator](): Iterator<Segment> {
    return this.#each()
  }

  *#each(): Generator<Segment> {
    for (const { used } of this.#shares.values()) yield* used
  }

  of(place: Place): Segment | undefined {
    return this.#all[place >>> SEGMENT_BITS]
  }

  blockOf(place: Place): Block {
    return this.#blocks[place >>> BLOCK_BITS] ?? NOWHERE
  }

  #newShare(): Share | undefined {
    const index = this.#gone.pop() ?? this.#blocks.length
    if (index >= MOST_BLOCKS) return undefined
    this.#blocks[index] = newBlock()
    const share: Share = { used: new Set(), empty: [] }
    this.#shares.set(index, share)
    const first = index * SEGMENTS_OF_BLOCK
    for (let at = first + SEGMENTS_OF_BLOCK - 1; at >= first; at--) {
      const segment = { first: at << SEGMENT_BITS, used: 0, live: 0 }
      this.#all[at] = segment
      share.empty.push(segment)
    }
    return share
  }
}

/** The first byte of a place in its block. */
export function byteAt(place: Place): Bytes {
  return (place & IN_BLOCK) * UNIT
}

function newBlock(): Block {
  const bytes = Buffer.allocUnsafeSlow(BLOCK)
  return { bytes, words: new Int32Array(bytes.buffer), numbers: new Float64Array(bytes.buffer) }
}

const NOWHERE: Block = { bytes: Buffer.alloc(0), words: new Int32Array(0), numbers: new Float64Array(0) }
