import {
  codeOf,
  messageOf,
  pause,
  systemClock,
  type Clock,
  type Instant,
  type Milliseconds,
} from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import {
  controlLink,
  refusalOf,
  type ControlLink,
  type ControlPlace,
  type NodeAnswer,
} from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import { nodeTokenSource } from './token-source.ts'

export interface ReportingOptions extends ControlPlace {
  identity: NodeIdentity
  path: '/v1/node/channels' | '/v1/node/viewers' | '/v1/node/health'
  everyMs: Milliseconds
  /** What is to be said now; undefined when there is nothing to say. Asked again when control did not take it. */
  read(): object | undefined
  /** Control has taken exactly this body; what it said need not be said again. */
  taken?(body: object): void
  /** Control has answered, whatever it was. */
  answered?(answer: NodeAnswer, asked: Asked): void
  /** Control does not answer; without it the log is told, once. */
  unanswered?(error: unknown): void
  /** How long an answer may take; 10 s unless given. */
  within?: Milliseconds
  /** For tests. */
  clock?: Clock
  log: Logger
}

/** When a report was sent, and how long its answer took. */
export interface Asked {
  at: Instant
  took: Milliseconds
}

export interface Reporting {
  /** Reads and reports at once, or as soon as the report that is under way has ended. */
  soon(): void
  /** Drops the report that is under way and waits for its end; says no good-bye. */
  close(): Promise<void>
}

/**
 * Tells control again and again what this node knows, one report at a time. A report that control does not take is
 * not kept: the next one is newer.
 */
export function startReporting(options: ReportingOptions): Reporting {
  return new Reporter(options)
}

class Reporter implements Reporting {
  readonly #options: ReportingOptions
  readonly #clock: Clock
  readonly #ask: ControlLink
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #waiting = new AbortController()
  #hurried = false
  /** The code of what was complained about last. */
  #failing: string | undefined

  constructor(options: ReportingOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const token = nodeTokenSource(options.identity, 'control', this.#clock)
    this.#ask = controlLink(options, token, this.#clock)
    this.#running = this.#run()
  }

  soon(): void {
    this.#hurried = true
    this.#waiting.abort()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#waiting.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#waiting = new AbortController()
      this.#hurried = false
      await this.#report()
      if (this.#closing.signal.aborted) return
      // Asked for while a report was under way: that one may have been read before the change.
      if (!this.#hurried) await pause(this.#options.everyMs, this.#waiting.signal)
    }
  }

  async #report(): Promise<void> {
    try {
      const body = this.#options.read()
      if (body === undefined) return
      const asked = { at: this.#clock.now(), since: performance.now() }
      const answer = await this.#post(body)
      this.#options.answered?.(answer, { at: asked.at, took: performance.now() - asked.since })
      // A control of the version before knows nothing of some reports.
      if (answer.status >= 300 && answer.status !== 404) throw refusalOf(answer, 'to a report')
      this.#failing = undefined
      if (answer.status < 300) this.#options.taken?.(body)
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#complain(error)
    }
  }

  #post(body: object): Promise<NodeAnswer> {
    const { path, within } = this.#options
    const { signal } = this.#closing
    return this.#ask({ method: 'POST', path, body, signal, ...(within !== undefined && { within }) })
  }

  #complain(error: unknown): void {
    const { path, log } = this.#options
    const tell = this.#options.unanswered?.bind(this.#options)
    const code = codeOf(error) ?? 'unknown'
    if (code === 'control-away' && tell !== undefined) tell(error)
    // One line when it begins to fail, and for each other reason; not one for each try.
    else if (this.#failing !== code) log.warn({ path, error: messageOf(error) }, 'report not taken')
    this.#failing = code
  }
}
