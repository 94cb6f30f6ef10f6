import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { reader, SluiceError, Type } from '../../core/index.ts'
import type { Engine, Session } from './engine.ts'

/** The folder of all migrations. */
export const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url))

/** A schema that stands in a database as long as a restore into it has not ended. */
export const RESTORING = 'sluice_restoring'

const readJournal = reader(
  Type.Object({ entries: Type.Array(Type.Object({ when: Type.Integer(), tag: Type.String() })) }),
  'the list of migrations',
)

export interface Migration {
  /** Its time, which names it in a database. */
  when: number
  tag: string
}

/** Oldest first. */
export async function migrationsKnown(): Promise<Migration[]> {
  return readJournal(JSON.parse(await readFile(`${MIGRATIONS}/meta/_journal.json`, 'utf8'))).entries
}

/** Throws `database-newer` when what `APPLIED` gave is more than this build knows. */
export type SchemaCheck = (applied: Record<string, unknown> | undefined) => void

/** The table is drizzle's; each row has the time of the migration that it stands for. */
export const APPLIED =
  'select count(*)::int as count, coalesce(max(created_at), 0)::float8 as last from drizzle.__drizzle_migrations'

/** Of a database that is open: the number of its migrations, and the time of the newest. */
export async function readSchema(session: Session): Promise<{ schema: number; migration: number }> {
  const [row] = (await session.executeSql(APPLIED)).rows
  return { schema: Number(row?.['count']), migration: Number(row?.['last']) }
}

/**
 * Brings the database to this version of Sluice. A database of a newer Sluice is refused (`database-newer`) and not
 * touched: older code would write what the newer no longer understands.
 */
export async function bringUpToDate(engine: Engine): Promise<SchemaCheck> {
  const entries = await migrationsKnown()
  const newest = entries.at(-1)
  if (!newest)
    throw new SluiceError('no-migrations', `there are no migrations in ${MIGRATIONS}: install Sluice again`)
  const check: SchemaCheck = applied => {
    if (Number(applied?.['last'] ?? 0) <= newest.when) return
    throw new SluiceError(
      'database-newer',
      `the database ${engine.place} is at schema ${Number(applied?.['count'])}, made by a newer Sluice, and this one knows up to schema ` +
        `${entries.length} (${newest.tag}): upgrade Sluice or restore a backup`,
      { side: 'operator', kind: 'unavailable' },
    )
  }
  await refuseUnfinished(engine)
  check(await appliedMigrations(engine))
  await engine.migrate(MIGRATIONS)
  return check
}

async function refuseUnfinished(engine: Engine): Promise<void> {
  const { rows } = await engine.executeSql(`select to_regnamespace('${RESTORING}') is not null as present`)
  if (rows[0]?.['present'] !== true) return
  throw new SluiceError(
    'restore-unfinished',
    `a restore into the database ${engine.place} did not come to its end: run "sluice restore" again`,
    { side: 'operator' },
  )
}

async function appliedMigrations(engine: Engine): Promise<Record<string, unknown> | undefined> {
  const { rows } = await engine.executeSql(
    `select to_regclass('drizzle.__drizzle_migrations') is not null as present`,
  )
  return rows[0]?.['present'] === true ? (await engine.executeSql(APPLIED)).rows[0] : undefined
}
