import type { Readable } from 'node:stream'
import type { Bytes, Instant } from '../core/index.ts'

/**
 * A key in a store: segments of `[A-Za-z0-9._-]` joined by `/`, made of ids that we generated, never of a viewer's
 * path (SEAMS 3). `objectKey()` is the only maker.
 */
export type ObjectKey = string & { readonly key: 'object' }

export interface ObjectInfo {
  key: ObjectKey
  size: Bytes
  modified: Instant
}

/**
 * Objects in and out. Every write is atomic: an object is there whole or not at all, and a reader of the old one
 * goes on reading the old one. Implementations run test/contracts/object-store.ts.
 */
export interface ObjectStore {
  /** Undefined when there is none. */
  head(key: ObjectKey): Promise<ObjectInfo | undefined>
  /**
   * At most `length` bytes from `start`; fewer where the object ends. Throws SluiceError `object-not-found` when there is none.
   */
  read(key: ObjectKey, start: Bytes, length: Bytes): Promise<Uint8Array>
  /** The whole object as a stream; the caller consumes or destroys it. Throws SluiceError `object-not-found`. */
  stream(key: ObjectKey): Promise<Readable>
  /** Throws SluiceError `storage-full` when there is no room; nothing is left behind then. */
  put(key: ObjectKey, body: Uint8Array | Readable): Promise<void>
  /** Replaces what stands at `to`. Throws SluiceError `object-not-found` when there is nothing at `from`. */
  move(from: ObjectKey, to: ObjectKey): Promise<void>
  /** Deleting what is not there is no error. */
  delete(key: ObjectKey): Promise<void>
  /** Deletes all that lies under a folder (`assets/a1/`). */
  deleteAll(prefix: string): Promise<void>
  list(prefix: string): AsyncIterable<ObjectInfo>
  /** Bytes still free, where the store can know. */
  free(): Promise<Bytes | undefined>
  /**
   * A path that ffmpeg can read in place, when the store has one (the filesystem); undefined means copy it out first.
   */
  localPath(key: ObjectKey): string | undefined
}

export type StorageOptions = { kind: 'filesystem'; folder: string } | { kind: 'memory' }
