import type { AssetId, Instant, JobId, Milliseconds, NodeId } from '../core/index.ts'
import { SluiceError } from '../core/index.ts'
import type { Failure, Job, JobResult, Progress } from '../client/index.ts'
import {
  addEvent,
  changeLease,
  changePublication,
  deleteAsset,
  deleteLease,
  findLease,
  getAsset,
  getPublication,
  insertLease,
  invalidateBuiltIn,
  MOST_ATTEMPTS,
  nextQueued,
  setActiveJob,
  setAssetState,
  setServed,
  type LeaseRow,
  type TakenWork,
  type Tx,
} from './database/index.ts'

/**
 * The rules of jobs. An asset has one job at a time, so that two publications, or a publication and a removal, never
 * work on one path at once; the next is queued in the transaction that ends the one before.
 */

export interface LeasedJob {
  job: Job
  attempt: number
}

/** Who speaks of a job; without an attempt, of the node's newest. */
export interface Holder {
  jobId: JobId
  nodeId: NodeId
  attempt: number | undefined
}

/** Queues the next job of an asset when none is queued or running. */
export async function dispatch(tx: Tx, assetId: AssetId): Promise<void> {
  const asset = await getAsset(tx, assetId)
  if (!asset || asset.activeJob !== null) return
  if (asset.state === 'removing') {
    await setActiveJob(tx, assetId, await tx.queue.send(tx, { kind: 'remove', assetId }))
    return tx.changed('jobs')
  }
  for (;;) {
    const publication = await nextQueued(tx, assetId)
    if (!publication) return
    if (publication.version < (asset.currentVersion ?? 0)) {
      const message = `a newer publication of ${asset.path} was ready first`
      await changePublication(tx, publication.id, {
        state: 'errored',
        error: { code: 'superseded', message },
      })
      continue
    }
    const job = await tx.queue.send(tx, { kind: 'package', assetId, publicationId: publication.id })
    await setActiveJob(tx, assetId, job)
    return tx.changed('jobs')
  }
}

/** Takes the oldest job for a node. */
export async function lease(tx: Tx, nodeId: NodeId, span: Milliseconds): Promise<LeasedJob | undefined> {
  for (;;) {
    const taken = await tx.queue.take(tx)
    if (!taken) return undefined
    const job = await jobOf(tx, taken)
    if (!job) {
      await tx.queue.drop(tx, taken.id)
      continue
    }
    const publicationId = job.kind === 'package' ? job.publicationId : null
    const { id: jobId, attempt } = taken
    const deadline = deadlineIn(tx, span)
    await insertLease(tx, { jobId, attempt, nodeId, assetId: job.assetId, publicationId, deadline })
    if (publicationId) await changePublication(tx, publicationId, { state: 'preparing', progress: null })
    return { job, attempt }
  }
}

async function jobOf(tx: Tx, { id, work }: TakenWork): Promise<Job | undefined> {
  const asset = await getAsset(tx, work.assetId)
  if (asset?.activeJob !== id) return undefined
  const { path } = asset
  if (work.kind === 'remove') return { kind: 'remove', id, assetId: asset.id, path }
  const publication = await getPublication(tx, work.publicationId)
  if (!publication) return undefined
  const { id: publicationId, version, fileName, ladder } = publication
  const source = `uploads/${publicationId}`
  return { kind: 'package', id, publicationId, assetId: asset.id, path, version, source, fileName, ladder }
}

/** The node is at work; `lost` tells it to stop. */
export async function heartbeat(
  tx: Tx,
  holder: Holder,
  beat: { progress: Progress; span: Milliseconds },
): Promise<'held' | 'lost'> {
  const held = await findLease(tx, holder)
  if (held?.state !== 'running') return 'lost'
  await changeLease(tx, held, { deadline: deadlineIn(tx, beat.span) })
  if (held.publicationId) await changePublication(tx, held.publicationId, { progress: beat.progress })
  return 'held'
}

/** The job is done, or its file is at fault. Saying so twice is no error. */
export async function finish(tx: Tx, holder: Holder, result: JobResult): Promise<'taken' | 'lost'> {
  const held = await findLease(tx, holder)
  if (held?.state === 'finished') return 'taken'
  if (held?.state !== 'running') return 'lost'
  await record(tx, held, result)
  await tx.queue.complete(tx, held.jobId)
  await changeLease(tx, held, { state: 'finished' })
  await setActiveJob(tx, held.assetId, null)
  await dispatch(tx, held.assetId)
  return 'taken'
}

