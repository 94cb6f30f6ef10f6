import type { AudioTrack, EditList, Movie, SampleTable, Track, VideoTrack } from '../../src/cmaf/index.ts'
import { AAC_CONFIG, AVC_CONFIG, MATRIX } from './built-movie.ts'

export interface VideoShape {
  frames: number
  /** Frames between keyframes, or the keyframes themselves. */
  keyframes?: number | number[]
  /** Ticks of composition offset, repeated over the frames. */
  reorder?: number[]
  edits?: EditList
  size?: number
}

/** 25 Hz pictures with 1000 ticks a second, one behind the other in the file. */
export function videoTrack(shape: VideoShape): VideoTrack {
  const { frames, keyframes = 25, reorder, edits = { kind: 'none' }, size = 1000 } = shape
  const every = typeof keyframes === 'number' ? keyframes : 0
  const keys =
    typeof keyframes === 'number'
      ? Array.from({ length: Math.ceil(frames / every) }, (_, index) => index * every)
      : keyframes
  return {
    kind: 'video',
    id: 1,
    enabled: true,
    timescale: 1000,
    language: 'und',
    sampleEntry: 'avc1',
    codec: 'avc1.64000b',
    config: AVC_CONFIG,
    width: 160,
    height: 90,
    displayWidth: 160,
    displayHeight: 90,
    rotation: 0,
    matrix: MATRIX,
    extras: [],
    edits,
    samples: {
      ...table(frames, 40, size),
      compositionOffsets: reorder
        ? Int32Array.from({ length: frames }, (_, index) => reorder[index % reorder.length] ?? 0)
        : 'none',
      keyframes: Uint32Array.from(keys),
    },
  }
}

/** AAC packets of 1024 at 48 kHz. */
export function audioTrack(shape: { packets: number; edits?: EditList; size?: number }): AudioTrack {
  return {
    kind: 'audio',
    id: 2,
    enabled: true,
    timescale: 48_000,
    language: 'und',
    sampleEntry: 'mp4a',
    codec: 'mp4a.40.2',
    config: AAC_CONFIG,
    channels: 2,
    sampleRate: 48_000,
    extras: [],
    edits: shape.edits ?? { kind: 'none' },
    samples: table(shape.packets, 1024, shape.size ?? 100),
  }
}

export function movieOf(...tracks: Track[]): Movie {
  return { tracks, durationSeconds: 0 }
}

function table(count: number, duration: number, size: number): SampleTable {
  return {
    count,
    sizes: new Uint32Array(count).fill(size),
    offsets: Float64Array.from({ length: count }, (_, index) => index * size),
    decodeTimes: Float64Array.from({ length: count + 1 }, (_, index) => index * duration),
    compositionOffsets: 'none',
    keyframes: 'all',
  }
}
