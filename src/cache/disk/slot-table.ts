import type { Bytes } from '../../core/index.ts'

/** A file's name: 16 bytes of the digest of its key, as the four words that the table keeps. */
export type FileId = readonly [number, number, number, number]

/** Per file: four words of its id, its size, the second of its last use. A slot without a size is free. */
const WORDS = 6
const SIZE = 4
const USED = 5
const LEAST_SLOTS = 64
/** Fuller than this, searches get long. */
const FULLEST = 0.85
const GROWTH = 1.3

/**
 * Which files a shard has: 24 bytes a slot in one array, open addressing with linear probing, so that a million of
 * them cost some 32 MB, no garbage, and are written and read as they lie there. Ids are digests: evenly spread.
 */
export class SlotTable {
  #words: Uint32Array
  #slots: number
  #count = 0
  #bytes: Bytes = 0

  constructor(words: Uint32Array = new Uint32Array(LEAST_SLOTS * WORDS)) {
    this.#words = words
    this.#slots = words.length / WORDS
    for (let at = SIZE; at < words.length; at += WORDS) {
      const size = words[at] ?? 0
      if (size === 0) continue
      this.#count++
      this.#bytes += spaceOf(size)
    }
  }

  get count(): number {
    return this.#count
  }

  /** Space that the files take, in whole blocks. */
  get bytes(): Bytes {
    return this.#bytes
  }

  /** As they lie there; not to be kept, since they change. */
  get words(): Uint32Array {
    return this.#words
  }

  /** The size of a file; undefined when the table has none of that name. */
  sizeOf(id: FileId): Bytes | undefined {
    const at = this.#find(id)
    return this.#at(at + SIZE) === 0 ? undefined : this.#at(at + SIZE)
  }

  /** `size` is above 0; `used` in whole Unix seconds. */
  set(id: FileId, size: Bytes, used: number): void {
    let at = this.#find(id)
    const before = this.#at(at + SIZE)
    if (before === 0) {
      if (this.#count + 1 > this.#slots * FULLEST) {
        this.#grow()
        at = this.#find(id)
      }
      this.#words.set(id, at)
      this.#count++
    } else this.#bytes -= spaceOf(before)
    this.#words[at + SIZE] = size
    this.#words[at + USED] = used
    this.#bytes += spaceOf(size)
  }

  touch(id: FileId, used: number): void {
    const at = this.#find(id)
    if (this.#at(at + SIZE) !== 0) this.#words[at + USED] = used
  }

  delete(id: FileId): void {
    let hole = this.#find(id)
    const size = this.#at(hole + SIZE)
    if (size === 0) return
    this.#count--
    this.#bytes -= spaceOf(size)
    // What was pushed past the hole moves back into it, so that no search ends there too early.
    for (let at = this.#next(hole); this.#at(at + SIZE) !== 0; at = this.#next(at)) {
      const home = this.#home(this.#at(at))
      const mayMove = hole < at ? home <= hole || home > at : home <= hole && home > at
      if (!mayMove) continue
      this.#words.copyWithin(hole, at, at + WORDS)
      hole = at
    }
    this.#words.fill(0, hole, hole + WORDS)
  }

  /** The file at or after a place between 0 and 1; undefined when there is none at all. */
  near(place: number): { id: FileId; size: Bytes; used: number } | undefined {
    if (this.#count === 0) return undefined
    let at = Math.floor(place * this.#slots) * WORDS
    while (this.#at(at + SIZE) === 0) at = this.#next(at)
    return { id: this.#idAt(at), size: this.#at(at + SIZE), used: this.#at(at + USED) }
  }

  /** All files there are; nothing may be changed meanwhile. */
  *ids(): Generator<FileId> {
    for (let at = 0; at < this.#words.length; at += WORDS) if (this.#at(at + SIZE) !== 0) yield this.#idAt(at)
  }

  #idAt(at: number): FileId {
    return [this.#at(at), this.#at(at + 1), this.#at(at + 2), this.#at(at + 3)]
  }

  #at(index: number): number {
    return this.#words[index] ?? 0
  }

  #home(word: number): number {
    return Math.floor((word / 0x1_0000_0000) * this.#slots) * WORDS
  }

  #next(at: number): number {
    return at + WORDS === this.#words.length ? 0 : at + WORDS
  }

  /** Where a file stands, or the free slot where it would. */
  #find(id: FileId): number {
    let at = this.#home(id[0])
    while (this.#at(at + SIZE) !== 0 && !this.#isAt(id, at)) at = this.#next(at)
    return at
  }

  #isAt(id: FileId, at: number): boolean {
    return (
      this.#at(at) === id[0] &&
      this.#at(at + 1) === id[1] &&
      this.#at(at + 2) === id[2] &&
      this.#at(at + 3) === id[3]
    )
  }

  #grow(): void {
    const old = this.#words
    this.#slots = Math.ceil(this.#slots * GROWTH)
    this.#words = new Uint32Array(this.#slots * WORDS)
    for (let at = 0; at < old.length; at += WORDS) {
      if ((old[at + SIZE] ?? 0) === 0) continue
      let to = this.#home(old[at] ?? 0)
      while (this.#at(to + SIZE) !== 0) to = this.#next(to)
      this.#words.set(old.subarray(at, at + WORDS), to)
    }
  }
}

const BLOCK = 4096

/** What a file takes on most file systems. */
export function spaceOf(size: Bytes): Bytes {
  return Math.ceil(size / BLOCK) * BLOCK
}

/** Whether an array can be a table: right in length, and with room, so that searches end. */
export function isTable(words: Uint32Array): boolean {
  if (words.length % WORDS !== 0 || words.length < LEAST_SLOTS * WORDS) return false
  let used = 0
  for (let at = SIZE; at < words.length; at += WORDS) if (words[at] !== 0) used++
  return used <= (words.length / WORDS) * FULLEST
}
