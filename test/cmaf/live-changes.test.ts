import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LiveMuxer, type FlvTag } from '../../src/cmaf/index.ts'
import { instant } from '../../src/core/index.ts'
import {
  MONO,
  SMALL,
  STEREO,
  audioFrame,
  audioHeader,
  both,
  mixed,
  pictures,
  sounds,
  videoFrame,
  videoHeader,
} from './live-built.ts'
import {
  ARRIVAL,
  badParts,
  complaints,
  epochsOf,
  feedOf,
  holes,
  join,
  packetsOf,
  play,
  unevenSegments,
  type Played,
  type PlayedEpoch,
} from './live-feed.ts'
import { AAC, H264, ffprobe, picture, temporaryFolder, tone } from './made-movies.ts'

/** What must hold whatever the encoder does; gives the epochs. */
function sound(played: Played): PlayedEpoch[] {
  const epochs = epochsOf(played.events)
  const ends = { video: 10, audio: 10 }
  let shownAt = 0
  for (const epoch of epochs) {
    expect(badParts(epoch)).toEqual([])
    for (const { kind } of epoch.tracks) {
      expect(holes(epoch, kind)).toEqual([])
      const [first] = epoch.parts[kind]
      const last = epoch.parts[kind].at(-1)
      if (!first || !last) continue
      expect(first.independent).toBe(true)
      expect(first.decodeTime).toBeGreaterThanOrEqual(ends[kind] - 1e-6)
      ends[kind] = last.decodeTime + last.duration
    }
    for (const at of epoch.programDateTimes) {
      expect(at).toBeGreaterThanOrEqual(shownAt)
      shownAt = at
    }
  }
  return epochs
}

const kinds = (epochs: readonly PlayedEpoch[]): string[] =>
  epochs.map(({ tracks }) => tracks.map(({ kind }) => kind).join('+'))
/** The whole milliseconds of media in an epoch's picture and sound. */
const lengths = (epoch: PlayedEpoch | undefined): Record<'video' | 'audio', number> => ({
  video: Math.round(1000 * (epoch?.parts.video ?? []).reduce((sum, { duration }) => sum + duration, 0)),
  audio: Math.round(1000 * (epoch?.parts.audio ?? []).reduce((sum, { duration }) => sum + duration, 0)),
})
const moved = (feed: readonly FlvTag[], by: number): FlvTag[] =>
  feed.map(tag => ({ ...tag, timestamp: (tag.timestamp + by) >>> 0 }))

describe('times', () => {
  test('that begin anew begin a new epoch', () => {
    const once = both({ from: 0, to: 4000 })
    const played = play([...once, ...once])
    const epochs = sound(played)
    expect(kinds(epochs)).toEqual(['video+audio', 'video+audio'])
    expect(epochs.map(epoch => lengths(epoch).video)).toEqual([4000, 4000])
    expect(played.muxer.facts).toMatchObject({ gaps: 1, dropped: 0 })
  })

  test('of the sound that are late for a reset are left out', () => {
    const [one, other] = [both({ from: 0, to: 4000 }), both({ from: 0, to: 4000 })]
    const late = [audioFrame(4011), audioFrame(4032)]
    const played = play([...one, ...other.slice(0, 3), ...late, ...other.slice(3)])
    expect(kinds(sound(played))).toEqual(['video+audio', 'video+audio'])
    expect(played.muxer.facts).toMatchObject({ gaps: 1, dropped: 2 })
  })

  test('that wrap at 32 bits go on', () => {
    const played = play(moved(both({ from: 0, to: 6000 }), 2 ** 32 - 3000), {
      arrival: (_, index) => instant(ARRIVAL + index * 12),
    })
    const epochs = sound(played)
    expect(kinds(epochs)).toEqual(['video+audio'])
    expect(lengths(epochs[0]).video).toBe(6000)
    expect(played.muxer.facts.gaps).toBe(0)
  })

  test.each([5000, 20_000, 1_500])('that leave out %d ms begin a new epoch', gap => {
    const one = both({ from: 0, to: 4000 })
    const played = play([...one, ...moved(one.slice(2), 4000 + gap)])
    const epochs = sound(played)
    expect(kinds(epochs)).toEqual(['video+audio', 'video+audio'])
    expect(epochs.map(epoch => lengths(epoch).video)).toEqual([4000, 4000])
    expect(played.muxer.facts.gaps).toBe(1)
    // Program time knows of the gap, the timeline does not.
    const [first = 0, second = 0] = epochs.map(({ programDateTimes }) => programDateTimes[0])
    expect(second - first).toBe(4000 + gap)
  })

  test('that leave out less go on, however the picture is cut', () => {
    const feed = both({ from: 0, to: 8000 }).filter(({ timestamp }) => timestamp < 4300 || timestamp >= 4900)
    const epochs = epochsOf(play(feed).events)
    expect(kinds(epochs)).toEqual(['video+audio'])
    const [epoch] = epochs
    if (!epoch) throw new Error('no epoch began')
    expect(holes(epoch, 'video')).toEqual([])
    expect(holes(epoch, 'audio').map(hole => Math.round(hole * 10))).toHaveLength(1)
    expect(badParts(epoch).filter(bad => bad.startsWith('video'))).toEqual([])
    expect(lengths(epoch).video).toBe(8000)
  })

  test('are kept apart as they were between picture and sound', () => {
    const feed = [
      videoHeader(),
      audioHeader(),
      ...mixed(pictures({ from: 300, to: 4000 }), sounds({ from: 350, to: 4000 })),
    ]
    const [epoch] = sound(play(feed))
    expect(epoch?.parts.video[0]?.decodeTime).toBe(10)
    expect(epoch?.parts.audio[0]?.decodeTime).toBeCloseTo(10.05, 6)
  })
})

