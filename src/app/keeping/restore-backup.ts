import { open, type FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { createGunzip } from 'node:zlib'
import {
  badBackup,
  readBackup,
  type BackupLine,
  type MediaPlace,
  type ReadBackup,
} from '../../client/index.ts'
import { codeOf, messageOf, MiB, SluiceError, systemClock, type Bytes, type Clock } from '../../core/index.ts'
import { openStore, type ObjectKey } from '../../storage/index.ts'
import { openDataFolder, type DataFolder } from '../data-folder.ts'
import { lockPath, lockState, takeLock, type Lock } from '../lock.ts'
import { SUPERVISED_ROLES } from '../roles.ts'
import type { Configuration } from '../settings.ts'
import { isKept, restoreFile, type KeptFile } from './kept-files.ts'
import { count, emptyContents, type BackupContents } from './write-backup.ts'

export interface RestoreOptions {
  file: string
  configuration: Configuration
  /** Of a PostgreSQL server; the database is embedded without one. A secret. */
  databaseUrl: string | undefined
  /** For tests. */
  clock?: Clock
}

export interface Restored {
  data: string
  contents: BackupContents
  /** Files that were there already with other contents, and are as they were. */
  left: string[]
  /** Where media is to lie from now on. */
  media: MediaPlace
  /** Objects that the backup names and that do not lie there yet; null where that was not looked at. */
  missing: number | null
}

/** All of them are in memory together. */
const MOST_OF_FILES: Bytes = 64 * MiB

/**
 * Restores a backup into an empty database and a data folder on which nothing runs. The whole of the file is read and
 * checked before anything is changed, and a restore that was killed can be done again.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const handle = await openBackup(options.file)
  try {
    const { contents, migration, files } = await check(handle)
    const data = openDataFolder(options.configuration.data)
    const lock = await aloneOn(data)
    try {
      const left = await restore(options, { handle, data, migration, contents, files })
      const media = mediaOf(options.configuration, data)
      return { data: data.root, contents, left, media, missing: await missingIn(media, contents, handle) }
    } finally {
      await lock.release()
    }
  } finally {
    await handle.close()
  }
}

/** Loaded when something is restored: no other command has to wait for the database's packages. */
const control = () => import('../../control/index.ts')

interface Checked {
  contents: BackupContents
  migration: number
  files: KeptFile[]
}

async function check(handle: FileHandle): Promise<Checked> {
  const { head, lines } = await linesOf(handle)
  const { knownMigrations } = await control()
  await knownMigrations(head.migration)
  const contents = emptyContents(head)
  const files: KeptFile[] = []
  let size = 0
  let state: 'no-table' | 'in-table' = 'no-table'
  for await (const line of lines) {
    if (line.kind === 'row') {
      if (state === 'no-table') throw badBackup('it has rows of no table')
      contents.rows++
      continue
    }
    if ('table' in line.word) state = 'in-table'
    count(line.word, contents)
    const file = fileOf(line)
    if (file === undefined) continue
    size += file.bytes.length
    if (size > MOST_OF_FILES) throw badBackup('its files are larger than keys are')
    files.push(file)
  }
  contents.files = files.map(({ name }) => name)
  return { contents, migration: head.migration, files }
}

function fileOf(line: BackupLine): KeptFile | undefined {
  if (line.kind === 'row' || !('file' in line.word)) return undefined
  const { file: name, base64 } = line.word
  if (!isKept(name)) throw badBackup(`it holds a file "${name}", which no backup has`)
  return { name, bytes: Buffer.from(base64, 'base64') }
}

async function restore(
  { databaseUrl, clock = systemClock }: RestoreOptions,
  { handle, data, migration, contents, files }: Checked & { handle: FileHandle; data: DataFolder },
): Promise<string[]> {
  const { lines } = await linesOf(handle)
  const left: string[] = []
  const { restoreDatabase } = await control()
  await restoreDatabase({
    ...{ url: databaseUrl, dataDir: data.control, clock },
    ...{ migration, madeAt: contents.madeAt },
    rows: rowsOf(lines),
    beforeLast() {
      for (const file of files) if (restoreFile(data, file) === 'other') left.push(file.name)
      return Promise.resolve()
    },
  })
  return left
}

async function* rowsOf(lines: AsyncIterable<BackupLine>): AsyncGenerator<{ table: string; json: string }> {
  let table = ''
  for await (const line of lines) {
    if (line.kind === 'row') yield { table, json: line.json }
    else if ('table' in line.word) table = line.word.table
  }
}

/** Looked for in a folder, where that is quick, and in no bucket. */
async function missingIn(
  media: MediaPlace,
  { media: { place } }: BackupContents,
  handle: FileHandle,
): Promise<number | null> {
  if (media.kind === 's3' && isDeepStrictEqual(media, place)) return 0
  if (media.kind !== 'filesystem') return null
  const store = await openStore(media)
  let missing = 0
  const { lines } = await linesOf(handle)
  for await (const line of lines) {
    if (line.kind === 'row' || !('object' in line.word)) continue
    // `head` makes nothing of a key that no store has given.
    const found = await store.head(line.word.object as ObjectKey).catch(() => undefined)
    if (found?.size !== line.word.size) missing++
  }
  return missing
}

function mediaOf({ storage, storageEndpoint, storageRegion }: Configuration, data: DataFolder): MediaPlace {
  if (storage === undefined) return { kind: 'filesystem', folder: data.originStorage }
  const { bucket, prefix } = storage
  return { kind: 's3', bucket, prefix, endpoint: storageEndpoint ?? null, region: storageRegion }
}

async function openBackup(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r')
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${messageOf(error)})`
    throw new SluiceError('no-backup', `${file} ${why}.`, { side: 'operator', kind: 'not-found' })
  }
}

/** From its beginning, as often as it is asked. */
function linesOf(handle: FileHandle): Promise<ReadBackup> {
  const packed = handle.createReadStream({ start: 0, autoClose: false })
  // What goes wrong is seen by who reads.
  return readBackup(pipeline(packed, createGunzip(), () => {}))
}

/** Neither a supervisor nor a role that it has left behind is on the folder. */
async function aloneOn(data: DataFolder): Promise<Lock> {
  const outcome = await takeLock(lockPath(data.root))
  if (outcome.kind === 'held') throw inUse(data, outcome.pid)
  for (const role of SUPERVISED_ROLES) {
    const state = await lockState(lockPath(data.root, role))
    if (state.kind === 'free') continue
    await outcome.lock.release()
    throw inUse(data, state.pid)
  }
  return outcome.lock
}

function inUse(data: DataFolder, pid: number | undefined): SluiceError {
  const holder = pid === undefined ? 'a running Sluice' : `a running Sluice (process ${pid})`
  return new SluiceError(
    'data-folder-in-use',
    `The data folder ${data.root} is in use by ${holder}: end that one first, or restore into another with --data.`,
    { side: 'operator', kind: 'conflict' },
  )
}
