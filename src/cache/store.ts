import type { Bytes } from '../core/index.ts'
import type { CacheKey } from '../http/index.ts'
import type { CacheTier, StoredObject } from './contract.ts'
import type { MemoryTier } from './memory-tier.ts'
import type { Glance } from './packed/index.ts'

export interface StoreOptions {
  memory: MemoryTier
  disk?: CacheTier
}

/** Of so many hits in memory the disk hears of one: what is used there must not be the first to go here. */
const TELL_ONE_IN = 64

/** Where whole objects are kept on this node: memory in front of a disk, if there is one. */
export class Store {
  readonly #memory: MemoryTier
  readonly #disk: CacheTier | undefined
  /** Keys that are being read from disk; who changes one takes it out, and what was read is not kept. */
  readonly #reads = new Map<CacheKey, Promise<StoredObject | undefined>>()
  #hits = 0

  constructor({ memory, disk }: StoreOptions) {
    this.#memory = memory
    this.#disk = disk
  }

  /** From memory at once; from disk after it was read and found whole, and then it is in memory too. */
  get(key: CacheKey): StoredObject | undefined | Promise<StoredObject | undefined> {
    const object = this.#memory.get(key)
    if (object === undefined) return this.#disk && (this.#reads.get(key) ?? this.#fromDisk(this.#disk, key))
    this.#used(key)
    return object
  }

  /** What a plain answer needs of an object that is packed in memory, until the next call. */
  glance(key: CacheKey): Glance | undefined {
    const glance = this.#memory.glance(key)
    if (glance !== undefined) this.#used(key)
    return glance
  }

  #used(key: CacheKey): void {
    if (this.#disk?.touch && ++this.#hits % TELL_ONE_IN === 0) this.#disk.touch(key)
  }

  /** What memory has of it, at once; no disk is asked. */
  peek(key: CacheKey): StoredObject | undefined {
    return this.#memory.get(key)
  }

  /** Whether these very bytes are in memory under the key. */
  holds(key: CacheKey, body: Uint8Array): boolean {
    return this.#memory.get(key)?.body.buffer === body.buffer
  }

  #fromDisk(disk: CacheTier, key: CacheKey): StoredObject | undefined | Promise<StoredObject | undefined> {
    const found = disk.get(key)
    if (!(found instanceof Promise)) {
      if (found) this.#memory.set(found)
      return found
    }
    const read: Promise<StoredObject | undefined> = found.then(object => {
      // Replaced or deleted while it was read: memory knows better.
      if (this.#reads.get(key) !== read) return this.#memory.get(key)
      this.#reads.delete(key)
      if (object) this.#memory.set(object)
      return object
    })
    this.#reads.set(key, read)
    return read
  }

  set(object: StoredObject): void {
    this.#reads.delete(object.key)
    this.#memory.set(object)
    this.#disk?.set(object)
  }

  delete(key: CacheKey): void {
    this.#reads.delete(key)
    this.#memory.delete(key)
    this.#disk?.delete(key)
  }

  /** In memory. */
  get objects(): number {
    return this.#memory.objects
  }

  /** In memory. */
  get bytes(): Bytes {
    return this.#memory.bytes
  }
}
