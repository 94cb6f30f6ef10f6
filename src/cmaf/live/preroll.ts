import { MiB, type Bytes, type Instant, type Milliseconds } from '../../core/index.ts'
import type { LiveTrackKind } from '../live-events.ts'
import type { LiveSample } from './sample.ts'

/** How long an epoch waits for a track that may come. */
const PATIENCE: Milliseconds = 1000
/** How long for the keyframe of a picture that does come. */
const KEYFRAME_PATIENCE: Milliseconds = 4000
const ROOM: Bytes = 16 * MiB
const MOST_SAMPLES = 4096

/** What waits for an epoch to begin: the picture from a keyframe on, and the sound from there. */
export class Preroll {
  private samples: LiveSample[] = []
  private bytes: Bytes = 0
  private firstArrival: Instant | undefined
  private times: { first: Milliseconds; last: Milliseconds } | undefined
  private waited: Milliseconds = 0
  private keySeen = false
  private pictureSeen = false

  /** Something came, if only a tag that cannot be used: waiting has begun. */
  notice(arrivedAt: Instant): void {
    this.firstArrival ??= arrivedAt
    this.waited = Math.max(this.waited, arrivedAt - this.firstArrival)
  }

  add(sample: LiveSample): void {
    this.notice(sample.arrivedAt)
    this.times ??= { first: sample.at, last: sample.at }
    this.times.last = Math.max(this.times.last, sample.at)
    if (sample.track === 'video') {
      this.pictureSeen = true
      if (!this.keySeen && !sample.keyframe) return
      if (!this.keySeen) this.beginAt(sample)
    } else if (this.keySeen && sample.at < this.startAt) return
    this.samples.push(sample)
    this.bytes += sample.data.length
  }

  has(track: LiveTrackKind): boolean {
    return track === 'video' ? this.keySeen : this.samples.some(sample => sample.track === track)
  }

  /** Whether waiting for what may not come has lasted long enough, when tracks usually come `lag` behind each other. */
  isOver(lag: Milliseconds): boolean {
    if (this.bytes > ROOM || this.samples.length > MOST_SAMPLES) return true
    const waitsForKey = this.pictureSeen && !this.keySeen
    return this.lasted >= (waitsForKey ? KEYFRAME_PATIENCE : PATIENCE + lag)
  }

  /** Hands over what waited; with a picture, its keyframe is the first sample of it. */
  take(): LiveSample[] {
    const { samples } = this
    this.clear()
    return samples
  }

  clear(): void {
    this.keep([])
    this.firstArrival = undefined
    this.times = undefined
    this.waited = 0
    this.keySeen = false
    this.pictureSeen = false
  }

  private get lasted(): Milliseconds {
    return Math.max(this.waited, this.times ? this.times.last - this.times.first : 0)
  }

  private get startAt(): Milliseconds {
    return this.samples.find(({ track }) => track === 'video')?.at ?? -Infinity
  }

  /** What came before the first keyframe goes, and other tracks have their time from here. */
  private beginAt(keyframe: LiveSample): void {
    this.keep(this.samples.filter(({ at }) => at >= keyframe.at))
    this.keySeen = true
    this.times = { first: keyframe.at, last: keyframe.at }
    this.firstArrival = keyframe.arrivedAt
    this.waited = 0
  }

  private keep(samples: LiveSample[]): void {
    this.samples = samples
    this.bytes = samples.reduce((sum, { data }) => sum + data.length, 0)
  }
}
