import { CopyObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import type { Readable } from 'node:stream'
import { MiB, SluiceError, type Bytes } from '../../core/index.ts'
import { notFound } from '../failure.ts'
import type { Bucket } from './bucket.ts'
import { wrongBytes } from './failure.ts'
import { sizeOf } from './head.ts'
import type { Room } from './listing.ts'
import { MOST_PARTS, PartUpload, type Part } from './parts.ts'

const SENDING = 60_000
const SERVER_WORK = 300_000
/** Of a stream whose end nobody knows: 10,000 of them are 156 GiB, and two are in memory at a time. */
const STREAM_PART: Bytes = 16 * MiB
/** Above this a copy is made in parts, several at once: S3 copies no more than 5 GB at a time, and takes a minute for it. */
const COPY_PART: Bytes = 256 * MiB
const COPIES_AT_ONCE = 4

export interface Condition {
  /** The version that must be there. */
  IfMatch?: string
  /** `*`: nothing may be there. */
  IfNoneMatch?: '*'
}

export async function putBytes(
  bucket: Bucket,
  name: string,
  body: Uint8Array,
  { room = 'objects', ...condition }: Condition & { room?: Room } = {},
): Promise<void> {
  await bucket.ask({ key: name, turn: 'write', patience: SENDING }, (client, control) =>
    client.send(new PutObjectCommand({ ...bucket.at(name, room), Body: body, ...condition }), control),
  )
}

/** A stream of any length: small ones in one request, others in parts that are done away with when something breaks. */
export async function putStream(bucket: Bucket, key: string, body: Readable): Promise<void> {
  let upload: PartUpload | undefined
  const parts: Part[] = []
  let sending: Promise<unknown> = Promise.resolve()
  try {
    for await (const { bytes, last } of pieces(body, STREAM_PART)) {
      await sending
      if (last && upload === undefined) return await putBytes(bucket, key, bytes)
      if (parts.length === MOST_PARTS) throw tooLarge(key)
      const begun = (upload ??= await PartUpload.begin(bucket, key))
      const number = parts.length + 1
      const place = parts.push({ number, size: bytes.length, etag: '' }) - 1
      // The next piece is read meanwhile.
      sending = begun.send(number, bytes).then(part => (parts[place] = part))
      sending.catch(() => {})
    }
    await sending
    await upload?.complete(parts)
  } catch (error) {
    await sending.catch(() => {})
    await upload?.abort().catch(() => {})
    throw error
  }
}

/** The stream in pieces of `size`; the last is as long as it is, and there is always one. */
async function* pieces(body: Readable, size: Bytes): AsyncIterable<{ bytes: Buffer; last: boolean }> {
  let held: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk as Uint8Array) // byte streams only: the contract takes no object streams
    held.push(bytes)
    length += bytes.length
    while (length > size) {
      const whole = Buffer.concat(held)
      yield { bytes: whole.subarray(0, size), last: false }
      held = [whole.subarray(size)]
      length -= size
    }
  }
  yield { bytes: Buffer.concat(held), last: true }
}

function tooLarge(key: string): SluiceError {
  return new SluiceError(
    'storage-full',
    `${key} is larger than the 156 GiB that one film may have in a bucket`,
    {
      side: 'operator',
      kind: 'unavailable',
    },
  )
}

/** The store copies; the bytes never come here. What stands at `to` is replaced when all are there. */
export async function copy(bucket: Bucket, from: string, to: string): Promise<void> {
  const size = await sizeOf(bucket, from)
  if (size === undefined) throw notFound(from)
  if (size > COPY_PART) return copyInParts(bucket, { from, to, size }, COPY_PART)
  const { Bucket: name, Key } = bucket.at(from)
  await bucket.ask({ key: from, turn: 'write', patience: SERVER_WORK }, (client, control) =>
    client.send(new CopyObjectCommand({ ...bucket.at(to), CopySource: `${name}/${Key}` }), control),
  )
  const made = await sizeOf(bucket, to)
  if (made !== size)
    throw wrongBytes(bucket.options, to, `a copy of ${made ?? 'no'} instead of ${size} bytes`)
}

/** The copy of a large object, in parts of `part` bytes. */
export async function copyInParts(
  bucket: Bucket,
  { from, to, size }: { from: string; to: string; size: Bytes },
  part: Bytes,
): Promise<void> {
  const upload = await PartUpload.begin(bucket, to)
  try {
    const count = Math.ceil(size / part)
    const parts: Part[] = []
    let next = 0
    const work = async (): Promise<void> => {
      for (let index = next++; index < count; index = next++) {
        const range = { first: index * part, last: Math.min(size, (index + 1) * part) - 1 }
        parts[index] = await upload.copy(index + 1, from, range)
      }
    }
    await Promise.all(Array.from({ length: Math.min(COPIES_AT_ONCE, count) }, work))
    await upload.complete(parts)
  } catch (error) {
    await upload.abort().catch(() => {})
    throw error
  }
}
