import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { reader, SluiceError, Type } from '../../core/index.ts'
import type { Engine } from './engine.ts'

const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url))

const readJournal = reader(
  Type.Object({ entries: Type.Array(Type.Object({ when: Type.Integer(), tag: Type.String() })) }),
  'the list of migrations',
)

/** Throws `database-newer` when what `APPLIED` gave is more than this build knows. */
export type SchemaCheck = (applied: Record<string, unknown> | undefined) => void

/** The table is drizzle's; each row has the time of the migration that it stands for. */
export const APPLIED =
  'select count(*)::int as count, coalesce(max(created_at), 0)::float8 as last from drizzle.__drizzle_migrations'

/**
 * Brings the database to this version of Sluice. A database of a newer Sluice is refused (`database-newer`) and not
 * touched: older code would write what the newer no longer understands.
 */
export async function bringUpToDate(engine: Engine): Promise<SchemaCheck> {
  const { entries } = readJournal(JSON.parse(await readFile(`${FOLDER}/meta/_journal.json`, 'utf8')))
  const newest = entries.at(-1)
  if (!newest)
    throw new SluiceError('no-migrations', `there are no migrations in ${FOLDER}: install Sluice again`)
  const check: SchemaCheck = applied => {
    if (Number(applied?.['last'] ?? 0) <= newest.when) return
    throw new SluiceError(
      'database-newer',
      `the database ${engine.place} is at schema ${Number(applied?.['count'])}, made by a newer Sluice, and this one knows up to schema ` +
        `${entries.length} (${newest.tag}): upgrade Sluice or restore a backup`,
      { side: 'operator', kind: 'unavailable' },
    )
  }
  check(await appliedMigrations(engine))
  await engine.migrate(FOLDER)
  return check
}

async function appliedMigrations(engine: Engine): Promise<Record<string, unknown> | undefined> {
  const { rows } = await engine.executeSql(
    `select to_regclass('drizzle.__drizzle_migrations') is not null as present`,
  )
  return rows[0]?.['present'] === true ? (await engine.executeSql(APPLIED)).rows[0] : undefined
}
