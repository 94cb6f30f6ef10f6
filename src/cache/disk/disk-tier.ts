import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB, pause, type Bytes, type Clock, type Milliseconds } from '../../core/index.ts'
import type { CacheKey } from '../../http/index.ts'
import { loggedPath } from '../../signing/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { CacheTier, ForgottenPath, StoredObject } from '../contract.ts'
import { ReadingRoom } from './reading-room.ts'
import { SHARDS, shardOf } from '../shard.ts'
import { canBeWritten, decodeFile, type BadFile } from './cache-file.ts'
import { DiskWrites } from './disk-writes.ts'
import { fileIdOf } from './file-id.ts'
import { ForgottenLog } from './forgotten-log.ts'
import { diskFiles, isAbsence, Layout, shardName, type DiskFiles } from './layout.ts'
import { mendIndex } from './mend.ts'
import { ShardIndex } from './shard-index.ts'
import type { FileId } from './slot-table.ts'
import { fieldsOf, Trouble, type WriteFailure } from './trouble.ts'
import { readWhole } from './whole-file.ts'
import { WriterThread, type Writer } from './writer.ts'

/** What has less time left is not worth a write. */
const LEAST_LIFE: Milliseconds = 120_000
/** Parts of a live channel of the built-in origin: gone before they could be read again (SEAMS 21). */
const LIVE_PART = /\/b[a-z0-9]{9}\/(?:video|audio)\/e[a-z0-9]{9}-\d+\.\d+\.m4s$/
/** What all workers together may have waiting to be written, and what they may be reading at once. */
const QUEUE: Bytes = 64 * MiB
const READING: Bytes = 256 * MiB
/** What a file of unknown size is taken for. */
const GUESS: Bytes = MiB
const FLUSH: Milliseconds = 1_000
const REST: Milliseconds = 1_000
const CLOSE_WITHIN: Milliseconds = 3_000

export interface DiskTierOptions {
  /** Made when it is not there; nothing else may be in it. */
  folder: string
  /** Of the whole folder, whoever owns its shards: this tier keeps to its part of it. */
  maxBytes: Bytes
  clock: Clock
  /** Those that this process owns: no other may write to their folders (SEAMS 22). */
  shards: readonly number[]
  log: Logger
  /**
   * Changed by tests only: what may wait for all shards together, the first pause after a failure, the disk itself:
   * `writer` changes the files of objects, `files` all others.
   */
  queueBytes?: Bytes
  rest?: Milliseconds
  files?: DiskFiles
  writer?: Writer
}

/** Why a file was of no use; `unreadable` when it could not be read at all. */
export type UnusableFile = BadFile | 'unreadable'

/**
 * Whole objects on disk, one file each, named by a digest of their key. Hits need no index, so they are served from
 * the first moment; a file is verified before a byte of it is used. Whatever ails the disk counts as a miss.
 */
export class DiskTier implements CacheTier {
  readonly unusable: Record<UnusableFile, number> = {
    form: 0,
    length: 0,
    checksum: 0,
    head: 0,
    unreadable: 0,
  }
  readonly #options: DiskTierOptions
  readonly #files: DiskFiles
  readonly #layout: Layout
  readonly #shards = new Map<number, ShardIndex>()
  readonly #writes: DiskWrites
  readonly #trouble: Trouble
  readonly #reading: ReadingRoom
  readonly #readingBytes: Bytes
  readonly #ending = new AbortController()
  readonly #forgottenLog: ForgottenLog
  #forgotten: readonly ForgottenPath[] = []
  #mending: Promise<void> = Promise.resolve()
  #flushes: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined

  constructor(options: DiskTierOptions) {
    this.#options = options
    this.#files = options.files ?? diskFiles
    this.#layout = new Layout(options.folder)
    const own = { layout: this.#layout, files: this.#files }
    for (const shard of options.shards) this.#shards.set(shard, new ShardIndex({ shard, ...own }))
    const part = this.#shards.size / SHARDS
    this.#trouble = new Trouble(options)
    const [first = 0] = options.shards
    this.#forgottenLog = new ForgottenLog({
      ...{ folder: this.#layout.forgotten, name: shardName(first) },
      ...{ files: this.#files, trouble: this.#trouble },
    })
    this.#readingBytes = READING * part
    this.#reading = new ReadingRoom(this.#readingBytes)
    this.#writes = new DiskWrites({
      ...{ ...own, clock: options.clock, shards: this.#shards, trouble: this.#trouble },
      maxBytes: Math.floor(options.maxBytes * part),
      queueBytes: (options.queueBytes ?? QUEUE) * part,
      rest: options.rest ?? REST,
      vanished: () => this.#mend([...this.#shards.values()]),
      writer: options.writer ?? new WriterThread(),
    })
  }

