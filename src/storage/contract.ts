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

/** What tells an object from its other versions. Only compared. */
export type ObjectVersion = string & { readonly of: 'object' }

export interface VersionedObject {
  body: Uint8Array
  version: ObjectVersion
}

/**
 * Objects in and out. Every write is atomic: an object is there whole or not at all, and a reader of the old one
 * goes on reading the old one. What was written is what every reader sees from then on, in whatever process. A store
 * that is away, or does not let us in, throws SluiceErrors of the kind `unavailable`. Implementations run
 * test/contracts/object-store.ts.
 */
export interface ObjectStore {
  /** `far`: each read is a question over a network, so that few large ones are better than many small ones. */
  readonly reach: 'near' | 'far'
  /** Undefined when there is none. */
  head(key: ObjectKey): Promise<ObjectInfo | undefined>
  /**
   * At most `length` bytes from `start`; fewer where the object ends. Throws SluiceError `object-not-found` when there is none.
   */
  read(key: ObjectKey, start: Bytes, length: Bytes): Promise<Uint8Array>
  /**
   * The whole object as a stream, which fails rather than end early; the caller consumes or destroys it. Throws
   * SluiceError `object-not-found`.
   */
  stream(key: ObjectKey): Promise<Readable>
  /** Throws SluiceError `storage-full` when there is no room; nothing is left behind then. */
  put(key: ObjectKey, body: Uint8Array | Readable): Promise<void>
  /** A small object, whole, with its version; undefined when there is none. */
  readVersion(key: ObjectKey): Promise<VersionedObject | undefined>
  /**
   * Writes a small object if what is there is still of the version `before`, or, without one, if nothing is there.
   * `changed`: it is not, and nothing was written.
   */
  putVersion(
    key: ObjectKey,
    body: Uint8Array,
    before: ObjectVersion | undefined,
  ): Promise<'written' | 'changed'>
  /** Replaces what stands at `to`. Throws SluiceError `object-not-found` when there is nothing at `from`. */
  move(from: ObjectKey, to: ObjectKey): Promise<void>
  /** Deleting what is not there is no error. */
  delete(key: ObjectKey): Promise<void>
  /** Deletes all that lies under a folder (`assets/a1/`). */
  deleteAll(prefix: string): Promise<void>
  /** In the order of keys. */
  list(prefix: string): AsyncIterable<ObjectInfo>
  /** Bytes still free, where the store can know. */
  free(): Promise<Bytes | undefined>
  /**
   * A path that ffmpeg can read in place, when the store has one (the filesystem); undefined means copy it out first.
   */
  localPath(key: ObjectKey): string | undefined
  readonly growing: GrowingObjects
}

/**
 * Objects that come piece by piece, over hours and several processes. Once `append` has returned, what it counted is
 * kept. Whether one that is not whole is seen by `head` and `read` is the store's own affair.
 */
export interface GrowingObjects {
  /** An object of `size` bytes is to come. */
  begin(key: ObjectKey, size: Bytes): Promise<void>
  /** Bytes that are there; one that has all is an object from then on. Undefined for what was never begun. */
  arrived(key: ObjectKey): Promise<Bytes | undefined>
  /**
   * Adds behind `offset` and answers how many bytes are there now. When the body breaks, what came is kept as far as
   * can be, and the body's error is thrown. Throws SluiceError `offset-moved` when another number of bytes is there, and
   * `object-not-found`. The body holds no more than is still to come, and one appends at a time.
   */
  append(key: ObjectKey, offset: Bytes, body: Readable): Promise<Bytes>
  /** Does away with it, whole or not. */
  abandon(key: ObjectKey): Promise<void>
  /** Of what was begun and neither moved nor deleted since: `modified` is when it was begun, or later. */
  list(prefix: string): AsyncIterable<Pick<ObjectInfo, 'key' | 'modified'>>
}

export type StorageOptions = { kind: 'filesystem'; folder: string } | { kind: 'memory' } | S3Options

/** A bucket of Amazon's or of any store that speaks its language. */
export interface S3Options {
  kind: 's3'
  bucket: string
  /** In front of each key: empty, or `media/`. */
  prefix: string
  /** The store's URL; Amazon's own without one. */
  endpoint?: string
  region: string
  /** Whether the bucket stands in the path or before the host name. */
  addressing: 'path' | 'host'
  accessKeyId: string
  /** Never told to anybody. */
  secretAccessKey: string
}
