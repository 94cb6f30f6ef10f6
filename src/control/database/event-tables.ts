import { bigint, index, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import type { ControlEvent, EventType } from '../../client/index.ts'

/** What happened, of all kinds. */
export const events = pgTable(
  'events',
  {
    id: text('id').primaryKey(),
    /** Their order. Transactions are one after another, so that none comes in before one that was seen. */
    number: bigint('number', { mode: 'number' }).notNull().unique(),
    type: text('type').$type<EventType>().notNull(),
    /** What it happened to: a path, or the id of a node or an invalidation. */
    subject: text('subject').notNull(),
    at: bigint('at', { mode: 'number' }).notNull(),
    data: jsonb('data').$type<ControlEvent['data']>().notNull(),
  },
  table => [index('events_by_type').on(table.type, table.at)],
)
