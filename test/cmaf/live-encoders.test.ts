import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeFlvHeader, encodeFlvTag, type FlvTag } from '../../src/cmaf/index.ts'
import { enhancedFeed } from './live-enhanced.ts'
import {
  badParts,
  complaints,
  epochsOf,
  feedOf,
  holes,
  join,
  packetsOf,
  play,
  unevenSegments,
  type PlayedEpoch,
} from './live-feed.ts'
import { AAC, ffmpeg, fileSource, picture, temporaryFolder, tone } from './made-movies.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

const h264 = (gop: number, ...rest: string[]): string[] => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-g', String(gop), '-pix_fmt', 'yuv420p', ...rest],
]
const B_FRAMES = ['-bf', '2']
const NO_B_FRAMES = ['-bf', '0']

/** Checks everything that holds for any feed whose times go on, against the file it came from. */
async function faithful(feed: FlvTag[], name: string): Promise<PlayedEpoch> {
  const flv = folder.path(`${name}.flv`)
  await writeFile(flv, Buffer.concat([encodeFlvHeader(), ...feed.flatMap(encodeFlvTag)]))
  return faithfulTo(flv, feed, name)
}

async function faithfulTo(source: string, feed: FlvTag[], name: string): Promise<PlayedEpoch> {
  const { events, muxer } = play(feed)
  const [epoch, ...more] = epochsOf(events)
  if (!epoch) throw new Error('no epoch began')
  expect(more).toEqual([])
  expect(muxer.facts).toMatchObject({ gaps: 0, dropped: 0 })
  expect(badParts(epoch)).toEqual([])
  expect(unevenSegments(epoch)).toEqual([])
  const shifts: number[] = []
  for (const { kind } of epoch.tracks) {
    expect(holes(epoch, kind)).toEqual([])
    expect(epoch.parts[kind][0]?.independent).toBe(true)
    const made = folder.path(`${name}-${kind}.mp4`)
    await join(epoch, kind, made)
    expect(await complaints(made)).toBe('')
    const [was, is] = [await packetsOf(source, kind), await packetsOf(made, kind)]
    expect(is.hashes).toEqual(was.hashes)
    const moved = is.shownAt.map((at, index) => at - (was.shownAt[index] ?? NaN))
    const spread = Math.max(...moved) - Math.min(...moved)
    // Times in an FLV are rounded to milliseconds; sound is counted in samples.
    expect(spread).toBeLessThan(kind === 'video' ? 0.0031 : 0.0021)
    shifts.push(moved.reduce((sum, one) => sum + one, 0) / moved.length)
  }
  const [one = 0, other = one] = shifts
  expect(Math.abs(one - other)).toBeLessThan(0.003)
  return epoch
}

const segmentLengths = (epoch: PlayedEpoch): number[] =>
  epoch.programDateTimes.map((_, segment) =>
    epoch.parts[epoch.tracks[0]?.kind ?? 'video']
      .filter(part => part.segment === segment)
      .reduce((sum, part) => sum + part.duration, 0),
  )

