import { Worker } from 'node:worker_threads'
import type { Job } from './job.ts'
import {
  STATE,
  type FromThread,
  type RunMessage,
  type Slot,
  type SlottedProgram,
  type ThreadData,
  type ToThread,
} from './protocol.ts'
import { Ring, ringMemory } from './ring.ts'

/** Sources are run by tests, which load them through a loader of their own; what is built runs by itself. */
const ENTRY = new URL(`./thread/main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/** Of V8: QuickJS keeps its own in WebAssembly memories. A deep call of QuickJS is a deep one of V8 too. */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 16 }

/** A worker thread, as the runner sees it. */
export class ThreadHandle {
  /** Where functions run that have been slow lately. */
  isAside = false
  /** What it has been sent and has not answered. */
  readonly jobs = new Map<number, Job>()
  /** Resolves when it takes orders; rejects when it ends before. */
  readonly ready: Promise<void>
  readonly #worker: Worker
  readonly #state = new Int32Array(new SharedArrayBuffer(STATE.length * Int32Array.BYTES_PER_ELEMENT))
  readonly #ring: Ring
  readonly #knows = new Set<Slot>()
  /** Messages that it has been sent, as `STATE.heard` counts them. */
  #posted = 0
  #slice = { number: -1, since: 0 }

  constructor(hear: (message: FromThread) => void, ended: (error: Error | undefined) => void) {
    const memory = ringMemory()
    this.#ring = new Ring(this.#state, memory)
    const workerData: ThreadData = { state: this.#state, ring: memory }
    this.#worker = new Worker(ENTRY, { workerData, env: {}, resourceLimits: LIMITS })
    this.#worker.unref()
    let failure: Error | undefined
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromThread) => {
        if (message.kind === 'ready') resolve()
        else hear(message)
      })
      this.#worker.on('error', error => (failure = error))
      this.#worker.on('exit', () => {
        reject(failure ?? new Error('the thread has ended'))
        ended(failure)
      })
    })
    this.ready.catch(() => undefined)
  }

  post(message: ToThread): void {
    this.#posted = (this.#posted + 1) | 0
    this.#worker.postMessage(message)
    this.#wake()
  }

  /** Sends a run to it, and its program before when it does not know that. */
  send(job: Job, program: SlottedProgram): void {
    if (!this.#knows.has(program.slot)) {
      this.#knows.add(program.slot)
      this.post({ kind: 'know', program })
    }
    this.jobs.set(job.sequence, job)
    const { message } = job
    if (message.kind !== 'run' || !this.#write(message)) this.post(message)
  }

  /** By the ring, when the thread sleeps and has heard all that it was told by messages; false when not. */
  #write(message: RunMessage): boolean {
    const state = this.#state
    if (Atomics.load(state, STATE.sleeps) === 0 || Atomics.load(state, STATE.heard) !== this.#posted)
      return false
    if (!this.#ring.write(message)) return false
    this.#wake()
    // It may have gone to its event loop meanwhile, and not have seen this any more.
    if (Atomics.load(state, STATE.sleeps) === 0) this.post({ kind: 'look' })
    return true
  }

  #wake(): void {
    Atomics.add(this.#state, STATE.signals, 1)
    Atomics.notify(this.#state, STATE.signals)
  }

  knows(slot: Slot): boolean {
    return this.#knows.has(slot)
  }

  forget(slot: Slot): void {
    if (this.#knows.delete(slot)) this.post({ kind: 'forget', slot })
  }

  /** Jobs that it computes or will; others wait for something outside. */
  get load(): number {
    let load = 0
    for (const job of this.jobs.values()) if (job.parked === 0) load++
    return load
  }

  /** What it is computing: for which run, for how long by now, how long that may take. */
  computing(now: number): { sequence: number; took: number; allowed: number } | undefined {
    const sequence = Atomics.load(this.#state, STATE.running)
    if (sequence === 0) return undefined
    const number = Atomics.load(this.#state, STATE.slice)
    if (this.#slice.number !== number) this.#slice = { number, since: now }
    return { sequence, took: now - this.#slice.since, allowed: Atomics.load(this.#state, STATE.allowed) }
  }

  /** Asks all runs back that it has not begun with: here they are, but for those that it says itself. */
  recall(last: number): Job[] {
    Atomics.store(this.#state, STATE.recalled, last)
    const begun = Atomics.load(this.#state, STATE.begun)
    const back = [...this.jobs.values()].filter(job => job.sequence > begun)
    for (const job of back) this.jobs.delete(job.sequence)
    return back
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}
