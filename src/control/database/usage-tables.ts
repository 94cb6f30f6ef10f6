import { bigint, index, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import type { UsageGapKind, UsageType } from '../../usage/index.ts'

const instantColumn = (name: string) => bigint(name, { mode: 'number' })

/** How far the ledgers of nodes were taken; of each life of a ledger one row, written with the sums that it led to. */
export const usageBooks = pgTable(
  'usage_books',
  {
    node: text('node').notNull(),
    book: text('book').notNull(),
    life: text('life').notNull(),
    /** Of the last entry that was taken, and its digest. */
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    hash: text('hash').notNull(),
    /** When that entry ended, by the node's clock. */
    until: instantColumn('until').notNull(),
    takenAt: instantColumn('taken_at').notNull(),
  },
  table => [primaryKey({ columns: [table.node, table.book, table.life] })],
)

/** What was counted, added up; what nobody but control counts stands under the node `control`. */
export const usageHours = pgTable(
  'usage_hours',
  {
    node: text('node').notNull(),
    /** The name of the node's place when it was taken; empty where control does not know it. */
    place: text('place').notNull(),
    distribution: text('distribution').notNull(),
    /** When it began, by the node's clock. */
    hour: instantColumn('hour').notNull(),
    type: text('type').$type<UsageType>().notNull(),
    detail: text('detail').notNull(),
    amount: bigint('amount', { mode: 'bigint' }).notNull(),
  },
  table => [
    primaryKey({
      columns: [table.hour, table.distribution, table.node, table.place, table.type, table.detail],
    }),
  ],
)

/** What is missing, or not to be relied on; named once however often it is met. */
export const usageGaps = pgTable(
  'usage_gaps',
  {
    node: text('node').notNull(),
    book: text('book').notNull(),
    life: text('life').notNull(),
    kind: text('kind').$type<UsageGapKind>().notNull(),
    /** The last entry that was taken before. */
    after: bigint('after', { mode: 'number' }).notNull(),
    from: instantColumn('from').notNull(),
    until: instantColumn('until').notNull(),
    foundAt: instantColumn('found_at').notNull(),
  },
  table => [
    primaryKey({ columns: [table.node, table.book, table.life, table.kind, table.after] }),
    index('usage_gaps_by_time').on(table.until),
  ],
)
