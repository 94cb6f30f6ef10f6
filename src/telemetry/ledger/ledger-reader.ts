import path from 'node:path'
import type { Instant } from '../../core/index.ts'
import type { LedgerEntry } from '../../usage/index.ts'
import { realDisk, type LedgerDisk } from './disk.ts'
import { entryFileNames, firstIn, KEPT, readEntryFile } from './entry-files.ts'

/**
 * The closed entries of a ledger that another process of this node may have open: to send them, and to remove what is old. What
 * is being written is left out.
 */
export class LedgerReader {
  readonly #folder: string
  readonly #disk: LedgerDisk
  /** What was read last, and is that still while its file has this version. */
  #read: { name: string; version: string; entries: LedgerEntry[] } | undefined

  constructor(folder: string, disk: LedgerDisk = realDisk) {
    this.#folder = folder
    this.#disk = disk
  }

  /** At most one file of entries in their order, from a sequence on, or from the first that is there. */
  from(sequence: number): LedgerEntry[] {
    const names = entryFileNames(this.#disk, this.#folder)
    // The last of those that begin before it, and the one behind that where it was the last of its file.
    const at = Math.max(
      0,
      names.findLastIndex(name => firstIn(name) <= sequence),
    )
    for (const name of names.slice(at)) {
      const entries = this.#entriesIn(name).filter(entry => entry.sequence >= sequence)
      if (entries.length > 0) return entries
    }
    return []
  }

  /** The newest entry; undefined while there is none. */
  get last(): LedgerEntry | undefined {
    const name = entryFileNames(this.#disk, this.#folder).at(-1)
    return name === undefined ? undefined : this.#entriesIn(name).at(-1)
  }

  /** The sequence of the first entry that is there. */
  get oldest(): number {
    const name = entryFileNames(this.#disk, this.#folder)[0]
    return name === undefined ? 1 : firstIn(name)
  }

  /** Removes files of which control has taken all, and long ago; the last one says where the chain stands, and stays. */
  prune(taken: number, now: Instant): void {
    const names = entryFileNames(this.#disk, this.#folder)
    for (const [at, name] of names.slice(0, -1).entries()) {
      const isTaken = firstIn(names[at + 1] ?? '') <= taken + 1
      const last = isTaken ? this.#entriesIn(name).at(-1) : undefined
      if (last === undefined || now - last.until < KEPT) return
      this.#disk.remove(path.join(this.#folder, name))
    }
  }

  #entriesIn(name: string): LedgerEntry[] {
    const file = path.join(this.#folder, name)
    // Not by its size alone: a ledger begun anew has files of the same names, and may well have them of the same size.
    const version = this.#disk.version(file)
    if (this.#read?.name === name && this.#read.version === version) return this.#read.entries
    const { entries, broken } = readEntryFile(this.#disk, file)
    // One that is being appended to is read again.
    this.#read = version === undefined || broken !== undefined ? undefined : { name, version, entries }
    return entries
  }
}
