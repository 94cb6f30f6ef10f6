import type { Instant, Seconds } from '../core/index.ts'
import type { TrackDescription } from './init.ts'

export type LiveTrackKind = 'video' | 'audio'

/** A track of a live feed as it is known from its sequence header. */
export interface LiveTrack {
  kind: LiveTrackKind
  description: TrackDescription
  /** The init segment. */
  init: Uint8Array
  /** From the sequence header, else measured; undefined while unknown. Video only. */
  frameRate: number | undefined
}

/** What the muxer makes of tags, in this order: tracks, then segments, each with its parts. */
export type LiveEvent =
  /**
   * New init segments; what follows does not continue what came before (EXT-X-DISCONTINUITY between them). The first
   * event of all. A segment that was open has been closed before it.
   */
  | { kind: 'tracks'; tracks: LiveTrack[]; partTargets: Partial<Record<LiveTrackKind, Seconds>> }
  /** Opens the next segment on every track. */
  | { kind: 'segment'; programDateTime: Instant }
  /** A CMAF chunk (moof and mdat) that is whole. */
  | { kind: 'part'; part: LivePart }
  /** Closes the segment on every track: it is what its parts are, joined. */
  | { kind: 'segment-end' }

export interface LivePart {
  track: LiveTrackKind
  /** Of its samples together; at most the track's part target. */
  duration: Seconds
  /** Begins with a keyframe; always for audio. */
  independent: boolean
  bytes: Uint8Array
  /** When its last sample arrived, for measuring. */
  arrivedAt: Instant
}
