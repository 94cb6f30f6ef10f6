import { KiB, Lru, MiB, SluiceError, type Bytes } from '../core/index.ts'
import type { ObjectKey, ObjectStore } from './contract.ts'

/** Half of it, on average, is read too much at either end of a segment, and used for the segment beside it. */
const BLOCK: Bytes = 256 * KiB
/**
 * Blocks that nobody asked for are read along when no more of them lie between two that are wanted: 1 MiB comes in the
 * 10 to 20 ms that a request of its own would take.
 */
const GAP = 4
/** 8 MiB, the size at which Amazon's requests give all they can; more would only keep their readers waiting together. */
const LONGEST_RUN = 32
const MEMORY: Bytes = 64 * MiB

/** Objects that never change, read from afar: `media` and the like (SEAMS 30). */
export interface FarSource {
  readonly size: Bytes
  read(start: Bytes, length: Bytes): Promise<Uint8Array>
}

/**
 * Reads of objects that never change, by blocks: what is asked for in one turn of the event loop and lies close together
 * is one request, whoever asks; what is under way is shared; what came is kept for a while within a bound, so that sound
 * and picture of an interleaved film, and segments beside each other, are read once.
 */
export class Blocks {
  readonly #store: Pick<ObjectStore, 'read'>
  readonly #kept: Lru<string, Uint8Array>
  readonly #coming = new Map<string, Promise<Uint8Array>>()
  /** What is asked for in this turn, by object. */
  readonly #wanted = new Map<ObjectKey, Wanted>()

  constructor(store: Pick<ObjectStore, 'read'>, memory: Bytes = MEMORY) {
    this.#store = store
    this.#kept = new Lru({ maxSize: memory, sizeCalculation: block => block.length })
  }

  /** Bytes that are kept. */
  get memory(): Bytes {
    return this.#kept.calculatedSize
  }

  source(key: ObjectKey, size: Bytes): FarSource {
    return {
      size,
      read: (start, length) => this.#read(key, size, { start, end: Math.min(size, start + length) }),
    }
  }

  async #read(
    key: ObjectKey,
    size: Bytes,
    { start, end }: { start: Bytes; end: Bytes },
  ): Promise<Uint8Array> {
    const whole = Buffer.allocUnsafeSlow(Math.max(0, end - start))
    const first = Math.floor(start / BLOCK)
    const count = whole.length === 0 ? 0 : Math.ceil(end / BLOCK) - first
    const blocks = Array.from({ length: count }, (_, index) => this.#block(key, size, first + index))
    // In turn, so that each is let go as soon as it is copied; those that fail are told by the first.
    for (const block of blocks) block.catch(() => {})
    for (const [index, block] of blocks.entries()) {
      const at = (first + index) * BLOCK
      const bytes = await block
      const from = Math.max(0, start - at)
      whole.set(bytes.subarray(from, Math.min(bytes.length, end - at)), at + from - start)
    }
    return whole
  }

  #block(key: ObjectKey, size: Bytes, number: number): Promise<Uint8Array> {
    const name = nameOf(key, number)
    const kept = this.#kept.get(name)
    if (kept) return Promise.resolve(kept)
    const coming = this.#coming.get(name)
    if (coming) return coming
    const asked = new Promise<Uint8Array>((resolve, reject) => {
      const wanted = this.#wanted.get(key) ?? this.#want(key, size)
      wanted.set(number, { resolve, reject })
    })
    this.#coming.set(name, asked)
    return asked
  }

  #want(key: ObjectKey, size: Bytes): Wanted {
    const wanted: Wanted = new Map()
    this.#wanted.set(key, wanted)
    setImmediate(() => {
      this.#wanted.delete(key)
      for (const run of runsOf([...wanted.keys()])) void this.#fetch(key, size, { run, wanted })
    })
    return wanted
  }

  async #fetch(key: ObjectKey, size: Bytes, { run, wanted }: { run: Run; wanted: Wanted }): Promise<void> {
    const start = run.first * BLOCK
    const length = Math.min(size, (run.last + 1) * BLOCK) - start
    const numbers = Array.from({ length: run.last - run.first + 1 }, (_, index) => run.first + index)
    try {
      const bytes = await this.#store.read(key, start, length)
      if (bytes.length < length) throw shorter(key)
      for (const number of numbers) {
        const at = (number - run.first) * BLOCK
        // A copy: a piece of the run would keep all of it in memory.
        const block = Uint8Array.from(bytes.subarray(at, at + BLOCK))
        this.#kept.set(nameOf(key, number), block)
        wanted.get(number)?.resolve(block)
      }
    } catch (error) {
      for (const number of numbers) wanted.get(number)?.reject(error)
    } finally {
      for (const number of numbers) if (wanted.has(number)) this.#coming.delete(nameOf(key, number))
    }
  }
}

type Wanted = Map<number, { resolve: (block: Uint8Array) => void; reject: (error: unknown) => void }>

/** Blocks one behind the other, both ends included. */
export interface Run {
  first: number
  last: number
}

/** As few requests as gaps and the longest run permit. */
export function runsOf(numbers: readonly number[]): Run[] {
  const runs: Run[] = []
  for (const number of [...numbers].sort((one, other) => one - other)) {
    const last = runs.at(-1)
    if (last && number - last.last <= GAP + 1 && number - last.first < LONGEST_RUN) last.last = number
    else runs.push({ first: number, last: number })
  }
  return runs
}

function nameOf(key: ObjectKey, number: number): string {
  return `${key} ${number}`
}

function shorter(key: ObjectKey): SluiceError {
  return new SluiceError(
    'source-changed',
    `the stored film ${key} is shorter than it was: publish it again`,
    {
      side: 'operator',
    },
  )
}
