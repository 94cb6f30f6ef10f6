import { randomBytes } from 'node:crypto'
import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { BACKUP_FORMAT, BackupWriter, type MediaPlace } from '../client/index.ts'
import { codeOf, KiB, messageOf, SluiceError, type Bytes, type Clock } from '../core/index.ts'
import type { ObjectStore, StorageOptions } from '../storage/index.ts'
import { dumpRows, readSchema, type Database } from './database/index.ts'

export interface BackupsOptions {
  database: Database
  store: ObjectStore
  storage: StorageOptions
  /** Control's own folder. */
  folder: string
  clock: Clock
}

/** Backups that are being read at once; each holds a file as large as the database. */
const MOST = 2
const PIECE: Bytes = 256 * KiB

/** Makes backups while everything goes on. */
export class Backups {
  readonly #options: BackupsOptions
  #running = 0

  constructor(options: BackupsOptions) {
    this.#options = options
  }

  /**
   * A backup without the files of the data folder. The database is read in one view, into a file without a name, before
   * `send` is called with the text: so nobody who reads slowly keeps writers waiting.
   */
  async make(send: (text: AsyncIterable<string | Uint8Array>) => Promise<void>): Promise<void> {
    if (this.#running >= MOST) throw busy()
    this.#running++
    let file: FileHandle | undefined
    try {
      file = await openNameless(this.#options.folder)
      const writer = new BackupWriter()
      await this.#spool(file, writer)
      await send(this.#text(file, writer))
    } finally {
      this.#running--
      await file?.close()
    }
  }

  async #spool(file: FileHandle, writer: BackupWriter): Promise<void> {
    const { database, clock, storage } = this.#options
    const gathered = new Gathered(file)
    try {
      await database.read(async tx => {
        const schema = await readSchema(tx)
        const head = { sluice: 'backup', format: BACKUP_FORMAT, madeAt: clock.now(), ...schema } as const
        await gathered.add(writer.head({ ...head, media: placeOf(storage) }))
        let table = ''
        for await (const row of dumpRows(tx)) {
          if (row.table !== table) await gathered.add(writer.word({ table: (table = row.table) }))
          await gathered.add(writer.row(row.json))
        }
      })
      await gathered.flush()
    } catch (error) {
      throw codeOf(error) === 'ENOSPC' ? full() : error
    }
  }

  async *#text(file: FileHandle, writer: BackupWriter): AsyncGenerator<string | Uint8Array, void> {
    for (let at = 0; ;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE), 0, PIECE, at)
      if (bytesRead === 0) break
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    yield* this.#objects(writer)
    yield writer.end()
  }

  async *#objects(writer: BackupWriter): AsyncGenerator<string> {
    let text = ''
    try {
      for await (const { key, size } of this.#options.store.list('')) {
        text += writer.word({ object: key, size })
        if (text.length < PIECE) continue
        yield text
        text = ''
      }
    } catch (error) {
      text += writer.word({ unlisted: messageOf(error) })
    }
    if (text !== '') yield text
  }
}

/** Writes larger pieces than lines. */
class Gathered {
  readonly #file: FileHandle
  #text = ''

  constructor(file: FileHandle) {
    this.#file = file
  }

  async add(line: string): Promise<void> {
    this.#text += line
    if (this.#text.length >= PIECE) await this.flush()
  }

  async flush(): Promise<void> {
    await this.#file.appendFile(this.#text)
    this.#text = ''
  }
}

/** However this process ends, nothing of it is left. */
async function openNameless(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const name = join(folder, `backup-${randomBytes(6).toString('hex')}`)
  const file = await open(name, 'wx+', 0o600)
  await unlink(name)
  return file
}

function placeOf(storage: StorageOptions): MediaPlace {
  switch (storage.kind) {
    case 'memory':
      return { kind: 'memory' }
    case 'filesystem':
      return { kind: 'filesystem', folder: storage.folder }
    case 's3': {
      const { bucket, prefix, endpoint = null, region } = storage
      return { kind: 's3', bucket, prefix, endpoint, region }
    }
  }
}

function busy(): SluiceError {
  return new SluiceError('backup-busy', `${MOST} backups are being made: try again when one is done`, {
    kind: 'unavailable',
  })
}

function full(): SluiceError {
  return new SluiceError(
    'disk-full',
    "the disk of control's data folder is full, and a backup needs room there for a copy of the database: make room",
  )
}
