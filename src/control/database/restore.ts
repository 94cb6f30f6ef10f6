import { randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq, sql } from 'drizzle-orm'
import { messageOf, MiB, SluiceError, type Clock } from '../../core/index.ts'
import { openEngine, type DatabaseOptions } from './database.ts'
import { tablesInOrder, type DumpedRow } from './dump.ts'
import type { Engine, Session } from './engine.ts'
import { MIGRATIONS, migrationsKnown, RESTORING, type Migration } from './migrate.ts'
import {
  assets,
  channels,
  controls,
  distributions,
  invalidationPatterns,
  joinTokens,
  leases,
  meta,
  nodes,
  originLeases,
  usageGaps,
} from './tables.ts'
import { CONTROL_COUNTS } from './usage.ts'

/** Rows that one statement takes, and characters, of which a blob has millions. */
const AT_ONCE = 200
const MOST_CHARACTERS = 32 * MiB

export interface RestoreOptions extends Pick<DatabaseOptions, 'url' | 'dataDir' | 'clock'> {
  /** The newest migration that the rows were written under, by its time. */
  migration: number
  /** When the rows were read. */
  madeAt: number
  rows: AsyncIterable<DumpedRow>
  /** What else is to be there before the database counts; when it throws, the database is empty again. */
  beforeLast(): Promise<void>
}

/**
 * Fills an empty database, brings it up to date and begins another life of it. Until the end it bears a mark with which
 * nobody opens it, so that one that was killed over it can be done again. Throws `database-not-empty`.
 */
export async function restoreDatabase(options: RestoreOptions): Promise<{ rows: number }> {
  const { clock, madeAt } = options
  if (clock.now() < madeAt) throw earlyClock()
  const engine = await openEngine({ ...options, onError: () => {} })
  try {
    return await engine.alone(() => fill(engine, options))
  } finally {
    await engine.close()
  }
}

/** What a backup's migration is to this build. Throws `backup-newer`. */
export async function knownMigrations(migration: number): Promise<Migration[]> {
  const all = await migrationsKnown()
  const known = all.filter(({ when }) => when <= migration)
  if (known.at(-1)?.when === migration) return known
  throw new SluiceError(
    'backup-newer',
    `the backup is of a schema that this Sluice does not know (it knows ${all.length}, up to ${all.at(-1)?.tag}): upgrade Sluice first`,
    { side: 'operator' },
  )
}

async function fill(engine: Engine, options: RestoreOptions): Promise<{ rows: number }> {
  const known = await knownMigrations(options.migration)
  await makeRoom(engine)
  try {
    await migrateTo(engine, known)
    const rows = await insertAll(engine, options.rows)
    await engine.migrate(MIGRATIONS)
    await options.beforeLast()
    await engine.transaction(session => beginAnew(session, options))
    return { rows }
  } catch (error) {
    // Where that fails as well, the mark stays, and the next restore does it.
    await sweep(engine).catch(() => {})
    throw error
  }
}

/** Marks the database as not to be opened, and does away with what an earlier try has left. */
async function makeRoom(engine: Engine): Promise<void> {
  if (await isPresent(engine, `to_regnamespace('${RESTORING}')`)) await sweep(engine)
  // Also one table of a name that we use: what fails later is swept with all of these names.
  const tables = tablesInOrder().map(name => `to_regclass('"${name}"')`)
  const there = [`to_regnamespace('drizzle')`, `to_regnamespace('pgboss')`, ...tables]
  for (const each of there) {
    if (await isPresent(engine, each)) throw notEmpty(engine.place)
  }
  await engine.executeSql(`create schema ${RESTORING}`)
}

async function isPresent(engine: Engine, name: string): Promise<boolean> {
  return (await engine.executeSql(`select ${name} is not null as present`)).rows[0]?.['present'] === true
}

/** The mark goes last. */
async function sweep(engine: Engine): Promise<void> {
  const names = tablesInOrder().map(name => `"${name}"`)
  await engine.executeSql(
    `drop table if exists ${names.join(', ')} cascade; drop schema if exists drizzle, pgboss cascade; ` +
      `drop schema if exists ${RESTORING}`,
  )
}

