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
 * What PGlite and a PostgreSQL server have in common. Everything above works through it, and both pass one suite. Where
 * a server is away or busy, what is asked of it fails with `database-away` or `database-busy` (503).
 */
export interface Engine {
  /** For people, after "the database": where the data lies. Never with a password. */
  readonly place: string
  /** Read committed: each statement sees what was committed before it began. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>
  /** One moment's view, in which nothing can be written. */
  view<T>(work: (session: Session) => Promise<T>): Promise<T>
  /** Outside a transaction; without values the text may hold several statements. */
  executeSql(text: string, values?: unknown[]): Promise<Rows>
  migrate(folder: string): Promise<void>
  /** Runs while no other process is in here, nor in a transaction that has begun with `SHARED`. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** To other processes that have opened the same database; undefined where there cannot be any. */
  readonly wire: Wire | undefined
  close(): Promise<void>
}

/** Short texts from one process to all others on a database. What is said while one cannot hear is lost to it. */
export interface Wire {
  /** Part of the transaction: heard when it is committed, and only then. At most 8,000 bytes. */
  sayWith(session: Session, text: string): Promise<void>
  /** At once. */
  say(text: string): Promise<void>
  /** Once; resolves when it hears. Connects again by itself for as long as the engine is open. */
  listen(listener: WireListener): Promise<void>
}

export interface WireListener {
  heard(text: string): void
  /** The connection was lost and is there again: whatever was said meanwhile was not heard. */
  missed(): void
  /** From time to time, over the connection that listens; when it throws, that connection is made anew. */
  pulse(executeSql: Engine['executeSql']): Promise<void>
  /** For the log; once for each time that the connection is lost. */
  lost(error: Error): void
}

/** The number of the lock that `alone` takes: "sluice" in ASCII, cut to what fits. */
export const ALONE_LOCK = 0x736c_7569
/** Taken by each transaction that writes, until its end. */
export const SHARED = `select pg_advisory_xact_lock_shared(${ALONE_LOCK})`
