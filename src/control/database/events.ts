import { randomUUID } from 'node:crypto'
import { and, asc, desc, eq, gt, gte, inArray, lt, lte, max, sql } from 'drizzle-orm'
import type { Instant, Milliseconds } from '../../core/index.ts'
import type { ControlEvent, EventType } from '../../client/index.ts'
import type { Tx } from './database.ts'
import { events } from './tables.ts'
import { queueForAll } from './webhooks.ts'

/** Longer than a webhook is tried, so that whatever is sent is still there. */
const KEPT: Milliseconds = 14 * 86_400_000
/** Of a day with ten thousand channels that come and go a few times. */
const MOST_KEPT = 100_000

export interface NewEvent {
  type: EventType
  subject: string
  /** What else is to be told, by name. */
  data?: Omit<ControlEvent['data'], 'subject'>
  /** Names it, where the same could be said twice: the second is passed over. Random otherwise. */
  once?: string
  /** When it happened, where that was not now. */
  at?: Instant
}

/** Writes down what the transaction does; nobody is told unless it commits. */
export async function addEvent(tx: Tx, { type, subject, data, once, at }: NewEvent): Promise<void> {
  const [last] = await tx.sql.select({ number: max(events.number) }).from(events)
  const id = `evt_${(once ?? randomUUID()).replace(/[^A-Za-z0-9-]/g, '_').slice(0, 80)}`
  const row = { id, number: (last?.number ?? 0) + 1, type, subject, at: at ?? tx.now }
  const whole = { ...row, data: { ...data, subject } }
  const added = await tx.sql
    .insert(events)
    .values(whole)
    .onConflictDoNothing({ target: events.id })
    .returning({ id: events.id })
  if (added.length === 0) return
  tx.changed('events')
  await queueForAll(tx, eventOf(whole))
}

export interface NumberedEvent {
  number: number
  event: ControlEvent
}

/** Those behind a number, oldest first. */
export async function eventsAfter(
  tx: Tx,
  number: number,
  { groups, most }: { groups: readonly string[]; most: number },
): Promise<NumberedEvent[]> {
  const group = sql<string>`split_part(${events.type}, '.', 1)`
  const wanted = groups.length === 0 ? undefined : inArray(group, [...groups])
  const rows = await tx.sql
    .select()
    .from(events)
    .where(and(gt(events.number, number), wanted))
    .orderBy(asc(events.number))
    .limit(most)
  return rows.map(row => ({ number: row.number, event: eventOf(row) }))
}

/** The number of an event; of the newest one without an id; undefined where there is none such. */
export async function eventNumber(tx: Tx, id?: string): Promise<number | undefined> {
  const [row] = await tx.sql
    .select({ number: events.number })
    .from(events)
    .where(id === undefined ? undefined : eq(events.id, id))
    .orderBy(desc(events.number))
    .limit(1)
  return row?.number
}

/** Those of a span, or the one of an id, oldest first. */
export async function eventsBetween(
  tx: Tx,
  { id, from, to, most }: { id?: string; from: Instant; to: Instant; most: number },
): Promise<ControlEvent[]> {
  const wanted = id === undefined ? and(gte(events.at, from), lte(events.at, to)) : eq(events.id, id)
  const rows = await tx.sql.select().from(events).where(wanted).orderBy(asc(events.number)).limit(most)
  return rows.map(eventOf)
}

/** The newest of these types that each subject has. */
export async function newestOf(tx: Tx, types: readonly EventType[]): Promise<Map<string, EventType>> {
  const rows = await tx.sql
    .select({ subject: events.subject, type: events.type })
    .from(events)
    .where(inArray(events.type, [...types]))
    .orderBy(asc(events.number))
  return new Map(rows.map(({ subject, type }) => [subject, type]))
}

/** Ids of invalidations made since then that no event says are completed. */
export async function openInvalidations(tx: Tx, since: number): Promise<string[]> {
  const rows = await tx.sql
    .select({ subject: events.subject, type: events.type })
    .from(events)
    .where(and(inArray(events.type, ['invalidation.made', 'invalidation.completed']), gt(events.at, since)))
  const completed = new Set(
    rows.filter(each => each.type === 'invalidation.completed').map(each => each.subject),
  )
  return rows.flatMap(({ type, subject }) =>
    type === 'invalidation.made' && !completed.has(subject) ? [subject] : [],
  )
}

/** The newest event stays, since the next takes its number from it. */
export async function forgetEvents(tx: Tx): Promise<void> {
  const newest = await eventNumber(tx)
  if (newest === undefined) return
  await tx.sql.delete(events).where(and(lt(events.at, tx.now - KEPT), lt(events.number, newest)))
  await tx.sql.delete(events).where(lt(events.number, newest - MOST_KEPT + 1))
}

function eventOf({ id, type, at, data }: typeof events.$inferSelect): ControlEvent {
  return { id, type, timestamp: new Date(at).toISOString(), data }
}
