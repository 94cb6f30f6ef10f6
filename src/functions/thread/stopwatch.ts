import { openSync, readSync } from 'node:fs'

/** From here on it is looked at what the thread has really computed; in milliseconds, as all here. */
const LOOK = 50
/** Between two looks. */
const PAUSE = 5
/** What the time until then counts as, since it may have been waiting. */
const HEAD = 10
/** A slice of more than this is slow. */
const SLOW = 60
/** How much later a time ends that cannot be told from waiting for the processor. */
const PATIENCE = 4

/** What a slice may take: computing, and by the clock. */
export interface Allowance {
  computing: number
  clock: number
}

/**
 * Says when a slice is over. The clock alone would cut good functions off on a machine that has more to do than
 * processors, where a thread stands still for longer than it computes; and what it has computed costs too much to ask at
 * each start. So the first milliseconds go by the clock, and what comes after them by what the thread computes.
 */
export class Stopwatch {
  #began = 0
  #next = Infinity
  #allowed: Allowance = { computing: Infinity, clock: Infinity }
  /** What the thread had computed at the first look. */
  #mark: number | undefined
  /** The slice under way is over. */
  isOver = false

  start(allowed: Allowance): void {
    this.#began = performance.now()
    this.#allowed = allowed
    this.#next = this.#began + Math.min(LOOK, allowed.clock)
    this.#mark = undefined
    this.isOver = false
  }

  stop(): void {
    this.#next = Infinity
  }

  /** Asked often while the slice is under way. */
  look(): boolean {
    const now = performance.now()
    if (this.isOver || now < this.#next) return this.isOver
    const took = now - this.#began
    this.isOver = took >= this.#allowed.clock || this.#hasComputed(took) >= this.#allowed.computing
    this.#next = Math.min(now + PAUSE, this.#began + this.#allowed.clock)
    return this.isOver
  }

  /** Whether the slice has computed for longer than a function should. */
  get isSlow(): boolean {
    return (
      this.isOver || (this.#mark !== undefined && this.#hasComputed(performance.now() - this.#began) >= SLOW)
    )
  }

  /** What it has computed since the first look, and a little for what was before. */
  #hasComputed(took: number): number {
    const computed = computedByThread()
    if (computed === undefined) return took / PATIENCE
    this.#mark ??= computed
    return computed - this.#mark + HEAD
  }
}

let file: number | undefined | 'none'
const text = Buffer.alloc(64)

/** Milliseconds that this thread has been on a processor, as the kernel counts at its ticks; undefined where it tells nobody. */
function computedByThread(): number | undefined {
  if (file === 'none') return undefined
  try {
    file ??= openSync('/proc/thread-self/schedstat', 'r')
    const length = readSync(file, text, 0, text.length, 0)
    return Number(text.toString('latin1', 0, length).split(' ')[0]) / 1e6
  } catch {
    file = 'none'
    return undefined
  }
}
