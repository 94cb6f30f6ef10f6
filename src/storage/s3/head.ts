import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { codeOf, instant, type Bytes } from '../../core/index.ts'
import type { Bucket } from './bucket.ts'
import { SMALL_QUESTION, type Listed, type Room } from './listing.ts'

/** What is known of an object without its bytes; undefined when there is none. */
export async function headOf(
  bucket: Bucket,
  name: string,
  room: Room = 'objects',
): Promise<Listed | undefined> {
  try {
    const { ContentLength = 0, LastModified } = await bucket.ask(
      { key: name, turn: 'read', patience: SMALL_QUESTION },
      (client, control) => client.send(new HeadObjectCommand(bucket.at(name, room)), control),
    )
    return { name, size: ContentLength, modified: instant(LastModified?.getTime() ?? 0) }
  } catch (error) {
    if (codeOf(error) === 'object-not-found') return undefined
    throw error
  }
}

export async function sizeOf(
  bucket: Bucket,
  name: string,
  room: Room = 'objects',
): Promise<Bytes | undefined> {
  return (await headOf(bucket, name, room))?.size
}
