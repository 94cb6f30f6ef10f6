import type { Bytes, Milliseconds, Seconds } from '../../core/index.ts'
import type { LivePart } from '../live-events.ts'
import type { AudioSample } from './sample.ts'
import type { AudioConfig } from './track-config.ts'
import type { TrackLine } from './track-line.ts'
import { writePart, type PartSample } from './write-part.ts'

export interface AudioPartsOptions {
  config: AudioConfig
  line: TrackLine
  /** What a part should last. */
  target: Milliseconds
}

/** Encoders round to milliseconds and their clocks drift: so long samples are counted instead. */
const TOLERANCE_SECONDS = 0.1

/**
 * Gathers the sound of one epoch into parts of the whole number of frames that comes nearest to the target. Time is
 * counted in samples; only where the encoder's times are off by more than 100 ms it is set anew, with a hole between parts
 * or frames left out.
 */
export class AudioParts {
  /** The longest that a part lasts. */
  readonly partTarget: Seconds
  private readonly line: TrackLine
  private readonly rate: number
  private readonly frame: number
  /** Ticks. */
  private readonly longest: number
  private pending: PartSample[] = []
  private bytes: Bytes = 0
  /** Where the open part began and where the next frame stands, in ticks. */
  private start = 0
  private next: number | undefined

  constructor({ config, line, target }: AudioPartsOptions) {
    this.line = line
    this.rate = config.description.timescale
    this.frame = config.frameTicks
    this.longest = Math.max(1, Math.round((target / 1000) * (this.rate / this.frame))) * this.frame
    this.partTarget = Math.ceil((this.longest / this.rate) * 1000) / 1000
  }

  get isEmpty(): boolean {
    return this.pending.length === 0
  }

  get pendingBytes(): Bytes {
    return this.bytes
  }

  /** Takes a frame, or leaves it out when it comes again; gives the parts that are done with it. */
  add(sample: AudioSample): LivePart[] {
    const parts: LivePart[] = []
    const source = Math.round((sample.at * this.rate) / 1000)
    this.next ??= Math.max(source, Math.ceil((this.line.end * this.rate) / 1000))
    const off = (source - this.next) / this.rate
    if (off < -TOLERANCE_SECONDS) return parts
    if (off > TOLERANCE_SECONDS) parts.push(...this.leap(source))
    if (this.pending.length === 0) this.start = this.next
    const { data, arrivedAt } = sample
    this.pending.push({
      size: data.length,
      duration: this.frame,
      compositionOffset: 0,
      keyframe: true,
      data,
      arrivedAt,
    })
    this.bytes += data.length
    this.next += this.frame
    if (this.next + this.frame - this.start > this.longest) parts.push(...this.close())
    return parts
  }

  /** Closes the part that is open. */
  close(): LivePart[] {
    const samples = this.pending
    if (samples.length === 0 || this.next === undefined) return []
    this.discard()
    this.line.end = (this.next / this.rate) * 1000
    this.line.fragments++
    const timing = { track: 'audio', timescale: this.rate, sequence: this.line.fragments } as const
    return [writePart(samples, { ...timing, decodeTime: this.start })]
  }

  discard(): void {
    this.pending = []
    this.bytes = 0
  }

  /** Lets the last frame last until the next one, as far as the part has room for it. */
  private leap(to: number): LivePart[] {
    const last = this.pending.at(-1)
    const from = this.next ?? to
    this.next = to
    if (!last) return []
    const room = this.start + this.longest - from
    last.duration += Math.min(room, to - from)
    if (to - this.start + this.frame <= this.longest) return []
    this.next = Math.min(to, this.start + this.longest)
    const parts = this.close()
    this.next = to
    return parts
  }
}
