import type { Seconds } from '../core/index.ts'

/** What a live feed is like, measured over its last five seconds; rates in bits a second. */
export interface LiveFacts {
  /** Null when there is no picture. */
  video: {
    /** RFC 6381. */
    codec: string
    width: number
    height: number
    framesPerSecond: number
    /** The last one, or longer when the next keyframe is overdue; null before the second keyframe. */
    keyframeInterval: Seconds | null
    bitrate: number
  } | null
  audio: { codec: string; sampleRate: number; channels: number; bitrate: number } | null
  bitrate: number
  /** Times at which the feed did not go on where it was: jumps, and pauses above a second. */
  gaps: number
  /** Tags that could not be read or used. */
  dropped: number
}
