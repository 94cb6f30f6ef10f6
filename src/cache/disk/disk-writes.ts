import { crc32 } from 'node:zlib'
import { codeOf, type Bytes, type Clock, type Milliseconds } from '../../core/index.ts'
import { shardOf } from '../shard.ts'
import { Batch, type Noted } from './batch.ts'
import { encodeHead, sealHead } from './cache-file.ts'
import { ChangeQueue, type Change, type Outcome } from './change-queue.ts'
import { oldestOfSome } from './eviction.ts'
import { fileIdOf } from './file-id.ts'
import { shardName, type DiskFiles, type Layout } from './layout.ts'
import type { ShardIndex } from './shard-index.ts'
import { spaceOf, type FileId } from './slot-table.ts'
import { fieldsOf, writeFailureOf, type Trouble, type WriteFailure } from './trouble.ts'
import { LARGEST_FILE } from './whole-file.ts'
import type { Writer } from './writer.ts'

/** One file may take this part of the whole, so that a single large one does not empty the cache. */
const LARGEST_PART = 8
/** What goes to the disk together: few enough that viewers do not feel it when it is put together. */
const BATCH = { changes: 32, bytes: 512 * 1024 }
/** After a full disk the limit grows again by this part of what is written: few writes are spent on trying. */
const RECOVERY = 1 / 16
const LONGEST_REST: Milliseconds = 60_000

export interface DiskWritesOptions {
  layout: Layout
  files: DiskFiles
  writer: Writer
  clock: Clock
  shards: ReadonlyMap<number, ShardIndex>
  /** Of the shards that are given. */
  maxBytes: Bytes
  /** Of bodies that wait to be written. */
  queueBytes: Bytes
  /** After a first failure; doubled with each further one. */
  rest: Milliseconds
  trouble: Trouble
  /** Called when folders were found gone and are there again, empty. */
  vanished: () => void
}

/** Everything that changes object files: one batch after the other, aside first, never more than fits. */
export class DiskWrites {
  readonly queue: ChangeQueue
  readonly failed: Record<WriteFailure, number> = { full: 0, unwritable: 0, other: 0, queue: 0, resting: 0 }
  written = 0
  evicted = 0
  readonly #options: DiskWritesOptions
  readonly #indexes: readonly ShardIndex[]
  #room: Uint8Array | undefined
  #reserved: Bytes = 0
  #asides = 0
  #failures = 0
  /** What fits: the limit, or less where a full disk has taught so. */
  #fitting: Bytes

