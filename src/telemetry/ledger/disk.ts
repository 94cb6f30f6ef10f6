import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  constants,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { codeOf, type Bytes } from '../../core/index.ts'

/**
 * All that the ledger asks of a file system. What is written stands in the system's memory when the call returns, and outlives
 * the process from then on; a loss of power it outlives after `sync`.
 */
export interface LedgerDisk {
  /** For reading and writing; made where it is not there. */
  open(file: string): number
  close(file: number): void
  /** All of it, or it throws. */
  write(file: number, bytes: Uint8Array, at: number): void
  truncate(file: number, length: Bytes): void
  sync(file: number): Promise<void>
  /** Undefined where it is not there. */
  read(file: string): Buffer | undefined
  size(file: string): Bytes | undefined
  /** Another where it was made anew or written to; undefined where it is not there. */
  version(file: string): string | undefined
  names(folder: string): string[]
  /** With those around it. */
  makeFolder(folder: string): void
  /** What was made, moved or removed in it outlives a loss of power. */
  syncFolder(folder: string): void
  move(from: string, to: string): void
  remove(file: string): void
}

const dataSync = promisify(fdatasync)

export const realDisk: LedgerDisk = {
  open: file => openSync(file, constants.O_RDWR | constants.O_CREAT, 0o640),
  close: closeSync,
  write(file, bytes, at) {
    let done = 0
    // The system may take less than it is given, and says why when it is asked again.
    while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done, at + done)
  },
  truncate: ftruncateSync,
  sync: dataSync,
  read: file => unlessMissing(() => readFileSync(file)),
  size: file => statSync(file, { throwIfNoEntry: false })?.size,
  version(file) {
    const found = statSync(file, { throwIfNoEntry: false, bigint: true })
    return found && `${found.ino} ${found.mtimeNs} ${found.size}`
  },
  names: folder => unlessMissing(() => readdirSync(folder)) ?? [],
  makeFolder: folder => void mkdirSync(folder, { recursive: true, mode: 0o750 }),
  syncFolder(folder) {
    const handle = openSync(folder, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  },
  move: renameSync,
  remove: file => rmSync(file, { force: true }),
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
