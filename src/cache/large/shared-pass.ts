import { KiB, type Bytes, type Milliseconds } from '../../core/index.ts'
import { Signal } from '../signal.ts'
import { endedEarly, fellBehind, goesOn, nobodyReads, tooLarge } from './refusals.ts'

/** What of a body is at hand for those who read more slowly than the fastest. */
const WINDOW: Bytes = 256 * KiB
/** So much each piece costs beside its bytes. */
const PIECE_OVERHEAD: Bytes = 200
/** So long does the fastest reader wait for slower ones before they are left behind, and a body for its first reader. */
const PATIENCE: Milliseconds = 2_000

export interface SharedPassOptions {
  /** Where the body goes on in its object. */
  first: Bytes
  /** Of the object; undefined while nobody knows. */
  length: Bytes | undefined
  /** Longer objects are not served. */
  limit: Bytes
  /** Whether somebody is on his way to where it goes on. */
  isAwaited: () => boolean
  /** For who has fallen behind, the same bytes once more; left out where that cannot be. */
  again?: ((first: Bytes, last: Bytes) => AsyncIterable<Uint8Array>) | undefined
  patience?: Milliseconds | undefined
}

/**
 * A body that there is no memory to keep, handed to all who read it at once: at the pace of the fastest, who waits for a
 * slower one for a moment, and with no more of it at hand than a window.
 */
export class SharedPass {
  readonly #options: SharedPassOptions
  readonly #patience: Milliseconds
  readonly #readers = new Set<{ at: Bytes }>()
  readonly #window: Uint8Array[] = []
  #held: Bytes = 0
  /** Of what the fastest reader waits for others: by taking a little each time nobody holds him up for longer. */
  #mercy: Milliseconds
  /** The offsets of the first byte that is at hand, and of the first that is still to come. */
  #from: Bytes
  #to: Bytes
  #state: 'running' | 'complete' | { failure: unknown } = 'running'
  /** More has come. */
  readonly #news = new Signal()
  /** Readers have come, moved or left. */
  readonly #moved = new Signal()
  /** Resolves when nothing more comes. */
  readonly done: Promise<void>

  constructor(body: AsyncIterable<Uint8Array>, destroy: () => void, options: SharedPassOptions) {
    this.#options = options
    this.#mercy = this.#patience = options.patience ?? PATIENCE
    this.#from = this.#to = options.first
    this.done = this.#pump(body, destroy)
  }

  /** Bytes from `first` up to and including `last`; throws where they have passed, or never come. */
  async *read(first: Bytes, last: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = { at: first }
    this.#readers.add(reader)
    this.#moved.fire()
    try {
      while (reader.at <= last && reader.at >= this.#from) {
        const bytes = this.#next(reader.at, last)
        if (bytes !== undefined) {
          reader.at += bytes.length
          this.#moved.fire()
          yield bytes
          continue
        }
        if (this.#state === 'complete') return
        if (this.#state !== 'running') throw this.#state.failure
        await this.#news.next()
      }
    } finally {
      this.#readers.delete(reader)
      this.#moved.fire()
    }
    if (reader.at <= last) yield* this.#again(reader.at, last)
  }

  #again(first: Bytes, last: Bytes): AsyncIterable<Uint8Array> {
    const { again, length } = this.#options
    if (again === undefined || length === undefined) throw fellBehind()
    return again(first, Math.min(last, length - 1))
  }

  #next(at: Bytes, last: Bytes): Uint8Array | undefined {
    let from = this.#from
    for (const piece of this.#window) {
      if (at < from + piece.length) return piece.subarray(at - from, last + 1 - from)
      from += piece.length
    }
    return undefined
  }

  async #pump(body: AsyncIterable<Uint8Array>, destroy: () => void): Promise<void> {
    const { length } = this.#options
    try {
      for await (const chunk of body) {
        this.#append(chunk)
        await this.#demand()
      }
      if (length !== undefined && this.#to !== length) throw endedEarly()
      this.#state = 'complete'
    } catch (failure) {
      this.#state = { failure }
      destroy()
    }
    this.#news.fire()
  }

  #append(chunk: Uint8Array): void {
    const { length, limit } = this.#options
    this.#to += chunk.length
    if (length !== undefined && this.#to > length) throw goesOn()
    if (this.#to > limit) throw tooLarge(limit)
    // A short piece may be part of much more.
    this.#window.push(Buffer.from(chunk))
    this.#held += chunk.length + PIECE_OVERHEAD
    this.#news.fire()
  }

  /** Resolves when somebody wants more than has come; rejects when nobody is there. */
  async #demand(): Promise<void> {
    for (;;) {
      const furthest = this.#trim()
      if (furthest === undefined) {
        if ((await this.#move(this.#patience)) === 'late' && this.#isForNobody) throw nobodyReads()
      } else if (furthest < this.#to) await this.#moved.next()
      else if (this.#held < WINDOW) return
      else await this.#wait()
    }
  }

  get #isForNobody(): boolean {
    return this.#readers.size === 0 && !this.#options.isAwaited()
  }

  /** For who is slow, while the fastest has all that is at hand. */
  async #wait(): Promise<void> {
    const since = performance.now()
    if ((await this.#move(this.#mercy)) === 'moved') {
      this.#mercy = Math.max(0, this.#mercy - (performance.now() - since))
      return
    }
    this.#mercy = this.#patience
    this.#letGo(WINDOW / 2)
  }

  /** Where room is needed, lets go of what nobody needs any more; says where the fastest reader is. */
  #trim(): Bytes | undefined {
    const { first, isAwaited } = this.#options
    let slowest = isAwaited() && first >= this.#from ? first : Infinity
    let furthest: Bytes | undefined
    for (const { at } of this.#readers) {
      if (at >= this.#from) slowest = Math.min(slowest, at)
      furthest = Math.max(furthest ?? 0, at)
    }
    if (furthest === undefined) return undefined
    // What there is room for stays: who was told of this body may not have begun to read yet.
    const isPassed = (piece: Uint8Array): boolean => this.#from + piece.length <= slowest
    for (let [piece] = this.#window; piece && this.#held >= WINDOW && isPassed(piece); [piece] = this.#window)
      this.#drop(piece)
    return furthest
  }

  #letGo(to: Bytes): void {
    for (let [piece] = this.#window; piece && this.#held > to; [piece] = this.#window) this.#drop(piece)
    this.#news.fire()
  }

  #drop(piece: Uint8Array): void {
    this.#window.shift()
    this.#from += piece.length
    this.#held -= piece.length + PIECE_OVERHEAD
  }

  async #move(within: Milliseconds): Promise<'moved' | 'late'> {
    let late: NodeJS.Timeout | undefined
    const timeout = new Promise<'late'>(resolve => {
      late = setTimeout(() => resolve('late'), within)
    })
    try {
      return await Promise.race([this.#moved.next().then(() => 'moved' as const), timeout])
    } finally {
      clearTimeout(late)
    }
  }
}
