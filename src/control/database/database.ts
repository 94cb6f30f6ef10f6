import { randomUUID } from 'node:crypto'
import { DrizzleQueryError, eq, sql } from 'drizzle-orm'
import { messageOf, SluiceError, type Clock, type Instant, type Milliseconds } from '../../core/index.ts'
import { deleteUnusedBlobs, hasUnusedBlobs } from './blobs.ts'
import { SHARED, type Engine, type Session } from './engine.ts'
import { APPLIED, bringUpToDate, type SchemaCheck } from './migrate.ts'
import { Others } from './others.ts'
import { openPglite } from './pglite.ts'
import { openPostgres } from './postgres.ts'
import { openQueue, type Queue } from './queue.ts'
import { meta } from './tables.ts'
import type { Topic } from './topics.ts'

/** One transaction. Its functions are those of this folder; outside it is only handed on. */
export interface Tx extends Session {
  queue: Queue
  now: Instant
  /** The snapshot version that carries this transaction's change; the same however often it is asked for. */
  bump(): Promise<number>
  /** The next invalidation number. */
  nextSequence(): Promise<number>
  /** Told to those who wait, after the commit. */
  changed(topic: Topic): void
}

/** The control database. Only the control role opens it (SEAMS 28). */
export interface Database {
  /**
   * Writes are one after another, those of other processes as well, so what a transaction reads holds until it ends,
   * and whoever sees a version sees all that came before it.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** A moment's view; writers are not waited for. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Called after each commit that changed something, here or in another process; also when that may be so. */
  onCommit(listener: (topics: ReadonlySet<Topic>) => void): void
  /**
   * Deletes blobs that nothing names any more. Not in the transaction that takes the name away: a node may have been told
   * of one a moment ago and asks for it now.
   */
  sweepBlobs(): Promise<void>
  /** Other control processes on this database; undefined where there cannot be any. */
  readonly others: Others | undefined
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** Of a PostgreSQL server; without it the database is embedded. A secret. */
  url?: string | undefined
  /** Where the embedded one lies. */
  dataDir: string
  clock: Clock
  /** How often a change that no other process told of is looked for. */
  pulse?: Milliseconds
  onError(error: Error): void
}

const PULSE: Milliseconds = 2_000

/** Opens, migrates, and makes the row of counters on the first start. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const engine = await openEngine(options)
  try {
    return await engine.alone(async () => {
      const check = await bringUpToDate(engine)
      const queue = await openQueue(engine, error => options.onError(error))
      await engine.transaction(async session => {
        const first = { id: 1, epoch: randomUUID(), version: 1, sequence: 0 }
        await session.sql.insert(meta).values(first).onConflictDoNothing()
      })
      const others =
        engine.wire && (await Others.open(engine.wire, { check, onError: error => options.onError(error) }))
      return new OpenDatabase(engine, { queue, check, others, clock: options.clock })
    })
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** The database as it is; nothing is made, migrated or checked. */
export function openEngine(options: Omit<DatabaseOptions, 'clock'>): Promise<Engine> {
  const { url, dataDir, pulse = PULSE } = options
  if (url === undefined) return openPglite(dataDir)
  return openPostgres(url, { pulse, onError: error => options.onError(error) })
}

/** One text, so that they are one round trip: each statement sees what was committed before it began. */
const BEGINNING = `${SHARED}; select 1 from meta where id = 1 for update; ${APPLIED}`

interface Parts {
  queue: Queue
  check: SchemaCheck
  others: Others | undefined
  clock: Clock
}

class OpenDatabase implements Database {
  readonly others: Others | undefined
  readonly #engine: Engine
  readonly #parts: Parts
  readonly #listeners: ((topics: ReadonlySet<Topic>) => void)[] = []

  constructor(engine: Engine, parts: Parts) {
    this.others = parts.others
    this.#engine = engine
    this.#parts = parts
    this.others?.onChange(topics => this.#tell(topics))
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const topics = new Set<Topic>()
    try {
      return await told(
        this.#engine.transaction(async session => {
          this.#parts.check((await session.executeSql(BEGINNING)).rows[0])
          const result = await work(this.#begin(session, topics))
          if (topics.size > 0) await this.others?.announce(session, topics)
          return result
        }),
      )
    } catch (error) {
      // A connection that broke at the commit may have carried it out.
      if (!isUnavailable(error)) topics.clear()
      throw error
    } finally {
      this.#tell(topics)
    }
  }

  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    this.others?.refuseNewer()
    return told(this.#engine.view(session => work(this.#begin(session, new Set()))))
  }

  onCommit(listener: (topics: ReadonlySet<Topic>) => void): void {
    this.#listeners.push(listener)
  }

  async sweepBlobs(): Promise<void> {
    if (!(await this.read(hasUnusedBlobs))) return
    await this.transaction(deleteUnusedBlobs)
    // Its room is used again then; a server sees to that itself.
    if (this.#engine.wire === undefined) await this.#engine.executeSql('vacuum blobs')
  }

  async close(): Promise<void> {
    await this.#parts.queue.close()
    await this.#engine.close()
  }

  #tell(topics: ReadonlySet<Topic>): void {
    if (topics.size > 0) for (const listener of this.#listeners) listener(topics)
  }

  #begin(session: Session, topics: Set<Topic>): Tx {
    let bumped: Promise<number> | undefined
    return {
      ...session,
      queue: this.#parts.queue,
      now: this.#parts.clock.now(),
      changed: topic => void topics.add(topic),
      bump() {
        topics.add('snapshot')
        return (bumped ??= count(session, 'version'))
      },
      nextSequence: () => count(session, 'sequence'),
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof SluiceError && error.kind === 'unavailable'
}

/** drizzle puts the values of a statement that failed into its message, and secrets of origins are among them. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof DrizzleQueryError)) throw error
    const why = error.cause === undefined ? 'unknown reason' : messageOf(error.cause)
    throw new SluiceError('database-failed', `the database refused a statement (${why}): is the disk full?`)
  }
}

async function count(session: Session, counter: 'version' | 'sequence'): Promise<number> {
  const column = meta[counter]
  const [row] = await session.sql
    .update(meta)
    .set({ [counter]: sql`${column} + 1` })
    .where(eq(meta.id, 1))
    .returning({ value: column })
  if (!row) throw new Error('the row of counters is missing')
  return row.value
}