describe('what ffmpeg publishes comes out picture for picture', () => {
  test('30 frames a second with B-frames, and sound', async () => {
    const feed = await feedOf(...picture(7, '320x180', '30'), ...tone(7), ...h264(60, ...B_FRAMES), ...AAC)
    const epoch = await faithful(feed, 'thirty')
    expect(epoch.tracks.map(({ kind, frameRate }) => ({ kind, frameRate }))).toEqual([
      { kind: 'video', frameRate: 30 },
      { kind: 'audio', frameRate: undefined },
    ])
    expect(epoch.targets).toEqual({ video: 0.202, audio: 0.192 })
    expect(segmentLengths(epoch).map(length => Math.round(length * 1000))).toEqual([2000, 2000, 2000, 1000])
    expect(epoch.parts.video.slice(0, 30).every(part => Math.abs(part.duration - 0.2) < 1e-4)).toBe(true)
    expect(epoch.parts.video.filter(part => part.independent)).toHaveLength(4)
  })

  test.each([
    ['23.976', '24000/1001', 48, { video: 0.211, audio: 0.192 }],
    ['25', '25', 50, { video: 0.202, audio: 0.192 }],
    ['29.97', '30000/1001', 60, { video: 0.203, audio: 0.192 }],
    ['50', '50', 100, { video: 0.202, audio: 0.192 }],
    ['59.94', '60000/1001', 120, { video: 0.203, audio: 0.192 }],
  ])('%s frames a second', async (name, rate, gop, targets) => {
    const feed = await feedOf(...picture(5, '160x90', rate), ...tone(5), ...h264(gop, ...B_FRAMES), ...AAC)
    const epoch = await faithful(feed, name)
    expect(epoch.targets).toEqual(targets)
    expect(epoch.tracks[0]?.frameRate).toBeCloseTo(Number(name), 3)
  })

  test('picture only, without B-frames', async () => {
    const epoch = await faithful(
      await feedOf(...picture(5, '160x90', '25'), ...h264(25, ...NO_B_FRAMES)),
      'mute',
    )
    expect(epoch.tracks.map(({ kind }) => kind)).toEqual(['video'])
    expect(epoch.programDateTimes).toHaveLength(3)
  })

  test('sound only, in segments of whole parts', async () => {
    const epoch = await faithful(await feedOf(...tone(7), ...AAC), 'radio')
    expect(epoch.tracks.map(({ kind }) => kind)).toEqual(['audio'])
    expect(segmentLengths(epoch).slice(0, 3)).toEqual(
      [1.92, 1.92, 1.92].map(one => expect.closeTo(one) as number),
    )
  })

  test('44.1 kHz, one channel', async () => {
    const feed = await feedOf(
      ...[...picture(4), '-f', 'lavfi', '-i', 'sine=440:r=44100:d=4', ...h264(50, ...B_FRAMES)],
      ...['-c:a', 'aac', '-ac', '1'],
    )
    const epoch = await faithful(feed, 'mono')
    expect(epoch.targets.audio).toBe(0.209)
    expect(epoch.tracks[1]?.description).toMatchObject({ sampleRate: 44_100, channels: 1, timescale: 44_100 })
  })

  test('a variable frame rate, whose pictures are shown when they should be', async () => {
    const feed = await feedOf(
      ...picture(8, '160x90', '30'),
      ...['-vf', "select='not(between(mod(n\\,60)\\,20\\,24))*not(eq(mod(n\\,7)\\,3))'", '-fps_mode', 'vfr'],
      ...h264(60, ...NO_B_FRAMES),
    )
    await faithful(feed, 'variable')
  })
})

describe('codings of Enhanced RTMP come out picture for picture', () => {
  test.each([
    [
      'hvc1',
      [
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-tag:v',
        'hvc1',
        '-x265-params',
        'open-gop=0:bframes=2:keyint=50:log-level=none',
      ],
      'hvc1.1.6.L60.90',
    ],
    ['av01', ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-g', '50'], 'av01.0.00M.08'],
    ['avc1', h264(50, ...B_FRAMES), 'avc1.64000B'],
  ] as const)('%s', async (coding, encoder, codec) => {
    const file = folder.path(`${coding}.mp4`)
    await ffmpeg(...picture(4, '176x144', '25'), ...encoder, '-pix_fmt', 'yuv420p', file)
    const source = await fileSource(file)
    const feed = await enhancedFeed(source)
    await source.close()
    const epoch = await faithfulTo(file, feed, coding)
    expect(epoch.tracks[0]?.description).toMatchObject({ sampleEntry: coding, width: 176, height: 144 })
    expect(epoch.tracks[0]?.description.codec.toLowerCase()).toBe(codec.toLowerCase())
    expect(epoch.programDateTimes).toHaveLength(2)
  })
})
