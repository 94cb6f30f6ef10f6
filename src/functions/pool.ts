import type { StoreId } from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Outcome, Stores } from './contract.ts'
import type { Entry } from './entry.ts'
import type { Job } from './job.ts'
import type { FromThread, Slot } from './protocol.ts'
import { ComputingMeter, spentByProcess } from './computing-meter.ts'
import { ThreadHandle } from './thread-handle.ts'

/** Runs that a thread has at once, computing and next: so that it need not wait for this process between two. */
const DEPTH = 8
/** With as many one thread still does: another is begun when there are more. */
const FEW = 3
/** Threads that run what has been slow, beside the others. */
const MOST_ASIDE = 3
/** How often threads are looked at while there are runs; in milliseconds, as all here. */
const LOOK = 10
/** A thread that computes this long without a pause is set aside, and another stands in for it. */
const HANGS = 100
/** QuickJS looks at the time itself; who is this late does not. */
const GRACE = 250
/** That this whole process has computed since: with less the thread has stood still, for want of a processor. */
const COMPUTES = 60
/** Looks without a run after which the looking pauses. */
const IDLE_LOOKS = 100

interface Told {
  hear: (message: FromThread) => void
  /** A thread has ended and had these; `culprit` is the run that it was computing for. */
  lost: (jobs: readonly Job[], culprit: { job: Job; outcome: Outcome } | undefined) => void
  /** Taken back from a thread that had not begun with them. */
  back: (jobs: readonly Job[]) => void
  slow: (entry: Entry) => void
  tick: () => void
}

/** The threads: who runs what, and who hangs. */
export class ThreadPool {
  readonly #size: number
  readonly #log: Logger
  readonly #told: Told
  readonly #threads = new Set<ThreadHandle>()
  readonly #holders = new Map<number, ThreadHandle>()
  readonly #meters = new Map<ThreadHandle, ComputingMeter>()
  #stores: Stores = new Map()
  #sequences = 0
  #watch: NodeJS.Timeout | undefined
  #idleLooks = 0
  #isClosed = false

  constructor(size: number, log: Logger, told: Told) {
    this.#size = Math.max(1, size)
    this.#log = log
    this.#told = told
  }

