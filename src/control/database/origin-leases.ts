import { eq, sql } from 'drizzle-orm'
import type { Milliseconds, NodeId } from '../../core/index.ts'
import type { Tx } from './database.ts'
import { originLeases } from './tables.ts'

/** Machines of several controls need not agree on the time, so it is the database's. */
const NOW = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`

/** An origin has spoken to this control. */
export async function heardOrigin(tx: Tx, nodeId: NodeId): Promise<void> {
  await tx.sql
    .insert(originLeases)
    .values({ nodeId, heardAt: NOW })
    .onConflictDoUpdate({ target: originLeases.nodeId, set: { heardAt: NOW } })
}

/** It is no more, or has said that it leaves. */
export async function forgetOrigin(tx: Tx, nodeId: NodeId): Promise<void> {
  await tx.sql.delete(originLeases).where(eq(originLeases.nodeId, nodeId))
}

/** How long ago each was heard by any control. */
export async function originAges(tx: Tx): Promise<Map<NodeId, Milliseconds>> {
  const rows = await tx.sql
    .select({ id: originLeases.nodeId, age: sql<string>`${NOW} - ${originLeases.heardAt}` })
    .from(originLeases)
  return new Map(rows.map(({ id, age }) => [id, Number(age)]))
}
