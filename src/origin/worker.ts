import { setTimeout as pause } from 'node:timers/promises'
import type { JobResult, PackageJob, Progress, RemoveJob, Rendition } from '../client/index.ts'
import { codeOf, messageOf, pause as wait, SluiceError, type Clock } from '../core/index.ts'
import type { Packager } from '../packager/index.ts'
import { objectKey, type ObjectStore } from '../storage/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Counters } from './counters.ts'
import type { Pointer } from './pointer.ts'
import type { Pointers } from './pointers.ts'

/** A job that is leased: what of a lease the work needs. */
export interface Leased {
  job: PackageJob | RemoveJob
  /** Counts from 1. */
  attempt: number
  signal: AbortSignal
  report(progress: Progress): void
  confirm(): Promise<'held' | 'lost'>
}

export interface WorkerOptions {
  store: ObjectStore
  packager: Packager
  pointers: Pointers
  counters: Counters
  clock: Clock
  log: Logger
}

/** Does leased jobs. What it returns is final; what it throws is worth another attempt. */
export class Worker {
  readonly #options: WorkerOptions

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  async work(leased: Leased): Promise<JobResult> {
    const { job } = leased
    try {
      const result =
        job.kind === 'package' ? await this.#package(job, leased) : await this.#remove(job, leased)
      this.#options.counters.job(job.kind, result.kind)
      return result
    } catch (error) {
      this.#options.counters.job(job.kind, 'thrown')
      await this.#awaitStorage(error, leased.signal)
      throw error
    }
  }

  /** While storage is away another attempt would fail as this one did, and the last would be given up with it. */
  async #awaitStorage(error: unknown, signal: AbortSignal): Promise<void> {
    if (codeOf(error) !== 'storage-away') return
    const { store, clock, log } = this.#options
    log.warn({ error: messageOf(error) }, 'waiting for storage')
    const end = clock.now() + STORAGE_PATIENCE
    while (clock.now() < end && !signal.aborted) {
      await wait(STORAGE_PAUSE, signal)
      const answers = await store.head(STORAGE_QUESTION).then(
        () => true,
        () => false,
      )
      if (answers) return
    }
  }

  async #package(job: PackageJob, leased: Leased): Promise<JobResult> {
    const { store, pointers, packager, clock, log } = this.#options
    const source = objectKey(job.source)
    const served = await pointers.read(job.path)
    if (served?.assetId === job.assetId && served.version >= job.version) {
      await store.delete(source)
      // An attempt whose result never reached control had already made it visible.
      return served.version === job.version ? packaged(served) : superseded()
    }
    const outcome = await packager.package({
      source,
      assetId: job.assetId,
      version: job.version,
      attempt: `${job.id}-${leased.attempt}`,
      signal: leased.signal,
      onProgress: progress => leased.report(progress),
    })
    if (outcome.kind === 'errored') {
      log.warn({ job: job.id, path: job.path, code: outcome.error.code }, 'file refused')
      return outcome
    }
    await confirm(leased)
    const pointer: Pointer = {
      format: 1,
      path: job.path,
      assetId: job.assetId,
      version: job.version,
      publishedAt: clock.now(),
      durationSeconds: outcome.durationSeconds,
      media: outcome.media,
      index: outcome.index,
      renditions: outcome.renditions,
      previous: [],
    }
    await pointers.publish(pointer)
    await store.delete(source)
    log.info({ job: job.id, path: job.path, version: job.version, how: outcome.how }, 'published')
    return packaged(pointer)
  }

  /** Takes the asset out of service first; its media goes when nobody can find it any more. */
  async #remove(job: RemoveJob, leased: Leased): Promise<JobResult> {
    const { store, pointers, log } = this.#options
    await confirm(leased)
    await pointers.withdraw(job.path, job.assetId)
    await store.deleteAll(`assets/${objectKey(job.assetId)}/`)
    log.info({ job: job.id, path: job.path }, 'removed')
    return { kind: 'removed' }
  }
}

function packaged(pointer: Pointer): JobResult {
  const renditions: Rendition[] = pointer.renditions.map(({ rendition }) => rendition)
  return { kind: 'packaged', renditions, durationSeconds: pointer.durationSeconds }
}

function superseded(): JobResult {
  return {
    kind: 'errored',
    error: { code: 'superseded', message: 'a newer publication of this path is already served' },
  }
}

/** As long as a store may take to come back before a job that needs it has failed. */
const STORAGE_PATIENCE = 10 * 60_000
const STORAGE_PAUSE = 1_000
/** Nothing lies there; whoever answers that is back. */
const STORAGE_QUESTION = objectKey('probes/none')

const CONFIRM_TRIES = 12
const CONFIRM_PAUSE = 1000

/** Asks for the lease before the write that counts. Control may be starting anew: that long its work is worth waiting for. */
async function confirm(leased: Leased): Promise<void> {
  for (let tries = 1; ; tries++) {
    leased.signal.throwIfAborted()
    try {
      if ((await leased.confirm()) === 'held') return
    } catch (error) {
      if (tries === CONFIRM_TRIES) throw error
      await pause(CONFIRM_PAUSE, undefined, { signal: leased.signal })
      continue
    }
    throw new SluiceError('lease-lost', 'another origin has this job now', { kind: 'conflict' })
  }
}
