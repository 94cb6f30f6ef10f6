/** What sequence headers say of the tracks of a feed. */
import { SluiceError, type Milliseconds } from '../../core/index.ts'
import { readAudioSpecificConfig } from '../aac.ts'
import { readAv1Picture } from '../av1.ts'
import { readAvcConfig, readAvcPicture } from '../avc.ts'
import { videoCodec } from '../codec-string.ts'
import { readHevcPicture } from '../hevc.ts'
import { writeInit } from '../init.ts'
import type { AudioDescription, VideoDescription } from '../movie.ts'
import { Refused } from '../refusal.ts'
import type { VideoCoding } from './media-tag.ts'

export interface VideoConfig {
  kind: 'video'
  coding: VideoCoding
  description: VideoDescription
  init: Uint8Array
  /** Bytes of the length in front of each NAL unit. */
  lengthSize: number
  /** Milliseconds; as the sequence header states it, which is not always true. */
  statedFrame: Milliseconds | undefined
}

export interface AudioConfig {
  kind: 'audio'
  description: AudioDescription
  init: Uint8Array
  /** In ticks of the track, which are its sample rate's. */
  frameTicks: number
}

/** Divides milliseconds, and the frames of all usual rates without or with little rounding. */
export const VIDEO_TIMESCALE = 90_000

const UPRIGHT = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000]
/** AAC Main, LC, SSR, LTP, SBR and parametric stereo: all have frames of 1024 or 960 samples. */
const OBJECT_TYPES = new Set([1, 2, 3, 4, 5, 29])
const LARGEST_SIDE = 16_384
const MOST_CHANNELS = 8
/** Within it a stated rate is worth comparing with what is measured. */
const SENSIBLE_RATES = { from: 1, to: 300 }
/** Room for parameter sets; an init segment is kept and sent to every viewer. */
const LARGEST_CONFIG = 64 * 1024

/** Throws SluiceError `bad-flv` when the bytes are no configuration of that coding. */
export function readVideoConfig(coding: VideoCoding, bytes: Uint8Array): VideoConfig {
  return reading('picture', bytes, config => {
    const { width, height, frameRate } = pictureOf(coding, config)
    if (![width, height].every(side => side > 0 && side <= LARGEST_SIDE)) {
      throw unreadable('picture', `it states a size of ${width} x ${height}`)
    }
    const description: VideoDescription = {
      kind: 'video',
      timescale: VIDEO_TIMESCALE,
      language: 'und',
      sampleEntry: coding,
      codec: videoCodec(coding, config),
      config,
      width,
      height,
      displayWidth: width,
      displayHeight: height,
      rotation: 0,
      matrix: UPRIGHT,
      extras: [],
      ...(coding === 'avc1' && { h264: readAvcConfig(config) }),
    }
    return {
      kind: 'video',
      coding,
      description,
      init: writeInit(description, { mediaTime: 0 }),
      lengthSize: lengthSizeOf(coding, config),
      statedFrame: sensible(frameRate),
    }
  })
}

/** Throws SluiceError `bad-flv` when the bytes are no AudioSpecificConfig, `unsupported-codec` for a kind of AAC that is not played. */
export function readAudioConfig(bytes: Uint8Array): AudioConfig {
  return reading('sound', bytes, config => {
    const aac = readAudioSpecificConfig(config)
    if (!OBJECT_TYPES.has(aac.objectType)) throw unsupportedCodec(`AAC of type ${aac.objectType}`)
    const channels = aac.channels ?? 2
    if (channels > MOST_CHANNELS || !Number.isInteger(aac.samplesPerFrame)) {
      throw unreadable('sound', 'its channels or rates cannot be')
    }
    const description: AudioDescription = {
      kind: 'audio',
      timescale: aac.sampleRate,
      language: 'und',
      sampleEntry: 'mp4a',
      codec: `mp4a.40.${aac.objectType}`,
      config,
      channels,
      sampleRate: aac.sampleRate,
      extras: [],
    }
    const init = writeInit(description, { mediaTime: 0 })
    return { kind: 'audio', description, init, frameTicks: aac.samplesPerFrame }
  })
}

export function unsupportedCodec(coding: string): SluiceError {
  return new SluiceError(
    'unsupported-codec',
    `The encoder sends ${coding}, which cannot be played: set it to H.264 (or HEVC or AV1) and AAC.`,
    { side: 'upstream', kind: 'usage' },
  )
}

/** Reads a copy, which may be kept; what the readers of files refuse is told as an encoder's mistake. */
function reading<T>(what: 'picture' | 'sound', bytes: Uint8Array, read: (config: Uint8Array) => T): T {
  if (bytes.length > LARGEST_CONFIG) throw unreadable(what, 'it is larger than 64 KiB')
  try {
    return read(Uint8Array.from(bytes))
  } catch (error) {
    if (error instanceof Refused) throw unreadable(what, error.message)
    throw error
  }
}

function unreadable(what: 'picture' | 'sound', why: string): SluiceError {
  return new SluiceError(
    'bad-flv',
    `The encoder's ${what} configuration cannot be read (${why.replace(/\.$/, '')}): restart the encoder.`,
    { side: 'upstream', kind: 'usage' },
  )
}

function pictureOf(
  coding: VideoCoding,
  config: Uint8Array,
): { width: number; height: number; frameRate?: number | undefined } {
  switch (coding) {
    case 'avc1':
      return readAvcPicture(config)
    case 'hvc1':
      return readHevcPicture(config)
    case 'av01':
      return readAv1Picture(config)
  }
}

/** lengthSizeMinusOne of `avcC` and `hvcC`. */
function lengthSizeOf(coding: VideoCoding, config: Uint8Array): number {
  if (coding === 'av01') return 0
  return ((config[coding === 'avc1' ? 4 : 21] ?? 3) & 3) + 1
}

function sensible(rate: number | undefined): Milliseconds | undefined {
  if (rate === undefined || rate < SENSIBLE_RATES.from || rate > SENSIBLE_RATES.to) return undefined
  return 1000 / rate
}
