import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { instant, type Bytes, type Instant } from '../../core/index.ts'
import type { Bucket } from './bucket.ts'

export const SMALL_QUESTION = 10_000
const DELETED_AT_ONCE = 8

export type Room = 'objects' | 'growing'

export interface Listed {
  /** Without the room and what stands before it. */
  name: string
  size: Bytes
  modified: Instant
}

/** What lies under a prefix of a room, a page at a time, in the order of names. */
export async function* listed(bucket: Bucket, room: Room, prefix: string): AsyncIterable<Listed> {
  const { Bucket: name, Key: under } = bucket.at(prefix, room)
  const before = under.length - prefix.length
  let next: string | undefined
  do {
    const page = await bucket.ask({ turn: 'read', patience: SMALL_QUESTION }, (client, control) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: name,
          Prefix: under,
          ...(next !== undefined && { ContinuationToken: next }),
        }),
        control,
      ),
    )
    for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
      yield { name: Key.slice(before), size: Size, modified: instant(LastModified?.getTime() ?? 0) }
    }
    next = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (next !== undefined)
}

export async function deleteOne(bucket: Bucket, room: Room, name: string): Promise<void> {
  await bucket.ask({ turn: 'write', patience: SMALL_QUESTION }, (client, control) =>
    client.send(new DeleteObjectCommand(bucket.at(name, room)), control),
  )
}

/** Deletes what lies under a prefix, one by one: the question for many at once is told differently by many stores. */
export async function deleteUnder(bucket: Bucket, room: Room, prefix: string): Promise<void> {
  let some: string[] = []
  const flush = async (): Promise<void> => {
    await Promise.all(some.map(name => deleteOne(bucket, room, name)))
    some = []
  }
  for await (const { name } of listed(bucket, room, prefix)) {
    some.push(name)
    if (some.length === DELETED_AT_ONCE) await flush()
  }
  await flush()
}