describe('configurations', () => {
  test('that come again are no change', () => {
    const feed = both({ from: 0, to: 8000 })
    const again = feed.flatMap((tag, index) =>
      index % 40 === 39
        ? [tag, videoHeader(SMALL, tag.timestamp), audioHeader(STEREO, tag.timestamp)]
        : [tag],
    )
    expect(kinds(sound(play(again)))).toEqual(['video+audio'])
  })

  test('of the sound that change begin a new epoch at the next keyframe', () => {
    const feed = both({ from: 0, to: 8000 })
    const at = feed.findIndex(({ timestamp }) => timestamp >= 3000)
    const epochs = sound(play(feed.toSpliced(at, 0, audioHeader(MONO, 3000))))
    expect(kinds(epochs)).toEqual(['video+audio', 'video+audio'])
    expect(epochs.map(epoch => lengths(epoch).video)).toEqual([4000, 4000])
    expect(epochs.map(({ tracks }) => tracks[1]?.description.timescale)).toEqual([48_000, 44_100])
  })

  test('that cannot be read leave the old ones in force', () => {
    const feed = both({ from: 0, to: 4000 })
    const broken = [
      videoHeader(Buffer.from('00ff', 'hex'), 1000),
      audioHeader(Buffer.from('ff', 'hex'), 1000),
    ]
    const played = play(mixed(feed, broken))
    expect(kinds(sound(played))).toEqual(['video+audio'])
    expect(played.muxer.facts.dropped).toBe(2)
  })

  test('of nothing that can be played are refused after a second', () => {
    const muxer = new LiveMuxer()
    const h263 = (at: number): FlvTag => ({
      type: 'video',
      timestamp: at,
      data: Buffer.from('12aabbcc', 'hex'),
    })
    for (let at = 0; at < 1000; at += 40) expect(muxer.push(h263(at), instant(ARRIVAL + at))).toEqual([])
    expect(() => muxer.push(h263(1000), instant(ARRIVAL + 1000))).toThrow(
      expect.objectContaining({
        code: 'unsupported-codec',
        message: 'The encoder sends H.263, which cannot be played: set it to H.264 (or HEVC or AV1) and AAC.',
      }),
    )
  })

  test('of a sound that cannot be played leave the picture', () => {
    const mp3 = Array.from({ length: 80 }, (_, frame): FlvTag => {
      return { type: 'audio', timestamp: frame * 50, data: Buffer.from('2faabbcc', 'hex') }
    })
    const played = play([videoHeader(), ...mixed(pictures({ from: 0, to: 4000 }), mp3)])
    expect(kinds(sound(played))).toEqual(['video'])
    expect(played.muxer.facts.dropped).toBe(80)
  })
})

