import { systemClock, type Clock } from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Fetch, FunctionRunner, Outcome, Program, Run, Stores } from './contract.ts'
import { entryOf, isSame, type Entry } from './entry.ts'
import { answerTo } from './fetching.ts'
import type { Job } from './job.ts'
import { limitsOf } from './limits.ts'
import { ThreadPool } from './pool.ts'
import type { FromThread } from './protocol.ts'
import { outcomeOf } from './value.ts'

export interface RunnerOptions {
  /** Threads for functions that are as quick as they should be; 2 when left out. More stand in for those that hang. */
  threads?: number
  /** Asks outside for handlers of Lambda@Edge; without it `fetch` fails. It does not follow redirects. */
  fetch?: Fetch
  log: Logger
  clock?: Clock
}

const THREADS = 2
/** Runs of one function that may wait; more are refused. */
const MOST_WAITING = 1000
const MOST_WAITING_ASIDE = 32
/** Runs of one handler that are under way: each has a sandbox of its own while it waits for an answer. */
const MOST_RUNNING = 32
/** A run that has waited this long is refused, in milliseconds. */
const LONGEST_WAIT = 5000
/** A function that has been slow runs aside for this long, in milliseconds. */
const ASIDE = 10_000
/** How often a run is begun again whose thread has ended. */
const MOST_LOSSES = 3

/**
 * Runs functions in QuickJS on threads of its own. There is no thread, and nothing of QuickJS in memory, while no function
 * is known.
 */
export function createFunctionRunner(options: RunnerOptions): FunctionRunner {
  return new Runner(options)
}

