import type { ObjectStore, StorageOptions } from './contract.ts'
import { filesystemStore } from './filesystem.ts'
import { memoryStore } from './memory.ts'

export * from './contract.ts'
export { memoryStore, type MemoryStoreOptions } from './memory.ts'
export { objectKey } from './object-key.ts'

/** Opens the store that the configuration names; creates its folder where needed. */
export async function openStore(options: StorageOptions): Promise<ObjectStore> {
  switch (options.kind) {
    case 'filesystem':
      return filesystemStore(options.folder)
    case 'memory':
      return memoryStore()
  }
}