async function record(tx: Tx, held: LeaseRow, result: JobResult): Promise<void> {
  const { publicationId } = held
  if ((publicationId === null) !== (result.kind === 'removed') && result.kind !== 'errored') {
    throw new SluiceError('wrong-result', `a job of this kind does not end as "${result.kind}"`, {
      kind: 'usage',
    })
  }
  switch (result.kind) {
    case 'packaged':
      return publicationId === null ? undefined : packaged(tx, held.assetId, publicationId, result)
    case 'removed':
      return removed(tx, held.assetId)
    case 'errored':
      return failed(tx, held, result.error)
  }
}

async function packaged(
  tx: Tx,
  assetId: AssetId,
  publicationId: NonNullable<LeaseRow['publicationId']>,
  { renditions, durationSeconds }: Extract<JobResult, { kind: 'packaged' }>,
): Promise<void> {
  const [asset, publication] = [await getAsset(tx, assetId), await getPublication(tx, publicationId)]
  if (!asset || !publication) return
  // At the first time, edges may have stored that nothing is there; later only the entry playlist changes.
  const pattern = asset.currentVersion === null ? `${asset.path}/*` : `${asset.path}/index.m3u8`
  const snapshotVersion = await invalidateBuiltIn(tx, [pattern])
  await setServed(tx, assetId, { version: publication.version, renditions, durationSeconds })
  const ready = { state: 'ready', progress: null, error: null, renditions, snapshotVersion } as const
  await changePublication(tx, publicationId, ready)
  const data = { assetId, publicationId, version: publication.version, durationSeconds }
  await addEvent(tx, { type: 'asset.published', subject: asset.path, data })
}

async function removed(tx: Tx, assetId: AssetId): Promise<void> {
  const asset = await getAsset(tx, assetId)
  if (!asset) return
  await invalidateBuiltIn(tx, [`${asset.path}/*`])
  await deleteAsset(tx, assetId)
  await addEvent(tx, { type: 'asset.removed', subject: asset.path, data: { assetId } })
  tx.changed('publications')
}

async function failed(tx: Tx, held: LeaseRow, error: Failure): Promise<void> {
  const asset = await getAsset(tx, held.assetId)
  if (asset) {
    const what = held.publicationId === null ? 'removal' : 'publication'
    const data = { assetId: asset.id, publicationId: held.publicationId, what, ...error }
    await addEvent(tx, { type: 'asset.failed', subject: asset.path, data })
  }
  if (held.publicationId) {
    return changePublication(tx, held.publicationId, { state: 'errored', progress: null, error })
  }
  // What could not be removed is served on, and its owner is told.
  await setAssetState(tx, held.assetId, 'present')
  tx.changed('publications')
}

/** A lease that lapsed or was given back: the job is offered again, up to three attempts in all. */
export async function giveBack(tx: Tx, held: LeaseRow, reason: Failure): Promise<void> {
  await deleteLease(tx, held)
  const asset = await getAsset(tx, held.assetId)
  if (held.state === 'cancelled' || !asset) {
    await tx.queue.drop(tx, held.jobId)
    await setActiveJob(tx, held.assetId, null)
    return dispatch(tx, held.assetId)
  }
  if ((await tx.queue.fail(tx, held.jobId, reason)) === 'retry') {
    if (held.publicationId)
      await changePublication(tx, held.publicationId, { state: 'queued', progress: null })
    return tx.changed('jobs')
  }
  await failed(tx, held, {
    code: 'gave-up',
    message: `${MOST_ATTEMPTS} attempts did not finish it; the last one ended so: ${reason.message}`,
  })
  await setActiveJob(tx, held.assetId, null)
  await dispatch(tx, held.assetId)
}

/** Gives back the lease of the node that says so; anything else is lost already. */
export async function release(tx: Tx, holder: Holder, reason: Failure): Promise<void> {
  const held = await findLease(tx, holder)
  if (held && held.state !== 'finished') await giveBack(tx, held, reason)
}

function deadlineIn(tx: Tx, span: Milliseconds): Instant {
  return (tx.now + span) as Instant // a later instant
}
