import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { PGlite } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { messageOf, SluiceError } from '../../core/index.ts'
import { packedDatabase, unpackDatabase } from './empty-database.ts'
import type { Engine, Rows, Sql } from './engine.ts'

/**
 * PGlite's own start parameters without `-F` (fsync off), and with 4 MB of shared buffers instead of 128: WebAssembly
 * memory that was touched once is never given back, and the control database is small.
 */
const START = [
  '--single',
  '-O',
  '-j',
  ...['search_path=public', 'exit_on_error=false', 'log_checkpoints=false', 'io_method=sync'].flatMap(
    setting,
  ),
  ...['max_worker_processes=0', 'max_parallel_workers=0', 'max_parallel_workers_per_gather=0'].flatMap(
    setting,
  ),
  ...['max_parallel_maintenance_workers=0', 'shared_buffers=4MB', 'wal_buffers=256kB'].flatMap(setting),
]

/**
 * V8 would compile PostgreSQL twice, the second time with an optimiser that holds some 50 MB of code. Without it the
 * database opens in half the time; heavy queries take twice as long, and control has none.
 */
const COMPILER = ['--liftoff-only', '--wasm-lazy-compilation']

function setting(text: string): string[] {
  return ['-c', text]
}

/**
 * Opens the embedded database in `dataDir/db`, making it first where there is none. One process at a time: PGlite
 * has no lock of its own, the supervisor holds that of the data folder. `packed` is the empty database to begin with.
 */
export async function openPglite(dataDir: string, packed: string = packedDatabase()): Promise<Engine> {
  const folder = join(dataDir, 'db')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await removeUnfinished(dataDir)
  if (!existsSync(folder)) await create(dataDir, { folder, packed })
  for (const flag of COMPILER) setFlagsFromString(flag)
  let client: PGlite
  try {
    client = await PGlite.create({ dataDir: folder, startParams: START })
  } catch (error) {
    throw new SluiceError(
      'database-unreadable',
      `the database in ${folder} cannot be opened (${messageOf(error)}): restore a backup, or move the folder away to begin anew`,
      { side: 'operator', cause: error },
    )
  }
  return new PgliteEngine(`in ${folder}`, client)
}

const UNFINISHED = 'db.creating-'

async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(UNFINISHED)) await rm(join(dataDir, name), { recursive: true, force: true })
  }
}

/** Made under another name and renamed, so that a start that is killed leaves no half database. */
async function create(
  dataDir: string,
  { folder, packed }: { folder: string; packed: string },
): Promise<void> {
  const unfinished = join(dataDir, `${UNFINISHED}${process.pid}`)
  try {
    if ((await unpackDatabase(packed, unfinished)) === 'none') await initialise(unfinished)
    await rename(unfinished, folder)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw new SluiceError(
      'database-not-made',
      `the database in ${folder} could not be made (${messageOf(error).slice(0, 300)}): check that the disk has 100 MB free`,
      { side: 'operator', cause: error },
    )
  }
}

/** In a process of its own, since initialising takes 900 MB that WebAssembly would not give back. */
async function initialise(folder: string): Promise<void> {
  const script = `const { PGlite } = await import(process.argv[1]); await (await PGlite.create(process.argv[2])).close()`
  const argv = ['--input-type=module', '--eval', script, import.meta.resolve('@electric-sql/pglite'), folder]
  await promisify(execFile)(process.execPath, argv, {
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 120_000,
  })
}

class PgliteEngine implements Engine {
  readonly place: string
  /** One process at a time. */
  readonly wire = undefined
  readonly #client: PGlite

  constructor(place: string, client: PGlite) {
    this.place = place
    this.#client = client
  }

  transaction<T>(work: Parameters<Engine['transaction']>[0]): Promise<T> {
    return this.#client.transaction(async transaction => {
      // drizzle asks of its client only `query`, which a transaction has as well.
      const sql = drizzle(transaction as unknown as PGlite) as unknown as Sql
      return work({ sql, executeSql: (text, values) => execute(transaction, text, values) }) as Promise<T> // T is the work's own
    })
  }

  view<T>(work: Parameters<Engine['view']>[0]): Promise<T> {
    // One connection: nobody else can write meanwhile.
    return this.transaction<T>(async session => {
      await session.executeSql('set transaction read only')
      return work(session)
    })
  }

  executeSql(text: string, values?: unknown[]): Promise<Rows> {
    return execute(this.#client, text, values)
  }

  async migrate(folder: string): Promise<void> {
    await migrate(drizzle(this.#client), { migrationsFolder: folder })
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    return work()
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

async function execute(
  client: Pick<PGlite, 'query' | 'exec'>,
  text: string,
  values: unknown[] | undefined,
): Promise<Rows> {
  if (values && values.length > 0) return client.query<Record<string, unknown>>(text, values)
  return { rows: (await client.exec(text)).at(-1)?.rows ?? [] }
}
