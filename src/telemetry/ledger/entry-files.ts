import path from 'node:path'
import { KiB, type Bytes, type Instant, type Milliseconds } from '../../core/index.ts'
import { hashOf, whyNotNext, type LedgerEntry } from '../../usage/index.ts'
import type { LedgerDisk } from './disk.ts'

/** One file is read as a whole when its entries are sent. */
const LARGEST_FILE: Bytes = 256 * KiB
/** So long an entry is kept that control has taken: a control restored from a backup may ask for it again. */
export const KEPT: Milliseconds = 35 * 86_400_000

interface EntryFile {
  name: string
  first: number
  last: number
  /** When its last entry was counted. */
  until: Instant
}

type LastEntry = Pick<LedgerEntry, 'life' | 'sequence' | 'hash'>

/** `damaged`: what is there does not hold together, and nobody can say what was there before. */
export type Loaded = { kind: 'sound'; last: LastEntry | undefined } | { kind: 'damaged'; why: string }

/**
 * The closed entries, one line of JSON each, in files named after the first of them. What a kill has left half-written at
 * the end is taken away at the next start: nobody has been told of it.
 */
export class EntryFiles {
  readonly #disk: LedgerDisk
  readonly #folder: string
  #files: EntryFile[] = []
  #last: LastEntry | undefined
  /** Where the next line goes in the last file; a line that failed half-way is written over. */
  #end: Bytes = 0

  constructor(disk: LedgerDisk, folder: string) {
    this.#disk = disk
    this.#folder = folder
  }

  get last(): LastEntry | undefined {
    return this.#last
  }

  /** The first that is there, or the next to come. */
  get oldest(): number {
    return this.#files[0]?.first ?? (this.#last?.sequence ?? 0) + 1
  }

  load(): Loaded {
    const names = entryFileNames(this.#disk, this.#folder)
    for (const [at, name] of names.entries()) {
      const read = this.#readFile(name)
      if (read.broken !== undefined) {
        const isTail = at === names.length - 1 && !holdsEntry(read.broken)
        if (!isTail)
          return { kind: 'damaged', why: `${name} is not what was written, from byte ${read.good} on` }
        this.#cut(name, read.good)
      }
      const first = read.entries[0]
      if (first === undefined) continue
      // Older files may have been removed, and the first that is left says itself where it stands.
      const unknown = { ...first, sequence: first.sequence - 1, hash: first.previous }
      let before = this.#last ?? (first.sequence === 1 ? undefined : unknown)
      for (const entry of read.entries) {
        const why = whyNotNext(entry, before)
        if (why !== undefined)
          return { kind: 'damaged', why: `entry ${entry.sequence} does not follow (${why})` }
        before = entry
      }
      this.#last = before
      this.#files.push({ name, first: first.sequence, ...endOf(read.entries) })
      this.#end = read.good
    }
    return { kind: 'sound', last: this.#last }
  }

  /** It is there for good when the promise resolves. Throws when it is not; it may be tried again. */
  async append(entry: LedgerEntry): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`)
    let file = this.#files.at(-1)
    const isNew = file === undefined || this.#end + line.length > LARGEST_FILE
    if (isNew) file = { name: nameOf(entry.sequence), first: entry.sequence, last: 0, until: entry.until }
    if (file === undefined) return
    const handle = this.#disk.open(path.join(this.#folder, file.name))
    const at = isNew ? 0 : this.#end
    try {
      this.#disk.write(handle, line, at)
      await this.#disk.sync(handle)
    } finally {
      this.#disk.close(handle)
    }
    if (isNew) {
      this.#disk.syncFolder(this.#folder)
      this.#files.push(file)
    }
    this.#end = at + line.length
    file.last = entry.sequence
    file.until = entry.until
    this.#last = entry
  }

  /** Whether what was appended is still there; somebody may have emptied the folder. */
  get isThere(): boolean {
    const file = this.#files.at(-1)
    if (file === undefined) return true
    return (this.#disk.size(path.join(this.#folder, file.name)) ?? 0) >= this.#end
  }

  /** At most one file of entries in their order, the first of them `sequence` or the oldest that is there. */
  from(sequence: number): LedgerEntry[] {
    const file = this.#files.find(({ last }) => last >= sequence)
    if (file === undefined) return []
    return this.#readFile(file.name).entries.filter(
      entry => entry.sequence >= sequence && entry.sequence <= file.last,
    )
  }

  /** Removes what control has taken and is older than `KEPT`; the last file says where the chain stands, and stays. */
  prune(taken: number, now: Instant): void {
    for (;;) {
      const [file, next] = this.#files
      if (file === undefined || next === undefined || file.last > taken || now - file.until < KEPT) return
      this.#disk.remove(path.join(this.#folder, file.name))
      this.#files.shift()
    }
  }

  #readFile(name: string): ReadFile {
    return readEntryFile(this.#disk, path.join(this.#folder, name))
  }

  #cut(name: string, length: Bytes): void {
    const file = path.join(this.#folder, name)
    if (length === 0) return this.#disk.remove(file)
    const handle = this.#disk.open(file)
    try {
      this.#disk.truncate(handle, length)
    } finally {
      this.#disk.close(handle)
    }
  }
}

const NEW_LINE = 0x0a
const NAME = /^entries-\d{12}\.jsonl$/

interface ReadFile {
  entries: LedgerEntry[]
  /** So much of it is whole entries. */
  good: Bytes
  /** What follows on them, where something does. */
  broken?: Buffer
}

/** In the order in which they were written. */
export function entryFileNames(disk: LedgerDisk, folder: string): string[] {
  return disk
    .names(folder)
    .filter(name => NAME.test(name))
    .sort()
}

export function readEntryFile(disk: LedgerDisk, file: string): ReadFile {
  const bytes = disk.read(file) ?? Buffer.alloc(0)
  const entries: LedgerEntry[] = []
  let good = 0
  while (good < bytes.length) {
    const end = bytes.indexOf(NEW_LINE, good)
    const entry = end < 0 ? undefined : readEntry(bytes.toString('utf8', good, end))
    if (entry === undefined) return { entries, good, broken: bytes.subarray(good) }
    entries.push(entry)
    good = end + 1
  }
  return { entries, good }
}

/** The sequence of the first entry in a file. */
export function firstIn(name: string): number {
  return Number(/\d{12}/.exec(name)?.[0])
}

function nameOf(first: number): string {
  return `entries-${String(first).padStart(12, '0')}.jsonl`
}

function endOf(entries: LedgerEntry[]): { last: number; until: Instant } {
  const { sequence, until } = entries.at(-1) ?? { sequence: 0, until: 0 as Instant } // none only for no entries
  return { last: sequence, until }
}

/** Whether there is a whole entry behind what cannot be read: then that is no end that was torn off. */
function holdsEntry(broken: Buffer): boolean {
  return broken
    .toString('utf8')
    .split('\n')
    .slice(0, -1)
    .some(line => readEntry(line) !== undefined)
}

function readEntry(line: string): LedgerEntry | undefined {
  try {
    const entry = JSON.parse(line) as LedgerEntry // its digest says whether it is what was written
    return hashOf(entry) === entry.hash ? entry : undefined
  } catch {
    return undefined
  }
}
