import { randomUUID } from 'node:crypto'
import { and, asc, count, desc, eq, inArray, lt, lte, ne } from 'drizzle-orm'
import type { Milliseconds } from '../../core/index.ts'
import type { ControlEvent } from '../../client/index.ts'
import type { Tx } from './database.ts'
import { webhookDeliveries, webhooks } from './tables.ts'

export type WebhookRow = typeof webhooks.$inferSelect
export type DeliveryRow = typeof webhookDeliveries.$inferSelect

const SHOWN: Milliseconds = 14 * 86_400_000

export async function listWebhooks(tx: Tx): Promise<WebhookRow[]> {
  return tx.sql.select().from(webhooks).orderBy(asc(webhooks.createdAt), asc(webhooks.id))
}

export async function findWebhook(tx: Tx, id: string): Promise<WebhookRow | undefined> {
  const [row] = await tx.sql.select().from(webhooks).where(eq(webhooks.id, id))
  return row
}

export async function addWebhook(
  tx: Tx,
  wanted: Pick<WebhookRow, 'id' | 'url' | 'kinds' | 'secret'>,
): Promise<WebhookRow> {
  const row = { ...wanted, state: 'on' as const, failingSince: null, createdAt: tx.now }
  await tx.sql.insert(webhooks).values(row)
  return row
}

export async function deleteWebhook(tx: Tx, id: string): Promise<'deleted' | 'absent'> {
  const gone = await tx.sql.delete(webhooks).where(eq(webhooks.id, id)).returning({ id: webhooks.id })
  return gone.length > 0 ? 'deleted' : 'absent'
}

export async function changeWebhook(
  tx: Tx,
  id: string,
  change: Partial<Pick<WebhookRow, 'state' | 'failingSince'>>,
): Promise<void> {
  await tx.sql.update(webhooks).set(change).where(eq(webhooks.id, id))
}

/** Puts an event on its way to whoever is to be told of it. */
export async function queueForAll(tx: Tx, event: ControlEvent): Promise<void> {
  const all = await tx.sql.select().from(webhooks).where(eq(webhooks.state, 'on'))
  for (const { id, kinds } of all) if (isWanted(kinds, event)) await queueDelivery(tx, id, event)
}

export function isWanted(kinds: readonly string[], { type }: ControlEvent): boolean {
  return kinds.length === 0 || kinds.some(kind => type.startsWith(`${kind}.`))
}

export async function queueDelivery(tx: Tx, webhookId: string, event: ControlEvent): Promise<void> {
  const begin = { state: 'waiting' as const, attempts: 0, dueAt: tx.now, createdAt: tx.now }
  await tx.sql.insert(webhookDeliveries).values({ id: randomUUID(), webhookId, event, ...begin })
  tx.changed('events')
}

export async function hasDueDeliveries(tx: Tx): Promise<boolean> {
  const [row] = await tx.sql.select({ count: count() }).from(webhookDeliveries).where(isDue(tx))
  return Number(row?.count ?? 0) > 0
}

/** Takes what is due, at most so many of each webhook, and puts each off for the time that sending it may take. */
export async function takeDeliveries(
  tx: Tx,
  { free, span }: { free: (webhookId: string) => number; span: Milliseconds },
): Promise<{ webhook: WebhookRow; delivery: DeliveryRow }[]> {
  const taken: { webhook: WebhookRow; delivery: DeliveryRow }[] = []
  for (const webhook of await listWebhooks(tx)) {
    if (webhook.state === 'off' || free(webhook.id) <= 0) continue
    const due = await tx.sql
      .select()
      .from(webhookDeliveries)
      .where(and(eq(webhookDeliveries.webhookId, webhook.id), isDue(tx)))
      .orderBy(asc(webhookDeliveries.dueAt))
      .limit(free(webhook.id))
    if (due.length === 0) continue
    const ids = due.map(({ id }) => id)
    await tx.sql
      .update(webhookDeliveries)
      .set({ dueAt: tx.now + span })
      .where(inArray(webhookDeliveries.id, ids))
    taken.push(...due.map(delivery => ({ webhook, delivery })))
  }
  return taken
}

export async function findDelivery(tx: Tx, id: string): Promise<DeliveryRow | undefined> {
  const [row] = await tx.sql.select().from(webhookDeliveries).where(eq(webhookDeliveries.id, id))
  return row
}

export async function changeDelivery(
  tx: Tx,
  id: string,
  change: Partial<Pick<DeliveryRow, 'state' | 'attempts' | 'dueAt' | 'status' | 'answer'>>,
): Promise<void> {
  await tx.sql.update(webhookDeliveries).set(change).where(eq(webhookDeliveries.id, id))
}

/** What still waits for a webhook that was switched off is not sent; a replay brings it back. */
export async function failWaiting(tx: Tx, webhookId: string): Promise<void> {
  await tx.sql
    .update(webhookDeliveries)
    .set({ state: 'failed' })
    .where(and(eq(webhookDeliveries.webhookId, webhookId), eq(webhookDeliveries.state, 'waiting')))
}

/** The newest first. */
export async function listDeliveries(tx: Tx, webhookId: string, most: number): Promise<DeliveryRow[]> {
  return tx.sql
    .select()
    .from(webhookDeliveries)
    .where(eq(webhookDeliveries.webhookId, webhookId))
    .orderBy(desc(webhookDeliveries.createdAt), desc(webhookDeliveries.id))
    .limit(most)
}

export async function forgetDeliveries(tx: Tx): Promise<void> {
  await tx.sql
    .delete(webhookDeliveries)
    .where(and(ne(webhookDeliveries.state, 'waiting'), lt(webhookDeliveries.createdAt, tx.now - SHOWN)))
}

function isDue(tx: Tx): ReturnType<typeof and> {
  return and(eq(webhookDeliveries.state, 'waiting'), lte(webhookDeliveries.dueAt, tx.now))
}