  constructor(options: DiskWritesOptions) {
    this.#options = options
    this.#indexes = [...options.shards.values()]
    this.#fitting = options.maxBytes
    const { queueBytes: maxBytes } = options
    this.queue = new ChangeQueue({ maxBytes, batch: BATCH, carryOut: changes => this.#carryOut(changes) })
  }

  get bytes(): Bytes {
    let bytes = 0
    for (const index of this.#indexes) bytes += index.bytes
    return bytes
  }

  /** Makes what is there fit; for a start with a smaller limit than the last one had. Rejects with the disk's error. */
  async shrink(signal: AbortSignal): Promise<void> {
    await this.#evictDown(() => (signal.aborted ? Infinity : this.#fitting - this.#reserved))
  }

  /** When nothing is under way any more, and nothing more can be. */
  close(): Promise<void> {
    return this.#options.writer.close()
  }

  async #carryOut(changes: readonly Change[]): Promise<readonly Outcome[]> {
    const plans = changes.map(change => this.#plan(change))
    const batch = new Batch()
    const ends: number[] = []
    try {
      await this.#makeRoom(plans)
      for (const plan of plans) {
        await this.#add(plan, batch)
        ends.push(batch.size)
      }
      await this.#perform(batch)
    } catch (error) {
      const outcomes = changes.map((_, at): Outcome =>
        (ends[at] ?? Infinity) <= batch.done ? 'done' : 'again',
      )
      const failed = changes.filter((_, at) => outcomes[at] === 'again')
      await this.#fail(failed, error)
      return outcomes
    } finally {
      this.#reserved = 0
    }
    // A removal tells nothing: it works on a full disk too.
    if (changes.some(({ object }) => object)) this.#failures = 0
    return changes.map(() => 'done')
  }

  #plan(change: Change): Plan {
    const { key, object } = change
    const index = this.#options.shards.get(shardOf(key))
    const place = index && { index, id: fileIdOf(key) }
    if (!object) return { change, place, parts: undefined }
    const head = encodeHead(object)
    const size = head.length + object.body.length
    const fits = size <= Math.min(LARGEST_FILE, this.#options.maxBytes / LARGEST_PART)
    return { change, place, parts: fits ? { head, body: object.body, size } : undefined }
  }

  async #makeRoom(plans: readonly Plan[]): Promise<void> {
    this.#reserved = plans.reduce((sum, { parts }) => sum + (parts ? spaceOf(parts.size) : 0), 0)
    await this.#evictDown(() => this.#fitting - this.#reserved)
  }

  async #add({ change, place, parts }: Plan, batch: Batch): Promise<void> {
    if (!place || this.queue.wanted(change.key) !== change) return
    if (!parts) return this.#remove(place, batch)
    if (parts.size > BATCH.bytes) return this.#storeLong(change, place, parts)
    const { head, body } = parts
    sealHead(head, crc32(body))
    const whole = { opened: 'new', at: 0, ...this.#names(place) } as const
    batch.write([head, body], whole, this.#noted(place, parts))
  }

  #remove({ index, id }: Place, batch: Batch): void {
    const file = this.#options.layout.object(index.shard, id)
    batch.unlink(file, { index, done: () => index.remove(id) })
  }

  /** Folders may be taken away between two parts; once is enough to begin anew. */
  async #storeLong(change: Change, place: Place, parts: Parts): Promise<void> {
    try {
      await this.#storeParts(change, place, parts)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      await this.#storeParts(change, place, parts)
    }
  }

  /** Part after part, so that no more than a part is copied and summed at once; the head, with the sum, comes last. */
  async #storeParts(change: Change, place: Place, parts: Parts): Promise<void> {
    const { index } = place
    const { head, body } = parts
    const { file, becomes } = this.#names(place)
    let sum = 0
    for (let at = 0; at < body.length; at += BATCH.bytes) {
      const part = body.subarray(at, at + BATCH.bytes)
      sum = crc32(part, sum)
      const opened = at === 0 ? 'new' : 'there'
      await this.#performOne(batch => batch.write([part], { file, opened, at: head.length + at }, { index }))
    }
    sealHead(head, sum)
    await this.#performOne(batch => {
      if (this.queue.wanted(change.key) !== change) batch.unlink(file, { index })
      else batch.write([head], { file, opened: 'there', at: 0, becomes }, this.#noted(place, parts))
    })
  }

  async #performOne(fill: (batch: Batch) => void): Promise<void> {
    const batch = new Batch()
    fill(batch)
    await this.#perform(batch)
  }

  /** A name holds a whole file or none: what is written is put in its place by a rename. */
  #names({ index, id }: Place): { file: string; becomes: string } {
    const { layout } = this.#options
    const file = `${layout.aside}/${shardName(index.shard)}-${process.pid}-${this.#asides++}`
    return { file, becomes: layout.object(index.shard, id) }
  }

  #noted({ index, id }: Place, { size }: Parts): Noted {
    const done = (): void => {
      index.add(id, size, Math.floor(this.#options.clock.now() / 1000))
      this.#fitting = Math.min(this.#options.maxBytes, this.#fitting + size * RECOVERY)
      this.written++
    }
    return { index, done }
  }

  /** Rejects with the disk's error; what was done by then is noted. */
  async #perform(batch: Batch): Promise<void> {
    if (batch.size === 0) return
    try {
      await Promise.all([...batch.indexes].map(index => index.beforeChange()))
      const error = await this.#order(batch)
      if (error === undefined) return
      if (error.code !== 'ENOENT') throw error
      await this.#mend(error)
      const still = await this.#order(batch)
      if (still !== undefined) throw still
    } catch (error) {
      batch.end()
      throw error
    }
  }

  async #order(batch: Batch): Promise<DiskError | undefined> {
    const { done, error } = await this.#options.writer.carryOut(batch.order(this.#roomOf(batch.bytes)))
    batch.advance(done)
    return error && Object.assign(new Error(error.message), { code: error.code })
  }

  #roomOf(bytes: Bytes): Uint8Array {
    if (bytes === 0) return new Uint8Array()
    if (bytes > BATCH.bytes) return new Uint8Array(new SharedArrayBuffer(bytes))
    return (this.#room ??= new Uint8Array(new SharedArrayBuffer(BATCH.bytes)))
  }

  /** Folders that are gone are made again: somebody has emptied the cache. */
  async #mend(error: DiskError): Promise<void> {
    const { layout, files, shards, trouble, vanished } = this.#options
    trouble.tell('vanished', fieldsOf(error))
    await layout.make([...shards.keys()], files)
    vanished()
  }

  async #evictDown(most: () => Bytes): Promise<void> {
    const isTooMuch = (): boolean => this.bytes > Math.max(0, most())
    while (isTooMuch())
      await this.#performOne(batch => {
        while (batch.size < BATCH.changes && isTooMuch()) this.#evict(batch)
      })
  }

  #evict(batch: Batch): void {
    const victim = oldestOfSome(this.#indexes)
    if (!victim) return
    const { index, id, size, used } = victim
    index.remove(id)
    const done = (): void => void this.evicted++
    const undone = (): void => index.add(id, size, used)
    batch.unlink(this.#options.layout.object(index.shard, id), { index, done, undone })
  }

  /** The first of them has failed, and the others were not tried. */
  async #fail([first, ...others]: readonly Change[], error: unknown): Promise<void> {
    const reason = writeFailureOf(error)
    const { trouble, rest } = this.#options
    trouble.tell('write', { reason, ...fieldsOf(error) })
    if (first?.object) {
      this.failed[reason]++
      // Others have filled the disk: a little of what is here goes, so that what is newer has a chance.
      if (reason === 'full') await this.#makeWay(first.object.body.length)
    }
    const span = Math.min(LONGEST_REST, rest * 2 ** Math.min(this.#failures, 16))
    this.failed.resting += others.filter(({ object }) => object).length + this.queue.rest(span)
    this.#failures++
  }

  async #makeWay(size: Bytes): Promise<void> {
    const enough = this.bytes - Math.max(spaceOf(size), this.bytes / 100)
    this.#fitting = Math.max(0, enough)
    try {
      await this.#evictDown(() => this.#fitting)
    } catch {
      // the trouble has been told
    }
  }
}

type DiskError = Error & { code: string | undefined }

interface Place {
  index: ShardIndex
  id: FileId
}

/** What a change comes to; without parts nothing shall stand there. */
interface Plan {
  change: Change
  place: Place | undefined
  parts: Parts | undefined
}

interface Parts {
  head: Buffer
  body: Buffer
  size: Bytes
}
