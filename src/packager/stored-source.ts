import type { ByteSource } from '../cmaf/index.ts'
import type { ObjectKey, ObjectStore } from '../storage/index.ts'

/** An object of a store as bytes to read movies from; undefined when there is none. */
export async function storedSource(store: ObjectStore, key: ObjectKey): Promise<ByteSource | undefined> {
  const info = await store.head(key)
  return info && { size: info.size, read: (start, length) => store.read(key, start, length) }
}
