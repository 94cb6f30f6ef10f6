import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesSource, type Track } from '../../src/cmaf/index.ts'
import { ascii, box, fullBox, u16, u32, u32List, zeros } from '../../src/cmaf/boxes.ts'
import { AVC_CONFIG, builtMovie, videoEntry } from './built-movie.ts'
import { AAC, H264, ffmpeg, fileSource, movieIn, picture, temporaryFolder, tone } from './made-movies.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

async function tracksOf(...args: string[]): Promise<Track[]> {
  const path = folder.path(args.at(-1) ?? '')
  await ffmpeg(...args.slice(0, -1), path)
  const source = await fileSource(path)
  const movie = await movieIn(source)
  await source.close()
  return movie.tracks
}

/** What the file says of its tracks, without tables and configuration bytes. */
function saidOf(tracks: readonly Track[]): object[] {
  return tracks.map(track => {
    if (track.kind === 'other') return track
    const { samples, config, extras, ...said } = track
    return { ...said, samples: samples.count, config: config.length, extras: extras.map(({ type }) => type) }
  })
}

async function firstPicture(...input: string[]): Promise<string> {
  const { stdout } = await ffmpeg(...input, '-frames:v', '1', '-f', 'md5', '-')
  return stdout.toString()
}

const video = [...H264, '-t', '1']

test('H.264 and AAC are described', async () => {
  const path = folder.path('both.mp4')
  await ffmpeg(...picture(1), ...tone(1), ...video, ...AAC, '-metadata:s:a', 'language=fra', path)
  const source = await fileSource(path)
  const movie = await movieIn(source)
  await source.close()
  expect(saidOf(movie.tracks)).toEqual([
    {
      kind: 'video',
      id: 1,
      enabled: true,
      timescale: 12_800,
      language: 'und',
      sampleEntry: 'avc1',
      codec: 'avc1.64000b',
      width: 160,
      height: 90,
      displayWidth: 160,
      displayHeight: 90,
      rotation: 0,
      matrix: [65_536, 0, 0, 0, 65_536, 0, 0, 0, 1_073_741_824],
      h264: { profile: 100, level: 11, chromaFormat: '4:2:0', bitDepth: 8, scan: 'progressive' },
      edits: { kind: 'simple', delay: 0, mediaTime: 1024, length: 12_800 },
      samples: 25,
      config: AVC_CONFIG.length,
      extras: ['pasp', 'btrt'],
    },
    {
      kind: 'audio',
      id: 2,
      enabled: true,
      timescale: 48_000,
      language: 'fra',
      sampleEntry: 'mp4a',
      codec: 'mp4a.40.2',
      channels: 2,
      sampleRate: 48_000,
      edits: { kind: 'simple', delay: 0, mediaTime: 1024, length: 48_000 },
      samples: 48,
      config: 5,
      extras: ['btrt'],
    },
  ])
  expect(movie.durationSeconds).toBeCloseTo(1, 6)
})

describe('H.264 that planning must encode is told apart', () => {
  const cases: [string, string[], object][] = [
    ['ten bit', ['-pix_fmt', 'yuv420p10le'], { profile: 110, bitDepth: 10, chromaFormat: '4:2:0' }],
    ['4:2:2', ['-pix_fmt', 'yuv422p'], { profile: 122, bitDepth: 8, chromaFormat: '4:2:2' }],
    ['4:4:4', ['-pix_fmt', 'yuv444p'], { profile: 244, chromaFormat: '4:4:4' }],
    ['interlaced', ['-flags', '+ilme+ildct'], { scan: 'interlaced' }],
    ['baseline', ['-profile:v', 'baseline'], { profile: 66, scan: 'progressive', chromaFormat: '4:2:0' }],
    ['with its own scaling lists', ['-x264-params', 'cqm=jvt'], { profile: 100, scan: 'progressive' }],
  ]
  test.each(cases)('%s', async (name, options, expected) => {
    const [track] = await tracksOf(
      ...picture(1, '160x96'),
      ...video,
      ...options,
      `${name.replace(/\W/g, '')}.mp4`,
    )
    expect(track).toMatchObject({ kind: 'video', h264: expected })
  })
})

