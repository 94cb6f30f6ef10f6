import type { Bytes, Milliseconds, Seconds } from '../../core/index.ts'

const BUCKET: Milliseconds = 500
const MOST_BUCKETS = 10

interface Bucket {
  number: number
  bytes: Bytes
  samples: number
}

/** Measures a track over its last five seconds of media. */
export class Meter {
  private elapsed: Milliseconds = 0
  private buckets: Bucket[] = []
  private keyAt: Milliseconds | undefined
  private keyInterval: Milliseconds | undefined

  /** `interval`: since the sample before; 0 when it does not follow one. */
  add(interval: Milliseconds, bytes: Bytes): void {
    this.elapsed += Math.max(0, interval)
    const number = Math.floor(this.elapsed / BUCKET)
    let bucket = this.buckets.at(-1)
    if (bucket?.number !== number) {
      bucket = { number, bytes: 0, samples: 0 }
      this.buckets.push(bucket)
      while ((this.buckets[0]?.number ?? number) <= number - MOST_BUCKETS) this.buckets.shift()
    }
    bucket.bytes += bytes
    bucket.samples++
  }

  /** The sample that was added last is a keyframe. */
  keyframe(): void {
    if (this.keyAt !== undefined) this.keyInterval = this.elapsed - this.keyAt
    this.keyAt = this.elapsed
  }

  /** Between the last two keyframes, or since the last when that is longer; null before the second. */
  get keyframeInterval(): Seconds | null {
    if (this.keyInterval === undefined || this.keyAt === undefined) return null
    return Math.max(this.keyInterval, this.elapsed - this.keyAt) / 1000
  }

  /** Bits a second; 0 before two samples. */
  get bitrate(): number {
    const { bytes, span } = this.whole()
    return span > 0 ? Math.round((bytes * 8000) / span) : 0
  }

  /** Samples a second; 0 before two samples. */
  get rate(): number {
    const { samples, span } = this.whole()
    return span > 0 ? (samples * 1000) / span : 0
  }

  /** Whole buckets when there are any; the first one lacks the time before its first sample. */
  private whole(): { bytes: Bytes; samples: number; span: Milliseconds } {
    const all = this.buckets
    const some = all.length > 1 ? all.slice(0, -1) : all
    let bytes = 0
    let samples = 0
    for (const bucket of some) {
      bytes += bucket.bytes
      samples += bucket.samples
    }
    const from = (some[0]?.number ?? 0) * BUCKET
    const to = all.length > 1 ? (all.at(-1)?.number ?? 0) * BUCKET : this.elapsed
    return { bytes, samples, span: to - from }
  }
}
