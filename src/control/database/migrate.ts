import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { reader, SluiceError, Type } from '../../core/index.ts'
import type { Engine } from './engine.ts'

const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url))

const readJournal = reader(
  Type.Object({ entries: Type.Array(Type.Object({ when: Type.Integer(), tag: Type.String() })) }),
  'the list of migrations',
)

/**
 * Brings the database to this version of Sluice. A database of a newer Sluice is refused (`database-newer`) and not
 * touched: older code would write what the newer no longer understands.
 */
export async function bringUpToDate(engine: Engine): Promise<void> {
  const { entries } = readJournal(JSON.parse(await readFile(`${FOLDER}/meta/_journal.json`, 'utf8')))
  const newest = entries.at(-1)
  if (!newest)
    throw new SluiceError('no-migrations', `there are no migrations in ${FOLDER}: install Sluice again`)
  const applied = await appliedMigrations(engine)
  if (applied.last > newest.when) {
    throw new SluiceError(
      'database-newer',
      `the database in ${engine.place} is at schema ${applied.count}, made by a newer Sluice, and this one knows up to schema ` +
        `${entries.length} (${newest.tag}): upgrade Sluice or restore a backup`,
      { side: 'operator' },
    )
  }
  await engine.migrate(FOLDER)
}

/** The table is drizzle's; each row has the time of the migration that it stands for. */
async function appliedMigrations(engine: Engine): Promise<{ count: number; last: number }> {
  const { rows } = await engine.executeSql(
    `select to_regclass('drizzle.__drizzle_migrations') is not null as present`,
  )
  if (rows[0]?.['present'] !== true) return { count: 0, last: 0 }
  const found = await engine.executeSql(
    'select count(*)::int as count, coalesce(max(created_at), 0)::float8 as last from drizzle.__drizzle_migrations',
  )
  return { count: Number(found.rows[0]?.['count']), last: Number(found.rows[0]?.['last']) }
}
