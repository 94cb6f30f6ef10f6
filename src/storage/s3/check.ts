import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { codeOf, SluiceError, type Instant } from '../../core/index.ts'
import type { S3Options } from '../contract.ts'
import { Bucket } from './bucket.ts'
import { placeOf } from './failure.ts'
import { deleteOne, listed, SMALL_QUESTION } from './listing.ts'
import { readRange } from './reading.ts'
import { putBytes } from './writing.ts'

const WEEK = 7 * 86_400_000

/** What a store can do that not all can. */
export interface CheckedStore {
  /** Writes under a condition: without them two origins must never publish at one path at once. */
  conditions: 'kept' | 'ignored'
}

/**
 * Tries all that is needed of the bucket: list, write, read a range, delete. Throws one sentence that says what is
 * wrong. Does away with uploads in parts that nobody will end any more.
 */
export async function checkBucket(options: S3Options, now: Instant): Promise<CheckedStore> {
  const bucket = new Bucket(options)
  try {
    // Listing first: its refusals say why, those of single objects do not always.
    await listed(bucket, 'growing', 'probes/')[Symbol.asyncIterator]().next()
    const checked = await tryObject(bucket)
    await sweep(bucket, now)
    return checked
  } finally {
    bucket.close()
  }
}

async function tryObject(bucket: Bucket): Promise<CheckedStore> {
  const name = `probes/${randomBytes(9).toString('hex')}`
  const probe = Buffer.from('probe')
  await putBytes(bucket, name, probe)
  try {
    if (Buffer.from(await readRange(bucket, name, 1, 3)).toString() !== 'rob') {
      throw new SluiceError(
        'storage-broken',
        `the store of ${placeOf(bucket.options)} does not give back what it was given`,
        {
          side: 'operator',
        },
      )
    }
    return { conditions: await conditionsOf(bucket, name, probe) }
  } finally {
    await deleteOne(bucket, 'objects', name)
  }
}

async function conditionsOf(
  bucket: Bucket,
  name: string,
  probe: Uint8Array,
): Promise<CheckedStore['conditions']> {
  try {
    await putBytes(bucket, name, probe, { IfNoneMatch: '*' })
    return 'ignored'
  } catch (error) {
    if (codeOf(error) === 'storage-changed') return 'kept'
    // Stores that know no such condition at all.
    if (codeOf(error) === 'storage-broken') return 'ignored'
    throw error
  }
}

/** Uploads under way end within a day or are given up; what is a week old has nobody left. */
async function sweep(bucket: Bucket, now: Instant): Promise<void> {
  const { Bucket: name, Key: Prefix } = bucket.at('')
  const { Uploads = [] } = await bucket.ask({ turn: 'read', patience: SMALL_QUESTION }, (client, control) =>
    client.send(new ListMultipartUploadsCommand({ Bucket: name, Prefix }), control),
  )
  for (const { Key, UploadId, Initiated } of Uploads) {
    if (Initiated === undefined || now - Initiated.getTime() < WEEK) continue
    await bucket.ask({ turn: 'write', patience: SMALL_QUESTION }, (client, control) =>
      client.send(new AbortMultipartUploadCommand({ Bucket: name, Key, UploadId }), control),
    )
  }
}
