import type { Fault } from './conforming.ts'
import type { ProbedFile, ProbedStream } from './ffprobe.ts'

export type VideoWork =
  | { how: 'none' }
  | { how: 'copy'; stream: number }
  /** `flagged`: only frames that say they are interlaced. */
  | { how: 'encode'; stream: number; deinterlace: 'no' | 'flagged' | 'all' }

export type AudioWork =
  | { how: 'none' }
  | { how: 'copy'; stream: number; language?: string }
  | { how: 'encode'; stream: number; channels?: number; language?: string }

/** What ffmpeg is to make of a file, and why. */
export interface Conversion {
  kind: 'remux' | 'encode'
  video: VideoWork
  audio: AudioWork
  /** Why it cannot be served as it is; never empty. */
  why: string[]
  /** What is left out, for the log. */
  notes: string[]
}

export type Plan = Conversion | { kind: 'refused'; code: string; why: string }

/**
 * What has to be done to a file that cannot be served as it is: `remux` copies every stream into an MP4, `encode`
 * makes new H.264 of the picture, new AAC of the sound, or both. `faults` is what our own reader found in the way.
 */
export function planConversion(file: ProbedFile, faults: Fault[]): Plan {
  const pictures = file.streams.filter(
    stream => stream.kind === 'video' && !stream.coverArt && stream.width !== undefined,
  )
  const sounds = file.streams.filter(stream => stream.kind === 'audio' && stream.codec !== 'unknown')
  const picture = preferred(pictures)
  const sound = preferred(sounds)
  if (!picture && !sound) {
    return {
      kind: 'refused',
      code: 'not-media',
      why: 'the file holds neither a picture nor sound that could be played',
    }
  }
  const video = planVideo(picture, faults)
  const audio = planAudio(sound, faults)
  const why = [...new Set([...faults.map(fault => fault.why), ...video.why, ...audio.why])]
  return {
    kind: video.work.how === 'encode' || audio.work.how === 'encode' ? 'encode' : 'remux',
    video: video.work,
    audio: audio.work,
    why: why.length > 0 ? why : [`it is not an MP4 but ${file.format.split(',')[0] || 'something else'}`],
    notes: file.streams.filter(stream => stream !== picture && stream !== sound).map(leftOut),
  }
}

/** The one marked as default, else the first, as players choose. */
function preferred(streams: ProbedStream[]): ProbedStream | undefined {
  return streams.find(stream => stream.default) ?? streams[0]
}

function planVideo(stream: ProbedStream | undefined, faults: Fault[]): { work: VideoWork; why: string[] } {
  if (!stream) return { work: { how: 'none' }, why: [] }
  const why = pictureFaults(stream)
  const demanded = faults.some(({ about }) => about === 'video' || about === 'timing')
  if (why.length === 0 && !demanded) return { work: { how: 'copy', stream: stream.index }, why }
  return { work: { how: 'encode', stream: stream.index, deinterlace: deinterlace(stream, faults) }, why }
}

function pictureFaults(stream: ProbedStream): string[] {
  if (stream.codec !== 'h264') return [`its picture is ${stream.codec}, not H.264`]
  const { pixelFormat } = stream
  if (pixelFormat !== undefined && pixelFormat !== 'yuv420p' && pixelFormat !== 'yuvj420p') {
    return [`its picture is ${pixelFormat} instead of 8-bit 4:2:0`]
  }
  return isInterlaced(stream) ? ['its picture is interlaced'] : []
}

function isInterlaced(stream: ProbedStream): boolean {
  return ['tt', 'bb', 'tb', 'bt'].includes(stream.fieldOrder ?? '')
}

function deinterlace(stream: ProbedStream, faults: Fault[]): 'no' | 'flagged' | 'all' {
  if (isInterlaced(stream)) return 'all'
  // The header allows fields, but the file does not say that it has them.
  return faults.some(({ why }) => why.includes('interlaced')) ? 'flagged' : 'no'
}

function planAudio(stream: ProbedStream | undefined, faults: Fault[]): { work: AudioWork; why: string[] } {
  if (!stream) return { work: { how: 'none' }, why: [] }
  const { index, channels, language } = stream
  const tagged = language === undefined ? {} : { language }
  const why =
    stream.codec === 'aac' && (stream.profile === undefined || stream.profile === 'LC')
      ? []
      : [soundFault(stream)]
  const demanded = faults.some(({ about }) => about === 'audio' || about === 'timing')
  if (why.length === 0 && !demanded) return { work: { how: 'copy', stream: index, ...tagged }, why }
  return {
    work: { how: 'encode', stream: index, ...(channels === undefined ? {} : { channels }), ...tagged },
    why,
  }
}

function soundFault(stream: ProbedStream): string {
  return `its sound is ${stream.codec === 'aac' ? (stream.profile ?? 'AAC') : stream.codec}, not AAC-LC`
}

function leftOut(stream: ProbedStream): string {
  const what = stream.coverArt
    ? 'cover art'
    : stream.kind === 'other'
      ? stream.codec
      : `${stream.kind} ${stream.codec}`
  return `stream ${stream.index} (${what}) is left out`
}