describe('tracks', () => {
  test('late sound joins at a keyframe', () => {
    const feed = mixed(
      [videoHeader(), ...pictures({ from: 0, to: 8000 })],
      [audioHeader(STEREO, 2500), ...sounds({ from: 2500, to: 8000 })],
    )
    const epochs = sound(play(feed))
    expect(kinds(epochs)).toEqual(['video', 'video+audio'])
    expect(epochs.map(epoch => lengths(epoch).video)).toEqual([4000, 4000])
    expect(epochs.flatMap(unevenSegments)).toEqual([])
    expect(epochs[1]?.parts.audio[0]?.decodeTime).toBeCloseTo(14, 1)
  })

  test('late picture joins at once', () => {
    const feed = mixed(
      [audioHeader(), ...sounds({ from: 0, to: 8000 })],
      [videoHeader(SMALL, 2500), ...pictures({ from: 2500, to: 8000 })],
    )
    expect(kinds(sound(play(feed)))).toEqual(['audio', 'video+audio'])
  })

  test.each([
    { stall: 5000, epochs: [6000, 6000, 8000], uneven: [[], [], []] },
    // Too short a silence at the keyframe at 6 s: only the segment before a change may lack sound.
    { stall: 5500, epochs: [8000, 4000, 8000], uneven: [[3], [], []] },
  ])(
    'sound that stalls at $stall ms leaves at a keyframe and comes back at one',
    ({ stall, ...expected }) => {
      const feed = both({ from: 0, to: 20_000 }).filter(
        ({ type, timestamp }) => type !== 'audio' || timestamp < stall || timestamp >= 11_000,
      )
      const played = play(feed)
      const epochs = sound(played)
      expect(kinds(epochs)).toEqual(['video+audio', 'video', 'video+audio'])
      expect(epochs.map(epoch => lengths(epoch).video)).toEqual(expected.epochs)
      expect(epochs.map(unevenSegments)).toEqual(expected.uneven)
      expect(played.muxer.facts).toMatchObject({ gaps: 1, dropped: 0 })
    },
  )

  test('a picture that stalls leaves at once and comes back with a keyframe', () => {
    const feed = both({ from: 0, to: 20_000 }).filter(
      ({ type, timestamp }) => type !== 'video' || timestamp < 5000 || timestamp >= 11_000,
    )
    const epochs = sound(play(feed))
    expect(kinds(epochs)).toEqual(['video+audio', 'audio', 'video+audio'])
    expect(epochs.map(epoch => lengths(epoch).video)).toEqual([5000, 0, 8000])
    expect(epochs.flatMap(unevenSegments)).toEqual([])
  })

  test('sound that always comes later than a second stays with its picture', () => {
    const [heads, rest] = [both({ from: 0, to: 2 }).slice(0, 2), { from: 0, to: 20_000 }]
    const late = [...pictures(rest), ...sounds(rest)]
      .map(tag => ({ tag, sentAt: tag.timestamp + (tag.type === 'audio' ? 1300 : 0) }))
      .sort((one, other) => one.sentAt - other.sentAt)
    const feed = [...heads, ...late.map(({ tag }) => tag)]
    const times = [0, 0, ...late.map(({ sentAt }) => sentAt)]
    const played = play(feed, { arrival: (_, index) => instant(ARRIVAL + (times[index] ?? 0)) })
    expect(kinds(sound(played))).toEqual(['video', 'video+audio'])
  })

  test('nothing is lost when a feed begins between keyframes but what comes before the first', () => {
    const feed = both({ from: 0, to: 8000 }).filter(({ timestamp }, index) => index < 2 || timestamp >= 700)
    const [epoch, ...more] = sound(play(feed))
    expect(kinds(more)).toEqual([])
    expect(lengths(epoch)).toEqual({ video: 6000, audio: expect.closeTo(6000, -2) as number })
    expect(epoch?.parts.video[0]?.independent).toBe(true)
  })
})

