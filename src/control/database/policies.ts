import { asc, eq } from 'drizzle-orm'
import type { PolicyId } from '../../core/index.ts'
import type { Policy } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { policies } from './tables.ts'

/** Those of the operator. */
export async function listPolicies(tx: Tx): Promise<Policy[]> {
  const rows = await tx.sql.select().from(policies).orderBy(asc(policies.createdAt), asc(policies.id))
  return rows.map(({ id, name, comment, says }) => ({ id, name, comment, says }))
}

/** Makes it, or replaces the one of its id. Nodes are told of the behaviours that name it only. */
export async function savePolicy(tx: Tx, { id, name, comment, says }: Policy): Promise<void> {
  const row = { kind: says.kind, name, comment, says }
  await tx.sql
    .insert(policies)
    .values({ id, ...row, createdAt: tx.now })
    .onConflictDoUpdate({ target: policies.id, set: row })
}

export async function deletePolicy(tx: Tx, id: PolicyId): Promise<void> {
  await tx.sql.delete(policies).where(eq(policies.id, id))
}
