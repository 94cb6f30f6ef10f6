import { messageOf, pause, SluiceError, systemClock, type Clock, type Milliseconds } from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { controlLink, type ControlPlace } from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import { nodeTokenSource } from './token-source.ts'

export interface ReportingOptions extends ControlPlace {
  identity: NodeIdentity
  path: '/v1/node/channels' | '/v1/node/viewers'
  everyMs: Milliseconds
  /** What is to be said now; undefined when there is nothing to say. Asked again when control did not take it. */
  read(): object | undefined
  /** Control has taken exactly this body; what it said need not be said again. */
  taken?(body: object): void
  /** For tests. */
  clock?: Clock
  log: Logger
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
  readonly #post: (body: object) => Promise<number>
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #waiting = new AbortController()
  #hurried = false
  #failing = false

  constructor(options: ReportingOptions) {
    this.#options = options
    const { identity, path } = options
    const ask = controlLink(options, nodeTokenSource(identity, 'control', options.clock ?? systemClock))
    this.#post = async body =>
      (await ask({ method: 'POST', path, body, signal: this.#closing.signal })).status
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
      const status = await this.#post(body)
      if (status >= 300) {
        throw new SluiceError('report-refused', `control answered ${status} to a report`, {
          side: 'upstream',
        })
      }
      this.#failing = false
      this.#options.taken?.(body)
    } catch (error) {
      if (this.#closing.signal.aborted) return
      // One line when it begins to fail, not one for each try.
      if (!this.#failing)
        this.#options.log.warn({ path: this.#options.path, error: messageOf(error) }, 'report not taken')
      this.#failing = true
    }
  }
}
