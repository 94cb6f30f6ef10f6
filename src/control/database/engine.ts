import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'

/** Typed queries in whatever speaks PostgreSQL. */
export type Sql = PgDatabase<PgQueryResultHKT>

export interface Rows {
  rows: Record<string, unknown>[]
}

/** One connection inside one transaction. */
export interface Session {
  sql: Sql
  /** Plain text with `$1`, for the job queue, which brings its own statements. */
  executeSql(text: string, values?: unknown[]): Promise<Rows>
}

/**
 * What PGlite and a PostgreSQL server have in common. Everything above works through it, so a server needs only
 * another implementation.
 */
export interface Engine {
  /** For people: where the data lies. */
  readonly place: string
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>
  /** Outside a transaction; without values the text may hold several statements. */
  executeSql(text: string, values?: unknown[]): Promise<Rows>
  migrate(folder: string): Promise<void>
  close(): Promise<void>
}
