import {
  codeOf,
  messageOf,
  pause,
  reader,
  SluiceError,
  systemClock,
  type Clock,
  type Instant,
  type Milliseconds,
} from '../core/index.ts'
import { LeaseAnswer, type Failure, type Job, type JobResult, type Progress } from '../client/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { BackOff } from './back-off.ts'
import { controlLink, refusalOf, type ControlLink, type ControlPlace } from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import { nodeTokenSource } from './token-source.ts'

/** A job that this node holds, for as long as `signal` has not aborted. */
export interface LeasedJob {
  job: Job
  /** Counts the attempts at this job from 1; names the attempt's own folder. */
  attempt: number
  /** Aborts when the lease is lost or the node closes: stop, and throw the attempt away. */
  signal: AbortSignal
  /** Told to control with the next heartbeat. */
  readonly report: (progress: Progress) => void
  /** Asks control now whether the lease still holds; to be asked before the one write that makes a result visible. */
  readonly confirm: () => Promise<'held' | 'lost'>
}

export interface LeaseJobsOptions extends ControlPlace {
  identity: NodeIdentity
  /**
   * Does the job. What it returns is final; what it throws is tried again later, at most three times in all, by any
   * origin.
   */
  work(leased: LeasedJob): Promise<JobResult>
  /** Jobs at once; 1 unless said. */
  concurrency?: number
  log: Logger
  clock?: Clock
  heartbeatMs?: Milliseconds
}

export interface JobLeases {
  /** Jobs that run now. */
  running(): number
  /** Takes no more, aborts what runs, gives the leases back, waits for all of it. */
  close(): Promise<void>
}

/** How long control may hold a request for a job. */
const WAIT_SECONDS = 20
const HEARTBEAT: Milliseconds = 2_000
/** A result that control does not take for this long is dropped: the lease was given to another long before. */
const FINISH_PATIENCE: Milliseconds = 10 * 60_000

const readLease = reader(LeaseAnswer, 'the lease')

/** Leases jobs from control, keeps their leases alive, hands in their results. */
export function leaseJobs(options: LeaseJobsOptions): JobLeases {
  const clock = options.clock ?? systemClock
  const closing = new AbortController()
  const ask = controlLink(options, nodeTokenSource(options.identity, 'control', clock))
  const state = { running: 0 }
  const loops = Array.from({ length: options.concurrency ?? 1 }, () =>
    loop(options, ask, closing.signal, state),
  )
  return {
    running: () => state.running,
    async close() {
      closing.abort()
      await Promise.all(loops)
    },
  }
}

async function loop(
  options: LeaseJobsOptions,
  ask: ControlLink,
  closing: AbortSignal,
  state: { running: number },
): Promise<void> {
  const backOff = new BackOff()
  while (!closing.aborted) {
    try {
      const lease = await takeLease(ask, closing)
      backOff.reset()
      if (!lease) continue
      state.running++
      try {
        await new Attempt(options, ask, lease, closing).run()
      } finally {
        state.running--
      }
    } catch (error) {
      if (closing.aborted) return
      options.log.debug({ error: messageOf(error) }, 'no lease')
      await backOff.pause(closing)
    }
  }
}

async function takeLease(ask: ControlLink, signal: AbortSignal): Promise<LeaseAnswer | undefined> {
  const answer = await ask({
    method: 'POST',
    path: '/v1/node/jobs/lease',
    body: { wait: WAIT_SECONDS },
    signal,
    waitSeconds: WAIT_SECONDS,
  })
  if (answer.status === 204) return undefined
  if (answer.status === 200) return readLease(answer.body)
  throw refusalOf(answer, 'when asked for a job')
}

/** One attempt at one job, from its lease to its end. */
class Attempt {
  readonly #options: LeaseJobsOptions
  readonly #ask: ControlLink
  readonly #lease: LeaseAnswer
  readonly #clock: Clock
  readonly #lost = new AbortController()
  readonly #ended = new AbortController()
  readonly #signal: AbortSignal
  #progress: Progress

