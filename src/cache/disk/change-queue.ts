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
  /** What is carried out together: so many changes, and no more bytes unless it is one alone. */
  batch: { changes: number; bytes: Bytes }
  /** In that order, each of another key, and one batch after the other. Gives the outcome of each; never rejects. */
  carryOut: (changes: readonly Change[]) => Promise<readonly Outcome[]>
}

/** What a change that waits takes besides its object's body. */
const OVERHEAD: Bytes = KiB
/** Under a storm of changes so much of it goes together; who comes alone does not wait. */
const GATHER: Milliseconds = 4

/**
 * Changes that the disk has not seen yet, of each key only the newest: it is what the disk ends with. Removals go first,
 * since what stands there still would come back if the process ended.
 */
export class ChangeQueue {
  readonly #options: ChangeQueueOptions
  readonly #wanted = new Map<CacheKey, Change>()
  /** Those among them. */
  readonly #removals = new Set<Change>()
  #running: ReadonlySet<Change> = new Set()
  /** When the last batch was begun, by the process's own clock. */
  #begunAt = -Infinity
  #bytes: Bytes = 0
  #gathering: NodeJS.Timeout | undefined
  #rest: NodeJS.Timeout | undefined
  #idle: (() => void) | undefined
  /** While it closes, objects are given up at the first failure, and all at the next. */
  #state: 'open' | 'closing' | 'closed' = 'open'

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
    const replaced = before && !this.#running.has(before) ? sizeOf(before) : 0
    const rest = this.#bytes - replaced
    const most = change.object ? this.#options.maxBytes : 2 * this.#options.maxBytes
    if (this.#state !== 'open' || (rest > 0 && rest + sizeOf(change) > most)) return 'full'
    this.#bytes = rest + sizeOf(change)
    this.#want(change)
    this.#pump()
    return 'taken'
  }

  #want(change: Change): void {
    const before = this.#wanted.get(change.key)
    if (before) this.#removals.delete(before)
    if (!change.object) this.#removals.add(change)
    this.#wanted.set(change.key, change)
  }

  /** Nothing is begun for so long, and objects that wait are given up; tells how many. */
  rest(span: Milliseconds): number {
    const given = this.#giveUpObjects()
    clearTimeout(this.#rest)
    if (this.#state !== 'open') {
      // What has to go may still: that works where nothing can be written. If it was that which failed, nothing works.
      if (![...this.#running].some(({ object }) => object)) this.#state = 'closed'
      return given
    }
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#pump()
    }, span)
    this.#rest.unref()
    return given
  }

  #giveUpObjects(): number {
    let given = 0
    for (const change of this.#wanted.values()) {
      if (!change.object || this.#running.has(change)) continue
      this.#bytes -= sizeOf(change)
      this.#again(change)
      given++
    }
    return given
  }

  /**
   * Resolves when all is done, or when time is up, or when the disk does nothing more; what waits then is dropped. Tells
   * whether anything was. Of a disk that rests, what has to go still goes: that works on a full one too.
   */
  async close(within: Milliseconds): Promise<'done' | 'dropped'> {
    this.#state = 'closing'
    if (this.resting) this.#giveUpObjects()
    clearTimeout(this.#rest)
    this.#rest = undefined
    this.#pump()
    await this.#idleWithin(within)
    this.#state = 'closed'
    clearTimeout(this.#gathering)
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
    if (this.resting || this.#state === 'closed' || this.#running.size > 0 || this.#wanted.size === 0) return
    const { changes, bytes } = this.#options.batch
    const early = GATHER - (performance.now() - this.#begunAt)
    if (early > 0 && this.#wanted.size < changes && this.#bytes < bytes) return this.#pumpIn(early)
    void this.#run(this.#next())
  }

  #pumpIn(span: Milliseconds): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined
      this.#pump()
    }, span)
  }

  #next(): Change[] {
    const { changes, bytes } = this.#options.batch
    const next: Change[] = []
    let sum = 0
    for (const change of this.#inTurn()) {
      sum += sizeOf(change)
      if (next.length === changes || (next.length > 0 && sum > bytes)) break
      next.push(change)
    }
    return next
  }

  *#inTurn(): Generator<Change> {
    yield* this.#removals
    for (const change of this.#wanted.values()) if (change.object) yield change
  }

  async #run(changes: readonly Change[]): Promise<void> {
    this.#running = new Set(changes)
    this.#begunAt = performance.now()
    const outcomes = await this.#options.carryOut(changes)
    this.#running = new Set()
    for (const [at, change] of changes.entries()) {
      this.#bytes -= sizeOf(change)
      if (this.#wanted.get(change.key) !== change) continue
      if (outcomes[at] === 'again') this.#again(change)
      else this.#settle(change)
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
    this.#want(removal)
  }

  #settle(change: Change): void {
    this.#wanted.delete(change.key)
    this.#removals.delete(change)
  }
}

function sizeOf({ object }: Change): Bytes {
  return OVERHEAD + (object?.body.length ?? 0)
}
