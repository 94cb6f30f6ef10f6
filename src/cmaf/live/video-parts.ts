import type { Bytes, Milliseconds, Seconds } from '../../core/index.ts'
import type { LivePart } from '../live-events.ts'
import { DecodeLine, ROUNDING } from './decode-line.ts'
import type { FrameRate } from './frame-rate.ts'
import type { VideoSample } from './sample.ts'
import { VIDEO_TIMESCALE } from './track-config.ts'
import type { TrackLine } from './track-line.ts'
import { writePart, type PartSample } from './write-part.ts'

export interface VideoPartsOptions {
  /** Read at each picture: rates change. */
  rate: FrameRate
  line: TrackLine
  /** What a part should last. */
  target: Milliseconds
}

/** Room for times that are rounded, in a part's longest duration. */
const SLACK: Milliseconds = 2
/** A rate is an estimate: frames that would make a part this much too long are still put into it, a little shortened. */
const CLOSE_FIT = 1.02
/** The share of the longest that every part but a segment's last must have (rfc8216bis, 4.4.3.7). */
const SHORTEST = 0.85
const TICKS_IN_MS = VIDEO_TIMESCALE / 1000

interface Pending extends PartSample {
  /** Ticks. */
  decodeTime: number
}

/**
 * Gathers the pictures of one epoch into parts of as many frames as come nearest to the target. A part is done when its
 * last picture is there: how long that one lasts is foretold, and the next one begins where it was said to.
 */
export class VideoParts {
  /** The longest that a part lasts. */
  readonly partTarget: Seconds
  private readonly rate: FrameRate
  private readonly line: TrackLine
  /** Ticks. */
  private readonly longest: number
  private readonly decodeLine = new DecodeLine()
  private pending: Pending[] = []
  private bytes: Bytes = 0
  /** Where the next picture begins: the end of the last part, in ticks. */
  private promised: number | undefined
  /** Behind the encoder's time, in ticks. */
  private behind = 0

  constructor({ rate, line, target }: VideoPartsOptions) {
    this.rate = rate
    this.line = line
    const longest = Math.max(1, Math.round(target / rate.frame)) * rate.frame + SLACK
    this.longest = longest * TICKS_IN_MS
    this.partTarget = Math.ceil(longest) / 1000
  }

  get pendingBytes(): Bytes {
    return this.bytes
  }

  get isEmpty(): boolean {
    return this.pending.length === 0
  }

  /** Decoding times fall behind when frames last longer than a part may. */
  get behindBy(): Milliseconds {
    return this.behind / TICKS_IN_MS
  }

  /** Whether frames last so long by now that as many as come nearest to the target no longer fit, and fewer are too few. */
  isOutgrownBy(frame: Milliseconds, target: Milliseconds): boolean {
    const ideal = Math.max(1, Math.round(target / frame)) * frame * TICKS_IN_MS
    const best = this.latestEnd(0)
    return ideal > this.longest * CLOSE_FIT && best < SHORTEST * this.longest
  }

  /** Takes a picture; gives the parts that are done with it. */
  add(sample: VideoSample): LivePart[] {
    const parts: LivePart[] = []
    const source = sample.at * TICKS_IN_MS
    const at = this.place(source)
    const decodeTime = Math.round(at)
    const expected = this.expectedEnd(at, source)
    const [first] = this.pending
    if (first && !this.fits(expected - first.decodeTime)) parts.push(...this.closeAt(decodeTime))
    this.behind = source - decodeTime
    this.pending.push({
      decodeTime,
      size: sample.data.length,
      duration: 0,
      compositionOffset: this.compositionOffset(sample.offset * TICKS_IN_MS, at, decodeTime),
      keyframe: sample.keyframe,
      data: sample.data,
      arrivedAt: sample.arrivedAt,
    })
    this.bytes += sample.data.length
    const start = this.pending[0]?.decodeTime ?? decodeTime
    const end = Math.min(this.expectedEnd(at, source), this.latestEnd(start))
    if (!this.fits(end + this.frame - start)) parts.push(...this.closeAt(Math.round(end)))
    return parts
  }

  /** Closes the part that is open; it ends where the next picture is decoded, or is expected to be. */
  close(next: VideoSample | undefined): LivePart[] {
    const [first] = this.pending
    const last = this.pending.at(-1)
    if (!first || !last) return []
    const source = next ? next.at * TICKS_IN_MS : last.decodeTime + this.behind + this.frame
    const end = Math.min(this.decodeLine.next(source, this.frame), this.latestEnd(first.decodeTime))
    return this.closeAt(Math.max(Math.round(end), last.decodeTime + 1))
  }

  discard(): void {
    this.pending = []
    this.bytes = 0
  }

  private get frame(): number {
    return this.rate.frame * TICKS_IN_MS
  }

  /** A part that begins at `start` ends here at the latest: behind as many whole frames as fit. */
  private latestEnd(start: number): number {
    const frames = Math.floor((this.longest * CLOSE_FIT) / this.frame)
    return start + (frames > 0 ? Math.min(frames * this.frame, this.longest) : this.longest)
  }

  private fits(duration: number): boolean {
    return duration <= this.longest * CLOSE_FIT
  }

  private place(source: number): number {
    const [first] = this.pending
    let at: number
    if (first) {
      at = Math.min(this.decodeLine.next(source, this.frame), this.latestEnd(first.decodeTime))
    } else if (this.promised === undefined) {
      at = Math.max(source, Math.ceil(this.line.end * TICKS_IN_MS))
    } else {
      const wanted = this.decodeLine.next(source, this.frame)
      at = Math.abs(wanted - this.promised) < 1 ? wanted : this.promised
      // What was promised holds, to the tick.
      if (Math.round(at) !== this.promised) at = this.promised
    }
    this.decodeLine.moveTo(at)
    return at
  }

  /** Where the picture that follows one at `at` will probably begin. */
  private expectedEnd(at: number, source: number): number {
    return this.decodeLine.next(Math.max(source, at) + this.frame, this.frame)
  }

  /** Shown when the encoder says; or, when that is the same but for rounding, in even steps too. */
  private compositionOffset(offset: number, at: number, decodeTime: number): number {
    if (Math.abs(this.behind) > ROUNDING) return Math.round(offset + this.behind)
    const even = Math.round(offset / this.frame) * this.frame
    if (Math.abs(offset - even) > ROUNDING) return Math.round(offset)
    return Math.round(at + even) - decodeTime
  }

  private closeAt(end: number): LivePart[] {
    const samples = this.pending
    const [first] = samples
    if (!first) return []
    samples.forEach((sample, index) => {
      sample.duration = (samples[index + 1]?.decodeTime ?? end) - sample.decodeTime
    })
    this.discard()
    this.promised = end
    this.line.end = end / TICKS_IN_MS
    this.line.fragments++
    const timing = { track: 'video', timescale: VIDEO_TIMESCALE, sequence: this.line.fragments } as const
    return [writePart(samples, { ...timing, decodeTime: first.decodeTime })]
  }
}
