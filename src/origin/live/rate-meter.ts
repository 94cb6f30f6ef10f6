import type { Bytes, Seconds } from '../../core/index.ts'

/** As many segments as a playlist lists. */
const SEGMENTS = 8
/** Before a segment is whole its peak is a guess; a keyframe at its beginning makes the first seconds the heaviest. */
const MARGIN = 1.25

interface Span {
  bytes: Bytes
  seconds: Seconds
}

/** Bits per second of one track over its newest segments, as playlists promise them (rfc8216bis 4.4.6.2). */
export class RateMeter {
  readonly #segments: Span[] = []
  #open: Span = { bytes: 0, seconds: 0 }

  part(bytes: Bytes, seconds: Seconds): void {
    this.#open.bytes += bytes
    this.#open.seconds += seconds
  }

  segmentEnd(): void {
    if (this.#open.seconds > 0) this.#segments.push(this.#open)
    if (this.#segments.length > SEGMENTS) this.#segments.shift()
    this.#open = { bytes: 0, seconds: 0 }
  }

  /** Whether enough was seen to tell: a segment, or a second. */
  get known(): boolean {
    return this.#segments.length > 0 || this.#open.seconds >= 1
  }

  /** Of the heaviest segment; before there is one, of what has come with a margin. 0 when nothing has. */
  get peak(): number {
    if (this.#segments.length === 0) return Math.ceil(rate(this.#open) * MARGIN)
    return Math.ceil(Math.max(...this.#segments.map(rate)))
  }

  get average(): number {
    const spans = this.#segments.length > 0 ? this.#segments : [this.#open]
    const sum = { bytes: 0, seconds: 0 }
    for (const { bytes, seconds } of spans) {
      sum.bytes += bytes
      sum.seconds += seconds
    }
    return Math.ceil(rate(sum))
  }
}

function rate({ bytes, seconds }: Span): number {
  return seconds > 0 ? (bytes * 8) / seconds : 0
}
