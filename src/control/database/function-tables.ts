import { bigint, customType, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import type { StoreId } from '../../core/index.ts'
import type { FunctionRuntime } from '../../distribution/index.ts'

const instantColumn = (name: string) => bigint(name, { mode: 'number' })
const bytesColumn = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })

/** Code of functions and contents of stores, which nodes fetch by their digest. What nothing names is deleted soon. */
export const blobs = pgTable('blobs', {
  /** Hex. */
  sha256: text('sha256').primaryKey(),
  bytes: bytesColumn('bytes').notNull(),
})

export const functions = pgTable('functions', {
  name: text('name').primaryKey(),
  /** The highest number that a version was given; numbers never come again. */
  lastVersion: integer('last_version').notNull().default(0),
  createdAt: instantColumn('created_at').notNull(),
})

/** What functions read by key. */
export const keyValueStores = pgTable('key_value_stores', {
  id: text('id').$type<StoreId>().primaryKey(),
  name: text('name').notNull().unique(),
  comment: text('comment').notNull(),
  /** Of a JSON object of strings. */
  sha256: text('sha256')
    .notNull()
    .references(() => blobs.sha256),
  size: integer('size').notNull(),
  items: integer('items').notNull(),
  /** Counts its changes. */
  revision: integer('revision').notNull(),
  createdAt: instantColumn('created_at').notNull(),
  modifiedAt: instantColumn('modified_at').notNull(),
})

/** What a function is at each of its stages: as it is written on, as it runs, and of Lambda@Edge each version. */
export const functionStages = pgTable(
  'function_stages',
  {
    functionName: text('function_name')
      .notNull()
      .references(() => functions.name, { onDelete: 'cascade' }),
    /** `development`, `live`, or the number of a version. */
    stage: text('stage').notNull(),
    runtime: text('runtime').$type<FunctionRuntime>().notNull(),
    comment: text('comment').notNull(),
    store: text('store')
      .$type<StoreId>()
      .references(() => keyValueStores.id),
    hosts: jsonb('hosts').$type<string[]>().notNull(),
    sha256: text('sha256')
      .notNull()
      .references(() => blobs.sha256),
    size: integer('size').notNull(),
    /** Of the development stage counts its changes; of the others it is that which was published. */
    revision: integer('revision').notNull(),
    createdAt: instantColumn('created_at').notNull(),
    modifiedAt: instantColumn('modified_at').notNull(),
  },
  table => [primaryKey({ columns: [table.functionName, table.stage] })],
)