class Runner implements FunctionRunner {
  readonly #options: RunnerOptions
  readonly #clock: Clock
  readonly #pool: ThreadPool
  #entries = new Map<string, Entry>()
  /** With runs that wait; who has been served stands last. */
  readonly #hungry = new Set<Entry>()
  #slots = 0
  #isClosed = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#pool = new ThreadPool(options.threads ?? THREADS, options.log, {
      hear: message => this.#hear(message),
      lost: (jobs, culprit) => this.#lost(jobs, culprit),
      back: jobs => this.#back(jobs),
      slow: entry => this.#setAside(entry),
      tick: () => this.#tick(),
    })
  }

  async follow(programs: readonly Program[], stores: Stores): Promise<void> {
    const before = this.#entries
    this.#entries = new Map(
      programs.map(program => {
        const known = before.get(program.id)
        return [
          program.id,
          known !== undefined && isSame(known.program, program) ? known : this.#entry(program),
        ]
      }),
    )
    for (const entry of before.values()) {
      if (this.#entries.get(entry.program.id) === entry) continue
      entry.isGone = true
      this.#retire(entry)
    }
    const named = new Set(programs.flatMap(({ store }) => store ?? []))
    this.#pool.setStores(new Map([...stores].filter(([id]) => named.has(id))))
    if (programs.length > 0) await this.#pool.start()
  }

  run({ function: id, event, argument }: Run): Promise<Outcome> {
    const entry = this.#entries.get(id)
    if (entry === undefined)
      return Promise.resolve(failed('function-failed', `the function ${id} is not known here`))
    const most = limitsOf(entry.program.runtime, event).code
    if (entry.bytes > most) {
      return Promise.resolve(
        failed('function-failed', `the code is longer than ${most} bytes, which it may have here`),
      )
    }
    const text = JSON.stringify(argument)
    const { slot } = entry
    return this.#submit(entry, event, {
      kind: 'run',
      sequence: 0,
      slot,
      event,
      argument: text,
      now: this.#clock.now(),
    })
  }

  async check(program: Program): Promise<string | undefined> {
    const entry = this.#entry(program)
    entry.isGone = true
    const { slot } = entry
    const outcome = await this.#submit(entry, 'viewer-request', { kind: 'check', sequence: 0, slot })
    return outcome.kind === 'failed' ? outcome.message : undefined
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const waiting = [...this.#hungry].flatMap(entry => entry.waiting.splice(0))
    const jobs = [...this.#pool.jobs(), ...waiting]
    await this.#pool.close()
    for (const job of jobs) this.#end(job, failed('function-failed', 'the runner has been closed'))
  }

  #entry(program: Program): Entry {
    return entryOf(++this.#slots, program)
  }

  #submit(entry: Entry, event: Job['event'], message: Job['message']): Promise<Outcome> {
    if (this.#isClosed) return Promise.resolve(failed('function-failed', 'the runner has been closed'))
    return new Promise(resolve => {
      const job: Job = {
        entry,
        event,
        message,
        resolve,
        sequence: 0,
        since: performance.now(),
        parked: 0,
        hasAsked: false,
        losses: 0,
        ended: undefined,
      }
      if (entry.waiting.length === 0 && this.#place(job)) return
      const most = this.#isAside(entry) ? MOST_WAITING_ASIDE : MOST_WAITING
      if (entry.waiting.length >= most) {
        resolve(failed('function-busy', `${most} runs of this function are waiting already`))
        return
      }
      entry.waiting.push(job)
      this.#hungry.add(entry)
    })
  }

  #isAside(entry: Entry): boolean {
    return entry.asideUntil > this.#clock.now()
  }

  #setAside(entry: Entry): void {
    if (!this.#isAside(entry)) {
      this.#options.log.warn({ function: entry.program.id }, 'a function is slow, and runs aside')
    }
    entry.asideUntil = this.#clock.now() + ASIDE
  }

  /** Sends a run to a thread that can take it; false when none can. */
  #place(job: Job): boolean {
    const { entry } = job
    const isAside = this.#isAside(entry)
    if (entry.running >= (isAside ? 1 : MOST_RUNNING)) return false
    const thread = this.#pool.choose(entry, isAside)
    if (thread === undefined) return false
    entry.running++
    this.#pool.send(thread, job)
    return true
  }

  /** Places what waits, one run of each function after the other. */
  #pump(): void {
    for (let placed = true; placed;) {
      placed = false
      for (const entry of [...this.#hungry]) {
        const job = entry.waiting[0]
        if (job !== undefined && !this.#place(job)) continue
        placed ||= job !== undefined
        entry.waiting.shift()
        this.#hungry.delete(entry)
        if (entry.waiting.length > 0) this.#hungry.add(entry)
      }
    }
  }

  #hear(message: FromThread): void {
    if (message.kind === 'ready') return
    const found = this.#pool.find(message.sequence)
    if (found === undefined) return
    const { job, thread } = found
    if (message.kind === 'fetch') {
      void this.#fetch(job, message, said =>
        thread.post({ kind: 'answer', call: message.call, sequence: job.sequence, said }),
      )
      return
    }
    this.#pool.take(message.sequence)
    job.entry.running--
    if (message.kind === 'returned') {
      this.#again(job)
      return
    }
    if (message.isSlow) this.#setAside(job.entry)
    this.#end(job, outcomeOf(message, limitsOf(job.entry.program.runtime, job.event)))
    this.#pump()
  }

  async #fetch(
    job: Job,
    { head, body }: Extract<FromThread, { kind: 'fetch' }>,
    answer: (said: Awaited<ReturnType<typeof answerTo>>) => void,
  ): Promise<void> {
    job.parked++
    job.hasAsked = true
    job.ended ??= new AbortController()
    this.#pump()
    const asked = { head, body, signal: job.ended.signal }
    const said = await answerTo(asked, job.entry.program, job.event, this.#options.fetch)
    job.parked--
    if (!job.ended.signal.aborted) answer(said)
  }

  /** What a thread had that has ended. The run that it was computing for is the one to blame. */
  #lost(jobs: readonly Job[], culprit: { job: Job; outcome: Outcome } | undefined): void {
    for (const job of jobs) {
      job.entry.running--
      if (job === culprit?.job) {
        this.#setAside(job.entry)
        this.#end(job, culprit.outcome)
      } else if (job.hasAsked || ++job.losses > MOST_LOSSES) {
        this.#end(job, failed('function-failed', 'its thread has ended'))
      } else this.#again(job)
    }
    this.#pump()
  }

  /** Not begun with, and no worse for that: however often this happens, they are run. */
  #back(jobs: readonly Job[]): void {
    for (const job of jobs) {
      job.entry.running--
      this.#again(job)
    }
    this.#pump()
  }

  /** It was not begun with, or may be begun with again: it is the next of its function. */
  #again(job: Job): void {
    if (this.#isClosed) {
      this.#end(job, failed('function-failed', 'the runner has been closed'))
      return
    }
    job.entry.waiting.unshift(job)
    this.#hungry.add(job.entry)
    this.#pump()
  }

  #tick(): void {
    const late = performance.now() - LONGEST_WAIT
    for (const entry of this.#hungry) {
      while (entry.waiting[0] !== undefined && entry.waiting[0].since < late) {
        const job = entry.waiting.shift()
        if (job !== undefined)
          this.#end(job, failed('function-busy', 'it has waited for its turn for too long'))
      }
      if (entry.waiting.length === 0) this.#hungry.delete(entry)
    }
    this.#pump()
  }

  #end(job: Job, outcome: Outcome): void {
    job.ended?.abort()
    job.resolve(outcome)
    this.#retire(job.entry)
  }

  #retire(entry: Entry): void {
    if (entry.isGone && entry.running === 0 && entry.waiting.length === 0) this.#pool.forget(entry.slot)
  }
}

function failed(reason: Extract<Outcome, { kind: 'failed' }>['reason'], message: string): Outcome {
  return { kind: 'failed', reason, message, logs: [], used: 0 }
}
