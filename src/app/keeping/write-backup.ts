import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { BackupWriter, readBackup, type MediaPlace, type ReadBackup } from '../../client/index.ts'
import { codeOf, messageOf, SluiceError, type Bytes, type Instant } from '../../core/index.ts'
import type { DataFolder } from '../data-folder.ts'
import { keptFiles } from './kept-files.ts'

/** What stands in a backup. */
export interface BackupContents {
  madeAt: Instant
  rows: number
  /** Names of files of the data folder. */
  files: string[]
  media: { place: MediaPlace; objects: number; bytes: Bytes; unlisted: string | null }
}

export interface WriteBackupOptions {
  /** What control tells. */
  told: AsyncIterable<Uint8Array>
  /** Whose files go with it, where it is on this machine. */
  data: DataFolder | undefined
  file: string
}

/** Writes a backup whole or not at all, readable by this user alone; one of the same name is replaced. */
export async function writeBackup({ told, data, file }: WriteBackupOptions): Promise<BackupContents> {
  const aside = `${file}.${randomBytes(4).toString('hex')}.unfinished`
  try {
    // Before anything is asked, since an answer that nobody reads would keep its connection.
    const target = await open(aside, 'wx', 0o600)
    try {
      const read = await readBackup(told)
      const contents = emptyContents(read.head)
      const text = linesOf(read, data, contents)
      await pipeline(Readable.from(text), createGzip(), target.createWriteStream({ flush: true }))
      await rename(aside, file)
      await syncFolder(dirname(file))
      return contents
    } finally {
      await target.close().catch(() => {})
    }
  } catch (error) {
    await rm(aside, { force: true })
    throw error instanceof SluiceError ? error : notWritten(file, error)
  }
}

export function emptyContents(head: { madeAt: number; media: MediaPlace }): BackupContents {
  return {
    madeAt: head.madeAt as Instant, // epoch milliseconds, as control wrote them
    ...{ rows: 0, files: [] },
    media: { place: head.media, objects: 0, bytes: 0, unlisted: null },
  }
}

async function* linesOf(
  { head, lines }: ReadBackup,
  data: DataFolder | undefined,
  contents: BackupContents,
): AsyncGenerator<string> {
  const writer = new BackupWriter()
  yield writer.head(head)
  for await (const line of lines) {
    if (line.kind === 'row') {
      contents.rows++
      yield writer.row(line.json)
    } else {
      count(line.word, contents)
      yield writer.word(line.word)
    }
  }
  // After the database: a key is on the disk before control knows it.
  for (const { name, bytes } of data ? keptFiles(data) : []) {
    contents.files.push(name)
    yield writer.word({ file: name, base64: bytes.toString('base64') })
  }
  yield writer.end()
}

/** Adds what a line says of media. */
export function count(word: object, { media }: BackupContents): void {
  if ('object' in word && 'size' in word) {
    media.objects++
    media.bytes += Number(word.size)
  }
  if ('unlisted' in word) media.unlisted = String(word.unlisted)
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function notWritten(file: string, error: unknown): SluiceError {
  const why = {
    ENOENT: 'its folder is not there: make it',
    EACCES: 'its folder is not writable by this user',
    ENOSPC: 'the disk is full: make room',
    EISDIR: 'it is a folder: name a file in it',
    ENOTEMPTY: 'it is a folder: name a file in it',
  }[codeOf(error) ?? '']
  return new SluiceError('backup-not-written', `${file} was not written, ${why ?? messageOf(error)}.`, {
    side: 'operator',
    cause: error,
  })
}
