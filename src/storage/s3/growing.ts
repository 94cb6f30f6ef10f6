import type { Readable } from 'node:stream'
import { MiB, reader, SluiceError, Type, type Bytes } from '../../core/index.ts'
import type { GrowingObjects, ObjectInfo, ObjectKey } from '../contract.ts'
import { notFound, offsetMoved } from '../failure.ts'
import { objectKey, prefixSegments } from '../object-key.ts'
import type { Bucket } from './bucket.ts'
import { headOf, sizeOf } from './head.ts'
import { deleteOne, deleteUnder, listed } from './listing.ts'
import { PartUpload, type Part } from './parts.ts'
import { readWhole } from './reading.ts'
import { putBytes } from './writing.ts'

/** `sluice publish` ends its pieces where parts end, so that what arrives goes on as it is. */
const PART: Bytes = 8 * MiB
/** Of larger objects parts are larger; this many at most, of the 10,000 that S3 takes. */
const PARTS = 9_000
/** What appends hold in memory together; each a part. Beyond it one is told to try again. */
const MEMORY: Bytes = 256 * MiB
const LARGEST_PART: Bytes = 64 * MiB

/**
 * Stands under `growing/` while an object comes, as `upload`; `tail-N` beside it has what there is of part N. Part N
 * always holds the same bytes of the object, whoever sends it and however often, so two processes cannot make a wrong
 * whole of what they both send.
 */
const Begun = Type.Object({ upload: Type.String(), size: Type.Integer(), part: Type.Integer({ minimum: 1 }) })
const readBegun = reader(Begun, 'what is known of an upload')

interface Standing {
  upload: PartUpload
  size: Bytes
  part: Bytes
  parts: Part[]
  /** Bytes behind the parts. */
  tail: Bytes
}

