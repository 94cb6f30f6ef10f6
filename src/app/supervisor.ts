import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'
import { SluiceError, type Clock, type Health, type Milliseconds, type RoleName } from '../core/index.ts'
import { nextRestart, type RestartHistory } from './back-off.ts'
import { Child, type Exit } from './child.ts'

/** A role that the supervisor keeps running. Its options hold its ports, so they stay the same for the supervisor's life. */
export interface RoleSpec {
  role: RoleName
  entry: string
  options: unknown
  /** For Node, such as limits of its memory; none unless given. */
  nodeFlags?: readonly string[]
  /** The lock that the role's process holds for its life. */
  lock: string
  /** How long it may take to drain before it is killed. */
  drainLimit: Milliseconds
}

/** What happens to roles, for the person who watches and for tests. */
export type RoleEvent =
  | { kind: 'started'; role: RoleName; pid: number | undefined }
  | { kind: 'ended'; role: RoleName; exit: Exit; restartIn: Milliseconds }
  | { kind: 'drained'; role: RoleName; exit: Exit }

export interface SupervisorOptions {
  /** In order of start: the first is ready before the others get their options. Drained from the last to the first. */
  roles: RoleSpec[]
  clock: Clock
  /** Resolves after the time, or at once when the signal aborts. */
  wait: (time: Milliseconds, signal: AbortSignal) => Promise<void>
  env: Record<string, string | undefined>
  onOutput: (role: RoleName, stream: Readable, name: 'stdout' | 'stderr') => void
  onEvent: (event: RoleEvent) => void
}

export interface RoleState {
  role: RoleName
  pid: number | undefined
  restarts: number
  health: Health
}

const ANSWER_WITHIN: Milliseconds = 2000

/** Runs each role in a process of its own and starts it again when it ends, so that one crash stops nobody else. */
export class Supervisor {
  #options: SupervisorOptions
  #running = new Map<RoleName, Child>()
  #restarts = new Map<RoleName, number>()
  #keeping: Promise<void>[] = []
  #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Resolves when every role serves; throws the sentence of the first that cannot, with everything ended again. */
  async start(): Promise<void> {
    // All are forked at once, so that they load while the first one starts.
    const first = this.#options.roles.map(spec => ({ spec, child: this.#fork(spec) }))
    try {
      const [leader, ...rest] = first
      if (leader) await this.#begin(leader.spec, leader.child)
      await Promise.all(rest.map(({ spec, child }) => this.#begin(spec, child)))
    } catch (error) {
      for (const { child } of first) child.kill()
      await Promise.all(first.map(({ child }) => child.exited))
      throw error
    }
    this.#keeping = first.map(({ spec, child }) => this.#keep(spec, child))
  }

  /** Drains the roles one after the other, the last first, so that each still finds those it needs. */
  close(): Promise<void> {
    this.#closed ??= this.#drainAll()
    return this.#closed
  }

  /** Ends every process at once. */
  kill(): void {
    this.#closing.abort()
    for (const child of this.#running.values()) child.kill()
  }

  /** Tells every role to look after the files that it reads. */
  look(): void {
    for (const child of this.#running.values()) child.look()
  }

  /** How each role does now; a role that does not answer is not ready. */
  states(): Promise<RoleState[]> {
    return Promise.all(
      this.#options.roles.map(async ({ role }): Promise<RoleState> => {
        const child = this.#running.get(role)
        const health = (await child?.health(ANSWER_WITHIN)) ?? { kind: 'not-ready', waitingFor: ['process'] }
        return { role, pid: child?.pid, restarts: this.#restarts.get(role) ?? 0, health }
      }),
    )
  }

  /** Prometheus text of each role that answers. */
  async metrics(): Promise<string[]> {
    const texts = await Promise.all([...this.#running.values()].map(child => child.metrics(ANSWER_WITHIN)))
    return texts.filter(text => text !== undefined)
  }

  #fork(spec: RoleSpec): Child {
    const child = new Child({
      entry: spec.entry,
      role: spec.role,
      nodeFlags: spec.nodeFlags ?? [],
      // Disk reads, name lookups and compression share libuv's threads, four by default (SEAMS 34).
      env: { UV_THREADPOOL_SIZE: String(threadPoolSize()), ...this.#options.env },
      output: (stream, name) => this.#options.onOutput(spec.role, stream, name),
    })
    this.#running.set(spec.role, child)
    return child
  }

  async #begin(spec: RoleSpec, child: Child): Promise<void> {
    if (this.#closing.signal.aborted) throw new SluiceError('closing', 'Sluice is ending.')
    await child.start(spec.options, spec.lock)
    this.#options.onEvent({ kind: 'started', role: spec.role, pid: child.pid })
  }

  /** For the life of the supervisor: when the process ends, another takes its place. */
  async #keep(spec: RoleSpec, first: Child): Promise<void> {
    const { clock, wait, onEvent } = this.#options
    let child = first
    let startedAt = clock.now()
    let history: RestartHistory = { inARow: 0 }
    for (;;) {
      const exit = await child.exited
      if (this.#closing.signal.aborted) return
      const next = nextRestart(history, startedAt, clock.now())
      history = next.history
      onEvent({ kind: 'ended', role: spec.role, exit, restartIn: next.wait })
      await wait(next.wait, this.#closing.signal)
      if (this.#closing.signal.aborted) return
      this.#restarts.set(spec.role, (this.#restarts.get(spec.role) ?? 0) + 1)
      startedAt = clock.now()
      child = this.#fork(spec)
      // A start that fails ends the process, and the ending is handled above.
      this.#begin(spec, child).catch(() => {})
    }
  }

  async #drainAll(): Promise<void> {
    this.#closing.abort()
    for (const spec of [...this.#options.roles].reverse()) {
      const child = this.#running.get(spec.role)
      if (!child) continue
      const exit = await child.drain(spec.drainLimit)
      this.#options.onEvent({ kind: 'drained', role: spec.role, exit })
    }
    await Promise.all(this.#keeping)
  }
}

function threadPoolSize(): number {
  return Math.min(64, Math.max(8, 2 * availableParallelism()))
}
