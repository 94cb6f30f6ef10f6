import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Bytes } from '../../core/index.ts'
import { isAbsence, shardName, type DiskFiles, type Layout } from './layout.ts'
import { isTable, SlotTable, type FileId } from './slot-table.ts'

const MAGIC = 'SluiceIx'
/** Raised when old snapshots would be misread; the folder is walked then. */
const FORM = 1
const PROLOGUE = 24
/** A journal's record: four words of the id, size (0: gone), last use, checksum of these. */
const RECORD = 28
/** A journal is as long as the table, or as this many records, before a snapshot takes its place. */
const LEAST_RECORDS = 8192

export interface ShardIndexOptions {
  shard: number
  layout: Layout
  files: DiskFiles
}

/**
 * What the files of one shard's folder are, in memory, with a snapshot and a journal on disk. It is for eviction, and
 * to know for certain what is not there; hits never need it. Right after a kill it may be wrong: a walk mends it.
 */
export class ShardIndex {
  readonly shard: number
  /** Whether every file of the folder is in the table. */
  certain = false
  /** Counts what is added, for those who wait between looking and changing. */
  added = 0
  readonly #layout: Layout
  readonly #files: DiskFiles
  #table = new SlotTable()
  #generation = 0
  #journals: string[] = []
  #records = 0
  #waiting: Buffer[] = []
  #opened: Promise<void> | undefined
  #saving: Promise<void> = Promise.resolve()

  constructor({ shard, layout, files }: ShardIndexOptions) {
    this.shard = shard
    this.#layout = layout
    this.#files = files
  }

  get count(): number {
    return this.#table.count
  }

  get bytes(): Bytes {
    return this.#table.bytes
  }

  get table(): Pick<SlotTable, 'sizeOf' | 'near' | 'ids' | 'touch'> {
    return this.#table
  }

  /**
   * `present`: what is in the folder of indexes. What cannot be read is made anew by a walk. Of a shard whose folder
   * was made just now there is nothing to read: it is empty.
   */
  async load(present: readonly string[], folder: 'kept' | 'made'): Promise<void> {
    const journals = present.filter(name => name.startsWith(`${shardName(this.shard)}.journal-`))
    this.#journals = journals.sort(byGeneration)
    this.#generation = 1 + generationOf(journals.at(-1) ?? '')
    if (folder === 'made') this.certain = true
    else await this.#read()
  }

  async #read(): Promise<void> {
    const snapshot = await this.#readSnapshot()
    if (snapshot) this.#table = new SlotTable(snapshot.words)
    for (const name of this.#journals) {
      this.#replay(await readFile(join(this.#layout.index, name)).catch(() => Buffer.alloc(0)))
    }
    const clean = await readFile(this.#file('clean'), 'latin1').catch(() => undefined)
    this.certain = snapshot !== undefined && this.#journals.length === 0 && clean === snapshot.mark
  }

