import fluent from 'fluent-ffmpeg'
import { FORMATS } from './ffprobe.ts'
import type { Conversion } from './plan.ts'

// The one door to fluent-ffmpeg, which only builds the list of arguments and runs nothing. Options are always given
// as separate arguments, at least two at a time: a lone string with one space in it would be split in two.

/** Seconds from keyframe to keyframe where we encode: one segment. */
const KEYFRAME_SECONDS = 4
const AUDIO_BITRATE = '160k'
/** Rates that AAC has and players know. */
const MOST_CHANNELS = 2

export interface CommandOptions {
  conversion: Conversion
  /** Local paths. */
  input: string
  output: string
  /** Of ffmpeg; undefined means new. */
  version?: readonly [number, number] | undefined
}

/** The arguments that make one MP4 with at most one picture and one sound stream out of anything. */
export function ffmpegArguments(options: CommandOptions): string[] {
  const { conversion, input, output, version } = options
  const command = fluent(`file:${input}`)
  // An upload may name other files and servers; only itself is opened.
  command.inputOptions('-protocol_whitelist', 'file', '-format_whitelist', FORMATS)
  // A stream that begins before the others must not be counted in wall-clock jumps of its container.
  command.inputOptions('-fflags', '+genpts')
  const { video, audio } = conversion
  if (video.how !== 'none') command.outputOptions('-map', `0:${video.stream}`)
  if (audio.how !== 'none') command.outputOptions('-map', `0:${audio.stream}`)
  command.outputOptions('-map_metadata', '-1', '-map_chapters', '-1', '-write_tmcd', '0')
  if (video.how === 'copy') command.outputOptions('-c:v', 'copy')
  if (video.how === 'encode') command.outputOptions(...pictureArguments(video.deinterlace, version))
  if (audio.how === 'copy') command.outputOptions('-c:a', 'copy')
  if (audio.how === 'encode') command.outputOptions(...soundArguments(audio.channels))
  if (audio.how !== 'none' && audio.language !== undefined) {
    command.outputOptions('-metadata:s:a:0', `language=${audio.language}`)
  }
  command.outputOptions('-max_muxing_queue_size', '9999', '-movflags', '+faststart', '-f', 'mp4')
  command.output(`file:${output}`)
  return argumentsOf(command)
}

function argumentsOf(command: fluent.FfmpegCommand): string[] {
  const builder = command as unknown as { _getArguments(): string[] } // not in its types; the package is frozen
  return builder._getArguments()
}

function pictureArguments(
  deinterlace: 'no' | 'flagged' | 'all',
  version: readonly [number, number] | undefined,
): string[] {
  const filters = [
    ...(deinterlace === 'no'
      ? []
      : [`bwdif=mode=send_frame:deint=${deinterlace === 'all' ? 'all' : 'interlaced'}`]),
    // 4:2:0 needs even sizes; at most one pixel is scaled away.
    'scale=trunc(iw/2)*2:trunc(ih/2)*2',
    'format=yuv420p',
  ]
  return [
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-crf',
      '19',
      '-profile:v',
      'high',
      '-vf',
      filters.join(','),
    ],
    // Keyframes by time, whatever the frame rate does.
    ...['-force_key_frames', `expr:gte(t,n_forced*${KEYFRAME_SECONDS})`],
    // Every frame keeps its own time: none is repeated or dropped to make a constant rate.
    ...(version === undefined || version[0] > 5 || (version[0] === 5 && version[1] >= 1)
      ? ['-fps_mode', 'passthrough']
      : ['-vsync', 'passthrough']),
    ...['-enc_time_base', '-1'],
  ]
}

function soundArguments(channels: number | undefined): string[] {
  const filters = ['aresample=async=1', 'aformat=sample_rates=48000|44100|32000|24000|22050|16000']
  return [
    ...['-c:a', 'aac', '-profile:a', 'aac_low', '-b:a', AUDIO_BITRATE, '-af', filters.join(',')],
    ...(channels !== undefined && channels <= MOST_CHANNELS ? [] : ['-ac', String(MOST_CHANNELS)]),
  ]
}
