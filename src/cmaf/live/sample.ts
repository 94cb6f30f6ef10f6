import type { Instant, Milliseconds } from '../../core/index.ts'

export type LiveSample = VideoSample | AudioSample

export interface VideoSample {
  track: 'video'
  /** Decoding time. */
  at: Milliseconds
  /** Composition minus decoding time; may be negative. */
  offset: Milliseconds
  keyframe: boolean
  data: Uint8Array
  arrivedAt: Instant
}

export interface AudioSample {
  track: 'audio'
  at: Milliseconds
  data: Uint8Array
  arrivedAt: Instant
}