  async start(): Promise<void> {
    const [first = this.#begin(false)] = this.#of(false)
    await first.ready
  }

  /** For a run of `entry`: an idle thread that knows it, else the least busy one; undefined when all have enough. */
  choose(entry: Entry, isAside: boolean): ThreadHandle | undefined {
    let best: { thread: ThreadHandle; load: number } | undefined
    for (const thread of this.#threads) {
      if (thread.isAside !== isAside) continue
      const load = thread.load
      if (load === 0 && thread.knows(entry.slot)) return thread
      if (best === undefined || load < best.load) best = { thread, load }
    }
    if (best !== undefined && (best.load === 0 || (!isAside && best.load < FEW))) return best.thread
    const most = isAside ? MOST_ASIDE : this.#size
    if (this.#of(isAside).length < most) return this.#begin(isAside)
    // Aside nobody stands behind another: the first may take as long as it is permitted.
    return isAside || best === undefined || best.load >= DEPTH ? undefined : best.thread
  }

  send(thread: ThreadHandle, job: Job): void {
    job.sequence = ++this.#sequences
    job.message.sequence = job.sequence
    this.#holders.set(job.sequence, thread)
    thread.send(job, job.entry.slotted)
    this.#idleLooks = 0
    this.#watch ??= setInterval(() => this.#look(), LOOK).unref()
  }

  find(sequence: number): { job: Job; thread: ThreadHandle } | undefined {
    const thread = this.#holders.get(sequence)
    const job = thread?.jobs.get(sequence)
    return thread === undefined || job === undefined ? undefined : { job, thread }
  }

  take(sequence: number): void {
    this.#holders.get(sequence)?.jobs.delete(sequence)
    this.#holders.delete(sequence)
  }

  jobs(): Job[] {
    return [...this.#threads].flatMap(thread => [...thread.jobs.values()])
  }

  forget(slot: Slot): void {
    for (const thread of this.#threads) thread.forget(slot)
  }

  setStores(stores: Stores): void {
    const changed: { id: StoreId; entries: ReadonlyMap<string, string> | undefined }[] = []
    for (const [id, entries] of stores) {
      if (!isSame(entries, this.#stores.get(id))) changed.push({ id, entries })
    }
    for (const id of this.#stores.keys()) if (!stores.has(id)) changed.push({ id, entries: undefined })
    this.#stores = stores
    for (const thread of this.#threads) for (const each of changed) thread.post({ kind: 'store', ...each })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#watch)
    await Promise.all([...this.#threads].map(thread => thread.end()))
  }

  #of(isAside: boolean): ThreadHandle[] {
    return [...this.#threads].filter(thread => thread.isAside === isAside)
  }

  #begin(isAside: boolean): ThreadHandle {
    const thread: ThreadHandle = new ThreadHandle(
      message => this.#told.hear(message),
      error => this.#ended(thread, error),
    )
    thread.isAside = isAside
    this.#threads.add(thread)
    for (const [id, entries] of this.#stores) thread.post({ kind: 'store', id, entries })
    return thread
  }

  /** It has ended by itself: V8's memory is at its end, or it cannot be started at all. */
  #ended(thread: ThreadHandle, error: Error | undefined): void {
    if (this.#isClosed || !this.#threads.has(thread)) return
    this.#log.error({ reason: error?.message }, 'a thread of functions has ended')
    const running = thread.computing(performance.now())
    const outcome = failure('function-memory', 'its thread has ended, and with it all that it held')
    this.#drop(thread, running?.sequence, outcome)
  }

  #drop(thread: ThreadHandle, sequence: number | undefined, outcome: Outcome): void {
    this.#threads.delete(thread)
    this.#meters.delete(thread)
    const jobs = [...thread.jobs.values()]
    const culprit = sequence === undefined ? undefined : thread.jobs.get(sequence)
    for (const job of jobs) this.#holders.delete(job.sequence)
    thread.jobs.clear()
    this.#told.lost(jobs, culprit === undefined ? undefined : { job: culprit, outcome })
  }

  #look(): void {
    const now = performance.now()
    let spent: number | undefined
    for (const thread of [...this.#threads]) {
      const computing = thread.computing(now)
      if (computing === undefined) continue
      const { sequence, took, allowed } = computing
      const computed = this.#meterOf(thread).read(now - took, (spent ??= spentByProcess()))
      if (Math.min(took, computed) > allowed + GRACE) this.#terminate(thread, sequence)
      else if (took > HANGS && computed >= COMPUTES && !thread.isAside) this.#setAside(thread, sequence)
    }
    this.#told.tick()
    this.#idleLooks = this.#holders.size > 0 ? 0 : this.#idleLooks + 1
    if (this.#idleLooks < IDLE_LOOKS) return
    clearInterval(this.#watch)
    this.#watch = undefined
    this.#tidy()
  }

  #terminate(thread: ThreadHandle, sequence: number): void {
    this.#log.warn(
      { function: thread.jobs.get(sequence)?.entry.program.id },
      'a function did not stop: its thread is ended',
    )
    void thread.end()
    this.#drop(thread, sequence, failure('function-timeout', 'it did not stop when its time was over'))
  }

  #meterOf(thread: ThreadHandle): ComputingMeter {
    let meter = this.#meters.get(thread)
    if (meter === undefined) this.#meters.set(thread, (meter = new ComputingMeter()))
    return meter
  }

  /** Whoever waits behind a run that takes long is run elsewhere. */
  #setAside(thread: ThreadHandle, sequence: number): void {
    const slow = thread.jobs.get(sequence)
    if (slow !== undefined) this.#told.slow(slow.entry)
    const aside = this.#of(true)
    const free = aside.find(each => each.jobs.size === 0)
    if (aside.length >= MOST_ASIDE && free === undefined) return
    if (free !== undefined) free.isAside = false
    thread.isAside = true
    const back = thread.recall(this.#sequences)
    for (const job of back) this.#holders.delete(job.sequence)
    this.#told.back(back)
  }

  /** When nothing runs, one thread of each kind is enough. */
  #tidy(): void {
    const idle = this.#of(true).filter(thread => thread.jobs.size === 0)
    for (const thread of idle) {
      this.#threads.delete(thread)
      this.#meters.delete(thread)
      void thread.end()
    }
  }
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string> | undefined): boolean {
  if (b === undefined || a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value) return false
  return true
}

function failure(reason: 'function-timeout' | 'function-memory', message: string): Outcome {
  return { kind: 'failed', reason, message, logs: [], used: 100 }
}
