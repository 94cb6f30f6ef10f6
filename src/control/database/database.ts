import { randomUUID } from 'node:crypto'
import { DrizzleQueryError, eq, sql } from 'drizzle-orm'
import { messageOf, SluiceError, type Clock, type Instant } from '../../core/index.ts'
import type { Engine, Session } from './engine.ts'
import { bringUpToDate } from './migrate.ts'
import { openPglite } from './pglite.ts'
import { openQueue, type Queue } from './queue.ts'
import { meta } from './tables.ts'

/** What a transaction may have changed that somebody waits for. */
export type Topic = 'snapshot' | 'publications' | 'jobs'

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
  /** Writes are one after another, so what a transaction reads holds until it ends. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** A moment's view; writers are not waited for. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Called after each commit that changed something, in order. */
  onCommit(listener: (topics: ReadonlySet<Topic>) => void): void
  close(): Promise<void>
}

export interface DatabaseOptions {
  dataDir: string
  clock: Clock
  onError(error: Error): void
}

/** Opens, migrates, and makes the row of counters on the first start. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const engine = await openPglite(options.dataDir)
  try {
    await bringUpToDate(engine)
    const queue = await openQueue(engine, error => options.onError(error))
    await engine.transaction(async session => {
      const first = { id: 1, epoch: randomUUID(), version: 1, sequence: 0 }
      await session.sql.insert(meta).values(first).onConflictDoNothing()
    })
    return new OpenDatabase(engine, queue, options.clock)
  } catch (error) {
    await engine.close()
    throw error
  }
}

class OpenDatabase implements Database {
  readonly #engine: Engine
  readonly #queue: Queue
  readonly #clock: Clock
  readonly #listeners: ((topics: ReadonlySet<Topic>) => void)[] = []

  constructor(engine: Engine, queue: Queue, clock: Clock) {
    this.#engine = engine
    this.#queue = queue
    this.#clock = clock
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const topics = new Set<Topic>()
    const result = await told(
      this.#engine.transaction(async session => {
        await session.sql.select({ id: meta.id }).from(meta).for('update')
        return work(this.#begin(session, topics))
      }),
    )
    if (topics.size > 0) for (const listener of this.#listeners) listener(topics)
    return result
  }

  read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return told(this.#engine.transaction(session => work(this.#begin(session, new Set()))))
  }

  onCommit(listener: (topics: ReadonlySet<Topic>) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    await this.#queue.close()
    await this.#engine.close()
  }

  #begin(session: Session, topics: Set<Topic>): Tx {
    let bumped: Promise<number> | undefined
    return {
      ...session,
      queue: this.#queue,
      now: this.#clock.now(),
      changed: topic => void topics.add(topic),
      bump() {
        topics.add('snapshot')
        return (bumped ??= count(session, 'version'))
      },
      nextSequence: () => count(session, 'sequence'),
    }
  }
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
