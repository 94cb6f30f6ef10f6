import { ascii, box, concat, fullBox, u16, u32, u32List, u8, zeros } from './boxes.ts'
import { CONFIG_BOXES } from './codec-string.ts'
import { TRACK_ID } from './fragment.ts'
import type { AudioDescription, VideoDescription } from './movie.ts'

export type TrackDescription = VideoDescription | AudioDescription

const ONE = 0x10000
const IDENTITY = [ONE, 0, 0, 0, ONE, 0, 0, 0, 0x40000000]
/** mvhd counts in milliseconds; nothing in an init segment uses it. */
const MOVIE_TIMESCALE = 1000

export interface InitOptions {
  /**
   * Ticks by which the first sample's composition time is ahead of its decoding time; the edit list takes them off
   * again, so that `baseMediaDecodeTime` is when the first sample is shown.
   */
  mediaTime: number
}

/** The init segment of one track: `ftyp` and a `moov` without samples. */
export function writeInit(track: TrackDescription, options: InitOptions): Uint8Array {
  const ftyp = box('ftyp', ascii('cmfc'), u32(0), ascii('cmfciso6mp41'))
  const moov = box(
    'moov',
    fullBox(
      'mvhd',
      0,
      0,
      u32(0, 0, MOVIE_TIMESCALE, 0, ONE),
      u16(0x0100),
      zeros(10),
      u32List(IDENTITY),
      zeros(24),
      u32(TRACK_ID + 1),
    ),
    trackBox(track, options),
    box('mvex', fullBox('trex', 0, 0, u32(TRACK_ID, 1, 0, 0, 0))),
  )
  return concat([ftyp, moov])
}

function trackBox(track: TrackDescription, { mediaTime }: InitOptions): Uint8Array {
  return box(
    'trak',
    trackHeader(track),
    ...(mediaTime > 0 ? [editList(mediaTime)] : []),
    box(
      'mdia',
      fullBox('mdhd', 0, 0, u32(0, 0, track.timescale, 0), u16(packedLanguage(track.language), 0)),
      handler(track),
      box(
        'minf',
        track.kind === 'video' ? fullBox('vmhd', 0, 1, zeros(8)) : fullBox('smhd', 0, 0, zeros(4)),
        box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))),
        box(
          'stbl',
          fullBox('stsd', 0, 0, u32(1), track.kind === 'video' ? videoEntry(track) : audioEntry(track)),
          fullBox('stts', 0, 0, u32(0)),
          fullBox('stsc', 0, 0, u32(0)),
          fullBox('stsz', 0, 0, u32(0, 0)),
          fullBox('stco', 0, 0, u32(0)),
        ),
      ),
    ),
  )
}

/** Flags 3: enabled, and part of the movie. Sound has full volume and no size. */
function trackHeader(track: TrackDescription): Uint8Array {
  const video = track.kind === 'video'
  return fullBox(
    'tkhd',
    0,
    3,
    u32(0, 0, TRACK_ID, 0, 0),
    zeros(8),
    u16(0, 0, video ? 0 : 0x0100, 0),
    u32List(video ? track.matrix : IDENTITY),
    u32(video ? fixedPoint(track.displayWidth) : 0, video ? fixedPoint(track.displayHeight) : 0),
  )
}

/** One edit without an end: a duration of 0 means all fragments (ISO/IEC 14496-12, 8.6.6.1). */
function editList(mediaTime: number): Uint8Array {
  return box('edts', fullBox('elst', 0, 0, u32(1, 0, mediaTime, ONE)))
}

function handler(track: TrackDescription): Uint8Array {
  const [type, name] = track.kind === 'video' ? ['vide', 'Picture\0'] : ['soun', 'Sound\0']
  return fullBox('hdlr', 0, 0, u32(0), ascii(type), zeros(12), ascii(name))
}

/** ISO/IEC 14496-12, 12.1.3: 72 dpi, one frame a sample, no compressor name, 24 bits deep. */
function videoEntry(track: VideoDescription): Uint8Array {
  return box(
    track.sampleEntry,
    zeros(6),
    u16(1),
    zeros(16),
    u16(track.width, track.height),
    u32(72 * ONE, 72 * ONE, 0),
    u16(1),
    zeros(32),
    u16(24, 0xffff),
    box(CONFIG_BOXES[track.sampleEntry], track.config),
    ...track.extras.map(extra => box(extra.type, extra.body)),
  )
}

/** ISO/IEC 14496-12, 12.2.3. A rate that does not fit 16 bits is left to the AudioSpecificConfig. */
function audioEntry(track: AudioDescription): Uint8Array {
  const rate = track.sampleRate < ONE ? track.sampleRate * ONE : 0
  return box(
    track.sampleEntry,
    zeros(6),
    u16(1),
    zeros(8),
    u16(track.channels, 16),
    zeros(4),
    u32(rate),
    esds(track.config),
    ...track.extras.map(extra => box(extra.type, extra.body)),
  )
}

/** ISO/IEC 14496-1, 7.2.6: MPEG-4 audio (0x40) in an audio stream (0x15), rates not stated. */
function esds(config: Uint8Array): Uint8Array {
  const decoder = descriptor(4, u8(0x40, 0x15), zeros(11), descriptor(5, config))
  return fullBox('esds', 0, 0, descriptor(3, u16(TRACK_ID), u8(0), decoder, descriptor(6, u8(2))))
}

function descriptor(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(parts)
  const sevenBits = [21, 14, 7].map(shift => ((body.length >> shift) & 127) | 128)
  return concat([u8(tag, ...sevenBits, body.length & 127), body])
}

/** Three letters of five bits each (ISO/IEC 14496-12, 8.4.2). */
function packedLanguage(language: string): number {
  return Array.from(language).reduce((packed, letter) => packed * 32 + (letter.charCodeAt(0) - 0x60), 0)
}

function fixedPoint(value: number): number {
  return Math.round(value * ONE)
}
