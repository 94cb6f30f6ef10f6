import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { MiB, type Bytes } from '../core/index.ts'
import type { GrowingObjects, ObjectKey, ObjectStore } from './contract.ts'
import { notFound, offsetMoved, storageError } from './failure.ts'

/** What arrives while a write is under way is written at once behind it; pieces of 64 KiB would be as many writes. */
const GATHERED: Bytes = 1 * MiB

/** Growing objects as files that grow: the object itself, its size being how much is there. */
export function growingFiles(
  store: Pick<ObjectStore, 'head' | 'put' | 'delete' | 'list'> & { localPath(key: ObjectKey): string },
  folder: string,
): GrowingObjects {
  const arrived = async (key: ObjectKey): Promise<Bytes | undefined> => (await store.head(key))?.size
  return {
    arrived,
    begin: key => store.put(key, new Uint8Array(0)),
    async append(key, offset, body) {
      const there = await arrived(key)
      if (there === undefined) throw notFound(key)
      if (there !== offset) throw offsetMoved(key, there, offset)
      const file = createWriteStream(store.localPath(key), {
        flags: 'r+',
        start: offset,
        highWaterMark: GATHERED,
      })
      try {
        await pipeline(body, file)
      } catch (error) {
        throw storageError(error, key, folder)
      }
      return offset + file.bytesWritten
    },
    abandon: key => store.delete(key),
    list: prefix => store.list(prefix),
  }
}
