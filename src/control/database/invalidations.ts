import { asc, count, desc, eq, lt, max } from 'drizzle-orm'
import {
  newInvalidationId,
  type DistributionId,
  type Instant,
  type InvalidationId,
} from '../../core/index.ts'
import type { Tx } from './database.ts'
import { listDistributions } from './distributions.ts'
import { invalidationPatterns, invalidations } from './tables.ts'

/** Above this many patterns nodes are told `/*` instead (SEAMS 24). */
export const MOST_PATTERNS = 10_000
/** Past invalidations that are remembered, for their references and for showing. */
const MOST_REMEMBERED = 1_000

export interface RecordedInvalidation {
  id: InvalidationId
  reference: string | null
  sequence: number
  distributionIds: DistributionId[]
  paths: string[]
  snapshotVersion: number
}

export async function findInvalidation(tx: Tx, reference: string): Promise<RecordedInvalidation | undefined> {
  const [row] = await tx.sql.select().from(invalidations).where(eq(invalidations.reference, reference))
  return row
}

/** What was asked for a distribution, or for all, the newest first. */
export async function listInvalidations(
  tx: Tx,
  distributionId?: DistributionId,
): Promise<(RecordedInvalidation & { createdAt: Instant })[]> {
  const rows = await tx.sql.select().from(invalidations).orderBy(desc(invalidations.sequence))
  return rows
    .filter(row => distributionId === undefined || row.distributionIds.includes(distributionId))
    .map(row => ({ ...row, createdAt: row.createdAt as Instant })) // written as one
}

/** Gives out one number for all the paths and lists them for the nodes. */
export async function recordInvalidation(
  tx: Tx,
  wanted: { distributionIds: DistributionId[]; paths: string[]; reference?: string },
): Promise<RecordedInvalidation> {
  const { distributionIds, paths } = wanted
  const sequence = await tx.nextSequence()
  const snapshotVersion = await tx.bump()
  for (const distributionId of distributionIds) {
    for (const pattern of paths) await listPattern(tx, distributionId, pattern, sequence)
  }
  await merge(tx)
  const id = newInvalidationId()
  const row = { id, reference: wanted.reference ?? null, sequence, distributionIds, paths, snapshotVersion }
  await tx.sql.insert(invalidations).values({ ...row, createdAt: tx.now })
  await forgetOld(tx)
  return row
}

/** In every distribution that serves the built-in origin; what publishing and unpublishing need (SEAMS 30). */
export async function invalidateBuiltIn(tx: Tx, paths: string[]): Promise<number> {
  const served = (await listDistributions(tx)).filter(distribution =>
    distribution.origins.some(origin => origin.kind === 'built-in'),
  )
  if (served.length === 0) return tx.bump()
  const distributionIds = served.map(distribution => distribution.id)
  return (await recordInvalidation(tx, { distributionIds, paths })).snapshotVersion
}

async function listPattern(
  tx: Tx,
  distributionId: DistributionId,
  pattern: string,
  sequence: number,
): Promise<void> {
  // A newer `/*` says all that older patterns say.
  if (pattern === '/*') {
    await tx.sql.delete(invalidationPatterns).where(eq(invalidationPatterns.distributionId, distributionId))
  }
  await tx.sql
    .insert(invalidationPatterns)
    .values({ distributionId, pattern, sequence })
    .onConflictDoUpdate({
      target: [invalidationPatterns.distributionId, invalidationPatterns.pattern],
      set: { sequence },
    })
}

async function merge(tx: Tx): Promise<void> {
  const [total] = await tx.sql.select({ count: count() }).from(invalidationPatterns)
  if (Number(total?.count ?? 0) <= MOST_PATTERNS) return
  const newest = await tx.sql
    .select({
      distributionId: invalidationPatterns.distributionId,
      sequence: max(invalidationPatterns.sequence),
    })
    .from(invalidationPatterns)
    .groupBy(invalidationPatterns.distributionId)
    .orderBy(asc(invalidationPatterns.distributionId))
  for (const { distributionId, sequence } of newest)
    await listPattern(tx, distributionId, '/*', Number(sequence))
}

async function forgetOld(tx: Tx): Promise<void> {
  const [oldest] = await tx.sql
    .select({ sequence: invalidations.sequence })
    .from(invalidations)
    .orderBy(desc(invalidations.sequence))
    .offset(MOST_REMEMBERED)
    .limit(1)
  if (!oldest) return
  await tx.sql.delete(invalidations).where(lt(invalidations.sequence, oldest.sequence))
}
