import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3'
import { MiB, SluiceError, type Bytes } from '../../core/index.ts'
import type { Bucket } from './bucket.ts'
import { hasName, wrongBytes } from './failure.ts'
import { SMALL_QUESTION } from './listing.ts'
import { sizeOf } from './head.ts'

/** S3's own bounds of an upload in parts. */
export const MOST_PARTS = 10_000
export const SMALLEST_PART: Bytes = 5 * MiB

const SENDING = 60_000
/** Stores that put parts together by copying take minutes for large ones. */
const SERVER_WORK = 300_000

export interface Part {
  number: number
  size: Bytes
  etag: string
}

/** One upload in parts of an object that nobody sees before it is complete. */
export class PartUpload {
  readonly id: string
  readonly #bucket: Bucket
  readonly #key: string

  constructor(bucket: Bucket, key: string, id: string) {
    this.#bucket = bucket
    this.#key = key
    this.id = id
  }

  static async begin(bucket: Bucket, key: string): Promise<PartUpload> {
    const { UploadId } = await bucket.ask(
      { key, turn: 'write', patience: SMALL_QUESTION },
      (client, control) => client.send(new CreateMultipartUploadCommand(bucket.at(key)), control),
    )
    if (UploadId === undefined) throw wrongBytes(bucket.options, key, 'an upload without an id')
    return new PartUpload(bucket, key, UploadId)
  }

  get #named(): { Bucket: string; Key: string; UploadId: string } {
    return { ...this.#bucket.at(this.#key), UploadId: this.id }
  }

  async send(number: number, body: Uint8Array): Promise<Part> {
    const { ETag = '' } = await this.#bucket.ask(
      { key: this.#key, turn: 'write', patience: SENDING },
      (client, control) =>
        client.send(new UploadPartCommand({ ...this.#named, PartNumber: number, Body: body }), control),
    )
    return { number, size: body.length, etag: ETag }
  }

  /** Has the store copy bytes of another object of this bucket. */
  async copy(number: number, from: string, { first, last }: { first: Bytes; last: Bytes }): Promise<Part> {
    const { Bucket: name, Key } = this.#bucket.at(from)
    const { CopyPartResult } = await this.#bucket.ask(
      { key: from, turn: 'write', patience: SERVER_WORK },
      (client, control) =>
        client.send(
          new UploadPartCopyCommand({
            ...this.#named,
            PartNumber: number,
            CopySource: `${name}/${Key}`,
            CopySourceRange: `bytes=${first}-${last}`,
          }),
          control,
        ),
    )
    return { number, size: last - first + 1, etag: CopyPartResult?.ETag ?? '' }
  }

  /** The parts that are there, by number; undefined when the upload is none, or is over. */
  async parts(): Promise<Part[] | undefined> {
    const found: Part[] = []
    let marker: string | undefined
    do {
      const page = await this.#bucket.ask(
        { turn: 'read', patience: SMALL_QUESTION },
        async (client, control) => {
          const asked = { ...this.#named, ...(marker !== undefined && { PartNumberMarker: marker }) }
          return client.send(new ListPartsCommand(asked), control).catch(noUpload)
        },
      )
      if (page === undefined) return undefined
      for (const { PartNumber = 0, Size = 0, ETag = '' } of page.Parts ?? [])
        found.push({ number: PartNumber, size: Size, etag: ETag })
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined
    } while (marker !== undefined)
    return found
  }

  /** Makes an object of the parts, which has as many bytes as they. Somebody else may have done so meanwhile. */
  async complete(parts: readonly Part[]): Promise<void> {
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    const Parts: CompletedPart[] = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }))
    await this.#bucket.ask({ key: this.#key, turn: 'write', patience: SERVER_WORK }, (client, control) =>
      client
        .send(new CompleteMultipartUploadCommand({ ...this.#named, MultipartUpload: { Parts } }), control)
        .catch(noUpload),
    )
    const made = await sizeOf(this.#bucket, this.#key)
    if (made === size) return
    throw new SluiceError(
      'storage-bytes',
      `${this.#key} was not put together whole: ${made ?? 'none'} of ${size} bytes`,
      {
        side: 'upstream',
        kind: 'unavailable',
      },
    )
  }

  async abort(): Promise<void> {
    await this.#bucket.ask({ turn: 'write', patience: SMALL_QUESTION }, (client, control) =>
      client.send(new AbortMultipartUploadCommand(this.#named), control).catch(noUpload),
    )
  }
}

function noUpload(error: unknown): undefined {
  if (!hasName(error, 'NoSuchUpload')) throw error
  return undefined
}
