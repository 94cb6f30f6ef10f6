import type { MeasuredNetwork, NodeHealth } from '../client/index.ts'
import { systemClock, type Clock, type Health, type Instant, type Milliseconds } from '../core/index.ts'
import type { Snapshot, ViewersAt } from '../distribution/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import { isOff, offsetTo, readInstant, spokenOffset, type ClockOffset } from './clock-offset.ts'
import type { ControlPlace, NodeAnswer } from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import { MEMBER_METRICS as M } from './metric-names.ts'
import { isDraining } from './node-places.ts'
import { TrafficMeter, type TrafficTotals } from './recent-traffic.ts'
import { startReporting, type Asked, type Reporting } from './report.ts'
import { CLOCK_FIELD, softwareVersion } from './software.ts'

export interface HealthOptions extends ControlPlace {
  identity: NodeIdentity
  /** The one that is applied. */
  snapshot(): Snapshot | undefined
  totals(): TrafficTotals
  /** What is under way and a drain waits for: viewers' connections, encoders, jobs and broadcasts. */
  busy(): number
  /** Of an edge or a router: where viewers reach it, where it was told. */
  viewers?: ViewersAt | undefined
  /** Of an edge: how far viewers' networks are. */
  latencies?: MeasuredLatencies | undefined
  metrics: Metrics
  log: Logger
  clock?: Clock
  everyMs?: Milliseconds
}

/** How many milliseconds networks of viewers take, there and back. */
export interface MeasuredLatencies {
  /** What control does not know yet. */
  news(): MeasuredNetwork[]
  /** Control has taken exactly these. */
  told(news: readonly MeasuredNetwork[]): void
}

/** What a node knows of its own place among the nodes. */
export interface HealthReporting {
  /** For whoever asks whether it serves; `waitingFor` is what it lacks. */
  health(waitingFor: string[]): Health
  /** Nothing new is to come here. */
  draining(): boolean
  close(): Promise<void>
}

const EVERY: Milliseconds = 2_000
/** Where there are several controls another one is asked then. */
const WITHIN: Milliseconds = 5_000

/** Tells control every two seconds how this node does, and hears from its answers whether control is there and what time it is. */
export function reportHealth(options: HealthOptions): HealthReporting {
  return new Reporter(options)
}

class Reporter implements HealthReporting {
  readonly #options: HealthOptions
  readonly #clock: Clock
  readonly #meter = new TrafficMeter()
  readonly #reporting: Reporting
  /** Since when control does not answer, by both clocks; from the start on, until it first has. */
  #away: { since: Instant; from: number } | undefined
  #told: 'there' | 'away' | 'nothing' = 'nothing'
  /** That failed before control was ever there. */
  #tries = 0
  #took: Milliseconds = 0
  #offset: ClockOffset | undefined
  /** What stands in the report that is under way. */
  #saying: readonly MeasuredNetwork[] = []

  constructor(options: HealthOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#away = this.#fromNow()
    this.#reporting = startReporting({
      ...options,
      clock: this.#clock,
      path: '/v1/node/health',
      everyMs: options.everyMs ?? EVERY,
      within: WITHIN,
      read: () => this.#report(),
      taken: () => options.latencies?.told(this.#saying),
      answered: (answer, asked) => this.#answered(answer, asked),
      unanswered: () => this.#unanswered(),
    })
    this.#measure(options.metrics)
  }

  draining(): boolean {
    const snapshot = this.#options.snapshot()
    return snapshot !== undefined && isDraining(snapshot, this.#options.identity.id)
  }

  health(waitingFor: string[]): Health {
    if (waitingFor.length > 0) return { kind: 'not-ready', waitingFor }
    const notes = this.#notes()
    const kind = this.draining() ? 'draining' : 'ready'
    return notes.length > 0 ? { kind, notes } : { kind }
  }

  close(): Promise<void> {
    return this.#reporting.close()
  }

  #notes(): string[] {
    const notes: string[] = []
    if (this.#told === 'away' && this.#away)
      notes.push(`control is away since ${new Date(this.#away.since).toISOString()}`)
    if (this.#offset !== undefined && isOff(this.#offset))
      notes.push(`the clock is ${spokenOffset(this.#offset)} control's`)
    return notes
  }

  #report(): NodeHealth {
    const snapshot = this.#options.snapshot()
    const { hitRatio, ...traffic } = this.#meter.look(this.#options.totals())
    const away = this.#told === 'away' ? this.#away : undefined
    const { viewers, latencies } = this.#options
    this.#saying = latencies?.news() ?? []
    return {
      software: softwareVersion(),
      state: snapshot === undefined ? 'starting' : this.draining() ? 'draining' : 'serving',
      snapshot: snapshot?.version ?? null,
      sequence: snapshot?.sequence ?? null,
      ...{ traffic, hitRatio, busy: this.#options.busy(), roundTrip: Math.round(this.#took) },
      controlAwaySince: away ? new Date(away.since).toISOString() : null,
      ...(this.#isForViewers && { viewers: viewers ?? null }),
      ...(this.#saying.length > 0 && { measured: [...this.#saying] }),
    }
  }

  get #isForViewers(): boolean {
    const { role } = this.#options.identity
    return role === 'edge' || role === 'router'
  }

  #answered({ headers }: NodeAnswer, asked: Asked): void {
    const { log } = this.#options
    this.#took = asked.took
    if (this.#told === 'away')
      log.info(
        { seconds: this.#awaySeconds(), version: this.#options.snapshot()?.version },
        'control answers again',
      )
    this.#told = 'there'
    this.#away = undefined
    const there = readInstant(headers[CLOCK_FIELD])
    if (there !== undefined) this.#compare(offsetTo(there, asked))
  }

  #unanswered(): void {
    const version = this.#options.snapshot()?.version
    this.#away ??= this.#fromNow()
    if (this.#told === 'away') return
    // The disk, which may have one, is still being read.
    if (this.#told === 'nothing' && version === undefined && this.#tries++ === 0) return
    this.#told = 'away'
    this.#options.log.warn(
      { version: version ?? null },
      version === undefined
        ? 'control does not answer, and this node has no configuration yet'
        : 'control does not answer: this node serves on with the configuration that it has',
    )
  }

  #compare(offset: ClockOffset): void {
    const before = this.#offset !== undefined && isOff(this.#offset)
    this.#offset = offset
    const now = isOff(offset)
    if (now && !before) {
      this.#options.log.warn(
        { seconds: offset / 1000 },
        `the clock of this machine is ${spokenOffset(offset)} control's: let NTP set both, ` +
          'or other nodes refuse this one, and viewers get in too early or too late',
      )
    } else if (before && !now) this.#options.log.info({ seconds: offset / 1000 }, 'the clock is right again')
  }

  #fromNow(): { since: Instant; from: number } {
    return { since: this.#clock.now(), from: performance.now() }
  }

  #awaySeconds(): number {
    return this.#away === undefined ? 0 : Math.round((performance.now() - this.#away.from) / 1000)
  }

  #measure(metrics: Metrics): void {
    metrics.gauge(M.controlAway, () => (this.#told === 'away' ? this.#awaySeconds() : 0))
    metrics.gauge(M.clockOffset, () => (this.#offset ?? 0) / 1000)
    metrics.gauge(M.draining, () => (this.draining() ? 1 : 0))
  }
}
