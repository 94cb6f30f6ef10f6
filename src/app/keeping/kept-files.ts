import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { codeOf, MiB, SluiceError, type Bytes } from '../../core/index.ts'
import type { DataFolder } from '../data-folder.ts'

/** A file of the data folder that a backup holds. */
export interface KeptFile {
  /** Relative to the data folder: `keys/K….pem`. */
  name: string
  bytes: Buffer
}

/** Far above what a key or a certificate has. */
const LARGEST: Bytes = 1 * MiB

/** What else than the database would be missed: how the command line finds control, and what signs. */
const ALONE = ['client.json', 'first-run.json']
const FOLDERS = ['keys', 'certificates'] as const
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Whether a backup may hold a file of this name, and so a restore write it. */
export function isKept(name: string): boolean {
  const [folder = '', file = '', ...rest] = name.split('/')
  if (rest.length > 0) return false
  return name.includes('/') ? FOLDERS.some(each => each === folder) && NAME.test(file) : ALONE.includes(name)
}

/** In the order of their names; files that are not there are left out. */
export function* keptFiles(data: DataFolder): Generator<KeptFile> {
  const names = FOLDERS.flatMap(folder => filesIn(join(data.root, folder)).map(name => `${folder}/${name}`))
  for (const name of [...ALONE, ...names].filter(isKept)) {
    const bytes = readIfThere(join(data.root, name))
    if (bytes !== undefined && bytes.length <= LARGEST) yield { name, bytes }
  }
}

/**
 * Writes a file of a backup, for this user alone. What is there already stays: `same`, or `other` where its contents are
 * others.
 */
export function restoreFile(data: DataFolder, { name, bytes }: KeptFile): 'written' | 'same' | 'other' {
  if (!isKept(name))
    throw new SluiceError('bad-backup', `the backup holds a file ${name}, which no backup has`)
  const path = join(data.root, name)
  const aside = join(dirname(path), `.${basename(path)}.${process.pid}.restoring`)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    writeThrough(aside, bytes)
    linkSync(aside, path)
    return 'written'
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return readFileSync(path).equals(bytes) ? 'same' : 'other'
  } finally {
    rmSync(aside, { force: true })
  }
}

function writeThrough(path: string, bytes: Buffer): void {
  // One of this process's id that was killed.
  rmSync(path, { force: true })
  const file = openSync(path, 'wx', 0o600)
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => entry.name)
      .sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