  constructor(options: LeaseJobsOptions, ask: ControlLink, lease: LeaseAnswer, closing: AbortSignal) {
    this.#options = options
    this.#ask = ask
    this.#lease = lease
    this.#clock = options.clock ?? systemClock
    this.#signal = AbortSignal.any([this.#lost.signal, closing])
    this.#progress = { stage: 'probing', fraction: 0 }
  }

  async run(): Promise<void> {
    const { job, attempt } = this.#lease
    const log = this.#options.log.child({ job: job.id, kind: job.kind, path: job.path, attempt })
    log.info({}, 'job leased')
    const heart = this.#beat()
    const outcome = await this.#work()
    this.#ended.abort()
    await heart
    if (outcome.kind === 'result' && !this.#lost.signal.aborted) {
      const taken = await this.#finish(outcome.result)
      log.info({ result: outcome.result.kind, taken }, 'job done')
      if (taken === 'taken') return
    }
    const reason =
      outcome.kind === 'threw' ? outcome.reason : { code: 'lease-lost', message: 'the lease was lost' }
    log.warn({ code: reason.code, reason: reason.message }, 'job given back')
    await this.#post('release', { reason }).catch(() => undefined) // the lease lapses by itself
  }

  async #work(): Promise<{ kind: 'result'; result: JobResult } | { kind: 'threw'; reason: Failure }> {
    try {
      const result = await this.#options.work({
        job: this.#lease.job,
        attempt: this.#lease.attempt,
        signal: this.#signal,
        report: progress => (this.#progress = progress),
        confirm: () => this.#confirm(),
      })
      return { kind: 'result', result }
    } catch (error) {
      return {
        kind: 'threw',
        reason: { code: codeOf(error) ?? 'failed', message: messageOf(error).slice(0, 1000) },
      }
    }
  }

  async #beat(): Promise<void> {
    const until = AbortSignal.any([this.#ended.signal, this.#signal])
    for (;;) {
      await pause(this.#options.heartbeatMs ?? HEARTBEAT, until)
      if (until.aborted) return
      // Control may be away for a moment; the lease has a grace for that, so the work goes on.
      await this.#confirm().catch(() => undefined)
    }
  }

  async #confirm(): Promise<'held' | 'lost'> {
    if (this.#signal.aborted) return 'lost'
    const answer = await this.#post('heartbeat', { progress: this.#progress })
    if (answer.status === 200) return 'held'
    if (answer.status === 409) {
      this.#lost.abort()
      return 'lost'
    }
    throw new SluiceError('heartbeat-refused', `control answered ${answer.status} to a heartbeat`)
  }

  async #finish(result: JobResult): Promise<'taken' | 'lost'> {
    const backOff = new BackOff()
    const giveUpAt = (this.#clock.now() + FINISH_PATIENCE) as Instant // a later instant
    // Not the closing signal: a result that exists is handed in, within reason, even while the node drains.
    const hurry = AbortSignal.timeout(FINISH_PATIENCE)
    while (this.#clock.now() < giveUpAt) {
      const answer = await this.#post('finish', { result }).catch(() => undefined)
      if (answer?.status === 200) return 'taken'
      if (answer && answer.status < 500) return 'lost'
      if (this.#signal.aborted) return 'lost'
      await backOff.pause(hurry)
    }
    return 'lost'
  }

  #post(what: 'heartbeat' | 'finish' | 'release', body: object): ReturnType<ControlLink> {
    return this.#ask({
      method: 'POST',
      path: `/v1/node/jobs/${encodeURIComponent(this.#lease.job.id)}/${what}`,
      body: { ...body, attempt: this.#lease.attempt },
      // Its own time limit ends it; an aborted attempt still says good-bye.
      signal: NEVER,
    })
  }
}

const NEVER = new AbortController().signal
