import { bigint, index, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import type { ControlEvent } from '../../client/index.ts'

/** Who is told of events. */
export const webhooks = pgTable('webhooks', {
  id: text('id').primaryKey(),
  url: text('url').notNull(),
  /** What its events are of; none is all. */
  kinds: jsonb('kinds').$type<string[]>().notNull(),
  /** Told once. It lies here as it is, since nothing can be signed with less. */
  secret: text('secret').notNull(),
  state: text('state').$type<'on' | 'off'>().notNull(),
  /** Since when nothing was taken; null while all is well. */
  failingSince: bigint('failing_since', { mode: 'number' }),
  createdAt: bigint('created_at', { mode: 'number' }).notNull(),
})

/** One event on its way to one webhook. */
export const webhookDeliveries = pgTable(
  'webhook_deliveries',
  {
    id: text('id').primaryKey(),
    webhookId: text('webhook_id')
      .notNull()
      .references(() => webhooks.id, { onDelete: 'cascade' }),
    event: jsonb('event').$type<ControlEvent>().notNull(),
    state: text('state').$type<'waiting' | 'delivered' | 'failed'>().notNull(),
    attempts: integer('attempts').notNull(),
    /** When it is sent next; put off for as long as somebody sends it, so that it is sent again after a kill. */
    dueAt: bigint('due_at', { mode: 'number' }).notNull(),
    /** Of the last answer; null where there was none. */
    status: integer('status'),
    /** What that began with, or why there was none. */
    answer: text('answer'),
    createdAt: bigint('created_at', { mode: 'number' }).notNull(),
  },
  table => [
    index('webhook_deliveries_due').on(table.state, table.dueAt),
    index('webhook_deliveries_of_webhook').on(table.webhookId, table.createdAt),
  ],
)
