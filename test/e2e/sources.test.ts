import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openOrigin, publish, type OriginUnderTest } from '../origin/origin-under-test.ts'
import { complaints, ffmpeg, frameHashes, moments, pictureSize, similarity } from './media-tools.ts'

/** A moving picture whose middle turns white for 0.2 s at 1, 3, 5 … s, and a tone that sounds just then. */
const PICTURE = (size = '320x240', rate = 25, seconds = 10) => [
  ...['-f', 'lavfi', '-i'],
  `testsrc2=size=${size}:rate=${rate}:duration=${seconds},drawbox=x=iw/4:y=ih/4:w=iw/2:h=ih/2:color=white:t=fill:enable='lt(mod(t+1,2),0.2)'`,
]
const SOUND = (seconds = 10, layout = 'stereo') => [
  ...['-f', 'lavfi', '-i'],
  `aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t+1,2),0.2)':sample_rate=48000:duration=${seconds},aformat=channel_layouts=${layout}`,
]
const H264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-g', '50']
const AAC = ['-c:a', 'aac', '-b:a', '96k']

interface Source {
  name: string
  file: string
  /** ffmpeg's arguments but for the file's name; run one after the other, `$n` is the file of the n-th. */
  make: string[][]
  how: 'in-place' | 'remux' | 'encode'
  video: 'same' | 'alike' | 'none'
  audio: 'synchronous' | 'some' | 'none'
  /** Tried by `npm run test:full` alone. */
  isLong?: boolean
  /** Filter for the source before it is compared. */
  prepare?: string
  size?: string
}

