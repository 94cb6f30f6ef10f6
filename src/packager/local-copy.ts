import { createWriteStream } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { formatBytes, SluiceError, type Bytes } from '../core/index.ts'
import type { ObjectKey, ObjectStore } from '../storage/index.ts'

export interface LocalCopyOptions {
  store: ObjectStore
  key: ObjectKey
  /** Where it goes, in a folder that goes with the attempt. */
  to: string
  signal?: AbortSignal | undefined
}

/**
 * A file for ffmpeg of an object that lies elsewhere. Throws SluiceError `storage-full` where the disk does not hold it
 * and what will be made of it, before a byte is fetched.
 */
export async function localCopy({ store, key, to, signal }: LocalCopyOptions): Promise<string> {
  const size = (await store.head(key))?.size ?? 0
  const free = await freeBytes(dirname(to))
  if (free < 2 * size) {
    throw new SluiceError(
      'storage-full',
      `converting the file takes ${formatBytes(2 * size)} in ${dirname(to)}, where ${formatBytes(free)} are free: free some space and publish again`,
      { side: 'operator', kind: 'unavailable' },
    )
  }
  await pipeline(await store.stream(key), createWriteStream(to), { signal })
  return to
}

export async function freeBytes(folder: string): Promise<Bytes> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
