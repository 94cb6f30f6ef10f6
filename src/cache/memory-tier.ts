import { Lru, type Bytes } from '../core/index.ts'
import type { CacheKey } from '../http/index.ts'
import type { CacheTier, StoredObject } from './contract.ts'

/** Maps, objects, strings around a body, as measured on Node 20; counted so that the bound holds for small objects too. */
export const OBJECT_OVERHEAD: Bytes = 600

/** Where memory is short, slices of large objects get this part: who reads a film to its end must not empty the cache. */
const SLICES_PART = 4
/** After so many others had to go and no slice was asked for, slices go first. */
const SLICES_PATIENCE = 256

/** The memory tier: least recently used goes first, bounded in bytes including headers. */
export class MemoryTier implements CacheTier {
  readonly #maxBytes: Bytes
  readonly #objects: Lru<CacheKey, StoredObject>
  readonly #slices: Lru<CacheKey, StoredObject>
  /** How many objects went since a slice was of use. */
  #sinceSlice = 0

  constructor({ maxBytes, largestObject }: { maxBytes: Bytes; largestObject: Bytes }) {
    this.#maxBytes = maxBytes
    const maxEntrySize = largestObject + 64 * 1024
    this.#objects = new Lru({ maxSize: maxBytes, maxEntrySize, sizeCalculation: sizeOf })
    this.#slices = new Lru({ maxSize: maxBytes, maxEntrySize, sizeCalculation: sizeOf })
  }

  get(key: CacheKey): StoredObject | undefined {
    return this.#objects.get(key) ?? this.#slice(key)
  }

  set(object: StoredObject): void {
    const [its, other] = object.slice ? [this.#slices, this.#objects] : [this.#objects, this.#slices]
    other.delete(object.key)
    its.set(object.key, object)
    if (its === this.#slices) this.#sinceSlice = 0
    while (this.bytes > this.#maxBytes) this.#letGo()
  }

  delete(key: CacheKey): void {
    this.#objects.delete(key)
    this.#slices.delete(key)
  }

  get objects(): number {
    return this.#objects.size + this.#slices.size
  }

  get bytes(): Bytes {
    return this.#objects.calculatedSize + this.#slices.calculatedSize
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
      this.#objects.pop()
      this.#sinceSlice++
    }
  }
}

function sizeOf(object: StoredObject): Bytes {
  let size = object.body.length + 2 * object.key.length + OBJECT_OVERHEAD
  for (const text of object.headers) size += 2 * text.length
  return size
}
