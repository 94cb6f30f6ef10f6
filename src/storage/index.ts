import type { Instant } from '../core/index.ts'
import type { ObjectStore, StorageOptions } from './contract.ts'
import { filesystemStore } from './filesystem.ts'
import { memoryStore } from './memory.ts'

export { Blocks } from './blocks.ts'
export * from './contract.ts'
export { ensureMark, readMark } from './mark.ts'
export { memoryStore, type MemoryStoreOptions } from './memory.ts'
export { objectKey } from './object-key.ts'

/**
 * Opens the store that the configuration names; creates its folder where needed. Of a bucket nothing is asked yet, so
 * that one that is away keeps nobody from starting.
 */
export async function openStore(options: StorageOptions): Promise<ObjectStore> {
  switch (options.kind) {
    case 'filesystem':
      return filesystemStore(options.folder)
    case 'memory':
      return memoryStore()
    case 's3': {
      // Who has no bucket does not load what talks to one.
      const { s3Store } = await import('./s3/store.ts')
      return s3Store(options)
    }
  }
}

/**
 * Tries a store before anything is built on it. Throws one sentence that says what is wrong and how to mend it.
 * `shared`: several origins may use it; `alone`: it compares nothing before it writes, so one origin should have it.
 */
export async function checkStore(options: StorageOptions, now: Instant): Promise<'shared' | 'alone'> {
  if (options.kind !== 's3') return 'alone'
  const { checkBucket } = await import('./s3/check.ts')
  return (await checkBucket(options, now)).conditions === 'kept' ? 'shared' : 'alone'
}
