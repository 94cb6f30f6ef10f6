import { limitsOf } from '../limits.ts'
import {
  STATE,
  type Answered,
  type FromThread,
  type RunMessage,
  type Slot,
  type SlottedProgram,
  type ThreadData,
  type ToThread,
} from '../protocol.ts'
import { Sandbox, type Ended } from './sandbox.ts'
import type { Allowance } from './stopwatch.ts'

/** Sandboxes that wait for their function's next run; the one that has waited longest goes. */
const MOST_WARM = 64
/** Together they hold no more of the machine than this, in bytes; a single one may. */
const MOST_TAKEN = 256 * 1024 * 1024
/** What does not compile is not tried again for this long, in milliseconds. */
const FAILURE_KEPT = 1000

/** Who does not look at the time himself is ended from outside after so many times what he may compute. */
const UNSEEN = 20

interface Known {
  program: SlottedProgram
  /** Ready for a run. */
  idle: Sandbox[]
  failure?: { message: string; until: number }
}

interface Underway {
  sequence: number
  known: Known
  sandbox: Sandbox | undefined
  event: string
  /** Computing so far, in milliseconds. */
  busy: number
  /** It has computed for longer than a function should. */
  isSlow: boolean
  /** When it is cut off, wherever it waits, by performance.now(). */
  end: number
  cutter: NodeJS.Timeout | undefined
  timers: NodeJS.Timeout[]
  waiting: number
}

type CheckMessage = Extract<ToThread, { kind: 'check' }>

/** One thread: its programs, their sandboxes and the runs under way. All messages come here. */
export class FunctionThread {
  readonly #data: ThreadData
  readonly #say: (message: FromThread) => void
  readonly #settled: () => void
  readonly #known = new Map<Slot, Known>()
  readonly #stores = new Map<string, { entries: ReadonlyMap<string, string>; since: string }>()
  readonly #runs = new Map<number, Underway>()
  /** Idle sandboxes, the longest idle first. */
  readonly #warm = new Set<Sandbox>()
  /** The run whose code is computing: what is asked outside is asked for it. */
  #current: Underway | undefined
  #calls = 0
  readonly #waiting: (RunMessage | CheckMessage)[] = []
  #isMaking = false

  /** `settled` is called whenever nothing is under way any more. */
  constructor(data: ThreadData, say: (message: FromThread) => void, settled: () => void) {
    this.#data = data
    this.#say = say
    this.#settled = settled
  }

  /** Whether it waits for nothing but what it is told. */
  get isIdle(): boolean {
    return this.#runs.size === 0 && !this.#isMaking
  }

  hear(message: ToThread): void {
    switch (message.kind) {
      case 'know':
        this.#known.set(message.program.slot, { program: message.program, idle: [] })
        return
      case 'forget':
        this.#forget(message.slot)
        return
      case 'store':
        this.#store(message.id, message.entries)
        return
      case 'run':
      case 'check':
        this.#waiting.push(message)
        if (!this.#isMaking) void this.#next()
        return
      case 'answer':
        this.#answer(message.sequence, message.call, message.said)
        return
      case 'look':
    }
  }

  #forget(slot: Slot): void {
    for (const sandbox of this.#known.get(slot)?.idle ?? []) this.#warm.delete(sandbox)
    this.#known.delete(slot)
  }

  #store(id: string, entries: ReadonlyMap<string, string> | undefined): void {
    if (entries === undefined) this.#stores.delete(id)
    else this.#stores.set(id, { entries, since: new Date().toISOString() })
  }