/** Growing objects as S3's uploads in parts: seen by nobody before they are whole. */
export class GrowingParts implements GrowingObjects {
  readonly #bucket: Bucket
  #held: Bytes = 0

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  async begin(key: ObjectKey, size: Bytes): Promise<void> {
    if (size === 0) return putBytes(this.#bucket, key, new Uint8Array(0))
    const part = Math.max(PART, Math.ceil(size / PARTS / MiB) * MiB)
    if (part > LARGEST_PART) throw tooLarge(key)
    const upload = await PartUpload.begin(this.#bucket, key)
    const begun = Buffer.from(JSON.stringify({ upload: upload.id, size, part }))
    await putBytes(this.#bucket, `${key}/upload`, begun, { room: 'growing' })
  }

  async arrived(key: ObjectKey): Promise<Bytes | undefined> {
    const standing = await this.#standing(key)
    if (standing === undefined) return sizeOf(this.#bucket, key)
    const { size } = standing
    const there = offsetOf(standing)
    // A process that ended between the last part and the whole.
    if (there === size) await this.#complete(key, standing)
    return there
  }

  async append(key: ObjectKey, offset: Bytes, body: Readable): Promise<Bytes> {
    const standing = await this.#standing(key)
    if (standing === undefined) {
      const whole = await sizeOf(this.#bucket, key)
      if (whole === undefined) throw notFound(key)
      if (whole !== offset) throw offsetMoved(key, whole, offset)
      body.resume()
      return whole
    }
    const there = offsetOf(standing)
    if (there !== offset) throw offsetMoved(key, there, offset)
    if (this.#held + standing.part > MEMORY) throw busy()
    this.#held += standing.part
    try {
      return await this.#append(key, standing, body)
    } finally {
      this.#held -= standing.part
    }
  }

  async #append(key: ObjectKey, standing: Standing, body: Readable): Promise<Bytes> {
    const { size, part, parts, upload } = standing
    const pending = new Pending(standing.tail === 0 ? undefined : await this.#tail(key, standing))
    // Only when a part is there are its bytes let go: after a failure what is left still begins where it should.
    const send = async (length: Bytes): Promise<void> => {
      parts.push(await upload.send(parts.length + 1, pending.peek(length)))
      pending.drop(length)
      standing.tail = 0
    }
    const broken = await this.#take(body, pending, () => (pending.length >= part ? send(part) : undefined))
    const sent = parts.reduce((sum, { size: length }) => sum + length, 0)
    // The last part may be short.
    if (sent + pending.length === size && pending.length > 0) await send(pending.length)
    else if (pending.length > standing.tail) {
      const name = tailName(key, parts.length + 1)
      await putBytes(this.#bucket, name, pending.peek(pending.length), { room: 'growing' })
      standing.tail = pending.length
    }
    if (broken !== undefined) throw broken.error
    const there = offsetOf(standing)
    if (there === size) await this.#complete(key, standing)
    return there
  }

  /** The body to its end; answers the error that broke it. What `send` throws passes through. */
  async #take(
    body: Readable,
    pending: Pending,
    send: () => Promise<void> | undefined,
  ): Promise<{ error: unknown } | undefined> {
    const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]() // byte streams only
    for (;;) {
      let next: IteratorResult<Uint8Array>
      try {
        next = await chunks.next()
      } catch (error) {
        return { error }
      }
      if (next.done === true) return undefined
      pending.add(next.value)
      try {
        for (let sending = send(); sending; sending = send()) await sending
      } catch (error) {
        body.destroy()
        throw error
      }
    }
  }

  async #standing(key: ObjectKey): Promise<Standing | undefined> {
    const found = await readWhole(this.#bucket, `${key}/upload`, 'growing')
    if (found === undefined) return undefined
    const { upload: id, size, part } = readBegun(JSON.parse(Buffer.from(found.body).toString()))
    const upload = new PartUpload(this.#bucket, key, id)
    const parts = await upload.parts()
    if (parts === undefined) return undefined
    const tail = (await sizeOf(this.#bucket, tailName(key, parts.length + 1), 'growing')) ?? 0
    return { upload, size, part, parts, tail }
  }

  async #tail(key: ObjectKey, { parts, tail }: Standing): Promise<Uint8Array> {
    const found = await readWhole(this.#bucket, tailName(key, parts.length + 1), 'growing')
    // Another process has gone on meanwhile.
    if (found?.body.length !== tail) throw offsetMoved(key, found?.body.length ?? 0, tail)
    return found.body
  }

  async #complete(key: ObjectKey, { upload, parts }: Standing): Promise<void> {
    await upload.complete(parts)
    await deleteUnder(this.#bucket, 'growing', `${key}/`)
  }

  async abandon(key: ObjectKey): Promise<void> {
    const standing = await this.#standing(key)
    await standing?.upload.abort()
    await deleteUnder(this.#bucket, 'growing', `${key}/`)
    await deleteOne(this.#bucket, 'objects', key)
  }

  async *list(prefix: string): AsyncIterable<Pick<ObjectInfo, 'key' | 'modified'>> {
    prefixSegments(prefix)
    for await (const { name, modified } of listed(this.#bucket, 'growing', prefix)) {
      if (name.endsWith('/upload')) yield { key: objectKey(name.slice(0, -'/upload'.length)), modified }
    }
    for await (const { name, modified } of listed(this.#bucket, 'objects', prefix)) {
      // One that became whole a moment ago may have been told above.
      if ((await headOf(this.#bucket, `${name}/upload`, 'growing')) === undefined)
        yield { key: objectKey(name), modified }
    }
  }
}

/** Bytes that wait until they are a part. */
class Pending {
  #chunks: Uint8Array[] = []
  length: Bytes = 0

  constructor(first: Uint8Array | undefined) {
    if (first !== undefined) this.add(first)
  }

  add(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.length += bytes.length
  }

  peek(length: Bytes): Buffer {
    const whole = Buffer.concat(this.#chunks)
    this.#chunks = [whole]
    return whole.subarray(0, length)
  }

  drop(length: Bytes): void {
    const left = Buffer.concat(this.#chunks).subarray(length)
    // A copy: a short rest would keep all of the part in memory.
    this.#chunks = [Uint8Array.from(left)]
    this.length = left.length
  }
}

function offsetOf({ parts, tail }: Standing): Bytes {
  return parts.reduce((sum, { size }) => sum + size, 0) + tail
}

function tailName(key: ObjectKey, part: number): string {
  return `${key}/tail-${part}`
}

function busy(): SluiceError {
  return new SluiceError('overloaded', 'many uploads are under way: this one goes on in a moment', {
    kind: 'unavailable',
  })
}

function tooLarge(key: string): SluiceError {
  return new SluiceError(
    'too-large',
    `${key} is larger than the 562 GiB that an upload into a bucket may have`,
    {
      side: 'operator',
      kind: 'usage',
    },
  )
}
