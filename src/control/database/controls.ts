import { asc, lt } from 'drizzle-orm'
import type { Milliseconds } from '../../core/index.ts'
import type { Tx } from './database.ts'
import { controls } from './tables.ts'

/** Longer than a machine is away that comes back. */
const FORGOTTEN_AFTER: Milliseconds = 7 * 86_400_000

/** This control is reached there; those that were not for a week are forgotten. Nodes are told of what changes by that. */
export async function noteControl(tx: Tx, url: string): Promise<void> {
  const gone = await tx.sql
    .delete(controls)
    .where(lt(controls.seenAt, tx.now - FORGOTTEN_AFTER))
    .returning()
  const known = await listControls(tx)
  const row = { url, seenAt: tx.now }
  await tx.sql
    .insert(controls)
    .values(row)
    .onConflictDoUpdate({ target: controls.url, set: { seenAt: tx.now } })
  if (gone.length > 0 || !known.includes(url)) await tx.bump()
}

export async function listControls(tx: Tx): Promise<string[]> {
  const rows = await tx.sql.select().from(controls).orderBy(asc(controls.url))
  return rows.map(({ url }) => url)
}
