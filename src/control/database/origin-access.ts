import { asc, eq } from 'drizzle-orm'
import type { OriginAccessId } from '../../core/index.ts'
import type { OriginAccess } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { deleteDocument } from './documents.ts'
import { originAccess } from './tables.ts'

/** With their secrets: what of it may be told is for the caller to say. */
export async function listOriginAccess(tx: Tx): Promise<OriginAccess[]> {
  const rows = await tx.sql
    .select()
    .from(originAccess)
    .orderBy(asc(originAccess.createdAt), asc(originAccess.id))
  return rows.map(({ id, name, kind, signing, credentials }) => ({ id, name, kind, signing, credentials }))
}

/** Makes it, or replaces the one of its id; gives the snapshot version that carries it. */
export async function saveOriginAccess(tx: Tx, { id, ...rest }: OriginAccess): Promise<number> {
  await tx.sql
    .insert(originAccess)
    .values({ id, ...rest, createdAt: tx.now })
    .onConflictDoUpdate({ target: originAccess.id, set: rest })
  return tx.bump()
}

export async function deleteOriginAccess(tx: Tx, id: OriginAccessId): Promise<number> {
  await tx.sql.delete(originAccess).where(eq(originAccess.id, id))
  await deleteDocument(tx, 'OriginAccessControl', id)
  await deleteDocument(tx, 'CloudFrontOriginAccessIdentity', id)
  return tx.bump()
}
