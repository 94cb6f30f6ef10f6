import PgBoss from 'pg-boss'
import { reader, Type, type AssetId, type JobId, type PublicationId, type Static } from '../../core/index.ts'
import type { Engine, Session } from './engine.ts'

/** What stands in the queue; the rest of a job is read when it is leased, so that it is never out of date. */
const QueuedWork = Type.Union([
  Type.Object({
    kind: Type.Literal('package'),
    assetId: Type.Unsafe<AssetId>(Type.String()),
    publicationId: Type.Unsafe<PublicationId>(Type.String()),
  }),
  Type.Object({ kind: Type.Literal('remove'), assetId: Type.Unsafe<AssetId>(Type.String()) }),
])
export type QueuedWork = Static<typeof QueuedWork>

const readWork = reader(QueuedWork, 'the queued job')

export interface TakenWork {
  id: JobId
  /** Counts from 1. */
  attempt: number
  work: QueuedWork
}

/** The job queue; every call is part of the caller's transaction. */
export interface Queue {
  send(session: Session, work: QueuedWork): Promise<JobId>
  /** The oldest job that may run; it is active until it is completed, failed or dropped. */
  take(session: Session): Promise<TakenWork | undefined>
  complete(session: Session, id: JobId): Promise<void>
  /** `retry` when it will be offered again, `failed` after the last attempt. */
  fail(session: Session, id: JobId, reason: object): Promise<'retry' | 'failed'>
  drop(session: Session, id: JobId): Promise<void>
  close(): Promise<void>
}

export const MOST_ATTEMPTS = 3

const NAME = 'work'

/**
 * The door to pg-boss. It neither schedules nor expires here: control has leases of its own, which a node's
 * heartbeats extend, and jobs are deleted as they end, so nothing grows.
 */
export async function openQueue(engine: Engine, onError: (error: Error) => void): Promise<Queue> {
  const boss = new PgBoss({ db: engine, supervise: false, schedule: false })
  boss.on('error', onError)
  await boss.start()
  await boss.createQueue(NAME, { name: NAME, policy: 'standard' })
  return {
    async send(session, work) {
      const options = { retryLimit: MOST_ATTEMPTS - 1, retryDelay: 1, retentionDays: 3650, db: session }
      const id = await boss.send(NAME, work, options)
      if (id === null) throw new Error('the queue took no job')
      return id as JobId // the queue is the maker of job ids
    },
    async take(session) {
      const [job] = await boss.fetch<unknown>(NAME, { batchSize: 1, includeMetadata: true, db: session })
      if (!job) return undefined
      return { id: job.id as JobId, attempt: job.retryCount + 1, work: readWork(job.data) } // the queue is the maker of job ids
    },
    async complete(session, id) {
      await boss.deleteJob(NAME, id, { db: session })
    },
    async fail(session, id, reason) {
      await boss.fail(NAME, id, reason, { db: session })
      const job = await boss.getJobById(NAME, id, { db: session, includeArchive: false })
      if (job?.state === 'retry') return 'retry'
      await boss.deleteJob(NAME, id, { db: session })
      return 'failed'
    },
    async drop(session, id) {
      await boss.deleteJob(NAME, id, { db: session })
    },
    close: () => boss.stop({ graceful: false }),
  }
}
