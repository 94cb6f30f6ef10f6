import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { Readable } from 'node:stream'
import { codeOf, type Bytes, type Milliseconds } from '../../core/index.ts'
import type { ObjectVersion, VersionedObject } from '../contract.ts'
import { checkedStream, collect, readableOf } from './body.ts'
import type { Bucket } from './bucket.ts'
import { hasName, wrongBytes } from './failure.ts'
import type { Room } from './listing.ts'

/** A store answers in a tenth of a second; ten of them are an outage, and an edge waits no longer either. */
const PATIENCE: Milliseconds = 10_000

/** At most `length` bytes from `start`. Throws SluiceError `object-not-found`. */
export async function readRange(
  bucket: Bucket,
  key: string,
  start: Bytes,
  length: Bytes,
): Promise<Uint8Array> {
  const Range = `bytes=${start}-${start + length - 1}`
  return bucket.ask({ key, turn: 'read', patience: PATIENCE }, async (client, control, alive) => {
    let answer: GetObjectCommandOutput
    try {
      answer = await client.send(new GetObjectCommand({ ...bucket.at(key), Range }), control)
    } catch (error) {
      // The object ends before the range begins.
      if (hasName(error, 'InvalidRange')) return new Uint8Array(0)
      throw error
    }
    alive()
    const fault = rangeFault(answer, start, length)
    if (fault !== undefined) {
      readableOf(answer).destroy()
      throw wrongBytes(bucket.options, key, fault)
    }
    return collect(answer, key, bucket.options, alive)
  })
}

/** A store that answers another range, or all of an object, would have us take some bytes for others. */
function rangeFault(
  { ContentRange, ContentLength = 0 }: GetObjectCommandOutput,
  start: Bytes,
  length: Bytes,
): string | undefined {
  if (ContentRange === undefined) {
    // RFC 9110 14.2: a server may answer whole; that is right only where the whole was asked for. Empty objects have no range.
    return start === 0 && ContentLength <= length ? undefined : 'all of it'
  }
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange) ?? []
  const expected = Math.min(start + length, Number(size)) - 1
  if (Number(first) === start && Number(last) === expected && ContentLength === expected - start + 1)
    return undefined
  return `the range ${ContentRange}`
}

export async function readStream(bucket: Bucket, key: string): Promise<Readable> {
  const answer = await bucket.ask({ key, turn: 'read', patience: PATIENCE }, (client, control) =>
    // The patience ends with the answer's head; the stream has its own.
    client.send(new GetObjectCommand(bucket.at(key)), control),
  )
  return checkedStream(answer, key, bucket.options, 3 * PATIENCE)
}

/** A small object whole, with its version; undefined when there is none. */
export async function readWhole(
  bucket: Bucket,
  key: string,
  room: Room = 'objects',
): Promise<VersionedObject | undefined> {
  try {
    return await bucket.ask({ key, turn: 'read', patience: PATIENCE }, async (client, control, alive) => {
      const answer = await client.send(new GetObjectCommand(bucket.at(key, room)), control)
      const body = await collect(answer, key, bucket.options, alive)
      return { body, version: (answer.ETag ?? '') as ObjectVersion } // S3's word for a version
    })
  } catch (error) {
    if (codeOf(error) === 'object-not-found') return undefined
    throw error
  }
}
