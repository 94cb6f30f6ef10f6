import type { Bytes } from '../core/index.ts'
import type { AvcDetails } from './avc.ts'

/** A file's index: everything needed to cut segments, without its pictures and sound. Never changed once made. */
export interface Movie {
  tracks: Track[]
  /** The end of the longest track on the presentation timeline. */
  durationSeconds: number
}

export type Track = VideoTrack | AudioTrack | OtherTrack
export type MediaTrack = VideoTrack | AudioTrack

/** What a decoder must know of a picture track; enough to write its init segment. */
export interface VideoDescription {
  kind: 'video'
  /** Ticks in a second. */
  timescale: number
  /** ISO 639-2/T, `und` when the file does not say. */
  language: string
  sampleEntry: VideoSampleEntry
  /** RFC 6381. */
  codec: string
  /** Body of `avcC`, `hvcC` or `av1C`. */
  config: Uint8Array
  /** Coded size in pixels. */
  width: number
  height: number
  /** Size to show before rotation, from `tkhd`; differs from the coded one when pixels are not square. */
  displayWidth: number
  displayHeight: number
  /** Clockwise degrees to turn the picture by; `other` for mirrored, scaled or skewed pictures. */
  rotation: 0 | 90 | 180 | 270 | 'other'
  /** The nine numbers of `tkhd` as they stand there (16.16 and 2.30 fixed point). */
  matrix: number[]
  /** `pasp`, `colr` and their like, carried over into the init segment. */
  extras: ExtraBox[]
  /** H.264 only. */
  h264?: AvcDetails
}

export const VIDEO_SAMPLE_ENTRIES = ['avc1', 'avc3', 'hvc1', 'hev1', 'av01'] as const
export type VideoSampleEntry = (typeof VIDEO_SAMPLE_ENTRIES)[number]

/** What a decoder must know of a sound track: always AAC of some kind. */
export interface AudioDescription {
  kind: 'audio'
  timescale: number
  language: string
  sampleEntry: 'mp4a'
  codec: string
  /** AudioSpecificConfig, ISO/IEC 14496-3, 1.6.2.1. */
  config: Uint8Array
  channels: number
  /** Of what is heard: with SBR twice the rate of the coded core. */
  sampleRate: number
  extras: ExtraBox[]
}

export interface ExtraBox {
  type: string
  body: Uint8Array
}

interface InFile {
  /** Track id in the file. */
  id: number
  /** Players do not choose a disabled track by themselves. */
  enabled: boolean
  edits: EditList
  samples: SampleTable
}

export type VideoTrack = VideoDescription & InFile
export type AudioTrack = AudioDescription & InFile

/** A track that cannot be cut into segments as it is. */
export interface OtherTrack {
  kind: 'other'
  id: number
  enabled: boolean
  /** `vide` and `soun` are picture and sound in a coding that must be converted; `text`, `tmcd`, `meta`, … are not. */
  handler: string
  /** Type of the first sample entry, empty when there is none. */
  sampleEntry: string
  why: 'handler' | 'codec' | 'no-samples'
}

/** All times in ticks of the track; all arrays indexed by sample in decoding order. */
export interface SampleTable {
  count: number
  sizes: Uint32Array
  /** Position in the file. */
  offsets: Float64Array
  /** One more than there are samples: the last is where the track ends. */
  decodeTimes: Float64Array
  /** Presentation minus decoding time; `none` when they are the same. */
  compositionOffsets: Int32Array | 'none'
  /** Ascending sample numbers from 0; `all` when the file has no `stss`, which means every sample is one. */
  keyframes: Uint32Array | 'all'
}

/** What the file wants shown of a track, in ticks of the track (ISO/IEC 14496-12, 8.6.6). */
export type EditList =
  | { kind: 'none' }
  /** Nothing for `delay`, then the media from `mediaTime` on; for `length`, or to its end. */
  | { kind: 'simple'; delay: number; mediaTime: number; length?: number }
  | { kind: 'complex'; why: string }

export function durationOf(samples: SampleTable, sample: number): number {
  return (samples.decodeTimes[sample + 1] ?? 0) - (samples.decodeTimes[sample] ?? 0)
}

export function compositionOffsetOf(samples: SampleTable, sample: number): number {
  return samples.compositionOffsets === 'none' ? 0 : (samples.compositionOffsets[sample] ?? 0)
}

/** Composition time: when the media wants a sample shown, before any edit. */
export function compositionTimeOf(samples: SampleTable, sample: number): number {
  return (samples.decodeTimes[sample] ?? 0) + compositionOffsetOf(samples, sample)
}

/** The first keyframe at or after a sample; undefined when none follows. */
export function keyframeFrom(samples: SampleTable, sample: number): number | undefined {
  if (samples.keyframes === 'all') return sample < samples.count ? sample : undefined
  let low = 0
  let high = samples.keyframes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((samples.keyframes[middle] ?? 0) < sample) low = middle + 1
    else high = middle
  }
  return samples.keyframes[low]
}

/** Bytes of memory that a movie's tables hold, for whoever keeps several. */
export function memoryOf(movie: Movie): Bytes {
  let bytes = 4096
  for (const track of movie.tracks) {
    if (track.kind === 'other') continue
    const { sizes, offsets, decodeTimes, compositionOffsets, keyframes } = track.samples
    bytes += sizes.byteLength + offsets.byteLength + decodeTimes.byteLength
    if (compositionOffsets !== 'none') bytes += compositionOffsets.byteLength
    if (keyframes !== 'all') bytes += keyframes.byteLength
  }
  return bytes
}
