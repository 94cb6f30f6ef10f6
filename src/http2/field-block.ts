import { KiB, type Bytes } from '../core/index.ts'
import {
  CONTINUATION,
  ConnectionError,
  ENHANCE_YOUR_CALM,
  FRAME_SIZE_ERROR,
  PADDED,
  PROTOCOL_ERROR,
  WITH_PRIORITY,
} from './codes.ts'

/** A field block as it comes is at most as large as what may come of it, and somewhat more. */
const LARGEST: Bytes = 96 * KiB
/** With frames as large as they may be, six would do. */
const MOST_FRAMES = 32

/** What stands in a HEADERS frame beside its fields; between `from` and `to` are those. */
export interface FrameContent {
  from: number
  to: number
  /** The stream that it is said to depend on (RFC 9113 §5.3.2), which nobody looks at but to see that it is another one. */
  dependency: number | undefined
}

/** Takes padding and priority off (§6.1, §6.2). */
export function contentOf(bytes: Buffer, at: number, length: number, flags: number): FrameContent {
  let from = at
  let to = at + length
  if ((flags & PADDED) !== 0) {
    if (length < 1) throw new ConnectionError(FRAME_SIZE_ERROR, 'a frame has no room for its padding')
    from++
    to -= bytes[at] ?? 0
  }
  if ((flags & WITH_PRIORITY) === 0) {
    if (to < from) throw new ConnectionError(PROTOCOL_ERROR, 'a frame has more padding than content')
    return { from, to, dependency: undefined }
  }
  if (from + 5 > at + length)
    throw new ConnectionError(FRAME_SIZE_ERROR, 'a frame has no room for its priority')
  const dependency = bytes.readUInt32BE(from) & 0x7fffffff
  from += 5
  if (to < from) throw new ConnectionError(PROTOCOL_ERROR, 'a frame has more padding than content')
  return { from, to, dependency }
}

/** What the first frame of a block says of its stream. */
export interface BlockStart {
  id: number
  endStream: boolean
  dependency: number | undefined
}

/** A field block that came in several frames, between which nothing else may stand (§4.3). */
export class FieldBlock {
  readonly start: BlockStart
  readonly #parts: Buffer[] = []
  #size = 0

  constructor(start: BlockStart, first: Buffer) {
    this.start = start
    this.add(first)
  }

  /** Throws for more than anybody needs (CVE-2024-27316 and its kin). */
  add(part: Buffer): void {
    this.#size += part.length
    if (this.#size > LARGEST || this.#parts.length > MOST_FRAMES)
      throw new ConnectionError(ENHANCE_YOUR_CALM, 'a head has no end')
    this.#parts.push(Buffer.from(part))
  }

  /** Throws for a frame that may not stand within it. */
  expect(type: number, id: number): void {
    if (type !== CONTINUATION || id !== this.start.id)
      throw new ConnectionError(PROTOCOL_ERROR, 'a frame stands within a head')
  }

  whole(): Buffer {
    return Buffer.concat(this.#parts)
  }
}
