/** FLV as a stream: what is written here is read here, but any file of version 1 is (Adobe FLV 10.1, annex E). */
import { MiB, SluiceError, formatBytes, type Bytes } from '../core/index.ts'
import type { FlvTag, FlvTagType } from './flv-tag.ts'

/** The body of a tag: a picture at 60 Mbit/s that is as large as a whole second. */
export const LARGEST_TAG: Bytes = 8 * MiB

const TYPE_CODES: Record<FlvTagType, number> = { audio: 8, video: 9, script: 18 }
const TYPES = new Map<number, FlvTagType>([
  [8, 'audio'],
  [9, 'video'],
  [18, 'script'],
])
const SIGNATURE = [0x46, 0x4c, 0x56, 1]
const HEADER_LENGTH = 9
const LONGEST_HEADER = 64
const TAG_HEAD = 11
/** PreviousTagSize. */
const TRAILER = 4
const ENCRYPTED = 0x20

/** The file header, which says that picture and sound may come, and the size of the tag before the first: 0. */
export function encodeFlvHeader(): Uint8Array {
  return Uint8Array.from([...SIGNATURE, 5, 0, 0, 0, HEADER_LENGTH, 0, 0, 0, 0])
}

/** Head, data and trailer, to be written behind each other; the data is the tag's own. Throws SluiceError `bad-flv` for a tag above 8 MiB. */
export function encodeFlvTag(tag: FlvTag): Uint8Array[] {
  const size = tag.data.length
  if (size > LARGEST_TAG) throw tooLarge(size)
  const { timestamp } = tag
  const whole = TAG_HEAD + size
  // The upper eight bits of the time stand behind the lower 24; the stream is always 0.
  const head = [
    TYPE_CODES[tag.type],
    size >>> 16,
    size >>> 8,
    size,
    timestamp >>> 16,
    timestamp >>> 8,
    timestamp,
  ]
  return [
    Uint8Array.of(...head, timestamp >>> 24, 0, 0, 0),
    tag.data,
    Uint8Array.of(whole >>> 24, whole >>> 16, whole >>> 8, whole),
  ]
}

/** What is read next, and how long it is. */
type Expected =
  | { kind: 'file-header'; length: number }
  | { kind: 'first-size'; length: number }
  | { kind: 'tag-head'; length: number }
  | { kind: 'tag-body'; length: number; type: FlvTagType | undefined; timestamp: number }

/**
 * Cuts a stream of bytes into tags. A tag's data refers to the chunk that it came in, which must not be written to
 * again, and is copied only when it came in several. Holds at most one tag, of 8 MiB.
 */
export class FlvReader {
  private expected: Expected = { kind: 'file-header', length: HEADER_LENGTH }
  /** What came of the expected in earlier chunks; the room for all of it. */
  private held: { bytes: Uint8Array; filled: number } | undefined
  private broken: SluiceError | undefined

  /**
   * The tags that are whole now; data of other types is passed over. Throws SluiceError `bad-flv` when it is no FLV
   * or a tag is above 8 MiB, and again at each later call.
   */
  push(chunk: Uint8Array): FlvTag[] {
    if (this.broken) throw this.broken
    const tags: FlvTag[] = []
    let at = 0
    for (;;) {
      const { length } = this.expected
      const start = at
      at += Math.min(length - (this.held?.filled ?? 0), chunk.length - at)
      const bytes = this.gather(chunk.subarray(start, at), length)
      if (!bytes) return tags
      const tag = this.take(this.expected, bytes)
      if (tag) tags.push(tag)
    }
  }

  /** The expected bytes when they are complete with these. */
  private gather(bytes: Uint8Array, length: number): Uint8Array | undefined {
    if (!this.held && bytes.length === length) return bytes
    if (bytes.length === 0) return undefined
    this.held ??= { bytes: new Uint8Array(Buffer.allocUnsafeSlow(length).buffer), filled: 0 }
    this.held.bytes.set(bytes, this.held.filled)
    this.held.filled += bytes.length
    if (this.held.filled < length) return undefined
    const whole = this.held.bytes
    this.held = undefined
    return whole
  }

  private take(expected: Expected, bytes: Uint8Array): FlvTag | undefined {
    switch (expected.kind) {
      case 'file-header':
        this.expected = { kind: 'first-size', length: this.headerLength(bytes) - HEADER_LENGTH + TRAILER }
        return undefined
      case 'first-size':
        this.expected = { kind: 'tag-head', length: TAG_HEAD }
        return undefined
      case 'tag-head':
        this.expected = this.bodyOf(bytes)
        return undefined
      case 'tag-body': {
        const size = expected.length - TRAILER
        if (u32(bytes, size) !== TAG_HEAD + size) {
          throw this.breaks('The FLV stream is out of step: a tag does not end with its own size.')
        }
        this.expected = { kind: 'tag-head', length: TAG_HEAD }
        const { type, timestamp } = expected
        return type === undefined ? undefined : { type, timestamp, data: bytes.subarray(0, size) }
      }
    }
  }

  private headerLength(bytes: Uint8Array): number {
    if (SIGNATURE.some((byte, at) => bytes[at] !== byte)) {
      throw this.breaks(
        'The stream is no FLV of version 1: send what an FLV file holds, from its first byte.',
      )
    }
    const length = u32(bytes, 5)
    if (length < HEADER_LENGTH || length > LONGEST_HEADER) {
      throw this.breaks(`The FLV header states a length of ${length} bytes; it has ${HEADER_LENGTH}.`)
    }
    return length
  }

  private bodyOf(head: Uint8Array): Expected {
    const code = head[0] ?? 0
    const size = u32(head, 0) & 0xffffff
    if (size > LARGEST_TAG) throw this.breaks(tooLarge(size).message)
    if ((code & ENCRYPTED) !== 0)
      throw this.breaks('The FLV stream holds encrypted tags: send them in clear.')
    const time = u32(head, 4)
    return {
      kind: 'tag-body',
      length: size + TRAILER,
      type: TYPES.get(code),
      timestamp: (((time & 0xff) << 24) | (time >>> 8)) >>> 0,
    }
  }

  private breaks(why: string): SluiceError {
    this.held = undefined
    this.broken = badFlv(why)
    return this.broken
  }
}

function tooLarge(size: Bytes): SluiceError {
  return badFlv(
    `A tag has ${formatBytes(size)}, the limit is ${formatBytes(LARGEST_TAG)}: lower the encoder's bitrate.`,
  )
}

function badFlv(why: string): SluiceError {
  return new SluiceError('bad-flv', why, { side: 'upstream', kind: 'usage' })
}

function u32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
  return high * 0x10000 + low
}