/** As the version was that wrote the rows. */
async function migrateTo(engine: Engine, known: readonly Migration[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-migrations-'))
  try {
    await mkdir(join(folder, 'meta'))
    const entries = known.map((each, idx) => ({ idx, version: '7', breakpoints: true, ...each }))
    const journal = { version: '7', dialect: 'postgresql', entries }
    await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify(journal))
    for (const { tag } of known) await cp(join(MIGRATIONS, `${tag}.sql`), join(folder, `${tag}.sql`))
    await engine.migrate(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function insertAll(engine: Engine, rows: AsyncIterable<DumpedRow>): Promise<number> {
  let count = 0
  let table = ''
  let waiting: string[] = []
  let length = 0
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return
    const text = `insert into "${table}" select * from jsonb_populate_recordset(null::"${table}", $1::jsonb)`
    await engine.executeSql(text, [`[${waiting.join(',')}]`]).catch((error: unknown) => {
      throw error instanceof SluiceError ? error : refused(table, error)
    })
    count += waiting.length
    waiting = []
    length = 0
  }
  for await (const row of rows) {
    if (row.table !== table || waiting.length === AT_ONCE || length > MOST_CHARACTERS) await flush()
    table = row.table
    waiting.push(row.json)
    length += row.json.length
  }
  await flush()
  return count
}

/**
 * Numbers go on above all that anybody can have seen after the backup was made: they count changes, and changes are fewer
 * than milliseconds. So nodes that stayed hold nothing of theirs for newer than what comes, and everything that they
 * have stored is asked for again. What was under way is offered again when control starts; the supervisor's own nodes
 * come with its start.
 */
async function beginAnew(
  session: Session,
  { clock, madeAt }: { clock: Clock; madeAt: number },
): Promise<void> {
  const db = session.sql
  const now = clock.now()
  const [counters] = await db.select().from(meta).where(eq(meta.id, 1))
  if (!counters) throw new SluiceError('bad-backup', 'the backup has no row of counters: take another')
  const above = (number: number): number => Math.max(number + 1, now)
  const sequence = above(counters.sequence)
  const set = { epoch: randomUUID(), version: above(counters.version), sequence }
  await db.update(meta).set(set).where(eq(meta.id, 1))
  await db.delete(invalidationPatterns)
  const all = await db.select({ id: distributions.id }).from(distributions)
  const everything = all.map(({ id }) => ({ distributionId: id, pattern: '/*', sequence }))
  if (everything.length > 0) await db.insert(invalidationPatterns).values(everything)
  // Media may lie where it lay: a version that was made after the backup is never written over.
  const minutes = Math.floor(now / 60_000)
  await db.update(assets).set({ lastVersion: sql`greatest(${assets.lastVersion}, ${minutes})` })
  await db.update(assets).set({ activeJob: null })
  // Fences, as a take-over does: who had a channel after the backup may have it under a higher number.
  await db.update(channels).set({ lease: sql`greatest(${channels.lease} + 1, ${now})`, owner: null })
  await session.executeSql(
    `update publications set state = 'queued', progress = null where state = 'preparing'`,
  )
  await db.delete(leases)
  await db.delete(originLeases)
  await db.delete(controls)
  await db.delete(joinTokens)
  // What nodes have counted they send again; what control has counted nobody has.
  const since = { from: madeAt, until: now, foundAt: now }
  const life = { node: CONTROL_COUNTS, book: '', life: set.epoch }
  await db.insert(usageGaps).values({ ...life, kind: 'restored', after: 0, ...since })
  await db.delete(nodes).where(eq(nodes.origin, 'local'))
  await session.executeSql(`drop schema ${RESTORING}`)
}

function refused(table: string, error: unknown): SluiceError {
  return new SluiceError(
    'bad-backup',
    `the database takes no such rows of "${table}" (${messageOf(error)}): is the disk full, or the backup of another program?`,
    { side: 'operator' },
  )
}

function notEmpty(place: string): SluiceError {
  return new SluiceError(
    'database-not-empty',
    `the database ${place} holds something already, and a restore overwrites nothing: restore into an empty one`,
    { side: 'operator', kind: 'conflict' },
  )
}

function earlyClock(): SluiceError {
  return new SluiceError(
    'early-clock',
    'by the clock of this machine the backup is of the future: set the clock, since the numbers of invalidations go on from it',
    { side: 'operator' },
  )
}
