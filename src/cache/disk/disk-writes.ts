import { codeOf, type Bytes, type Clock, type Milliseconds } from '../../core/index.ts'
import type { StoredObject } from '../contract.ts'
import { shardOf } from '../shard.ts'
import { encodeHead } from './cache-file.ts'
import { ChangeQueue, type Change, type Outcome } from './change-queue.ts'
import { fileIdOf } from './file-id.ts'
import { isAbsence, shardName, type DiskFiles, type Layout } from './layout.ts'
import type { ShardIndex } from './shard-index.ts'
import { spaceOf, type FileId } from './slot-table.ts'
import { fieldsOf, writeFailureOf, type Trouble, type WriteFailure } from './trouble.ts'
import { LARGEST_FILE } from './whole-file.ts'

/** One file may take this part of the whole, so that a single large one does not empty the cache. */
const LARGEST_PART = 8
/** Of so many files at random, the one that was used longest ago goes. */
const SAMPLES = 16
/** Few: they share the machine's disk, and libuv's threads, with viewers' reads. */
const PARALLEL = 2
/** After a full disk the limit grows again by this part of what is written: few writes are spent on trying. */
const RECOVERY = 1 / 16
const LONGEST_REST: Milliseconds = 60_000

export interface DiskWritesOptions {
  layout: Layout
  files: DiskFiles
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

/** Everything that changes the disk: one file after the other, aside first, never more than fits. */
export class DiskWrites {
  readonly queue: ChangeQueue
  readonly failed: Record<WriteFailure, number> = { full: 0, unwritable: 0, other: 0, queue: 0, resting: 0 }
  written = 0
  evicted = 0
  readonly #options: DiskWritesOptions
  #reserved: Bytes = 0
  #asides = 0
  #failures = 0
  /** What fits: the limit, or less where a full disk has taught so. */
  #fitting: Bytes

  constructor(options: DiskWritesOptions) {
    this.#options = options
    this.#fitting = options.maxBytes
    const { queueBytes: maxBytes } = options
    this.queue = new ChangeQueue({ maxBytes, parallel: PARALLEL, carryOut: change => this.#carryOut(change) })
  }

  get bytes(): Bytes {
    let bytes = 0
    for (const shard of this.#options.shards.values()) bytes += shard.bytes
    return bytes
  }

  /** Makes what is there fit; for a start with a smaller limit than the last one had. Rejects with the disk's error. */
  async shrink(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.bytes > 0 && this.bytes + this.#reserved > this.#fitting) {
      await this.#evictOne()
    }
  }

  async #carryOut(change: Change): Promise<Outcome> {
    try {
      await this.#apply(change)
      // A removal tells nothing: it works on a full disk too.
      if (change.object) this.#failures = 0
      return 'done'
    } catch (error) {
      return this.#fail(change, error)
    }
  }

  async #apply(change: Change): Promise<void> {
    const index = this.#options.shards.get(shardOf(change.key))
    if (!index) return
    const id = fileIdOf(change.key)
    if (change.object) await this.#store(change.object, change, { id, index })
    else await this.#remove({ id, index })
  }

  async #store(object: StoredObject, change: Change, place: Place): Promise<void> {
    const head = encodeHead(object)
    const size = head.length + object.body.length
    if (size > Math.min(LARGEST_FILE, this.#options.maxBytes / LARGEST_PART)) return this.#remove(place)
    this.#reserved += spaceOf(size)
    try {
      while (this.bytes > 0 && this.bytes + this.#reserved > this.#fitting) await this.#evictOne()
      await this.#publish([head, object.body], change, place)
      this.#fitting = Math.min(this.#options.maxBytes, this.#fitting + size * RECOVERY)
    } finally {
      this.#reserved -= spaceOf(size)
    }
  }

  /** Folders that are gone are made again: somebody has emptied the cache. */
  async #publish(parts: Buffer[], change: Change, { id, index }: Place): Promise<void> {
    const { layout, files, shards, clock, trouble, vanished } = this.#options
    const put = (): Promise<'there' | 'superseded'> => this.#put(parts, change, { id, index })
    const outcome = await put().catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error
      trouble.tell('vanished', fieldsOf(error))
      await layout.make([...shards.keys()], files)
      vanished()
      return put()
    })
    if (outcome === 'superseded') return
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    index.add(id, size, Math.floor(clock.now() / 1000))
    this.written++
  }

  /** A name holds a whole file or none: what is written is put in its place by a rename. */
  async #put(parts: Buffer[], change: Change, { id, index }: Place): Promise<'there' | 'superseded'> {
    const { layout, files } = this.#options
    const aside = `${layout.aside}/${shardName(index.shard)}-${process.pid}-${this.#asides++}`
    await index.beforeChange()
    try {
      await files.writeFile(aside, parts, { flag: 'wx', mode: 0o600 })
      if (this.queue.wanted(change.key) === change) {
        await files.rename(aside, layout.object(index.shard, id))
        return 'there'
      }
    } catch (error) {
      await files.unlink(aside).catch(() => {})
      throw error
    }
    await files.unlink(aside)
    return 'superseded'
  }

  async #remove({ id, index }: Place): Promise<void> {
    await index.beforeChange()
    await this.#unlink(index, id)
    index.remove(id)
  }

  async #evictOne(): Promise<void> {
    const victim = this.#oldestOfSome()
    if (!victim) return
    const { index, id } = victim
    await index.beforeChange()
    // Another write may have taken it meanwhile.
    const size = index.table.sizeOf(id)
    if (size === undefined) return
    index.remove(id)
    try {
      await this.#unlink(index, id)
    } catch (error) {
      index.add(id, size, victim.used)
      throw error
    }
    this.evicted++
  }

  #oldestOfSome(): (Place & { used: number }) | undefined {
    const indexes = [...this.#options.shards.values()]
    const count = indexes.reduce((sum, index) => sum + index.count, 0)
    let oldest: (Place & { used: number }) | undefined
    for (let sample = 0; sample < SAMPLES; sample++) {
      let at = Math.floor(Math.random() * count)
      const index = indexes.find(each => (at -= each.count) < 0)
      const found = index?.table.near(Math.random())
      if (index && found && (!oldest || found.used < oldest.used)) {
        oldest = { index, id: found.id, used: found.used }
      }
    }
    return oldest
  }

  async #unlink(index: ShardIndex, id: FileId): Promise<void> {
    const { files, layout } = this.#options
    try {
      await files.unlink(layout.object(index.shard, id))
    } catch (error) {
      if (!isAbsence(error)) throw error
    }
  }

  async #fail({ object }: Change, error: unknown): Promise<Outcome> {
    const reason = writeFailureOf(error)
    if (object) this.failed[reason]++
    const { trouble, rest } = this.#options
    trouble.tell('write', { reason, ...fieldsOf(error) })
    // Others have filled the disk: a little of what is here goes, so that what is newer has a chance.
    if (reason === 'full' && object) await this.#makeWay(object.body.length)
    const span = Math.min(LONGEST_REST, rest * 2 ** Math.min(this.#failures, 16))
    this.failed.resting += this.queue.rest(span)
    this.#failures++
    return 'again'
  }

  async #makeWay(size: Bytes): Promise<void> {
    const enough = this.bytes - Math.max(spaceOf(size), this.bytes / 100)
    this.#fitting = Math.max(0, enough)
    try {
      while (this.bytes > this.#fitting) await this.#evictOne()
    } catch {
      // the trouble has been told
    }
  }
}

interface Place {
  index: ShardIndex
  id: FileId
}
