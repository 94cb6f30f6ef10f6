import { KiB, type Bytes } from '../core/index.ts'

/** What does not grow beyond this has a part of the room to itself; less than that where nothing large is kept. */
const SMALL: Bytes = 256 * KiB
const SMALL_PART = 1 / 8

export interface FillRoomOptions {
  /** Of all fills together. */
  bytes: Bytes
  /** Of one fill. */
  largest: Bytes
}

/**
 * The memory that fills under way may take together, taken as their bytes arrive: an origin that announces much and
 * sends nothing holds nothing. Nobody waits for it; whoever gets none goes on without being kept. Large bodies leave a
 * part to small ones, and no owner takes more than it leaves to others.
 */
export class FillRoom {
  readonly #mostSmall: Bytes
  readonly #small: Part
  readonly #rest: Part

  constructor({ bytes, largest }: FillRoomOptions) {
    const small = Math.max(0, Math.min(Math.floor(bytes * SMALL_PART), bytes - largest))
    this.#mostSmall = Math.min(SMALL, Math.floor(largest * SMALL_PART))
    this.#small = new Part(small, this.#mostSmall)
    this.#rest = new Part(bytes - small, largest)
  }

  /** For one fill of whoever's origin sends it. */
  enter(owner: string): Place {
    return new Place(owner, (to, from) => this.#partFor(owner, to, from))
  }

  #partFor(owner: string, to: Bytes, { part, bytes }: Taken): Part | undefined {
    const more = (next: Part): Bytes => (next === part ? to - bytes : to)
    const parts = to <= this.#mostSmall && part !== this.#rest ? [this.#small, this.#rest] : [this.#rest]
    return parts.find(each => each.has(owner, more(each)))
  }
}

interface Taken {
  part: Part | undefined
  bytes: Bytes
}

/** What one fill has of the room. */
export class Place {
  readonly #owner: string
  readonly #partFor: (to: Bytes, from: Taken) => Part | undefined
  #taken: Taken = { part: undefined, bytes: 0 }

  constructor(owner: string, partFor: (to: Bytes, from: Taken) => Part | undefined) {
    this.#owner = owner
    this.#partFor = partFor
  }

  /** Whether there is room for so much by now; nothing is taken. */
  mayGrow(to: Bytes): boolean {
    return this.#partFor(to, this.#taken) !== undefined
  }

  /** `to` is all that it has then. */
  grow(to: Bytes): 'taken' | 'full' {
    const part = this.#partFor(to, this.#taken)
    if (part === undefined) return 'full'
    this.leave()
    part.take(this.#owner, to)
    this.#taken = { part, bytes: to }
    return 'taken'
  }

  /** Gives back all. */
  leave(): void {
    const { part, bytes } = this.#taken
    part?.give(this.#owner, bytes)
    this.#taken = { part: undefined, bytes: 0 }
  }
}

class Part {
  #free: Bytes
  /** What an owner may have in any case. */
  readonly #least: Bytes
  readonly #held = new Map<string, Bytes>()

  constructor(bytes: Bytes, least: Bytes) {
    this.#free = bytes
    this.#least = least
  }

  /** The more owners there are, the less is each one's share: whoever comes last finds as much as each of the others has. */
  has(owner: string, bytes: Bytes): boolean {
    const free = this.#free - bytes
    const held = (this.#held.get(owner) ?? 0) + bytes
    return free >= 0 && held <= Math.max(this.#least, free)
  }

  take(owner: string, bytes: Bytes): void {
    this.#free -= bytes
    this.#held.set(owner, (this.#held.get(owner) ?? 0) + bytes)
  }

  give(owner: string, bytes: Bytes): void {
    this.#free += bytes
    const held = (this.#held.get(owner) ?? 0) - bytes
    if (held === 0) this.#held.delete(owner)
    else this.#held.set(owner, held)
  }
}
