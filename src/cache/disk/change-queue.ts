import { KiB, type Bytes, type Milliseconds } from '../../core/index.ts'
import type { CacheKey } from '../../http/index.ts'
import type { StoredObject } from '../contract.ts'

/** What shall stand on disk under a key: an object, or nothing. */
export interface Change {
  readonly key: CacheKey
  readonly object: StoredObject | undefined
}

/** `again`: it could not be done; then what stood there before must go, as soon as the disk takes changes again. */
export type Outcome = 'done' | 'again'

export interface ChangeQueueOptions {
  /** Objects past it are refused; one larger than that is taken when nothing else waits. */
  maxBytes: Bytes
  /** Changes under way at once, each of another key. */
  parallel: number
  /** Never rejects. */
  carryOut: (change: Change) => Promise<Outcome>
}

/** What a change that waits takes besides its object's body. */
const OVERHEAD: Bytes = KiB

/** Changes that the disk has not seen yet, in order, of each key only the newest: it is what the disk ends with. */
export class ChangeQueue {
  readonly #options: ChangeQueueOptions
  readonly #wanted = new Map<CacheKey, Change>()
  readonly #running = new Map<CacheKey, Change>()
  #bytes: Bytes = 0
  #rest: NodeJS.Timeout | undefined
  #idle: (() => void) | undefined
  #state: 'open' | 'closed' = 'open'

  constructor(options: ChangeQueueOptions) {
    this.#options = options
  }

  /** What the disk will hold of a key, when that is not there yet. */
  wanted(key: CacheKey): Change | undefined {
    return this.#wanted.get(key)
  }

  get bytes(): Bytes {
    return this.#bytes
  }

  get resting(): boolean {
    return this.#rest !== undefined
  }

  /** Removals have twice the room; past that, tens of thousands wait and what they are about stays where it is. */
  put(change: Change): 'taken' | 'full' {
    const { key } = change
    const before = this.#wanted.get(key)
    const replaced = before && this.#running.get(key) !== before ? sizeOf(before) : 0
    const rest = this.#bytes - replaced
    const most = change.object ? this.#options.maxBytes : 2 * this.#options.maxBytes
    if (this.#state === 'closed' || (rest > 0 && rest + sizeOf(change) > most)) return 'full'
    this.#bytes = rest + sizeOf(change)
    this.#wanted.set(key, change)
    this.#pump()
    return 'taken'
  }

  /** Nothing is begun for so long, and objects that wait are given up; tells how many. */
  rest(span: Milliseconds): number {
    let given = 0
    for (const [key, change] of this.#wanted) {
      if (!change.object || this.#running.has(key)) continue
      this.#bytes -= sizeOf(change)
      this.#again(change)
      given++
    }
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#pump()
    }, span)
    this.#rest.unref()
    return given
  }

  /** Resolves when all is done, or when time is up; what waits then is dropped. Tells whether anything was. */
  async close(within: Milliseconds): Promise<'done' | 'dropped'> {
    await this.#idleWithin(this.resting ? 0 : within)
    this.#state = 'closed'
    clearTimeout(this.#rest)
    // What is under way changes files still; the index must not be written before it has ended.
    await this.#idleWithin(within)
    return this.#wanted.size > 0 ? 'dropped' : 'done'
  }

  /** Resolves when nothing waits; while the disk is in trouble that may be long. */
  async settled(): Promise<void> {
    await this.#idleWithin(undefined)
  }

  async #idleWithin(span: Milliseconds | undefined): Promise<void> {
    if (this.#isIdle()) return
    await new Promise<void>(resolve => {
      const timer = span === undefined ? undefined : setTimeout(resolve, span)
      const earlier = this.#idle
      this.#idle = () => {
        clearTimeout(timer)
        earlier?.()
        resolve()
      }
    })
  }

  #isIdle(): boolean {
    return this.#running.size === 0 && (this.#state === 'closed' || this.#wanted.size === 0)
  }

  #pump(): void {
    if (this.resting || this.#state === 'closed') return
    for (const [key, change] of this.#wanted) {
      if (this.#running.size >= this.#options.parallel) return
      if (!this.#running.has(key)) void this.#run(change)
    }
  }

  async #run(change: Change): Promise<void> {
    const { key } = change
    this.#running.set(key, change)
    const outcome = await this.#options.carryOut(change)
    this.#running.delete(key)
    this.#bytes -= sizeOf(change)
    if (this.#wanted.get(key) === change) {
      if (outcome === 'again') this.#again(change)
      else this.#wanted.delete(key)
    }
    this.#pump()
    if (!this.#isIdle()) return
    this.#idle?.()
    this.#idle = undefined
  }

  /** Only what stood there before has to go; the object is not tried again, since a cache may do without. */
  #again({ key }: Change): void {
    const removal = { key, object: undefined }
    this.#bytes += sizeOf(removal)
    this.#wanted.set(key, removal)
  }
}

function sizeOf({ object }: Change): Bytes {
  return OVERHEAD + (object?.body.length ?? 0)
}
