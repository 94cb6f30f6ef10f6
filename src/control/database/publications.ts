import { and, asc, eq, inArray, lt } from 'drizzle-orm'
import type { AssetId, Instant, PublicationId } from '../../core/index.ts'
import type {
  Failure,
  Ladder,
  Progress,
  Publication,
  PublicationState,
  Rendition,
} from '../../client/index.ts'
import { UNDER_WAY } from './assets.ts'
import type { Tx } from './database.ts'
import { publications } from './tables.ts'

export type PublicationRow = typeof publications.$inferSelect

export interface InsertPublication {
  id: PublicationId
  assetId: AssetId
  path: string
  version: number
  fileName: string
  size: number
  ladder: Ladder
}

export async function insertPublication(tx: Tx, wanted: InsertPublication): Promise<PublicationRow> {
  const state = wanted.size === 0 ? 'queued' : 'uploading'
  const times = { createdAt: tx.now, updatedAt: tx.now }
  const [row] = await tx.sql
    .insert(publications)
    .values({ ...wanted, state, renditions: [], ...times })
    .returning()
  if (!row) throw new Error('the publication was not stored')
  tx.changed('publications')
  return row
}

export async function getPublication(tx: Tx, id: PublicationId): Promise<PublicationRow | undefined> {
  const [row] = await tx.sql.select().from(publications).where(eq(publications.id, id))
  return row
}

export async function publicationsInState(tx: Tx, state: PublicationState): Promise<PublicationRow[]> {
  return tx.sql
    .select()
    .from(publications)
    .where(eq(publications.state, state))
    .orderBy(asc(publications.createdAt))
}

/** The oldest publication of an asset that waits for its job. */
export async function nextQueued(tx: Tx, assetId: AssetId): Promise<PublicationRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(publications)
    .where(and(eq(publications.assetId, assetId), eq(publications.state, 'queued')))
    .orderBy(asc(publications.version))
    .limit(1)
  return row
}

export interface PublicationChange {
  state?: PublicationState
  progress?: Progress | null
  error?: Failure | null
  renditions?: Rendition[]
  snapshotVersion?: number
}

export async function changePublication(tx: Tx, id: PublicationId, change: PublicationChange): Promise<void> {
  tx.changed('publications')
  await tx.sql
    .update(publications)
    .set({ ...change, updatedAt: tx.now })
    .where(eq(publications.id, id))
}

/** Ends what is under way of an asset; gives the ids of what was ended. */
export async function failUnfinished(tx: Tx, assetId: AssetId, error: Failure): Promise<PublicationId[]> {
  tx.changed('publications')
  const rows = await tx.sql
    .update(publications)
    .set({ state: 'errored', progress: null, error, updatedAt: tx.now })
    .where(and(eq(publications.assetId, assetId), inArray(publications.state, UNDER_WAY)))
    .returning({ id: publications.id })
  return rows.map(row => row.id)
}

/** Publications that ended long ago are forgotten; what is served stands in the asset's row. */
export async function forgetPublications(tx: Tx, before: Instant): Promise<void> {
  await tx.sql
    .delete(publications)
    .where(and(inArray(publications.state, ['ready', 'errored']), lt(publications.updatedAt, before)))
}

/** As people see it. */
export function viewOfPublication(row: PublicationRow): Publication {
  const { id, assetId, path, version, state, progress, error, renditions, snapshotVersion, createdAt } = row
  const uploadUrl = `/v1/uploads/${id}`
  const common = {
    id,
    assetId,
    path,
    version,
    state,
    uploadUrl,
    progress,
    error,
    renditions,
    snapshotVersion,
  }
  return { ...common, createdAt: new Date(createdAt).toISOString() }
}
