import { encodeFlvHeader, encodeFlvTag, isKeyframe, isMetadata, sequenceHeaderOf } from '../cmaf/index.ts'
import type { FlvTag } from '../cmaf/index.ts'
import type { Bytes, Instant, Milliseconds } from '../core/index.ts'

export interface QueueLimits {
  bytes: Bytes
  span: Milliseconds
}

interface Waiting {
  tag: FlvTag
  arrivedAt: Instant
  cost: Bytes
  /** Where it ends in the body of the hand-over that runs; undefined until it was given out there. */
  endsAt: number | undefined
}

/** What a decoder must know before a keyframe; as it was at the head of the queue, not at its end. */
interface Headers {
  metadata?: FlvTag
  video?: FlvTag
  audio?: FlvTag
}

/** Of a tag beside its data, so that a flood of empty tags meets the limit too. */
const OVERHEAD: Bytes = 256
/** A stream whose pictures have stopped for so long begins anew with sound. */
const PICTURES_GONE: Milliseconds = 5_000

/**
 * What an encoder has sent and the origin has not taken yet (SEAMS 14). A tag stays until the origin says that it was
 * muxed, so that a hand-over which breaks loses nothing but the pictures before the next keyframe. It takes what comes
 * even when it is full: what ingest has read already must go somewhere, and ingest reads no more.
 */
export class TagQueue {
  readonly #limits: QueueLimits
  #tags: (Waiting | undefined)[] = []
  /** Places in `#tags`: the oldest, and the first that was not given out on this hand-over. */
  #head = 0
  #next = 0
  #cost: Bytes = 0
  #headers: Headers = {}
  #body: 'anywhere' | 'at-a-keyframe' | 'begun' = 'anywhere'
  #bodyBytes = 0
  #takenBytes = 0
  #movedAt: Instant | undefined
  #pictureAt: Instant | undefined

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  push(tag: FlvTag, now: Instant): void {
    if (this.isEmpty) this.#movedAt = now
    if (tag.type === 'video') this.#pictureAt = now
    const cost = tag.data.length + OVERHEAD
    this.#tags.push({ tag, arrivedAt: now, cost, endsAt: undefined })
    this.#cost += cost
  }

  /**
   * A new hand-over. Gives the bytes that its body begins with. What was not taken comes again; on any but the first
   * from a keyframe on, behind the headers that hold there.
   */
  begin(from: 'anywhere' | 'at-a-keyframe', now: Instant): Uint8Array {
    for (let at = this.#head; at < this.#next; at++) this.#at(at).endsAt = undefined
    const header = encodeFlvHeader()
    this.#next = this.#head
    this.#body = from
    this.#bodyBytes = header.length
    this.#takenBytes = 0
    this.#movedAt = now
    return header
  }

  /** The next bytes of the body, `most` and a tag at most; none when all was given out or a keyframe is waited for. */
  give(most: Bytes): Uint8Array[] {
    const pieces: Uint8Array[] = []
    if (this.#body === 'at-a-keyframe') {
      this.#dropUntilStart()
      if (this.isEmpty) return pieces
      pieces.push(...this.#prelude(this.#at(this.#head).tag.timestamp))
    }
    this.#body = 'begun'
    let bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    while (this.#next < this.#tags.length && bytes < most) {
      const waiting = this.#at(this.#next++)
      const encoded = encodeFlvTag(waiting.tag)
      for (const piece of encoded) bytes += piece.length
      pieces.push(...encoded)
      waiting.endsAt = this.#bodyBytes + bytes
    }
    this.#bodyBytes += bytes
    return pieces
  }

  /** The origin has muxed so many bytes of the body; says whether a tag left the queue. */
  taken(bytes: number, now: Instant): 'moved' | 'still' {
    if (bytes <= this.#takenBytes) return 'still'
    this.#takenBytes = bytes
    const before = this.#head
    while (this.#head < this.#next && (this.#at(this.#head).endsAt ?? Infinity) <= bytes) this.#drop()
    if (this.#head === before) return 'still'
    this.#movedAt = now
    this.#compact()
    return 'moved'
  }

  get isEmpty(): boolean {
    return this.#head === this.#tags.length
  }

  /** Nothing is left to give out. */
  get isGiven(): boolean {
    return this.#next === this.#tags.length
  }

  isFull(now: Instant): boolean {
    return this.#cost >= this.#limits.bytes || this.#age(now) >= this.#limits.span
  }

  /** Room enough to take more after it was full; less than half, so that a socket is not paused and resumed each tick. */
  hasRoom(now: Instant): boolean {
    return this.#cost <= this.#limits.bytes / 2 && this.#age(now) <= this.#limits.span / 2
  }

  /** Since when the origin has taken nothing although something waits; undefined when nothing waits. */
  get stillSince(): Instant | undefined {
    return this.isEmpty ? undefined : this.#movedAt
  }

  #age(now: Instant): Milliseconds {
    return this.isEmpty ? 0 : now - this.#at(this.#head).arrivedAt
  }

  #dropUntilStart(): void {
    while (!this.isEmpty && !this.#starts(this.#at(this.#head))) this.#drop()
    this.#next = this.#head
    this.#compact()
  }

  #starts({ tag, arrivedAt }: Waiting): boolean {
    if (sequenceHeaderOf(tag) !== undefined) return false
    if (tag.type !== 'audio') return isKeyframe(tag)
    return this.#pictureAt === undefined || arrivedAt - this.#pictureAt >= PICTURES_GONE
  }

  /** At the time of the first tag, since their own may lie hours back. */
  #prelude(timestamp: number): Uint8Array[] {
    const { metadata, video, audio } = this.#headers
    return [metadata, video, audio].flatMap(tag => (tag ? encodeFlvTag({ ...tag, timestamp }) : []))
  }

  #drop(): void {
    const { tag, cost } = this.#at(this.#head)
    this.#tags[this.#head++] = undefined
    this.#cost -= cost
    const track = sequenceHeaderOf(tag)
    if (track !== undefined) this.#headers[track] = tag
    else if (isMetadata(tag)) this.#headers.metadata = tag
  }

  /** An array is shortened at its front now and then, which costs less than with each tag. */
  #compact(): void {
    if (this.#head < 64 || this.#head * 2 < this.#tags.length) return
    this.#tags = this.#tags.slice(this.#head)
    this.#next -= this.#head
    this.#head = 0
  }

  #at(place: number): Waiting {
    return this.#tags[place] as Waiting // places are between head and length
  }
}