  /** To be awaited before a file of the folder changes: from here on, a kill leaves an index that needs a walk. */
  beforeChange(): Promise<void> {
    this.#opened ??= this.#files.unlink(this.#file('clean')).catch((error: unknown) => {
      if (isAbsence(error)) return
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  add(id: FileId, size: Bytes, used: number): void {
    this.added++
    this.#table.set(id, size, used)
    this.#note(id, size, used)
  }

  remove(id: FileId): void {
    this.#table.delete(id)
    this.#note(id, 0, 0)
  }

  /** Hands what has changed to the journal, or to a snapshot once the journal is long. Never rejects. */
  flush(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#flush()).catch(() => {})
    return this.#saving
  }

  /** Writes the snapshot; marked clean, the next start believes it. Never rejects. */
  save(state: 'clean' | 'running'): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save(state)).catch(() => {})
    return this.#saving
  }

  #note(id: FileId, size: Bytes, used: number): void {
    const record = Buffer.from(Uint32Array.of(...id, size, used, 0).buffer)
    record.writeUInt32LE(crc32(record.subarray(0, RECORD - 4)), RECORD - 4)
    this.#waiting.push(record)
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    if (this.#records + this.#waiting.length > Math.max(LEAST_RECORDS, this.count))
      return this.#save('running')
    // Lost when it cannot be written: the walk after the next start finds the difference.
    const records = this.#waiting.splice(0)
    this.#records += records.length
    const journal = `${shardName(this.shard)}.journal-${this.#generation}`
    if (!this.#journals.includes(journal)) this.#journals.push(journal)
    await this.#files.appendFile(join(this.#layout.index, journal), Buffer.concat(records), { mode: 0o600 })
  }

  async #save(state: 'clean' | 'running'): Promise<void> {
    const words = this.#table.words.slice()
    const bytes = Buffer.from(words.buffer)
    // What changes from here on goes to a journal of its own; the older ones are in the snapshot.
    const journals = this.#journals.splice(0)
    this.#generation++
    this.#records = 0
    this.#waiting = []
    const prologue = Buffer.alloc(PROLOGUE)
    prologue.write(MAGIC, 'latin1')
    // As the words are: another machine's order of bytes is another form.
    prologue.set(new Uint8Array(Uint32Array.of(FORM, words.length, crc32(bytes)).buffer), 8)
    prologue.writeUInt32LE(crc32(prologue.subarray(0, PROLOGUE - 4)), PROLOGUE - 4)
    const aside = join(this.#layout.aside, `${shardName(this.shard)}-index`)
    try {
      await this.#files.writeFile(aside, [prologue, bytes], { mode: 0o600 })
      await this.#files.rename(aside, this.#file('table'))
    } catch (error) {
      this.#journals.unshift(...journals)
      throw error
    }
    for (const name of journals) await this.#files.unlink(join(this.#layout.index, name)).catch(() => {})
    if (state === 'clean') await this.#files.writeFile(this.#file('clean'), markOf(prologue), { mode: 0o600 })
  }

  async #readSnapshot(): Promise<{ words: Uint32Array; mark: string } | undefined> {
    const file = await readFile(this.#file('table')).catch(() => undefined)
    if (!file || file.length < PROLOGUE || file.toString('latin1', 0, 8) !== MAGIC) return undefined
    const prologue = file.subarray(0, PROLOGUE)
    if (crc32(prologue.subarray(0, PROLOGUE - 4)) !== prologue.readUInt32LE(PROLOGUE - 4)) return undefined
    const [form, length, sum] = new Uint32Array(new Uint8Array(prologue.subarray(8, 20)).buffer)
    const bytes = new Uint8Array(file.subarray(PROLOGUE))
    if (form !== FORM || bytes.length !== (length ?? 0) * 4 || crc32(bytes) !== sum) return undefined
    const words = new Uint32Array(bytes.buffer)
    return isTable(words) ? { words, mark: markOf(prologue) } : undefined
  }

  #replay(journal: Buffer): void {
    for (let at = 0; at + RECORD <= journal.length; at += RECORD) {
      const record = new Uint8Array(journal.subarray(at, at + RECORD))
      const [one = 0, two = 0, three = 0, four = 0, size = 0, used = 0] = new Uint32Array(record.buffer)
      if (crc32(record.subarray(0, RECORD - 4)) !== journal.readUInt32LE(at + RECORD - 4)) continue
      this.#records++
      if (size === 0) this.#table.delete([one, two, three, four])
      else this.#table.set([one, two, three, four], size, used)
    }
  }

  #file(kind: 'table' | 'clean'): string {
    return join(this.#layout.index, `${shardName(this.shard)}.${kind}`)
  }
}

function markOf(prologue: Buffer): string {
  return prologue.toString('hex')
}

function generationOf(name: string): number {
  return Number(name.slice(name.lastIndexOf('-') + 1)) || 0
}

function byGeneration(one: string, other: string): number {
  return generationOf(one) - generationOf(other)
}