describe('a feed', () => {
  test('is begun anew where another hand-over begins, on the same timeline', () => {
    const muxer = new LiveMuxer()
    const feed = both({ from: 0, to: 4000 })
    const push = (): ReturnType<LiveMuxer['push']> =>
      feed.flatMap(tag => muxer.push(tag, instant(ARRIVAL + tag.timestamp)))
    const events = [...push(), ...muxer.discontinue(), ...push(), ...muxer.end()]
    const epochs = sound({ events, from: [], muxer })
    expect(kinds(epochs)).toEqual(['video+audio', 'video+audio'])
    expect(epochs[1]?.parts.video[0]?.decodeTime).toBeGreaterThanOrEqual(14)
  })

  test('that is shorter than any wait is whole', () => {
    const epochs = sound(play([videoHeader(), ...pictures({ from: 0, to: 500 })]))
    expect(kinds(epochs)).toEqual(['video'])
    expect(lengths(epochs[0]).video).toBe(500)
  })

  test('of nothing makes nothing', () => {
    expect(play([]).events).toEqual([])
    expect(play([videoHeader(), audioHeader()]).events).toEqual([])
  })

  test('with garbage between loses the garbage', () => {
    const garbage = [
      '',
      '17',
      '1701',
      '1701000000ffffffff65',
      '2701000000000000',
      '97',
      'f7686f',
      'af',
      'af01',
      '9f',
    ]
    const tags = garbage.map((hex, index): FlvTag => ({
      type: hex.startsWith('a') || hex === '9f' ? 'audio' : 'video',
      timestamp: 1000 + index * 300,
      data: Buffer.from(hex, 'hex'),
    }))
    const clean = both({ from: 0, to: 6000 })
    const [with_, without] = [play(mixed(clean, tags)), play(clean)]
    expect(with_.events).toEqual(without.events)
    expect(with_.muxer.facts.dropped).toBe(9)
  })

  test('whose part would be larger than 16 MiB goes on at the next keyframe', () => {
    const feed = pictures({ from: 0, to: 8000 }).map((tag, index) =>
      index > 60 && index < 70 ? videoFrame(tag.timestamp, { bytes: 4 * 2 ** 20 }) : tag,
    )
    const played = play([videoHeader(), ...feed])
    const epochs = sound(played)
    expect(epochs.length).toBeGreaterThan(1)
    expect(epochs.at(-1)?.programDateTimes).toHaveLength(2)
    expect(played.muxer.facts.gaps).toBeGreaterThan(0)
  })

  test('is told by its facts', () => {
    const { muxer } = play(both({ from: 0, to: 12_000 }))
    expect(muxer.facts).toEqual({
      video: {
        codec: 'avc1.64000d',
        width: 320,
        height: 180,
        framesPerSecond: expect.closeTo(30, 0) as number,
        keyframeInterval: 2,
        bitrate: expect.closeTo(30 * 204 * 8, -3) as number,
      },
      audio: {
        codec: 'mp4a.40.2',
        sampleRate: 48_000,
        channels: 2,
        bitrate: expect.closeTo((100 * 8000) / (1024 / 48), -3) as number,
      },
      bitrate: expect.closeTo(30 * 204 * 8 + 37_500, -4) as number,
      gaps: 0,
      dropped: 0,
    })
  })

  test('is dated by its arrival, as close as the soonest of its samples', () => {
    const feed = both({ from: 0, to: 8000 })
    // Everything is 100 ms late but for what comes around the middle.
    const late = (at: number): number => (at > 3000 && at < 3100 ? 20 : 100)
    const [epoch] = sound(
      play(feed, { arrival: ({ timestamp }) => instant(ARRIVAL + timestamp + late(timestamp)) }),
    )
    expect(epoch?.programDateTimes.map(at => at - ARRIVAL)).toEqual([100, 2100, 4020, 6020])
  })
})

describe('an encoder that is started again', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeAll(async () => {
    folder = await temporaryFolder()
  })
  afterAll(() => folder.remove())

  test('with another size: both halves decode without a warning', async () => {
    const one = await feedOf(...picture(3), ...tone(3), ...H264, ...AAC)
    const other = await feedOf(...picture(3, '320x180', '30'), ...tone(3), ...H264, ...AAC)
    const epochs = sound(play([...one, ...other]))
    expect(kinds(epochs)).toEqual(['video+audio', 'video+audio'])
    for (const [index, epoch] of epochs.entries()) {
      for (const kind of ['video', 'audio'] as const) {
        const path = folder.path(`${index}-${kind}.mp4`)
        await join(epoch, kind, path)
        expect(await complaints(path)).toBe('')
        const { hashes } = await packetsOf(path, kind)
        if (kind === 'video') expect(hashes).toHaveLength(index === 0 ? 75 : 90)
      }
    }
  })

  test('with another size and back: who reads on with the first init segment decodes every picture', async () => {
    const one = await feedOf(...picture(2), ...H264)
    const other = await feedOf(...picture(2, '320x180'), ...H264)
    const epochs = sound(play([...one, ...other, ...one]))
    expect(epochs).toHaveLength(3)
    const bytes = epochs.flatMap(epoch => epoch.parts.video.map(part => part.bytes))
    const path = folder.path('read-on.mp4')
    await writeFile(path, Buffer.concat([epochs[0]?.tracks[0]?.init ?? new Uint8Array(), ...bytes]))
    expect(await complaints(path)).toBe('')
    const sizes = await ffprobe('-select_streams', 'v:0', '-show_entries', 'frame=width', path)
    const widths = (sizes.match(/^\d+/gm) ?? []).map(Number)
    expect(widths).toEqual([160, 320, 160].flatMap(width => Array<number>(50).fill(width)))
  })

  test('in the middle of a stream that goes on with another configuration', async () => {
    const one = await feedOf(...picture(3), ...tone(6), ...H264, ...AAC)
    const other = await feedOf(...picture(3, '320x180'), ...H264)
    const heads = one.filter(({ type, timestamp }) => type !== 'video' || timestamp < 3000)
    const epochs = sound(play(mixed(heads, moved(other.slice(1), 3000))))
    expect(kinds(epochs)).toEqual(['video+audio', 'video+audio'])
    expect(epochs.map(({ tracks }) => tracks[0]?.description)).toMatchObject([{ width: 160 }, { width: 320 }])
    for (const [index, epoch] of epochs.entries()) {
      const path = folder.path(`change-${index}.mp4`)
      await join(epoch, 'video', path)
      expect(await complaints(path)).toBe('')
      expect((await packetsOf(path, 'video')).hashes).toHaveLength(75)
    }
  })
})
