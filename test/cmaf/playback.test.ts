import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  initSegment,
  longestKeyframeGapSeconds,
  mediaSegment,
  timelineOf,
  type Movie,
} from '../../src/cmaf/index.ts'
import { assemble, cutOf, decodePictures, decodeSound, lagSeconds } from './decoded.ts'
import {
  AAC,
  H264,
  ffmpeg,
  ffprobe,
  fileSource,
  movieIn,
  picture,
  temporaryFolder,
  tone,
  type FileSource,
} from './made-movies.ts'
import { withWideOffsets } from './wide-offsets.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
  // Sound that never repeats itself, so that it fits itself in one place only.
  const noise = ['-f', 'lavfi', '-i', 'anoisesrc=r=48000:d=10.4:color=pink:seed=7:a=0.5']
  await ffmpeg(...picture(10.4), ...noise, ...H264, ...AAC, folder.path('plain.mp4'))
})
afterAll(() => folder.remove())

const copy = (...options: string[]): ((to: string) => Promise<unknown>) => {
  return to => ffmpeg('-i', folder.path('plain.mp4'), '-map', '0', '-c', 'copy', ...options, to)
}

interface Case {
  name: string
  file: string
  make: (to: string) => Promise<unknown>
  segments: { video?: number; audio?: number }
}

const cases: Case[] = [
  { name: 'B-frames', file: 'b-frames.mp4', make: copy(), segments: { video: 3, audio: 3 } },
  {
    name: 'a header in front',
    file: 'faststart.mp4',
    make: copy('-movflags', '+faststart'),
    segments: { video: 3, audio: 3 },
  },
  { name: 'QuickTime', file: 'quicktime.mov', make: copy(), segments: { video: 3, audio: 3 } },
  {
    name: 'no B-frames and no edit list',
    file: 'no-edits.mp4',
    make: to => ffmpeg(...picture(8.5), ...tone(8.5), ...H264, '-bf', '0', ...AAC, '-use_editlist', '0', to),
    segments: { video: 2, audio: 2 },
  },
  {
    name: 'a variable frame rate',
    file: 'variable.mp4',
    make: to =>
      ffmpeg(
        ...[...picture(12), ...tone(12), '-vf', "select='lt(mod(n,7),3)+gt(n,150)'", '-fps_mode', 'vfr'],
        ...[...H264, '-force_key_frames', 'expr:gte(t,n_forced*1.5)', ...AAC, to],
      ),
    segments: { video: 3, audio: 3 },
  },
  {
    name: '29.97 Hz',
    file: 'ntsc.mp4',
    make: to => ffmpeg(...picture(9, '160x90', '30000/1001'), ...H264, to),
    segments: { video: 2 },
  },
  { name: 'no sound', file: 'silent.mp4', make: copy('-an'), segments: { video: 3 } },
  { name: 'sound only', file: 'sound.m4a', make: copy('-vn'), segments: { audio: 3 } },
  {
    name: 'a copy cut at a keyframe',
    file: 'cut.mp4',
    make: to => ffmpeg('-ss', '3', '-i', folder.path('plain.mp4'), '-map', '0', '-c', 'copy', to),
    segments: { video: 2, audio: 2 },
  },
  {
    name: 'a turned picture',
    file: 'turned.mp4',
    make: copy('-metadata:s:v', 'rotate=90'),
    segments: { video: 3, audio: 3 },
  },
  {
    name: 'an odd size',
    file: 'odd.mp4',
    make: to => ffmpeg(...picture(5, '161x91'), ...H264, '-pix_fmt', 'yuv444p', to),
    segments: { video: 2 },
  },
  {
    name: '64-bit offsets',
    file: 'wide.mp4',
    make: async to => writeFile(to, await withWideOffsets(folder.path('plain.mp4'))),
    segments: { video: 3, audio: 3 },
  },
  {
    name: 'sound that begins later',
    file: 'late-sound.mp4',
    make: to =>
      ffmpeg(
        ...['-i', folder.path('plain.mp4'), '-itsoffset', '0.7', '-i', folder.path('plain.mp4')],
        ...['-map', '0:v', '-map', '1:a', '-c', 'copy', to],
      ),
    segments: { video: 3, audio: 3 },
  },
  {
    name: 'a picture that begins later',
    file: 'late-picture.mp4',
    make: to =>
      ffmpeg(
        ...['-itsoffset', '0.7', '-i', folder.path('plain.mp4'), '-i', folder.path('plain.mp4')],
        ...['-map', '0:v', '-map', '1:a', '-c', 'copy', to],
      ),
    segments: { video: 3, audio: 3 },
  },
  {
    name: 'every picture a keyframe',
    file: 'intra.mp4',
    make: to => ffmpeg(...picture(5), ...H264, '-g', '1', to),
    segments: { video: 2 },
  },
  {
    name: 'HEVC',
    file: 'hevc.mp4',
    make: to =>
      ffmpeg(
        ...picture(5),
        '-c:v',
        'libx265',
        '-x265-params',
        'log-level=none:keyint=25',
        '-tag:v',
        'hvc1',
        to,
      ),
    segments: { video: 2 },
  },
  {
    name: 'AV1',
    file: 'av1.mp4',
    make: to => ffmpeg(...picture(5), '-c:v', 'libaom-av1', '-cpu-used', '8', '-g', '25', to),
    segments: { video: 2 },
  },
]

