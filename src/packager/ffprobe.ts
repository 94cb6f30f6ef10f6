import { KiB, SluiceError, type Seconds } from '../core/index.ts'
import { superviseChild } from './supervised-child.ts'
import { ffmpegMissing, type Tools } from './tools.ts'
import { lastError } from './ffmpeg-run.ts'

/**
 * Containers that are read. Nothing else is, above all no list that names other files (HLS, DASH, concat): an upload
 * could then have this machine's files published.
 */
export const FORMATS = [
  ...[
    'mov',
    'matroska',
    'mpegts',
    'mpeg',
    'flv',
    'avi',
    'asf',
    'ogg',
    'mxf',
    'nut',
    'ivf',
    'rm',
    'dv',
    'gxf',
    'wtv',
  ],
  ...['h264', 'hevc', 'mpegvideo', 'm4v', 'obu', 'av1', 'vc1'],
  ...[
    'mp3',
    'aac',
    'ac3',
    'eac3',
    'dts',
    'flac',
    'wav',
    'w64',
    'aiff',
    'caf',
    'au',
    'amr',
    'wv',
    'ape',
    'tta',
    'truehd',
  ],
].join(',')

/** What ffprobe knows of one stream. */
export interface ProbedStream {
  /** ffmpeg's number of it. */
  index: number
  kind: 'video' | 'audio' | 'other'
  codec: string
  profile?: string
  pixelFormat?: string
  width?: number
  height?: number
  /** `progressive`, `tt`, `bb`, `tb`, `bt`, or undefined when it is not known. */
  fieldOrder?: string
  /** PQ or HLG. */
  highDynamicRange: boolean
  coverArt: boolean
  default: boolean
  channels?: number
  language?: string
}

export interface ProbedFile {
  /** ffmpeg's names of the container: `matroska,webm`. */
  format: string
  /** As the container says; undefined when it says nothing. */
  duration?: Seconds
  streams: ProbedStream[]
  /** Of ffprobe: [5, 1]; undefined for builds that are named by commit. */
  version?: [number, number]
}

export type FfprobeResult = { kind: 'probed'; file: ProbedFile } | { kind: 'unreadable'; said: string }

const OUTPUT_LIMIT = 1024 * KiB
const TIME_LIMIT = 60_000

/** Asks ffprobe about a local file. Throws SluiceError `ffmpeg-missing`. */
export async function ffprobe(
  tools: Tools,
  path: string,
  options: { signal?: AbortSignal; records?: string | undefined } = {},
): Promise<FfprobeResult> {
  const chunks: Buffer[] = []
  let size = 0
  const outcome = await superviseChild({
    program: tools.ffprobe,
    args: [
      ...[
        '-hide_banner',
        '-loglevel',
        'level+error',
        '-protocol_whitelist',
        'file',
        '-format_whitelist',
        FORMATS,
      ],
      ...['-of', 'json', '-show_program_version', '-show_format', '-show_streams', `file:${path}`],
    ],
    setpriv: tools.setpriv,
    records: options.records,
    timeLimit: TIME_LIMIT,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onStdout: chunk => {
      size += chunk.length
      if (size <= OUTPUT_LIMIT) chunks.push(chunk)
    },
  })
  switch (outcome.kind) {
    case 'not-found':
      throw ffmpegMissing()
    case 'killed':
      throw new SluiceError('ffmpeg-killed', 'ffprobe was ended from outside, perhaps for want of memory')
    case 'timed-out':
      return { kind: 'unreadable', said: `it could not be understood within ${TIME_LIMIT / 1000} s` }
    case 'exited':
      if (outcome.code !== 0) return { kind: 'unreadable', said: lastError(outcome.stderr) }
      if (size > OUTPUT_LIMIT) return { kind: 'unreadable', said: 'it holds too many streams' }
      return readReport(Buffer.concat(chunks).toString())
  }
}

type Json = Record<string, unknown>

/** Reads ffprobe's JSON; what is missing or of another type counts as not known. */
export function readReport(text: string): FfprobeResult {
  let report: Json
  try {
    report = record(JSON.parse(text))
  } catch {
    return { kind: 'unreadable', said: 'ffprobe gave no answer' }
  }
  const format = record(report['format'])
  const streams = Array.isArray(report['streams']) ? report['streams'] : []
  const duration = positive(format['duration'])
  const version = /^n?(\d+)\.(\d+)/.exec(word(record(report['program_version'])['version']) ?? '')
  return {
    kind: 'probed',
    file: {
      format: word(format['format_name']) ?? '',
      streams: streams.map(stream => readStream(record(stream))),
      ...(duration === undefined ? {} : { duration }),
      ...(version ? { version: [Number(version[1]), Number(version[2])] } : {}),
    },
  }
}

function readStream(stream: Json): ProbedStream {
  const type = stream['codec_type']
  const disposition = record(stream['disposition'])
  const language = word(record(stream['tags'])['language'])
  return defined({
    index: positive(stream['index']) ?? 0,
    kind: type === 'video' || type === 'audio' ? type : 'other',
    codec: word(stream['codec_name']) ?? 'unknown',
    profile: word(stream['profile']),
    pixelFormat: word(stream['pix_fmt']),
    width: positive(stream['width']),
    height: positive(stream['height']),
    fieldOrder: word(stream['field_order']),
    highDynamicRange: ['smpte2084', 'arib-std-b67'].includes(word(stream['color_transfer']) ?? ''),
    coverArt: disposition['attached_pic'] === 1,
    default: disposition['default'] === 1,
    channels: positive(stream['channels']),
    language:
      language === undefined || !/^[a-z]{2,3}$/.test(language) || language === 'und' ? undefined : language,
  })
}

/** Drops what is not known, so that a stream compares and prints without holes. */
type Holes<T> = { [K in keyof T]: T[K] | undefined }
function defined(stream: Holes<Required<ProbedStream>>): ProbedStream {
  const known = Object.entries(stream).filter(([, member]) => member !== undefined)
  return Object.fromEntries(known) as unknown as ProbedStream // required members are never undefined in the only call
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {} // every member is checked where it is read
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== 'unknown' ? value : undefined
}

function positive(value: unknown): number | undefined {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN
  return Number.isFinite(number) && number > 0 ? number : undefined
}