describe('turned pictures say by how much', () => {
  const turning: Record<string, string> = {
    0: 'null',
    90: 'transpose=clock',
    180: 'hflip,vflip',
    270: 'transpose=cclock',
  }

  test('as ffmpeg turns them when it shows them', async () => {
    const found = []
    for (const tag of [0, 90, 180, 270]) {
      const file = `turned${tag}.mp4`
      await ffmpeg(...picture(1), ...video, folder.path('upright.mp4'))
      const turn = ['-c', 'copy', '-metadata:s:v', `rotate=${tag}`]
      const [track] = await tracksOf('-i', folder.path('upright.mp4'), ...turn, file)
      if (track?.kind !== 'video') throw new Error('no picture')
      const byFilter = ['-noautorotate', '-i', folder.path(file), '-vf', turning[track.rotation] ?? '']
      expect(await firstPicture(...byFilter)).toBe(await firstPicture('-i', folder.path(file)))
      expect([track.displayWidth, track.displayHeight]).toEqual([160, 90])
      found.push(track.rotation)
    }
    expect(found.sort()).toEqual([0, 180, 270, 90])
  })

  test('a mirrored one is none of these', async () => {
    const one = 0x10000
    const matrix = u32List([-one, 0, 0, 0, one, 0, 0, 0, 0x40000000])
    const tkhd = fullBox('tkhd', 0, 3, u32(0, 0, 1, 0, 4000), zeros(16), matrix, u32(160 * one, 90 * one))
    const [track] = (await movieIn(bytesSource(builtMovie({ tkhd })))).tracks
    expect(track).toMatchObject({ kind: 'video', rotation: 'other' })
  })
})

test('pixels that are not square show in the display size', async () => {
  const [track] = await tracksOf(...picture(1), ...video, '-aspect', '4:3', 'wide-pixels.mp4')
  expect(track).toMatchObject({ kind: 'video', width: 160, height: 90, displayWidth: 120, displayHeight: 90 })
})

test('a QuickTime file with AAC is read as an MP4 is', async () => {
  const tracks = await tracksOf(...picture(1), ...tone(1), ...video, ...AAC, 'camera.mov')
  expect(tracks).toMatchObject([
    { kind: 'video', codec: 'avc1.64000b' },
    { kind: 'audio', codec: 'mp4a.40.2', channels: 2, sampleRate: 48_000 },
  ])
})

test('tracks that must be converted are listed with their handler and coding', async () => {
  const other = await tracksOf(
    ...[
      ...picture(1),
      ...tone(1),
      '-c:v',
      'mpeg4',
      '-c:a',
      'pcm_s16le',
      '-timecode',
      '01:00:00:00',
      'old.mov',
    ],
  )
  expect(other).toEqual([
    { kind: 'other', id: 1, enabled: true, handler: 'vide', sampleEntry: 'mp4v', why: 'codec' },
    { kind: 'other', id: 2, enabled: true, handler: 'soun', sampleEntry: 'sowt', why: 'codec' },
    { kind: 'other', id: 3, enabled: false, handler: 'tmcd', sampleEntry: '', why: 'handler' },
  ])
  const mp3 = await tracksOf(...tone(1), '-c:a', 'libmp3lame', 'mp3.mp4')
  expect(mp3).toEqual([
    { kind: 'other', id: 1, enabled: true, handler: 'soun', sampleEntry: 'mp4a', why: 'codec' },
  ])
})

/** Codec strings that ffmpeg 5.1's DASH muxer writes: `ffmpeg -i FILE -c copy -f dash x.mpd; grep -o 'codecs="[^"]*"' x.mpd`. */
describe('codec strings', () => {
  const cases: [string, string[], string][] = [
    ['H.264 baseline', [...video, '-profile:v', 'baseline'], 'avc1.42c00b'],
    ['AV1', ['-c:v', 'libaom-av1', '-cpu-used', '8', '-pix_fmt', 'yuv420p', '-t', '0.2'], 'av01.0.00M.08'],
    [
      'AV1 with ten bit',
      ['-c:v', 'libaom-av1', '-cpu-used', '8', '-pix_fmt', 'yuv420p10le', '-t', '0.2'],
      'av01.0.00M.10',
    ],
    [
      'HEVC',
      ['-c:v', 'libx265', '-x265-params', 'log-level=none', '-tag:v', 'hvc1', '-t', '0.2'],
      'hvc1.1.6.L30.90',
    ],
    [
      'HEVC with ten bit',
      ['-c:v', 'libx265', '-pix_fmt', 'yuv420p10le', '-x265-params', 'log-level=none', '-t', '0.2'],
      'hev1.2.4.L30.90',
    ],
  ]
  test.each(cases)('%s', async (name, options, codec) => {
    const [track] = await tracksOf(...picture(1), ...options, `codec-${name.replace(/\W/g, '')}.mp4`)
    expect(track).toMatchObject({ kind: 'video', codec })
  })
})

test('boxes that change the look are kept, QuickTime colour in ISO’s form', async () => {
  const stsd = fullBox(
    ...(['stsd', 0, 0, u32(1)] as const),
    videoEntry(
      box('avcC', AVC_CONFIG),
      box('pasp', u32(4, 3)),
      box('colr', ascii('nclc'), u16(1, 1, 1)),
      box('uuid', zeros(20)),
      box('pasp', u32(1, 1)),
    ),
  )
  const [track] = (await movieIn(bytesSource(builtMovie({ stsd })))).tracks
  expect(track?.kind === 'video' && track.extras).toEqual([
    { type: 'pasp', body: u32(4, 3) },
    { type: 'colr', body: Uint8Array.of(...ascii('nclx'), 0, 1, 0, 1, 0, 1, 0) },
  ])
})
