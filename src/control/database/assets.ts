import { and, asc, desc, eq, inArray, isNotNull, or, sql } from 'drizzle-orm'
import { enclosingPaths, newAssetId, type AssetId, type AssetPath, type JobId } from '../../core/index.ts'
import type { Asset, PublicationState, Rendition } from '../../client/index.ts'
import type { Tx } from './database.ts'
import { assets, publications } from './tables.ts'

export type AssetRow = typeof assets.$inferSelect

/** States from which a publication can still become ready. */
export const UNDER_WAY: PublicationState[] = ['uploading', 'queued', 'preparing']

export async function findAsset(tx: Tx, path: string): Promise<AssetRow | undefined> {
  const [row] = await tx.sql.select().from(assets).where(eq(assets.path, path))
  return row
}

export async function getAsset(tx: Tx, id: AssetId): Promise<AssetRow | undefined> {
  const [row] = await tx.sql.select().from(assets).where(eq(assets.id, id))
  return row
}

/**
 * An asset that lies around or inside this path and is served or may come to be (SEAMS 2). One of which every
 * publication failed occupies nothing.
 */
export async function overlappingAsset(tx: Tx, path: AssetPath): Promise<string | undefined> {
  return (await assetsInTheWay(tx, path)).find(each => each !== path)
}

/** The same, and one that lies at the path itself. */
export async function assetsInTheWay(tx: Tx, path: AssetPath): Promise<string[]> {
  const underWay = tx.sql
    .select({ id: publications.assetId })
    .from(publications)
    .where(inArray(publications.state, UNDER_WAY))
  const rows = await tx.sql
    .select({ path: assets.path })
    .from(assets)
    .where(
      and(
        or(inArray(assets.path, enclosingPaths(path)), sql`starts_with(${assets.path}, ${`${path}/`})`),
        or(isNotNull(assets.currentVersion), eq(assets.state, 'removing'), inArray(assets.id, underWay)),
      ),
    )
  return rows.map(row => row.path).sort()
}

/** The asset at a path with one publication more, made where there is none. */
export async function countPublication(tx: Tx, path: AssetPath): Promise<{ id: AssetId; version: number }> {
  const known = await findAsset(tx, path)
  if (known) {
    const version = known.lastVersion + 1
    await tx.sql
      .update(assets)
      .set({ lastVersion: version, updatedAt: tx.now })
      .where(eq(assets.id, known.id))
    return { id: known.id, version }
  }
  const id = newAssetId()
  const times = { createdAt: tx.now, updatedAt: tx.now }
  await tx.sql.insert(assets).values({ id, path, lastVersion: 1, renditions: [], state: 'present', ...times })
  return { id, version: 1 }
}

export async function setActiveJob(tx: Tx, id: AssetId, job: JobId | null): Promise<void> {
  await tx.sql.update(assets).set({ activeJob: job }).where(eq(assets.id, id))
}

export async function setAssetState(tx: Tx, id: AssetId, state: AssetRow['state']): Promise<void> {
  await tx.sql.update(assets).set({ state, updatedAt: tx.now }).where(eq(assets.id, id))
}

export async function setServed(
  tx: Tx,
  id: AssetId,
  served: { version: number; renditions: Rendition[]; durationSeconds: number },
): Promise<void> {
  const { version, renditions, durationSeconds } = served
  const set = { currentVersion: version, renditions, durationSeconds, updatedAt: tx.now }
  await tx.sql.update(assets).set(set).where(eq(assets.id, id))
}

export async function deleteAsset(tx: Tx, id: AssetId): Promise<void> {
  await tx.sql.delete(assets).where(eq(assets.id, id))
}

/** Assets whose next job was not queued. Every transaction leaves none; a start looks all the same. */
export async function assetsWithoutJob(tx: Tx): Promise<AssetId[]> {
  const queued = tx.sql
    .select({ id: publications.assetId })
    .from(publications)
    .where(eq(publications.state, 'queued'))
  const rows = await tx.sql
    .select({ id: assets.id })
    .from(assets)
    .where(
      and(sql`${assets.activeJob} is null`, or(eq(assets.state, 'removing'), inArray(assets.id, queued))),
    )
  return rows.map(row => row.id)
}

/** As people see them, in the order of their paths; all of them, or those at or under a path. */
export async function listAssets(tx: Tx, prefix: string | undefined): Promise<Asset[]> {
  const rows = await tx.sql
    .select()
    .from(assets)
    .where(
      prefix === undefined
        ? undefined
        : or(eq(assets.path, prefix), sql`starts_with(${assets.path}, ${`${prefix.replace(/\/$/, '')}/`})`),
    )
    .orderBy(asc(assets.path))
  if (rows.length === 0) return []
  const newest = await newestPublications(
    tx,
    rows.map(row => row.id),
  )
  return rows.map(row => viewOf(row, newest.get(row.id)))
}

async function newestPublications(
  tx: Tx,
  ids: AssetId[],
): Promise<Map<AssetId, Pick<Asset, 'state' | 'error'>>> {
  const rows = await tx.sql
    .selectDistinctOn([publications.assetId], {
      assetId: publications.assetId,
      state: publications.state,
      error: publications.error,
    })
    .from(publications)
    .where(ids.length > 500 ? undefined : inArray(publications.assetId, ids))
    .orderBy(publications.assetId, desc(publications.version))
  return new Map(rows.map(row => [row.assetId, { state: row.state, error: row.error }]))
}

function viewOf(row: AssetRow, newest: Pick<Asset, 'state' | 'error'> | undefined): Asset {
  const state = row.currentVersion !== null ? 'ready' : (newest?.state ?? 'errored')
  return {
    id: row.id,
    path: row.path,
    state,
    version: row.currentVersion,
    renditions: row.renditions,
    durationSeconds: row.durationSeconds,
    error: newest?.error ?? null,
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  }
}
