import { asc, eq } from 'drizzle-orm'
import type { IssuerId } from '../../core/index.ts'
import type { TrustedIssuer } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { issuers } from './tables.ts'

export async function listIssuers(tx: Tx): Promise<TrustedIssuer[]> {
  const rows = await tx.sql.select().from(issuers).orderBy(asc(issuers.createdAt), asc(issuers.id))
  return rows.map(({ id, name, definition }) => ({ id, name, ...definition }))
}

/** Makes it, or replaces the one of its id; gives the snapshot version that carries it. */
export async function saveIssuer(tx: Tx, { id, name, ...definition }: TrustedIssuer): Promise<number> {
  await tx.sql
    .insert(issuers)
    .values({ id, name, definition, createdAt: tx.now })
    .onConflictDoUpdate({ target: issuers.id, set: { name, definition } })
  return tx.bump()
}

export async function deleteIssuer(tx: Tx, id: IssuerId): Promise<number> {
  await tx.sql.delete(issuers).where(eq(issuers.id, id))
  return tx.bump()
}