describe.each(cases)('segments of a movie with $name', ({ file, make, segments }) => {
  let source: FileSource
  let movie: Movie
  const path = (): string => folder.path(file)
  const cutFile = (kind: string): string => folder.path(`${file}.${kind}.mp4`)
  beforeAll(async () => {
    await make(path())
    source = await fileSource(path())
    movie = await movieIn(source)
  })
  afterAll(() => source.close())

  test('tile the whole movie', () => {
    for (const kind of ['video', 'audio'] as const) {
      if (segments[kind] === undefined) {
        expect(movie.tracks.filter(track => track.kind === kind)).toEqual([])
        continue
      }
      const cut = cutOf(movie, kind)
      expect(cut.segments.map(({ number }) => number)).toEqual(cut.segments.map((_, index) => index))
      expect(cut.segments).toHaveLength(segments[kind])
      cut.segments.forEach((segment, index) => {
        const next = cut.segments[index + 1]
        if (!next) return
        expect(segment.start + segment.duration).toBeCloseTo(next.start, 9)
        expect(segment.endSample).toBe(next.firstSample)
        // Sound that begins later has a shorter first segment.
        if (index > 0) expect(segment.duration).toBeGreaterThanOrEqual(3.9)
      })
    }
  })

  test.runIf(segments.video !== undefined)(
    'give the same pictures at the same times without a warning',
    async () => {
      await assemble(cutOf(movie, 'video'), source, cutFile('video'))
      const wanted = await decodePictures(path())
      const got = await decodePictures(cutFile('video'))
      expect(got.warnings).toBe('')
      expect(wanted.frames.length).toBeGreaterThan(50)
      expect(got.frames).toEqual(wanted.frames)
    },
  )

  test.runIf(segments.audio !== undefined)(
    'give the same sound at the same times without a warning',
    async () => {
      await assemble(cutOf(movie, 'audio'), source, cutFile('audio'))
      const wanted = await decodeSound(path())
      const got = await decodeSound(cutFile('audio'))
      expect(got.warnings).toBe('')
      expect(got.start).toBeGreaterThanOrEqual(wanted.start - 0.001)
      expect(got.start).toBeLessThanOrEqual(wanted.start + 0.025)
      for (const at of [1.1, 3.9, 6.5])
        expect(Math.abs(lagSeconds(wanted, got, at))).toBeLessThanOrEqual(0.002)
      const end = ({ start, samples }: typeof got): number => start + samples.length / 48_000
      expect(Math.abs(end(got) - end(wanted))).toBeLessThan(0.05)
    },
  )
})

test('a playlist over the segments plays without a warning', async () => {
  const source = await fileSource(folder.path('plain.mp4'))
  const movie = await movieIn(source)
  const cut = cutOf(movie, 'video')
  await writeFile(folder.path('init.mp4'), initSegment(cut.track))
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:5', '#EXT-X-MAP:URI="init.mp4"']
  for (const segment of cut.segments) {
    await writeFile(folder.path(`${segment.number}.m4s`), await mediaSegment(cut.track, segment, source))
    lines.push(`#EXTINF:${segment.duration},`, `${segment.number}.m4s`)
  }
  await writeFile(folder.path('index.m3u8'), [...lines, '#EXT-X-ENDLIST', ''].join('\n'))
  await source.close()
  const wanted = await decodePictures(folder.path('plain.mp4'))
  const got = await decodePictures(folder.path('index.m3u8'))
  expect(got.warnings).toBe('')
  expect(got.frames.map(hashOf)).toEqual(wanted.frames.map(hashOf))
})

test('turning, language and the shape of pixels reach the player', async () => {
  const to = folder.path('described.mp4')
  await ffmpeg(
    ...[
      '-i',
      folder.path('plain.mp4'),
      '-map',
      '0',
      '-c',
      'copy',
      '-aspect',
      '4:3',
      '-metadata:s:v',
      'rotate=270',
    ],
    ...['-metadata:s:a', 'language=deu', to],
  )
  const source = await fileSource(to)
  const movie = await movieIn(source)
  await assemble(cutOf(movie, 'video'), source, folder.path('described-video.mp4'))
  await assemble(cutOf(movie, 'audio'), source, folder.path('described-audio.mp4'))
  await source.close()
  const shown = ['-show_entries', 'stream=sample_aspect_ratio:stream_side_data=rotation:stream_tags=language']
  for (const [kind, file] of [
    ['v', 'described-video.mp4'],
    ['a', 'described-audio.mp4'],
  ] as const) {
    const ours = await ffprobe('-select_streams', kind, ...shown, folder.path(file))
    expect(ours).toBe(await ffprobe('-select_streams', kind, ...shown, to))
    expect(ours).not.toBe('')
  }
})

test('a copy cut between two keyframes cannot be cut, and says why', async () => {
  const to = folder.path('between.mp4')
  await ffmpeg('-ss', '3.4', '-i', folder.path('plain.mp4'), '-map', '0', '-c', 'copy', to)
  const source = await fileSource(to)
  const movie = await movieIn(source)
  await source.close()
  const video = movie.tracks.find(track => track.kind === 'video')
  expect(video && timelineOf(video)).toEqual({ kind: 'unplayable', why: 'it begins between two keyframes' })
  expect(() => cutOf(movie, 'video')).toThrow(
    expect.objectContaining({
      code: 'not-cuttable',
      message: 'A video track cannot be cut as it stands: it begins between two keyframes.',
    }),
  )
})

test('the longest time between keyframes counts the end of the movie', async () => {
  const to = folder.path('gaps.mp4')
  await ffmpeg(
    ...picture(12),
    ...H264,
    '-g',
    '1000',
    '-keyint_min',
    '1',
    '-sc_threshold',
    '0',
    '-force_key_frames',
    '2,4.2,6',
    to,
  )
  const source = await fileSource(to)
  const [video] = (await movieIn(source)).tracks
  await source.close()
  if (video?.kind !== 'video') throw new Error('no picture')
  expect(longestKeyframeGapSeconds(video)).toBeCloseTo(6, 6)
})

function hashOf(frame: string): string {
  return frame.split(' ')[1] ?? ''
}
