import {
  codeOf,
  messageOf,
  SluiceError,
  type Health,
  type Milliseconds,
  type RunningRole,
} from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { takeLock, waitUntilFree, type Lock } from './lock.ts'
import { isMessage, type FromRole, type ToRole } from './messages.ts'
import type { StartRole } from './roles.ts'

/** The side of `process` that a role's life needs; tests hand in a channel of their own. */
export interface Channel {
  send(message: FromRole): Promise<void>
  onMessage(handle: (value: unknown) => void): void
  onDisconnect(handle: () => void): void
  onSignal(handle: () => void): void
  /** To this process itself, where whoever reads files that may change hears it. */
  hangUp(): void
  exit(code: number): void
}

/** A predecessor whose supervisor was killed drains first; this is longer than it may take. */
const PREDECESSOR_LIMIT: Milliseconds = 15_000
/** Nobody waits for a role whose supervisor is gone, and its successor waits for the lock. */
const ORPHAN_LIMIT: Milliseconds = 5000

/** A role's process from its start message to its exit: answers the supervisor, drains when told, ends with the channel. */
export class RoleProcess {
  #channel: Channel
  #log: Logger
  #load: Promise<StartRole>
  #starting: Promise<RunningRole | undefined> | undefined
  #running: RunningRole | undefined
  #lock: Lock | undefined
  #ending: Promise<void> | undefined

  /** `load` brings the role's module; it is awaited when the start message comes, so that loading overlaps waiting. */
  constructor(channel: Channel, log: Logger, load: Promise<StartRole>) {
    this.#channel = channel
    this.#log = log
    this.#load = load
    this.#load.catch(() => {}) // told when the start message comes
  }

  listen(): void {
    this.#channel.onMessage(value => {
      if (isMessage(value)) this.#receive(value as ToRole) // both ends are of one build
    })
    this.#channel.onSignal(() => void this.end())
    this.#channel.onDisconnect(() => {
      this.#log.warn({}, 'the supervisor is gone, ending')
      setTimeout(() => this.#channel.exit(1), ORPHAN_LIMIT).unref()
      void this.end()
    })
  }

  /** Drains and exits with 0; once. */
  end(): Promise<void> {
    this.#ending ??= this.#drain()
    return this.#ending
  }

  #receive(message: ToRole): void {
    switch (message.kind) {
      case 'start':
        this.#starting ??= this.#start(message.options, message.lock)
        return
      case 'ask':
        void this.#answer(message.id, message.what)
        return
      case 'drain':
        void this.end()
        return
      case 'look':
        return this.#channel.hangUp()
      default:
        message satisfies never
    }
  }

  async #start(options: unknown, lock: string): Promise<RunningRole | undefined> {
    try {
      this.#lock = await this.#takeOver(lock)
      const start = await this.#load
      this.#running = await start(options)
      await this.#channel.send({ kind: 'started' })
      return this.#running
    } catch (error) {
      this.#log.error({ error: messageOf(error), code: codeOf(error), stack: stackOf(error) }, 'cannot start')
      const code = error instanceof SluiceError ? error.code : (codeOf(error) ?? 'cannot-start')
      await this.#channel.send({ kind: 'failed', code, message: messageOf(error) })
      await this.#lock?.release()
      this.#channel.exit(1)
      return undefined
    }
  }

  async #takeOver(path: string): Promise<Lock> {
    const deadline = Date.now() + PREDECESSOR_LIMIT
    for (;;) {
      const outcome = await takeLock(path)
      if (outcome.kind === 'taken') return outcome.lock
      const left = deadline - Date.now()
      if (left <= 0 || !(await waitUntilFree(path, left))) {
        throw new SluiceError(
          'predecessor',
          `An earlier process of this role (${outcome.pid ?? 'of unknown number'}) still runs on this data folder: end it and start again.`,
          { side: 'operator' },
        )
      }
    }
  }

  async #answer(id: number, what: 'health' | 'metrics'): Promise<void> {
    const role = this.#running
    if (what === 'health') {
      const starting: Health = { kind: 'not-ready', waitingFor: [this.#ending ? 'draining' : 'start'] }
      const health = role && !this.#ending ? role.health() : starting
      return this.#channel.send({ kind: 'health', id, health })
    }
    const text = role ? await role.metrics().catch(() => '') : ''
    return this.#channel.send({ kind: 'metrics', id, text })
  }

  async #drain(): Promise<void> {
    let code = 0
    try {
      const role = await this.#starting
      await role?.close()
    } catch (error) {
      code = 1
      this.#log.error({ error: messageOf(error), stack: stackOf(error) }, 'did not close cleanly')
    }
    await this.#lock?.release()
    this.#channel.exit(code)
  }
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined
}
