import { and, desc, eq, sql } from 'drizzle-orm'
import { instant, type Instant, type NodeId } from '../../core/index.ts'
import type { TakenUpTo, UsageAmount, UsageType } from '../../usage/index.ts'
import type { Tx } from './database.ts'
import { nodes, usageBooks, usageGaps, usageHours } from './tables.ts'

/** A ledger of a node; a process that counts has one of its own. */
export interface UsageBook {
  node: NodeId
  book: string
  life: string
}

export type UsageGap = typeof usageGaps.$inferSelect

/** Under this node stands what control counts itself. */
export const CONTROL_COUNTS = 'control'

const HOUR = 3_600_000
/** Rows that one statement takes. */
const AT_ONCE = 1_000

/** How far this life of a ledger was taken; undefined when nothing was. */
export async function takenUpTo(tx: Tx, { node, book, life }: UsageBook): Promise<TakenUpTo | undefined> {
  const { sequence, hash, until } = usageBooks
  const [row] = await tx.sql
    .select({ sequence, hash, until })
    .from(usageBooks)
    .where(and(eq(usageBooks.node, node), eq(usageBooks.book, book), eq(usageBooks.life, life)))
  return row && { ...row, until: instant(row.until) }
}

/** That life of a ledger of which something was taken last. */
export async function newestLife(
  tx: Tx,
  { node, book }: Omit<UsageBook, 'life'>,
): Promise<(TakenUpTo & { life: string }) | undefined> {
  const { life, sequence, hash, until } = usageBooks
  const [row] = await tx.sql
    .select({ life, sequence, hash, until })
    .from(usageBooks)
    .where(and(eq(usageBooks.node, node), eq(usageBooks.book, book)))
    .orderBy(desc(usageBooks.takenAt), desc(usageBooks.until))
    .limit(1)
  return row && { ...row, until: instant(row.until) }
}

export async function saveTaken(tx: Tx, book: UsageBook, upTo: TakenUpTo): Promise<void> {
  const set = { ...upTo, takenAt: tx.now }
  await tx.sql
    .insert(usageBooks)
    .values({ ...book, ...set })
    .onConflictDoUpdate({ target: [usageBooks.node, usageBooks.book, usageBooks.life], set })
}

/** The name of the place of a node; empty where control does not know it. */
export async function placeOf(tx: Tx, id: NodeId): Promise<string> {
  const [row] = await tx.sql.select({ pop: nodes.pop }).from(nodes).where(eq(nodes.id, id))
  return row?.pop ?? ''
}

export interface Counted extends UsageAmount {
  hour: Instant
}

/** Adds to the sums. */
export async function addUsage(
  tx: Tx,
  at: { node: string; place: string },
  counted: Iterable<Counted>,
): Promise<void> {
  const { node, place } = at
  const rows = [...summed(counted)].map(each => ({ ...each, node, place }))
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    await tx.sql
      .insert(usageHours)
      .values(rows.slice(from, from + AT_ONCE))
      .onConflictDoUpdate({
        target: [
          ...[usageHours.hour, usageHours.distribution, usageHours.node],
          ...[usageHours.place, usageHours.type, usageHours.detail],
        ],
        set: { amount: sql`${usageHours.amount} + excluded.amount` },
      })
  }
}

/** One statement may not name a row twice. */
function summed(
  counted: Iterable<Counted>,
): Iterable<{ hour: number; distribution: string; type: UsageType; detail: string; amount: bigint }> {
  const sums = new Map<string, typeof usageHours.$inferSelect>()
  for (const { distribution, type, detail, amount, hour: within } of counted) {
    const hour = within - (within % HOUR)
    const key = JSON.stringify([hour, distribution, type, detail])
    const known = sums.get(key)
    if (known) known.amount += BigInt(amount)
    else
      sums.set(key, {
        ...{ node: '', place: '', distribution, hour, type, detail },
        amount: BigInt(amount),
      })
  }
  return sums.values()
}

/** Named once; met again, it may reach further. */
export async function nameGap(tx: Tx, gap: Omit<UsageGap, 'foundAt'>): Promise<void> {
  const { from, until } = usageGaps
  await tx.sql
    .insert(usageGaps)
    .values({ ...gap, foundAt: tx.now })
    .onConflictDoUpdate({
      target: [usageGaps.node, usageGaps.book, usageGaps.life, usageGaps.kind, usageGaps.after],
      set: {
        from: sql`least(${from}, excluded."from")`,
        until: sql`greatest(${until}, excluded."until")`,
      },
    })
}

/** A node goes, and what it has counted since its last report goes with it. */
export async function nameRemoved(tx: Tx, node: NodeId): Promise<void> {
  const books = await tx.sql.select().from(usageBooks).where(eq(usageBooks.node, node))
  const last = new Map<string, (typeof books)[number]>()
  for (const each of books) if (each.takenAt >= (last.get(each.book)?.takenAt ?? 0)) last.set(each.book, each)
  for (const { book, life, sequence, until } of last.values()) {
    const span = { from: until, until: Math.max(until, tx.now) }
    await nameGap(tx, { node, book, life, kind: 'removed', after: sequence, ...span })
  }
}
