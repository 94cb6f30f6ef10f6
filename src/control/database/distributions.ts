import { asc, eq, isNotNull } from 'drizzle-orm'
import type { DistributionId, Instant } from '../../core/index.ts'
import type { Distribution, Snapshot } from '../../distribution/index.ts'
import { channelsOfSnapshot } from './channels.ts'
import type { Tx } from './database.ts'
import { deleteDocument } from './documents.ts'
import { edgeCodeOf } from './edge-code.ts'
import { listIssuers } from './issuers.ts'
import { keyGroupsWithKeys } from './keys.ts'
import { listOriginAccess } from './origin-access.ts'
import { listControls } from './controls.ts'
import { listNodes } from './nodes.ts'
import { distributions, invalidationPatterns, meta } from './tables.ts'

export interface Meta {
  /** Names this life of the database (see membership's stored snapshot). */
  epoch: string
  version: number
  sequence: number
  fallbackDistribution: DistributionId | null
}

export async function readMeta(tx: Tx): Promise<Meta> {
  const [row] = await tx.sql.select().from(meta).where(eq(meta.id, 1))
  if (!row) throw new Error('the row of counters is missing')
  const { epoch, version, sequence, fallbackDistribution } = row
  return { epoch, version, sequence, fallbackDistribution }
}

export async function listDistributions(tx: Tx): Promise<Distribution[]> {
  const rows = await tx.sql
    .select()
    .from(distributions)
    .orderBy(asc(distributions.createdAt), asc(distributions.id))
  return rows.map(row => row.definition)
}

/** Makes it, or replaces the one of its id; gives the snapshot version that carries it. */
export async function saveDistribution(tx: Tx, definition: Distribution): Promise<number> {
  const snapshotVersion = await tx.bump()
  const change = { definition, snapshotVersion, modifiedAt: tx.now }
  await tx.sql
    .insert(distributions)
    .values({ id: definition.id, ...change, createdAt: tx.now })
    .onConflictDoUpdate({ target: distributions.id, set: change })
  return snapshotVersion
}

export interface DistributionChange {
  /** The snapshot version that carried its last change; 0 when that was before this was kept. */
  snapshotVersion: number
  modifiedAt: Instant
}

/** When each was changed last. */
export async function distributionChanges(tx: Tx): Promise<Map<DistributionId, DistributionChange>> {
  const { id, snapshotVersion, modifiedAt, createdAt } = distributions
  const rows = await tx.sql.select({ id, snapshotVersion, modifiedAt, createdAt }).from(distributions)
  return new Map(
    rows.map(row => [
      row.id,
      { snapshotVersion: row.snapshotVersion, modifiedAt: (row.modifiedAt ?? row.createdAt) as Instant }, // written as one
    ]),
  )
}

/** What distributions are called in the configuration file that made them; all others are not among them. */
export async function fileNames(tx: Tx): Promise<Map<DistributionId, string>> {
  const rows = await tx.sql
    .select({ id: distributions.id, name: distributions.fileName })
    .from(distributions)
    .where(isNotNull(distributions.fileName))
  return new Map(rows.map(({ id, name }) => [id, name ?? '']))
}

export async function setFileName(tx: Tx, id: DistributionId, fileName: string): Promise<void> {
  await tx.sql.update(distributions).set({ fileName }).where(eq(distributions.id, id))
}

/** Its invalidations and its document go with it; its id is never given out again. */
export async function deleteDistribution(tx: Tx, id: DistributionId): Promise<number> {
  await tx.sql.delete(distributions).where(eq(distributions.id, id))
  await tx.sql.delete(invalidationPatterns).where(eq(invalidationPatterns.distributionId, id))
  await deleteDocument(tx, 'Distribution', id)
  await deleteDocument(tx, 'MonitoringSubscription', id)
  return tx.bump()
}

export async function setFallbackDistribution(tx: Tx, id: DistributionId): Promise<void> {
  await tx.bump()
  await tx.sql.update(meta).set({ fallbackDistribution: id }).where(eq(meta.id, 1))
}

/** Everything that nodes follow, of one moment. */
export async function readWholeSnapshot(tx: Tx): Promise<{ epoch: string; snapshot: Snapshot }> {
  const { epoch, version, sequence, fallbackDistribution } = await readMeta(tx)
  const controls = await listControls(tx)
  const all = await listDistributions(tx)
  const snapshot: Snapshot = {
    version,
    distributions: all,
    fallbackDistribution,
    keyGroups: await keyGroupsWithKeys(tx),
    issuers: await listIssuers(tx),
    originAccess: await listOriginAccess(tx),
    channels: await channelsOfSnapshot(tx),
    nodes: await listNodes(tx),
    ...(await edgeCodeOf(tx, all)),
    ...(controls.length > 0 && { controls }),
    sequence,
    invalidations: await tx.sql
      .select()
      .from(invalidationPatterns)
      .orderBy(asc(invalidationPatterns.sequence)),
  }
  return { epoch, snapshot }
}
