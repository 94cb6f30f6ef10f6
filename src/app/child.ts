import { fork, type ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import { SluiceError, type Health, type Milliseconds, type RoleName } from '../core/index.ts'
import { isMessage, type FromRole, type ToRole } from './messages.ts'

/** How a process ended. `said` is the sentence it gave before, when it gave one. */
export interface Exit {
  code: number | null
  signal: string | null
  said: string | undefined
}

export interface ChildOptions {
  /** The module that the process runs; production has one for all roles. */
  entry: string
  role: RoleName
  env: Record<string, string | undefined>
  /** Of Node itself, in front of the module. */
  nodeFlags: readonly string[]
  /** Owns the streams: must read them to their end. */
  output: (stream: Readable, name: 'stdout' | 'stderr') => void
}

/** One process of one role, from its fork to its exit. It is never started again; another takes its place. */
export class Child {
  readonly role: RoleName
  /** Settles when the process is gone and all that it said has been heard. Never rejects. */
  readonly exited: Promise<Exit>
  #process: ChildProcess
  #asked = new Map<number, (message: FromRole | undefined) => void>()
  #nextId = 1
  #failure: SluiceError | undefined
  #settleStart: ((message: FromRole | undefined) => void) | undefined
  #gone = false

  constructor(options: ChildOptions) {
    this.role = options.role
    this.#process = fork(options.entry, [options.role], {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Our own command line's flags (such as --inspect) must not be a role's.
      execArgv: [...options.nodeFlags],
    })
    if (this.#process.stdout) options.output(this.#process.stdout, 'stdout')
    if (this.#process.stderr) options.output(this.#process.stderr, 'stderr')
    this.#process.on('message', message => this.#receive(message))
    this.exited = new Promise(resolve => {
      this.#process.once('error', error =>
        this.#end(resolve, { code: null, signal: null, said: error.message }),
      )
      this.#process.once('exit', (code, signal) => {
        const end = (): void => this.#end(resolve, { code, signal, said: this.#failure?.message })
        // Its last sentence may still be in the channel when the process is gone.
        if (this.#process.connected) this.#process.once('disconnect', end)
        else end()
      })
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Hands the role its options; resolves when it serves, throws its sentence when it cannot. */
  async start(options: unknown, lock: string): Promise<void> {
    const answer = await new Promise<FromRole | undefined>(resolve => {
      if (this.#gone) return resolve(undefined)
      this.#settleStart = resolve
      this.#send({ kind: 'start', role: this.role, options, lock })
    })
    if (answer?.kind === 'started') return
    throw (
      this.#failure ??
      new SluiceError('role-ended', `The ${this.role} ended before it was ready: its log says why.`)
    )
  }

  /** Undefined when the role does not answer in time. */
  async health(within: Milliseconds): Promise<Health | undefined> {
    const answer = await this.#ask('health', within)
    return answer?.kind === 'health' ? answer.health : undefined
  }

  /** Prometheus text; undefined when the role does not answer in time. */
  async metrics(within: Milliseconds): Promise<string | undefined> {
    const answer = await this.#ask('metrics', within)
    return answer?.kind === 'metrics' ? answer.text : undefined
  }

  /** Asks the role to end politely and kills it when the limit passes; resolves when it is gone. */
  async drain(limit: Milliseconds): Promise<Exit> {
    this.#send({ kind: 'drain' })
    const timer = setTimeout(() => this.kill(), limit)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }

  /** Tells the role to look after the files that it reads. */
  look(): void {
    this.#send({ kind: 'look' })
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }

  #ask(what: 'health' | 'metrics', within: Milliseconds): Promise<FromRole | undefined> {
    if (this.#gone) return Promise.resolve(undefined)
    const id = this.#nextId++
    return new Promise(resolve => {
      const timer = setTimeout(() => settle(undefined), within)
      const settle = (message: FromRole | undefined): void => {
        clearTimeout(timer)
        this.#asked.delete(id)
        resolve(message)
      }
      this.#asked.set(id, settle)
      this.#send({ kind: 'ask', id, what })
    })
  }

  #send(message: ToRole): void {
    // A process that is ending has no channel; its exit tells the rest.
    if (this.#process.connected) this.#process.send(message, () => {})
  }

  #receive(value: unknown): void {
    if (!isMessage(value)) return
    const message = value as FromRole // both ends are of one build
    switch (message.kind) {
      case 'started':
        return this.#settleStart?.(message)
      case 'failed':
        this.#failure = new SluiceError(message.code, message.message)
        return this.#settleStart?.(message)
      case 'health':
      case 'metrics':
        return this.#asked.get(message.id)?.(message)
      default:
        return message satisfies never
    }
  }

  #end(resolve: (exit: Exit) => void, exit: Exit): void {
    this.#gone = true
    this.#settleStart?.(undefined)
    for (const settle of [...this.#asked.values()]) settle(undefined)
    resolve(exit)
  }
}
