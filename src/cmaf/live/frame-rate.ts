import type { Milliseconds } from '../../core/index.ts'
import { LONGEST_STEP } from './source-clock.ts'

/** As many as tell 29.97 from 30 frames a second by times in whole milliseconds. */
const MOST_INTERVALS = 64
/** Intervals within this of the mean are jitter at most; longer ones are of lost frames, shorter ones of hurried ones. */
const ALIKE = { from: 0.6, to: 1.75 }
/** So many of another length behind each other are a new rate. */
const NEW_RATE = 4
/** When the last intervals differ by this share from all, the rate is new, and the very last are of it. */
const SHIFT = { intervals: 8, share: 0.12, kept: 2 }
const SETTLED: Milliseconds = 150
/** With fewer intervals a stated rate is taken for true that is not off by more than this share. */
const FEW = { intervals: 16, off: 0.1 }
/** What a frame takes while nothing is known. */
const UNKNOWN_FRAME: Milliseconds = 1000 / 30
const USUAL_RATES = [
  24000 / 1001,
  24,
  25,
  30000 / 1001,
  30,
  48,
  50,
  60000 / 1001,
  60,
  15,
  20,
  12.5,
  10,
  100,
  120,
]

/** How long a frame takes, from the times of the last ones, which are rounded to milliseconds and may vary. */
export class FrameRate {
  private readonly stated: Milliseconds | undefined
  private intervals: Milliseconds[] = []
  private oldest = 0
  private sum: Milliseconds = 0
  private others: Milliseconds[] = []
  private known: Milliseconds | undefined

  constructor(stated: Milliseconds | undefined) {
    this.stated = stated
    this.known = stated
  }

  /** From one frame's decoding time to the next's. */
  add(interval: Milliseconds): void {
    if (interval <= 0 || interval > LONGEST_STEP) return
    const mean = this.sum / this.intervals.length
    const alike = this.intervals.length === 0 || (interval > mean * ALIKE.from && interval < mean * ALIKE.to)
    if (!alike) {
      this.others.push(interval)
      if (this.others.length < NEW_RATE) return
      this.forget()
    }
    const { others } = this
    this.others = []
    for (const other of others) this.count(alike ? other / Math.max(1, Math.round(other / mean)) : other)
    if (alike) this.count(interval)
    this.followShift()
    this.known = this.exact()
  }

  /** The length of a frame. */
  get frame(): Milliseconds {
    return this.known ?? UNKNOWN_FRAME
  }

  /** Undefined while nothing is known. */
  get framesPerSecond(): number | undefined {
    return this.known === undefined ? undefined : Math.round(1_000_000 / this.known) / 1000
  }

  /** Whether the rate is sure enough to plan parts by. */
  get settled(): boolean {
    if (this.sum >= SETTLED) return true
    return this.intervals.length >= 2 && this.stated !== undefined && this.isAbout(this.stated)
  }

  /** Whether the rate has been the same for long. */
  get steady(): boolean {
    return this.intervals.length >= MOST_INTERVALS / 4
  }

  private followShift(): void {
    const { length } = this.intervals
    if (length < 2 * SHIFT.intervals) return
    let sum = 0
    for (let back = 0; back < SHIFT.intervals; back++) sum += this.newest(back)
    const mean = sum / SHIFT.intervals
    if (Math.abs(mean * length - this.sum) <= SHIFT.share * this.sum) return
    const kept = Array.from({ length: SHIFT.kept }, (_, back) => this.newest(back))
    this.forget()
    for (const one of kept) this.count(one)
  }

  /** The last interval, or one so many before it. */
  private newest(back: number): Milliseconds {
    const { length } = this.intervals
    return this.intervals[(this.oldest + length - 1 - back) % length] ?? 0
  }

  private forget(): void {
    this.intervals = []
    this.oldest = 0
    this.sum = 0
  }

  private count(interval: Milliseconds): void {
    if (this.intervals.length < MOST_INTERVALS) {
      this.intervals.push(interval)
    } else {
      this.sum -= this.intervals[this.oldest] ?? 0
      this.intervals[this.oldest] = interval
      this.oldest = (this.oldest + 1) % MOST_INTERVALS
    }
    this.sum += interval
  }

  /** The stated or a usual rate when the mean may be it, else the mean. */
  private exact(): Milliseconds {
    if (this.stated !== undefined && this.isAbout(this.stated)) return this.stated
    const mean = this.sum / this.intervals.length
    let best = mean
    let difference = Infinity
    for (const rate of USUAL_RATES) {
      const frame = 1000 / rate
      if (!this.isAbout(frame) || Math.abs(frame - mean) >= difference) continue
      best = frame
      difference = Math.abs(frame - mean)
    }
    return best
  }

  /** Both ends of the intervals are rounded, each by half a millisecond at most. */
  private isAbout(frame: Milliseconds): boolean {
    const { length } = this.intervals
    const off = Math.abs(this.sum / length - frame)
    if (frame === this.stated && length < FEW.intervals) return off <= FEW.off * frame
    return length > 0 && off <= 1 / length + 0.001
  }
}
