import { Lru, type Bytes } from '../core/index.ts'
import type { CacheKey } from '../http/index.ts'
import type { CacheTier, StoredObject } from './contract.ts'
import { PackedObjects, type Glance, type Rendered } from './packed/index.ts'

/** Maps, lists, objects around a body, as measured on Node 20; counted so that the bound holds for small objects too. */
export const OBJECT_OVERHEAD: Bytes = 1500
/** Around each text of a header, in the list as it came and in that for viewers. */
const TEXT_OVERHEAD: Bytes = 40
/** The entry of one that is packed: its key, and its places in map and lists. */
const ENTRY_OVERHEAD: Bytes = 220

/** Where memory is short, slices of large objects get this part: who reads a film to its end must not empty the cache. */
const SLICES_PART = 4
/** After so many others had to go and no slice was asked for, slices go first. */
const SLICES_PATIENCE = 256

/**
 * To write down the order of use with each hit would cost as much as the hit. A packed object is only marked as used, and
 * what is marked when its turn to go comes goes to the end of the row instead; so many times in a row at the most.
 */
const MOST_SPARED = 16

/** Stands for an object that is packed. */
const PACKED = 'packed'

export interface MemoryTierOptions {
  maxBytes: Bytes
  largestObject: Bytes
  /** How a plain answer of an object begins; undefined for what is answered in more ways than one, and is not packed. */
  render?: ((object: StoredObject) => Rendered | undefined) | undefined
}

/**
 * The memory tier: least recently used goes first, bounded in bytes including headers. Small objects that are answered
 * in one way are packed, and are objects again from when somebody wants more of them than that answer.
 */
export class MemoryTier implements CacheTier {
  readonly #maxBytes: Bytes
  readonly #render: NonNullable<MemoryTierOptions['render']>
  readonly #objects: Lru<CacheKey, StoredObject | typeof PACKED>
  readonly #packed = new PackedObjects()
  readonly #slices: Lru<CacheKey, StoredObject>
  /** How many objects went since a slice was of use. */
  #sinceSlice = 0

  constructor({ maxBytes, largestObject, render = () => undefined }: MemoryTierOptions) {
    this.#maxBytes = maxBytes
    this.#render = render
    const maxEntrySize = largestObject + 64 * 1024
    // What a set brings beyond the bound is let go right behind it.
    this.#objects = new Lru({ maxSize: 2 * maxBytes + maxEntrySize, maxEntrySize })
    this.#slices = new Lru({ maxSize: maxBytes, maxEntrySize, sizeCalculation: sizeOf })
  }

  get(key: CacheKey): StoredObject | undefined {
    const object = this.#objects.get(key)
    if (object === PACKED) return this.#unpack(key)
    return object ?? this.#slice(key)
  }

  /** What a plain answer needs of an object that is packed, until the next call. It counts as a use. */
  glance(key: CacheKey): Glance | undefined {
    return this.#packed.glance(key)
  }

  set(object: StoredObject): void {
    if (object.slice) {
      this.#forget(object.key)
      this.#slices.set(object.key, object)
      this.#sinceSlice = 0
    } else {
      this.#slices.delete(object.key)
      // One that is packed over one that is packed is the same value to the list, which would keep its size.
      this.#forget(object.key)
      this.#keep(object)
    }
    while (this.bytes > this.#maxBytes) this.#letGo()
  }

  delete(key: CacheKey): void {
    this.#forget(key)
    this.#slices.delete(key)
  }

  get objects(): number {
    return this.#objects.size + this.#slices.size
  }

  get bytes(): Bytes {
    return this.#objects.calculatedSize + this.#slices.calculatedSize
  }

  #keep(object: StoredObject): void {
    const rendered = object.varies || object.large ? undefined : this.#render(object)
    const packed = rendered && this.#packed.add(object, rendered)
    if (packed === undefined) this.#objects.set(object.key, object, { size: sizeOf(object) })
    else this.#objects.set(object.key, PACKED, { size: packed + object.key.length + ENTRY_OVERHEAD })
  }

  /** It stays one from now on: others may know it by what it is, and not by its key alone. */
  #unpack(key: CacheKey): StoredObject | undefined {
    const object = this.#packed.take(key)
    if (object === undefined) return undefined
    this.#objects.set(key, object, { size: sizeOf(object) })
    while (this.bytes > this.#maxBytes) this.#letGo()
    return object
  }

  #forget(key: CacheKey): void {
    if (this.#objects.delete(key)) this.#packed.delete(key)
  }

  #slice(key: CacheKey): StoredObject | undefined {
    const slice = this.#slices.get(key)
    if (slice) this.#sinceSlice = 0
    return slice
  }

  #letGo(): void {
    const idle = this.#slices.size > 0 && this.#sinceSlice >= SLICES_PATIENCE
    const tooMany = this.#slices.calculatedSize > this.#maxBytes / SLICES_PART
    if (idle || tooMany || this.#objects.size === 0) this.#slices.pop()
    else {
      this.#letGoOfOne()
      this.#sinceSlice++
    }
  }

  #letGoOfOne(): void {
    for (let spared = 0; ; spared++) {
      const [key] = this.#objects.rkeys()
      if (key === undefined) return
      if (spared === MOST_SPARED || !this.#packed.wasUsed(key)) return this.#forget(key)
      this.#objects.get(key)
    }
  }
}

function sizeOf(object: StoredObject): Bytes {
  let size = object.body.length + 2 * object.key.length + OBJECT_OVERHEAD
  for (const text of object.headers) size += text.length + TEXT_OVERHEAD
  return size
}
