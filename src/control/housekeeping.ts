import { messageOf, type Instant, type Milliseconds } from '../core/index.ts'
import type { ObjectStore } from '../storage/index.ts'
import type { Logger } from '../telemetry/index.ts'
import {
  assetsWithoutJob,
  extendLeases,
  forgetDeliveries,
  forgetEvents,
  forgetFinishedLeases,
  forgetPublications,
  getPublication,
  lapsedLeases,
  publicationsInState,
  type Database,
} from './database/index.ts'
import type { ControlLimits } from './options.ts'
import { uploadKey, type Publishing } from './publishing.ts'
import { dispatch, giveBack } from './work.ts'

export interface HousekeepingOptions {
  database: Database
  store: ObjectStore
  publishing: Publishing
  limits: ControlLimits
  log: Logger
}

const HOUR: Milliseconds = 3_600_000
const MINUTE: Milliseconds = 60_000
/** Publications that ended are shown this long. */
const SHOWN: Milliseconds = 30 * 24 * HOUR
/** Finished leases are remembered this long, so that finishing twice is no error. */
const REMEMBERED: Milliseconds = HOUR
/** An attempt that was told to stop may still read its upload for a while. */
const UPLOAD_GRACE: Milliseconds = HOUR

/** What control does without being asked: at its start, and from time to time. */
export class Housekeeping {
  readonly #options: HousekeepingOptions
  readonly #timers: NodeJS.Timeout[] = []
  #running: Promise<void> = Promise.resolve()

  constructor(options: HousekeepingOptions) {
    this.#options = options
  }

  /**
   * Mends what a kill may have left: gives running leases a grace, queues uploads that became whole, and queues the
   * next job of assets that have none.
   */
  async start(): Promise<void> {
    const { database, limits, log } = this.#options
    await database.transaction(tx => extendLeases(tx, (tx.now + limits.lease) as Instant)) // a later instant
    // Storage that is away keeps uploads waiting, and nothing else.
    await this.#tidyUploads().catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'uploads cannot be looked after yet')
    })
    await database.transaction(async tx => {
      for (const id of await assetsWithoutJob(tx)) await dispatch(tx, id)
    })
    this.#every(limits.sweep, () => this.#reclaimLeases())
    this.#every(limits.sweepBlobs, () => database.sweepBlobs())
    this.#every(MINUTE, () => this.#tidyUploads())
    this.#every(HOUR, () => this.#forget())
    this.#run(() => this.#removeOrphans())
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.#running
  }

  /** One task at a time; a tick that comes while one runs waits for it. */
  #run(task: () => Promise<void>): void {
    this.#running = this.#running.then(task).catch((error: unknown) => {
      this.#options.log.error({ error: messageOf(error) }, 'housekeeping failed')
    })
  }

  #every(span: Milliseconds, task: () => Promise<void>): void {
    let waiting = false
    const tick = (): void => {
      if (waiting) return
      waiting = true
      this.#run(async () => {
        waiting = false
        await task()
      })
    }
    this.#timers.push(setInterval(tick, span).unref())
  }

  async #reclaimLeases(): Promise<void> {
    const { database, log } = this.#options
    const lapsed = await database.read(lapsedLeases)
    if (lapsed.length === 0) return
    await database.transaction(async tx => {
      for (const lease of await lapsedLeases(tx)) {
        log.warn({ job: lease.jobId, node: lease.nodeId, attempt: lease.attempt }, 'lease lapsed')
        const message = `the origin ${lease.nodeId} stopped answering in the middle of the work`
        await giveBack(tx, lease, { code: 'origin-lost', message })
      }
    })
  }

  async #tidyUploads(): Promise<void> {
    const { database, store, publishing, limits } = this.#options
    for (const { id, size, createdAt } of await database.read(tx => publicationsInState(tx, 'uploading'))) {
      const arrived = await store.growing.arrived(uploadKey(id))
      if (arrived === size) await publishing.uploaded(id)
      else if (arrived === undefined)
        await publishing.abandon(id, 'upload-lost', 'what was uploaded is gone from storage: publish again')
      else if (limits.clock.now() - createdAt > limits.uploadLife) {
        await publishing.abandon(
          id,
          'upload-expired',
          'the upload was not finished in a day: publish the file again',
        )
      }
    }
  }

  async #forget(): Promise<void> {
    await this.#options.database.transaction(async tx => {
      await forgetPublications(tx, (tx.now - SHOWN) as Instant) // an earlier instant
      await forgetFinishedLeases(tx, (tx.now - REMEMBERED) as Instant) // an earlier instant
      await forgetEvents(tx)
      await forgetDeliveries(tx)
    })
    await this.#removeOrphans()
  }

  /** Uploads of publications that ended, or that never came to be. */
  async #removeOrphans(): Promise<void> {
    const { database, store, limits } = this.#options
    for await (const { key, modified } of store.growing.list('uploads/')) {
      if (limits.clock.now() - modified < UPLOAD_GRACE) continue
      const id = key.slice('uploads/'.length)
      const publication = await database.read(tx =>
        getPublication(tx, id as Parameters<typeof getPublication>[1]),
      ) // compared only
      const ended = !publication || publication.state === 'ready' || publication.state === 'errored'
      if (ended) await store.growing.abandon(key)
    }
  }
}
