import type { Seconds } from '../core/index.ts'

/** A multivariant playlist (RFC 8216 4.3.4). */
export interface MultivariantPlaylist {
  /** The first one is what players begin with. */
  variants: Variant[]
  audio: AudioRendition[]
}

export interface Variant {
  /** Relative to the playlist. */
  uri: string
  /** Bits per second of the heaviest segment, with the audio that is played beside it (RFC 8216 4.3.4.2). */
  bandwidth: number
  /** Bits per second over the whole length, with the audio. */
  averageBandwidth?: number
  /** RFC 6381, of everything that is played together. */
  codecs: string[]
  /** Pixels as displayed. */
  resolution?: { width: number; height: number }
  /** Frames per second. */
  frameRate?: number
  /** The `group` of the audio renditions that go with it; absent when it has none or carries its own. */
  audioGroup?: string
}

export interface AudioRendition {
  group: string
  /** What a player's menu shows; written in ASCII without quotes and apostrophes. */
  name: string
  /** RFC 5646. */
  language?: string
  default: boolean
  channels?: number
  uri: string
}

/** A media playlist of something that is complete: every segment is there and none will come. */
export interface VodPlaylist {
  /** The init segment (EXT-X-MAP). */
  init: string
  segments: VodSegment[]
}

export interface VodSegment {
  uri: string
  duration: Seconds
}
