import type { Readable } from 'node:stream'
import { codeOf, type Bytes } from '../../core/index.ts'
import type {
  GrowingObjects,
  ObjectInfo,
  ObjectKey,
  ObjectStore,
  ObjectVersion,
  S3Options,
  VersionedObject,
} from '../contract.ts'
import { notFound } from '../failure.ts'
import { objectKey, prefixSegments } from '../object-key.ts'
import { Bucket } from './bucket.ts'
import { GrowingParts } from './growing.ts'
import { headOf } from './head.ts'
import { deleteOne, deleteUnder, listed } from './listing.ts'
import { readRange, readStream, readWhole } from './reading.ts'
import { copy, putBytes, putStream } from './writing.ts'

/** Objects in a bucket, under `<prefix>objects/`; what still comes lies under `<prefix>growing/`. Asks nothing yet. */
export function s3Store(options: S3Options): ObjectStore {
  return new S3Store(new Bucket(options))
}

class S3Store implements ObjectStore {
  readonly reach = 'far'
  readonly growing: GrowingObjects
  readonly #bucket: Bucket
  /** `refused`: the store has said that it knows no conditions of writes. */
  #conditions: 'taken' | 'refused' = 'taken'

  constructor(bucket: Bucket) {
    this.#bucket = bucket
    this.growing = new GrowingParts(bucket)
  }

  async head(key: ObjectKey): Promise<ObjectInfo | undefined> {
    const found = await headOf(this.#bucket, objectKey(key))
    return found && { key, size: found.size, modified: found.modified }
  }

  async read(key: ObjectKey, start: Bytes, length: Bytes): Promise<Uint8Array> {
    if (length > 0) return readRange(this.#bucket, objectKey(key), start, length)
    if (!(await this.head(key))) throw notFound(key)
    return new Uint8Array(0)
  }

  stream(key: ObjectKey): Promise<Readable> {
    return readStream(this.#bucket, objectKey(key))
  }

  put(key: ObjectKey, body: Uint8Array | Readable): Promise<void> {
    if (body instanceof Uint8Array) return putBytes(this.#bucket, objectKey(key), body)
    return putStream(this.#bucket, objectKey(key), body)
  }

  readVersion(key: ObjectKey): Promise<VersionedObject | undefined> {
    return readWhole(this.#bucket, objectKey(key))
  }

  async putVersion(
    key: ObjectKey,
    body: Uint8Array,
    before: ObjectVersion | undefined,
  ): Promise<'written' | 'changed'> {
    // Looked at here as well: some stores write under any condition, and some under none.
    if ((await this.readVersion(key))?.version !== before) return 'changed'
    const condition = before === undefined ? { IfNoneMatch: '*' as const } : { IfMatch: before }
    try {
      await putBytes(this.#bucket, objectKey(key), body, this.#conditions === 'taken' ? condition : {})
      return 'written'
    } catch (error) {
      if (codeOf(error) === 'storage-broken' && this.#conditions === 'taken') {
        this.#conditions = 'refused'
        return this.putVersion(key, body, before)
      }
      // Where nothing is to be replaced, S3 says that nothing is there.
      if (!['storage-changed', 'object-not-found'].includes(codeOf(error) ?? '')) throw error
      // A first try may have been carried out though its answer was lost.
      const now = await this.readVersion(key)
      return now !== undefined && Buffer.from(body).equals(now.body) ? 'written' : 'changed'
    }
  }

  async move(from: ObjectKey, to: ObjectKey): Promise<void> {
    await copy(this.#bucket, objectKey(from), objectKey(to))
    await this.delete(from)
  }

  delete(key: ObjectKey): Promise<void> {
    return deleteOne(this.#bucket, 'objects', objectKey(key))
  }

  async deleteAll(prefix: string): Promise<void> {
    prefixSegments(prefix)
    await deleteUnder(this.#bucket, 'objects', prefix)
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    prefixSegments(prefix)
    for await (const { name, size, modified } of listed(this.#bucket, 'objects', prefix)) {
      yield { key: objectKey(name), size, modified }
    }
  }

  free(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  localPath(): undefined {
    return undefined
  }
}
