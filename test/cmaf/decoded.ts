import { writeFile } from 'node:fs/promises'
import {
  cutSegments,
  initSegment,
  mediaSegment,
  type ByteSource,
  type Movie,
  type TrackSegments,
} from '../../src/cmaf/index.ts'
import { ffmpeg, ffprobe } from './made-movies.ts'

/** Writes the init segment and all media segments of a track behind each other, which is a file that plays. */
export async function assemble(cut: TrackSegments, source: ByteSource, path: string): Promise<void> {
  const parts = [initSegment(cut.track)]
  for (const segment of cut.segments) {
    const bytes = await mediaSegment(cut.track, segment, source)
    if (bytes.length !== segment.bytes)
      throw new Error(`segment ${segment.number} is not as long as it states`)
    parts.push(bytes)
  }
  await writeFile(path, Buffer.concat(parts))
}

/** The cut of the one picture or sound track. */
export function cutOf(movie: Movie, kind: 'video' | 'audio', targetSeconds = 4): TrackSegments {
  const cut = cutSegments(movie, { targetSeconds }).find(({ track }) => track.kind === kind)
  if (!cut) throw new Error(`the movie has no ${kind} track`)
  return cut
}

export interface Frames {
  /** `pts hash` of each picture, pts in the track's own ticks. */
  frames: string[]
  warnings: string
}

/** Decodes the pictures with edit lists applied, no frame dropped or doubled. */
export async function decodePictures(path: string): Promise<Frames> {
  const { stdout, stderr } = await ffmpeg(
    ...[
      '-noautorotate',
      '-copyts',
      '-i',
      path,
      '-map',
      '0:v:0',
      '-fps_mode',
      'passthrough',
      '-enc_time_base',
      '-1',
    ],
    ...['-f', 'framemd5', '-'],
  )
  const frames = stdout
    .toString()
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const columns = line.split(',').map(column => column.trim())
      return `${columns[2]} ${columns[5]}`
    })
  return { frames, warnings: stderr }
}

export interface Sound {
  /** Seconds at which the first sample plays. */
  start: number
  /** 48 kHz, one channel. */
  samples: Int16Array
  warnings: string
}

export const SOUND_RATE = 48_000

export async function decodeSound(path: string): Promise<Sound> {
  const { stdout, stderr } = await ffmpeg(
    ...['-i', path, '-map', '0:a:0', '-ac', '1', '-ar', String(SOUND_RATE), '-f', 's16le', '-'],
  )
  const start = await ffprobe(
    '-select_streams',
    'a:0',
    '-show_entries',
    'frame=pts_time',
    '-read_intervals',
    '%+#1',
    path,
  )
  const samples = new Int16Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length))
  return { start: Number(start.split(/[,\s]/)[0]), samples, warnings: stderr }
}

/** Seconds by which the second sound plays later than the first; found by sliding one over the other. */
export function lagSeconds(one: Sound, other: Sound, at: number, searchSeconds = 0.05): number {
  const window = Math.round(SOUND_RATE * 0.25)
  const search = Math.round(SOUND_RATE * searchSeconds)
  const from = Math.round((at - one.start) * SOUND_RATE)
  const there = Math.round((at - other.start) * SOUND_RATE)
  let best = { lag: 0, difference: Infinity }
  for (let lag = -search; lag <= search; lag++) {
    let difference = 0
    for (let index = 0; index < window; index += 3) {
      difference += Math.abs((one.samples[from + index] ?? 0) - (other.samples[there + lag + index] ?? 0))
    }
    if (difference < best.difference) best = { lag, difference }
  }
  return best.lag / SOUND_RATE
}
