import { Lru, type Bytes } from '../core/index.ts'
import type { CacheKey } from '../http/index.ts'
import type { StoredObject } from './contract.ts'

/** Maps, objects, strings around a body, as measured on Node 20; counted so that the bound holds for small objects too. */
export const OBJECT_OVERHEAD: Bytes = 600

/** The memory tier: least recently used goes first, bounded in bytes including headers. */
export class MemoryTier {
  readonly #objects: Lru<CacheKey, StoredObject>

  constructor(options: { maxBytes: Bytes; largestObject: Bytes }) {
    this.#objects = new Lru({
      maxSize: options.maxBytes,
      maxEntrySize: options.largestObject + 64 * 1024,
      sizeCalculation: sizeOf,
    })
  }

  get(key: CacheKey): StoredObject | undefined {
    return this.#objects.get(key)
  }

  set(object: StoredObject): void {
    this.#objects.set(object.key, object)
  }

  delete(key: CacheKey): void {
    this.#objects.delete(key)
  }

  get count(): number {
    return this.#objects.size
  }

  get bytes(): Bytes {
    return this.#objects.calculatedSize
  }
}

function sizeOf(object: StoredObject): Bytes {
  let size = object.body.length + 2 * object.key.length + OBJECT_OVERHEAD
  for (const text of object.headers) size += 2 * text.length
  return size
}