  /**
   * One after the other, also while a sandbox is made, which pauses: so all that stands behind what hangs is not begun
   * with, and can be run elsewhere.
   */
  async #next(): Promise<void> {
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      const made = this.#take(message)
      if (made === undefined) continue
      this.#isMaking = true
      await made
      this.#isMaking = false
    }
    this.#settled()
  }

  /** A promise where a sandbox has to be made before. */
  #take(message: RunMessage | CheckMessage): Promise<void> | undefined {
    const { sequence } = message
    Atomics.store(this.#data.state, STATE.begun, sequence)
    if (Atomics.load(this.#data.state, STATE.recalled) >= sequence) {
      this.#say({ kind: 'returned', sequence })
      return undefined
    }
    const known = this.#known.get(message.slot)
    if (known === undefined) {
      this.#tell(sequence, { how: 'function-failed', text: 'the function is not known', rest: '' }, 0)
      return undefined
    }
    if (message.kind === 'check') return this.#check(sequence, known)
    const sandbox = known.idle.pop()
    if (sandbox === undefined) return this.#runAfresh(message, known)
    this.#warm.delete(sandbox)
    return this.#begin(message, known, sandbox)
  }

  async #runAfresh(message: RunMessage, known: Known): Promise<void> {
    if (known.failure !== undefined && known.failure.until > performance.now()) {
      this.#tell(message.sequence, { how: 'function-failed', text: known.failure.message, rest: '' }, 0)
      return
    }
    const run = underway(message.sequence, known, message.event, 0)
    try {
      const sandbox = await this.#make(run)
      delete known.failure
      await this.#begin(message, known, sandbox)
    } catch (error) {
      const text = (error as Error).message // all that `make` throws are errors
      known.failure = { message: text, until: performance.now() + FAILURE_KEPT }
      const how = text.includes('out of memory') ? 'function-memory' : 'function-failed'
      this.#tell(message.sequence, { how, text, rest: '' }, run.busy)
    }
  }

  async #check(sequence: number, known: Known): Promise<void> {
    const run = underway(sequence, known, 'viewer-request', 0)
    try {
      await this.#make(run)
      this.#tell(sequence, { how: 'v', text: 'null', rest: '' }, run.busy)
    } catch (error) {
      this.#tell(sequence, { how: 'function-failed', text: (error as Error).message, rest: '' }, run.busy) // as above
    }
  }

  #make(run: Underway): Promise<Sandbox> {
    return Sandbox.make(
      run.known.program,
      {
        fetch: (head, body) => this.#fetch(head, body),
        timer: after => this.#timer(after),
        remaining: () => Math.max(0, (this.#current?.end ?? 0) - performance.now()),
        kvs: asked => this.#kvs(run.known.program.store, asked),
      },
      (allowed, work) => this.#slice(run, allowed, work),
    )
  }

  #begin(message: RunMessage, known: Known, sandbox: Sandbox): Promise<void> | undefined {
    const { time, clock } = limitsOf(known.program.runtime, message.event)
    const run = underway(message.sequence, known, message.event, clock)
    run.sandbox = sandbox
    const { argument, now, event } = message
    const info = known.program.runtime === 'lambda-edge' ? infoOf(known.program.name, message.sequence) : ''
    const allowed = { computing: time, clock }
    const ended = this.#slice(run, allowed, () => sandbox.run({ argument, now, event, info }, allowed))
    // It has filled up over its runs, and a function that cannot ask outside has done nothing yet: once more, in a new one.
    const isFull = ended?.how === 'function-memory' && sandbox.runs > 1
    if (isFull && known.program.runtime !== 'lambda-edge') return this.#runAfresh(message, known)
    this.#advance(run, ended)
    return undefined
  }

  /** After a slice: it has ended, or waits for something outside, or for nothing. */
  #advance(run: Underway, ended: Ended): void {
    if (ended !== undefined) {
      this.#finish(run, ended)
    } else if (run.waiting === 0) {
      const text =
        'the handler waits for what never comes: its promise is not settled, and nothing is under way'
      this.#finish(run, { how: 'function-failed', text, rest: '' })
    } else if (run.cutter === undefined) {
      this.#runs.set(run.sequence, run)
      const text = 'it was cut off, since it waited longer than it may'
      run.cutter = setTimeout(
        () => this.#finish(run, { how: 'function-timeout', text, rest: '' }),
        Math.max(0, run.end - performance.now()),
      )
    }
  }

  #finish(run: Underway, ended: NonNullable<Ended>): void {
    const { sandbox, known } = run
    clearTimeout(run.cutter)
    for (const timer of run.timers) clearTimeout(timer)
    this.#runs.delete(run.sequence)
    run.sandbox = undefined
    this.#tell(run.sequence, ended, run.busy, run.isSlow)
    if (ended.how === 'v' && sandbox !== undefined && this.#known.has(known.program.slot)) {
      if (run.waiting > 0 || run.timers.length > 0) sandbox.end()
      this.#keep(known, sandbox)
    }
    this.#settled()
  }

  #keep(known: Known, sandbox: Sandbox): void {
    known.idle.push(sandbox)
    this.#warm.add(sandbox)
    let taken = 0
    for (const each of this.#warm) taken += each.taken
    for (const oldest of this.#warm) {
      if (this.#warm.size <= MOST_WARM && taken <= MOST_TAKEN) break
      taken -= oldest.taken
      this.#warm.delete(oldest)
      const idle = this.#known.get(oldest.program.slot)?.idle
      if (idle !== undefined) idle.splice(idle.indexOf(oldest), 1)
    }
  }

  #tell(sequence: number, { how, text, rest }: NonNullable<Ended>, busy: number, isSlow = false): void {
    this.#say({ kind: 'ended', sequence, how, text, rest, busy, isSlow })
  }

  /** Computes for a run, so that the runner sees for whom and how long already. */
  #slice<T>(run: Underway, allowed: Allowance, work: () => T): T {
    const { state } = this.#data
    Atomics.store(state, STATE.allowed, Math.ceil(Math.min(allowed.clock, UNSEEN * allowed.computing)))
    Atomics.store(state, STATE.running, run.sequence)
    Atomics.add(state, STATE.slice, 1)
    this.#current = run
    const began = performance.now()
    try {
      return work()
    } finally {
      run.busy += performance.now() - began
      run.isSlow ||= run.sandbox?.isSlow ?? false
      this.#current = undefined
      Atomics.store(state, STATE.running, 0)
    }
  }

  #fetch(head: string, body: Uint8Array | undefined): number {
    const run = this.#current
    if (run?.sandbox === undefined) throw new Error('fetch is there while the handler runs')
    run.waiting++
    const call = ++this.#calls
    this.#say({ kind: 'fetch', sequence: run.sequence, call, head, body })
    return call
  }

  #timer(after: number): number {
    const run = this.#current
    if (run?.sandbox === undefined) throw new Error('setTimeout is there while the handler runs')
    run.waiting++
    const call = ++this.#calls
    const due = (): void => this.#resume(run, call, true, '', undefined)
    run.timers.push(setTimeout(due, Math.min(after, 60_000)))
    return call
  }

  #answer(sequence: number, call: number, said: Answered): void {
    const run = this.#runs.get(sequence)
    if (run === undefined) return
    if (said.isGood) this.#resume(run, call, true, said.head, said.body)
    else this.#resume(run, call, false, said.message, undefined)
  }

  #resume(run: Underway, call: number, isGood: boolean, text: string, body: Uint8Array | undefined): void {
    const { sandbox } = run
    if (sandbox === undefined) return
    run.waiting--
    const left = Math.max(1, run.end - performance.now())
    const allowed = { computing: left, clock: left }
    const ended = this.#slice(run, allowed, () => sandbox.answer(call, isGood, text, body, allowed))
    this.#advance(run, ended)
  }

  #kvs(
    store: string | undefined,
    [operation, named, key]: readonly [string, string | null, string?],
  ): unknown {
    if (store === undefined) throw new Error('this function has no key value store')
    if (named !== null && named !== store)
      throw new Error(`this function reads the key value store ${store} only`)
    const found = this.#stores.get(store)
    if (found === undefined) throw new Error('the key value store is not there yet')
    if (operation === 'get') return found.entries.get(key ?? '') ?? null
    const { since, entries } = found
    return { creationDateTime: since, lastUpdatedDateTime: since, keyCount: entries.size }
  }
}

function underway(sequence: number, known: Known, event: string, time: number): Underway {
  return {
    sequence,
    known,
    event,
    end: performance.now() + time,
    sandbox: undefined,
    busy: 0,
    isSlow: false,
    cutter: undefined,
    timers: [],
    waiting: 0,
  }
}

function infoOf(program: string, sequence: number): string {
  const [name, version = '1'] = program.split(':')
  return JSON.stringify({ name, version, request: `run-${sequence}` })
}
