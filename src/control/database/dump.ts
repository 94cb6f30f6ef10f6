import { getTableName, is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import type { Session } from './engine.ts'
import * as tables from './tables.ts'

/** Rows that are in memory at once; a blob may have megabytes, twice as many in hexadecimal. */
const AT_ONCE = 200
const LARGE_AT_ONCE = 4

export interface DumpedRow {
  table: string
  /** One line. */
  json: string
}

/** Every row of every table, each table before those that point to it. To be read within one view. */
export async function* dumpRows(session: Session): AsyncGenerator<DumpedRow> {
  for (const table of tablesInOrder()) {
    await session.executeSql(
      `declare dumped no scroll cursor for select row_to_json(one)::text as json from "${table}" as one`,
    )
    const atOnce = table === getTableName(tables.blobs) ? LARGE_AT_ONCE : AT_ONCE
    for (;;) {
      const { rows } = await session.executeSql(`fetch ${atOnce} from dumped`)
      for (const { json } of rows) yield { table, json: String(json) }
      if (rows.length < atOnce) break
    }
    await session.executeSql('close dumped')
  }
}

/** The names of all tables of ours. Those of the job queue are not among them: jobs follow from what there is. */
export function tablesInOrder(): string[] {
  const all = Object.values(tables).filter(each => is(each, PgTable))
  const order: string[] = []
  const visit = (table: PgTable): void => {
    if (order.includes(getTableName(table))) return
    for (const key of getTableConfig(table).foreignKeys) visit(key.reference().foreignTable)
    order.push(getTableName(table))
  }
  for (const table of all) visit(table)
  return order
}
