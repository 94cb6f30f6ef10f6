import { expect, it } from 'vitest'
import { ffmpegArguments } from '../../src/packager/ffmpeg-command.ts'
import { FORMATS } from '../../src/packager/ffprobe.ts'
import type { Conversion } from '../../src/packager/plan.ts'

const paths = { input: '/media/-in put', output: '/media/out put.mp4' }
const reading = [
  '-protocol_whitelist',
  'file',
  '-format_whitelist',
  FORMATS,
  '-fflags',
  '+genpts',
  '-i',
  'file:/media/-in put',
]
const plain = ['-map_metadata', '-1', '-map_chapters', '-1', '-write_tmcd', '0']
const writing = [
  '-max_muxing_queue_size',
  '9999',
  '-movflags',
  '+faststart',
  '-f',
  'mp4',
  'file:/media/out put.mp4',
]

it('copies what will do, keeps the language, and lets nothing of a path become an option', () => {
  const conversion: Conversion = {
    kind: 'remux',
    video: { how: 'copy', stream: 2 },
    audio: { how: 'copy', stream: 0, language: 'ger' },
    ...{ why: [], notes: [] },
  }
  expect(ffmpegArguments({ conversion, ...paths })).toEqual([
    ...[...reading, '-map', '0:2', '-map', '0:0', ...plain, '-c:v', 'copy', '-c:a', 'copy'],
    ...['-metadata:s:a:0', 'language=ger', ...writing],
  ])
})

it('encodes to 8-bit 4:2:0 of even size with a keyframe each 4 s, and to stereo AAC', () => {
  const conversion: Conversion = {
    kind: 'encode',
    video: { how: 'encode', stream: 0, deinterlace: 'all' },
    audio: { how: 'encode', stream: 1, channels: 6 },
    ...{ why: [], notes: [] },
  }
  expect(ffmpegArguments({ conversion, ...paths, version: [5, 1] })).toEqual([
    ...[...reading, '-map', '0:0', '-map', '0:1', ...plain],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '19', '-profile:v', 'high'],
    ...['-vf', 'bwdif=mode=send_frame:deint=all,scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p'],
    ...['-force_key_frames', 'expr:gte(t,n_forced*4)', '-fps_mode', 'passthrough', '-enc_time_base', '-1'],
    ...['-c:a', 'aac', '-profile:a', 'aac_low', '-b:a', '160k'],
    ...['-af', 'aresample=async=1,aformat=sample_rates=48000|44100|32000|24000|22050|16000', '-ac', '2'],
    ...writing,
  ])
})

it.each([
  [[4, 4], '-vsync'],
  [[5, 0], '-vsync'],
  [[5, 1], '-fps_mode'],
  [[8, 0], '-fps_mode'],
  [undefined, '-fps_mode'],
] as const)('speaks to ffmpeg %j in the words of its time', (version, option) => {
  const conversion: Conversion = {
    kind: 'encode',
    video: { how: 'encode', stream: 0, deinterlace: 'no' },
    audio: { how: 'none' },
    ...{ why: [], notes: [] },
  }
  const args = ffmpegArguments({ conversion, ...paths, version })
  expect(args[args.indexOf('passthrough') - 1]).toBe(option)
})