  /** Reads the index. Never rejects: a disk in trouble is one without objects until it is well. */
  async start(): Promise<void> {
    const shards = [...this.#shards.values()]
    this.#forgotten = await this.#forgottenLog.read()
    let made: number[] = []
    try {
      made = await this.#layout.make([...this.#shards.keys()], this.#files)
      await this.#sweep()
    } catch (error) {
      this.#trouble.tell('write', fieldsOf(error))
    }
    const present = await readdir(this.#layout.index).catch(() => [])
    await Promise.all(shards.map(shard => shard.load(present, made.includes(shard.shard) ? 'made' : 'kept')))
    this.#mend(shards.filter(shard => !shard.certain))
    this.#flushes = setInterval(() => this.#flush(), FLUSH)
    this.#flushes.unref()
  }

  /** Writes what waits, within a few seconds, and the index, so that the next start knows all. */
  close(within: Milliseconds = CLOSE_WITHIN): Promise<void> {
    this.#closed ??= this.#close(within)
    return this.#closed
  }

  async #close(within: Milliseconds): Promise<void> {
    if (this.#flushes === undefined) return
    this.#ending.abort()
    clearInterval(this.#flushes)
    // A disk that stands still would hold up the end for ever.
    const late = new AbortController()
    await Promise.race([this.#finish(within), pause(3 * within, late.signal)])
    late.abort()
  }

  async #finish(within: Milliseconds): Promise<void> {
    const kept = this.#forgottenLog.close()
    const outcome = await this.#writes.queue.close(within)
    await this.#mending
    const shards = [...this.#shards.values()]
    await Promise.all(
      shards.map(shard => shard.save(shard.certain && outcome === 'done' ? 'clean' : 'running')),
    )
    await kept
    await this.#writes.close()
  }

  get forgotten(): readonly ForgottenPath[] {
    return this.#forgotten
  }

  keepForgotten(path: ForgottenPath, all: () => Iterable<ForgottenPath>): Promise<void> {
    return this.#forgottenLog.keep(path, all)
  }

  get(key: CacheKey): StoredObject | undefined | Promise<StoredObject | undefined> {
    const index = this.#shards.get(shardOf(key))
    if (!index) return undefined
    const wanted = this.#writes.queue.wanted(key)
    if (wanted) return wanted.object
    const id = fileIdOf(key)
    if (index.certain && index.table.sizeOf(id) === undefined) return undefined
    return this.#read(key, id, index)
  }

  set(object: StoredObject): void {
    const { key } = object
    if (!this.#shards.has(shardOf(key))) return
    if (!this.#isWorthwhile(object)) return this.delete(key)
    if (this.#writes.queue.resting) this.#refuse(key, 'resting')
    else if (this.#writes.queue.put({ key, object }) === 'full') this.#refuse(key, 'queue')
  }

  delete(key: CacheKey): void {
    if (this.mayHave(key)) this.#writes.queue.put({ key, object: undefined })
  }

  /** Keeps what is used elsewhere, in memory say, from being the first to go. */
  touch(key: CacheKey): void {
    this.#shards.get(shardOf(key))?.table.touch(fileIdOf(key), this.#second())
  }

  /** Where an object of this key lies when it is there, for `readCacheFile` in any process. */
  fileOf(key: CacheKey): string {
    return this.#layout.object(shardOf(key), fileIdOf(key))
  }

  /** The same where it surely lies there, and nothing newer waits to be written. */
  heldFileOf(key: CacheKey): string | undefined {
    const index = this.#shards.get(shardOf(key))
    if (!index?.certain || index.table.sizeOf(fileIdOf(key)) === undefined) return undefined
    return this.#writes.queue.wanted(key) ? undefined : this.fileOf(key)
  }

  /** False is certain. */
  mayHave(key: CacheKey): boolean {
    const index = this.#shards.get(shardOf(key))
    if (!index) return false
    if (this.#writes.queue.wanted(key)) return true
    return !index.certain || index.table.sizeOf(fileIdOf(key)) !== undefined
  }

  get objects(): number {
    let count = 0
    for (const shard of this.#shards.values()) count += shard.count
    return count
  }

  get bytes(): Bytes {
    return this.#writes.bytes
  }

  get written(): number {
    return this.#writes.written
  }

  get evicted(): number {
    return this.#writes.evicted
  }

  get failed(): Readonly<Record<WriteFailure, number>> {
    return this.#writes.failed
  }

  /** Resolves when nothing waits to be written and the index is in line with the folders. */
  async settled(): Promise<void> {
    await this.#mending
    await this.#writes.queue.settled()
    await this.#mending
  }

  #refuse(key: CacheKey, reason: WriteFailure): void {
    this.#writes.failed[reason]++
    // What stood there has been replaced, if not by this.
    this.delete(key)
  }

  #isWorthwhile(object: StoredObject): boolean {
    const life = object.freshUntil - this.#options.clock.now()
    return (
      life >= LEAST_LIFE && canBeWritten(object) && !LIVE_PART.test(object.path) && !holdsGrant(object.key)
    )
  }

  async #read(key: CacheKey, id: FileId, index: ShardIndex): Promise<StoredObject | undefined> {
    const size = index.table.sizeOf(id)
    const { added } = index
    const room = Math.min(size ?? GUESS, this.#readingBytes)
    // A disk that is so slow is no help; the origin, or whoever stands before us, is asked instead.
    if ((await this.#reading.take(room)) === 'full') return this.#writes.queue.wanted(key)?.object
    const outcome = await readWhole(this.#layout.object(index.shard, id), size)
    this.#reading.give(room)
    // Something newer than the file may have come meanwhile.
    const wanted = this.#writes.queue.wanted(key)
    if (wanted) return wanted.object
    if (outcome.kind === 'too-long') return this.#bad(key, 'length')
    if (outcome.kind === 'failed') return this.#unreadable(outcome.error)
    if (outcome.kind === 'absent') {
      if (size !== undefined && index.added === added) index.remove(id)
      return undefined
    }
    const decoded = decodeFile(outcome.file, key)
    if (decoded.kind === 'other-key') return undefined
    if (decoded.kind === 'bad') return this.#bad(key, decoded.reason)
    if (index.table.sizeOf(id) === outcome.file.length) index.table.touch(id, this.#second())
    else if (index.added === added) index.add(id, outcome.file.length, this.#second())
    return decoded.object
  }

  #unreadable(error: unknown): undefined {
    this.unusable.unreadable++
    this.#trouble.tell('read', fieldsOf(error))
  }

  #bad(key: CacheKey, reason: BadFile): undefined {
    this.unusable[reason]++
    this.#trouble.tell('bad-file', { reason })
    this.#writes.queue.put({ key, object: undefined })
  }

  #second(): number {
    return Math.floor(this.#options.clock.now() / 1000)
  }

  #flush(): void {
    for (const shard of this.#shards.values()) void shard.flush()
  }

  /** What a process that was killed had not finished. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#layout.aside)) {
      const mine = [...this.#shards.keys()].some(shard => name.startsWith(`${shardName(shard)}-`))
      if (mine) await this.#files.unlink(join(this.#layout.aside, name)).catch(error => this.#left(error))
    }
  }

  /** It takes some room, no more. */
  #left(error: unknown): void {
    if (!isAbsence(error)) this.#trouble.tell('write', fieldsOf(error))
  }

  #mend(shards: readonly ShardIndex[]): void {
    this.#mending = this.#mending.then(() => this.#mendAll(shards))
  }

  async #mendAll(shards: readonly ShardIndex[]): Promise<void> {
    const { signal } = this.#ending
    try {
      for (const shard of shards) {
        if (signal.aborted) return
        await mendIndex(shard, this.#layout, signal)
        if (shard.certain) await shard.save('running')
      }
      await this.#writes.shrink(signal)
    } catch (error) {
      this.#trouble.tell('read', fieldsOf(error))
    }
  }
}

/** Whoever builds a URL by hand puts a grant where it is none, and who reads the disk could put it right again. */
function holdsGrant(key: CacheKey): boolean {
  return loggedPath(key) !== key
}
