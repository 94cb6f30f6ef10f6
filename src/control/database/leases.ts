import { and, desc, eq, inArray, lt } from 'drizzle-orm'
import type { AssetId, Instant, JobId, NodeId } from '../../core/index.ts'
import type { Tx } from './database.ts'
import { leases } from './tables.ts'

export type LeaseRow = typeof leases.$inferSelect

export async function insertLease(tx: Tx, lease: Omit<LeaseRow, 'state'>): Promise<void> {
  // A number of attempts starts again only when the queue itself was made anew.
  await tx.sql
    .insert(leases)
    .values({ ...lease, state: 'running' })
    .onConflictDoUpdate({ target: [leases.jobId, leases.attempt], set: { ...lease, state: 'running' } })
}

/** The lease that a node speaks of; without an attempt, its newest of this job. */
export async function findLease(
  tx: Tx,
  of: { jobId: JobId; nodeId: NodeId; attempt: number | undefined },
): Promise<LeaseRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(leases)
    .where(
      and(
        eq(leases.jobId, of.jobId),
        eq(leases.nodeId, of.nodeId),
        of.attempt === undefined ? undefined : eq(leases.attempt, of.attempt),
      ),
    )
    .orderBy(desc(leases.attempt))
    .limit(1)
  return row
}

export async function activeLeaseOf(tx: Tx, assetId: AssetId): Promise<LeaseRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(leases)
    .where(and(eq(leases.assetId, assetId), inArray(leases.state, ['running', 'cancelled'])))
  return row
}

export async function lapsedLeases(tx: Tx): Promise<LeaseRow[]> {
  return tx.sql
    .select()
    .from(leases)
    .where(and(inArray(leases.state, ['running', 'cancelled']), lt(leases.deadline, tx.now)))
}

export async function changeLease(
  tx: Tx,
  lease: LeaseRow,
  change: { state?: LeaseRow['state']; deadline?: Instant },
): Promise<void> {
  await tx.sql.update(leases).set(change).where(isLease(lease))
}

export async function deleteLease(tx: Tx, lease: LeaseRow): Promise<void> {
  await tx.sql.delete(leases).where(isLease(lease))
}

/** After a restart of control: nobody could send a heartbeat while it was away. */
export async function extendLeases(tx: Tx, deadline: Instant): Promise<void> {
  await tx.sql
    .update(leases)
    .set({ deadline })
    .where(inArray(leases.state, ['running', 'cancelled']))
}

export async function forgetFinishedLeases(tx: Tx, before: Instant): Promise<void> {
  await tx.sql.delete(leases).where(and(eq(leases.state, 'finished'), lt(leases.deadline, before)))
}

function isLease(lease: LeaseRow): ReturnType<typeof and> {
  return and(eq(leases.jobId, lease.jobId), eq(leases.attempt, lease.attempt))
}
