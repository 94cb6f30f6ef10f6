import type { Instant, Seconds } from '../core/index.ts'

/** A live media playlist as a value (rfc8216bis 4.4). Sequence numbers begin at Unix seconds and only grow (SEAMS 17). */
export interface LivePlaylist {
  /** Whole seconds; never shrinks during a broadcast, and is the same in all its playlists (6.2.4). */
  targetDuration: Seconds
  /** No part is longer; 0 in a playlist without parts. */
  partTarget: Seconds
  /** PART-HOLD-BACK, three times the longest part target of the tracks that play together (6.2.4: one for all). */
  partHoldBack: Seconds
  discontinuitySequence: number
  /** Oldest first. The last one may be open: it has parts and no `uri` yet. */
  segments: LiveSegment[]
  state: 'live' | 'ended'
  /** The part that comes next; absent when none will. */
  hint: string | undefined
  reports: RenditionReport[]
}

export interface LiveSegment {
  sequence: number
  /** Of the init segment. */
  init: string
  /** EXT-X-DISCONTINUITY tags before it; more than one when this track had nothing of an epoch (6.2.4: they are counted). */
  discontinuities: number
  programDateTime: Instant
  /** Undefined while it is open. */
  uri: string | undefined
  duration: Seconds
  /** Kept for the newest segments only; empty for older ones. */
  parts: LivePartLine[]
}

export interface LivePartLine {
  uri: string
  duration: Seconds
  independent: boolean
}

/** Where another rendition stands (rfc8216bis 4.4.5.4). */
export interface RenditionReport {
  uri: string
  lastSequence: number
  lastPart: number
}

/** How far a playlist reaches: the newest segment, and its newest part; `part` is -1 when the segment has none listed. */
export interface PlaylistPosition {
  sequence: number
  part: number
}

/** What a player asks of a playlist (rfc8216bis 6.2.5). */
export interface Directives {
  /** Undefined when the newest will do. */
  until: { sequence: number; part: number | undefined } | undefined
  skip: 'none' | 'segments'
}