const SOURCES: Source[] = [
  {
    name: 'a conforming MP4 with B-frames',
    file: 'plain.mp4',
    make: [[...PICTURE(), ...SOUND(), ...H264, '-bf', '3', ...AAC]],
    ...{ how: 'in-place', video: 'same', audio: 'synchronous' },
  },
  {
    name: 'a QuickTime film without sound, its header at the front',
    file: 'silent.mov',
    make: [[...PICTURE(), ...H264, '-movflags', '+faststart']],
    ...{ how: 'in-place', video: 'same', audio: 'none' },
  },
  {
    name: 'sound alone in MPEG-4',
    file: 'sound.m4a',
    make: [[...SOUND(), ...AAC]],
    ...{ how: 'in-place', video: 'none', audio: 'some' },
  },
  {
    name: 'a film that is stored turned by 90 degrees',
    file: 'turned.mp4',
    make: [
      [...PICTURE(), ...SOUND(), ...H264, ...AAC],
      ['-i', '$0', '-c', 'copy', '-metadata:s:v:0', 'rotate=90'],
    ],
    ...{ how: 'in-place', video: 'same', audio: 'synchronous', size: '240:320' },
  },
  {
    name: 'a film whose sound begins late',
    file: 'late.mp4',
    make: [[...PICTURE(), '-itsoffset', '0.7', ...SOUND(), ...H264, ...AAC]],
    ...{ how: 'in-place', video: 'same', audio: 'synchronous' },
  },
  {
    name: 'Matroska with H.264, AAC and subtitles of two languages of sound',
    file: 'two.mkv',
    make: [
      [
        ...[
          ...PICTURE(),
          ...SOUND(),
          ...SOUND(5),
          '-map',
          '0:v',
          '-map',
          '1:a',
          '-map',
          '2:a',
          ...H264,
          '-bf',
          '2',
          ...AAC,
        ],
        ...[
          '-metadata:s:a:0',
          'language=ger',
          '-metadata:s:a:1',
          'language=fre',
          '-disposition:a:0',
          'default',
        ],
      ],
    ],
    ...{ how: 'remux', video: 'same', audio: 'synchronous' },
  },
  {
    name: 'an MPEG transport stream that begins at 1.4 s',
    file: 'stream.ts',
    make: [[...PICTURE(), ...SOUND(), ...H264, '-bf', '2', ...AAC]],
    ...{ how: 'remux', video: 'same', audio: 'synchronous' },
  },
  {
    name: 'Flash video',
    file: 'flash.flv',
    make: [[...PICTURE(), ...SOUND(), ...H264, '-bf', '2', ...AAC]],
    ...{ how: 'remux', video: 'same', audio: 'synchronous' },
  },
  {
    name: 'a fragmented MP4',
    file: 'fragments.mp4',
    make: [
      [...PICTURE(), ...SOUND(), ...H264, ...AAC, '-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
    ],
    ...{ how: 'remux', video: 'same', audio: 'synchronous' },
  },
  {
    name: 'QuickTime with H.264 and uncompressed sound',
    file: 'pcm.mov',
    make: [[...PICTURE(), ...SOUND(), ...H264, '-c:a', 'pcm_s16le']],
    ...{ how: 'encode', video: 'same', audio: 'synchronous' },
  },
  {
    name: 'WebM with VP9 at a variable rate and Opus',
    file: 'variable.webm',
    make: [
      [
        ...[
          ...PICTURE('320x240', 30),
          ...SOUND(),
          '-vf',
          "select='not(mod(n,3))+lt(mod(n,50),20)'",
          '-fps_mode',
          'vfr',
        ],
        ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '1M', '-c:a', 'libopus'],
      ],
    ],
    ...{ how: 'encode', video: 'alike', audio: 'synchronous' },
  },
  {
    name: 'HEVC with 10 bits and six channels of AC-3',
    file: 'ten.mp4',
    make: [
      [
        ...[
          ...PICTURE(),
          ...SOUND(10, '5.1'),
          '-c:v',
          'libx265',
          '-preset',
          'ultrafast',
          '-x265-params',
          'log-level=none',
        ],
        ...['-pix_fmt', 'yuv420p10le', '-tag:v', 'hvc1', '-c:a', 'ac3'],
      ],
    ],
    ...{ how: 'encode', video: 'alike', audio: 'synchronous' },
  },
  {
    isLong: true,
    name: 'an odd size in AVI with MPEG-4 Visual and MP3',
    file: 'odd.avi',
    make: [[...PICTURE('321x241'), ...SOUND(), '-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'libmp3lame']],
    ...{ how: 'encode', video: 'alike', audio: 'synchronous', size: '320:240' },
  },
  {
    isLong: true,
    name: 'interlaced MPEG-2 in a transport stream',
    file: 'fields.ts',
    make: [
      [
        ...[...PICTURE('352x288'), ...SOUND(), '-vf', 'setfield=tff', '-c:v', 'mpeg2video', '-q:v', '2'],
        ...['-flags', '+ilme+ildct', '-top', '1', '-c:a', 'mp2'],
      ],
    ],
    ...{ how: 'encode', video: 'alike', audio: 'synchronous', prepare: 'bwdif=mode=send_frame:deint=all' },
  },
  {
    name: 'an edit list that begins between keyframes',
    file: 'cut.mp4',
    make: [
      [...PICTURE(), ...SOUND(), ...H264, '-bf', '2', ...AAC],
      ['-ss', '2.5', '-i', '$0', '-c', 'copy'],
    ],
    ...{ how: 'encode', video: 'alike', audio: 'synchronous' },
  },
  {
    isLong: true,
    name: 'open groups of pictures, whose keyframes are not enough to begin at',
    file: 'open.mp4',
    make: [
      [
        ...[...PICTURE(), ...SOUND(), ...H264],
        ...['-x264-params', 'open-gop=1:bframes=3:scenecut=0', ...AAC],
      ],
    ],
    ...{ how: 'encode', video: 'alike', audio: 'synchronous' },
  },
  {
    name: 'keyframes 20 seconds apart',
    file: 'sparse.mp4',
    make: [
      [
        ...PICTURE('160x120', 10, 24),
        ...SOUND(24),
        ...H264,
        '-g',
        '200',
        '-keyint_min',
        '200',
        '-sc_threshold',
        '0',
        ...AAC,
      ],
    ],
    ...{ how: 'encode', video: 'alike', audio: 'synchronous' },
  },
  {
    isLong: true,
    name: 'keyframes 20 seconds apart in Matroska, which shows only in its copy',
    file: 'sparse.mkv',
    make: [
      [
        ...PICTURE('160x120', 10, 24),
        ...SOUND(24),
        ...H264,
        '-g',
        '200',
        '-keyint_min',
        '200',
        '-sc_threshold',
        '0',
        ...AAC,
      ],
    ],
    ...{ how: 'encode', video: 'alike', audio: 'synchronous' },
  },
  {
    name: 'MP3 with a picture of its cover',
    file: 'cover.mp3',
    make: [
      [...PICTURE(), '-frames:v', '1', '-f', 'image2', '-c:v', 'mjpeg'],
      [
        ...[...SOUND(), '-i', '$0', '-map', '0:a', '-map', '1:v', '-c:a', 'libmp3lame', '-c:v', 'copy'],
        ...['-disposition:v', 'attached_pic', '-f', 'mp3'],
      ],
    ],
    ...{ how: 'encode', video: 'none', audio: 'some' },
  },
  {
    name: 'a WAVE file',
    file: 'sound.wav',
    make: [[...SOUND(10, 'mono')]],
    ...{ how: 'encode', video: 'none', audio: 'some' },
  },
]

let folder: string
let origin: OriginUnderTest
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-sources-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  origin = await openOrigin()
})
afterEach(() => origin.close())

async function make(source: Source): Promise<string> {
  const files = source.make.map((_, step) => join(folder, `${step}-${source.file}`))
  for (const [step, args] of source.make.entries()) {
    const inputs = args.map(arg => arg.replace(/^\$(\d)$/, (_, n: string) => files[Number(n)] ?? ''))
    await ffmpeg(...inputs, files[step] ?? '')
  }
  return files.at(-1) ?? ''
}

const tried = process.env.SLUICE_TEST_FULL === '1' ? SOURCES : SOURCES.filter(each => !each.isLong)

describe.each(tried)('$name', source => {
  it('is published and plays whole, right and in time', { timeout: 90_000 }, async () => {
    const file = await make(source)
    const { result, progress } = await publish(origin, createReadStream(file))
    expect(result).toMatchObject({ kind: 'packaged' })
    const stages = new Set(progress.map(({ stage }) => stage))
    expect(stages.has('encoding') ? 'encode' : stages.has('remuxing') ? 'remux' : 'in-place').toBe(source.how)
    expect(await readdir(join(origin.workDir, 'attempts'))).toEqual([])

    const playlist = `${origin.url}/films/one/index.m3u8`
    expect(await complaints(playlist)).toBe('')
    const kinds = result.kind === 'packaged' ? result.renditions.map(({ kind }) => kind) : []
    expect(kinds).toEqual([
      ...(source.video === 'none' ? [] : ['video']),
      ...(source.audio === 'none' ? [] : ['audio']),
    ])
    if (source.video === 'same') expect(await frameHashes(playlist)).toEqual(await frameHashes(file))
    if (source.video === 'alike') {
      const alike = await similarity(file, playlist, source.prepare)
      expect(alike).toHaveLength((await frameHashes(file)).length)
      expect((await frameHashes(playlist)).length).toBe(alike.length)
      expect(alike.reduce((sum, value) => sum + value, 0) / alike.length).toBeGreaterThan(0.95)
      // A frame out of order or shown twice would be far off.
      expect(Math.min(...alike)).toBeGreaterThan(0.85)
    }
    if (source.size !== undefined) expect(await pictureSize(playlist)).toBe(source.size)
    if (source.audio === 'synchronous') await expectInTime(file, playlist)
  })
})

async function expectInTime(file: string, playlist: string): Promise<void> {
  const [before, after] = [await moments(file), await moments(playlist)]
  expect(after.flashes.length).toBeGreaterThanOrEqual(3)
  expect(after.flashes).toHaveLength(before.flashes.length)
  expect(after.beeps).toHaveLength(before.beeps.length)
  const shift = (film: { flashes: number[]; beeps: number[] }, at: number) =>
    (film.beeps[at] ?? 0) - (film.flashes[at] ?? 0)
  for (const at of after.flashes.keys()) {
    expect(Math.abs(shift(after, at) - shift(before, at))).toBeLessThanOrEqual(0.04)
  }
}
