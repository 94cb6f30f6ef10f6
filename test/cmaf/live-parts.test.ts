import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FlvTag } from '../../src/cmaf/index.ts'
import {
  UNSTATED,
  mixed,
  pictures,
  sounds,
  both,
  audioFrame,
  audioHeader,
  videoFrame,
  videoHeader,
} from './live-built.ts'
import { badParts, epochsOf, holes, play, unevenSegments, type PlayedEpoch } from './live-feed.ts'

function one(feed: readonly FlvTag[]): PlayedEpoch {
  const [epoch, ...more] = epochsOf(play(feed).events)
  if (!epoch) throw new Error('no epoch began')
  expect(more.map(({ tracks }) => tracks.map(({ kind }) => kind))).toEqual([])
  return epoch
}

const RATES = [10, 12.5, 15, 20, 24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 90, 120]

describe('parts', () => {
  test('keep their rules at every rate and distance of keyframes', () => {
    for (const fps of RATES) {
      for (const gop of [
        1,
        7,
        13,
        Math.round(fps / 2),
        Math.round(fps),
        Math.round(2 * fps),
        Math.round(3.3 * fps),
      ]) {
        const stretch = { from: 0, to: 9000, fps, gop }
        for (const feed of [both(stretch), [videoHeader(UNSTATED), ...pictures(stretch)]]) {
          const epoch = one(feed)
          expect({ fps, gop, bad: badParts(epoch) }).toEqual({ fps, gop, bad: [] })
          expect(holes(epoch, 'video')).toEqual([])
          expect(holes(epoch, 'audio')).toEqual([])
          expect(unevenSegments(epoch)).toEqual([])
          expect(epoch.tracks[0]?.frameRate).toBeCloseTo(fps, 0)
        }
      }
    }
  })

  test('are done with their last picture or frame of sound', () => {
    const feed = both({ from: 0, to: 10_000 })
    const { events, from } = play(feed)
    let before = 0
    const late = events.flatMap((event, index) => {
      if (event.kind !== 'part') return []
      const tag = feed[from[index] ?? 0]
      const ofLastSample =
        tag?.type === event.part.track && tag.timestamp + 1_790_000_000_000 === event.part.arrivedAt
      before++
      return ofLastSample ? [] : [event.part.track]
    })
    // The first ones waited together for the picture's rate; the last sound of a segment waits for the keyframe.
    expect(late.filter(track => track === 'video')).toEqual([])
    expect(late.length).toBeLessThanOrEqual(5)
    expect(before).toBeGreaterThan(95)
  })

  test('hold the rules and all pictures when frames are lost', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...RATES),
        fc.array(fc.nat(9), { minLength: 200, maxLength: 400 }),
        (fps, luck) => {
          // One of six at most: more would be another frame rate, for which a new epoch begins.
          let spared = 0
          const kept = pictures({ from: 0, to: (luck.length * 1000) / fps, fps, gop: 50 }).filter(
            (_, frame) => {
              const lost = luck[frame] === 0 && frame % 50 !== 0 && frame >= spared
              if (lost) spared = frame + 6
              return !lost
            },
          )
          const epoch = one([videoHeader(UNSTATED), ...kept])
          expect(badParts(epoch).filter(bad => !bad.includes('only'))).toEqual([])
          expect(holes(epoch, 'video')).toEqual([])
          expect(sampleCount(epoch)).toBe(kept.length)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('are within the target when capture times jitter, and mostly above 85 % of it', () => {
    const counts = { bad: 0, parts: 0 }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 300, maxLength: 300 }), jitter => {
        const feed = jitter.map((off, frame) =>
          videoFrame(100 + Math.round((frame * 1000) / 30) + off, { keyframe: frame % 60 === 0 }),
        )
        const epoch = one([videoHeader(), ...feed])
        const bad = badParts(epoch)
        expect(bad.filter(part => !part.includes('only'))).toEqual([])
        expect(holes(epoch, 'video')).toEqual([])
        expect(sampleCount(epoch)).toBe(feed.length)
        counts.bad += bad.length
        counts.parts += epoch.parts.video.length
      }),
      { numRuns: 30 },
    )
    expect(counts.bad / counts.parts).toBeLessThan(0.05)
  })

  test.each([
    [30, 15, 0],
    [30, 25, 0],
    [30, 20, 0],
    [25, 50, 0],
    [60, 30, 0],
    [30, 24, 5],
    [15, 30, 0],
  ])('follow a rate that changes from %d to %d', (before, after, short) => {
    const feed = [
      ...pictures({ from: 0, to: 6000, fps: before, gop: before }),
      ...pictures({ from: 6000, to: 14_000, fps: after, gop: after }),
    ]
    const epochs = epochsOf(play([videoHeader(UNSTATED), ...feed]).events)
    const bad = epochs.flatMap(badParts)
    expect(bad.filter(part => !part.includes('only'))).toEqual([])
    expect(bad.length).toBeLessThanOrEqual(short + 2)
    expect(epochs.reduce((sum, epoch) => sum + sampleCount(epoch), 0)).toBe(feed.length)
  })

  test('of sound with a drifting clock are counted in samples, and set anew beyond 100 ms', () => {
    const drifting = sounds({ from: 0, to: 60_000 }).map(tag => ({
      ...tag,
      timestamp: Math.round(tag.timestamp * 1.005),
    }))
    const epoch = one([audioHeader(), ...drifting])
    const gaps = holes(epoch, 'audio')
    // An extended last frame keeps a hole out of the timeline where the part has room for it.
    expect(gaps.length).toBeLessThanOrEqual(3)
    expect(badParts(epoch).length).toBeLessThanOrEqual(3)
    const last = epoch.parts.audio.at(-1)
    expect((last?.decodeTime ?? 0) + (last?.duration ?? 0) - 10).toBeCloseTo(60.3, 0)
  })

  test.each([
    ['HE-AAC, of 2048 samples', '2b118800', 2048, 5],
    ['AAC of 960 samples', '1194', 960, 10],
  ])('of sound count frames of %s', (_name, config, samples, frames) => {
    const feed = Array.from({ length: 200 }, (_, frame) => audioFrame(Math.round((frame * samples) / 48)))
    const epoch = one([audioHeader(Buffer.from(config, 'hex')), ...feed])
    const length = (frames * samples) / 48_000
    expect(epoch.targets.audio).toBe(Math.ceil(length * 1000) / 1000)
    expect(epoch.parts.audio.slice(0, -1).every(({ duration }) => duration === length)).toBe(true)
    expect(holes(epoch, 'audio')).toEqual([])
  })

  test('of sound by Enhanced RTMP are the same', () => {
    const feed = [audioHeader(), ...sounds({ from: 0, to: 5000 })]
    const enhanced = feed.map(tag => {
      const packet = Buffer.concat([
        Buffer.from([0x90 | (tag.data[1] ?? 0)]),
        Buffer.from('mp4a'),
        tag.data.subarray(2),
      ])
      return { ...tag, data: packet }
    })
    expect(play(enhanced).events).toEqual(play(feed).events)
  })

  test('of one picture have the frames’ own length when those are longer', () => {
    const epoch = one([videoHeader(UNSTATED), ...pictures({ from: 0, to: 10_000, fps: 2, gop: 4 })])
    expect(epoch.targets.video).toBe(0.502)
    expect(badParts(epoch)).toEqual([])
  })

  test('keep composition times when decoding times are moved', () => {
    const feed = mixed(
      pictures({ from: 0, to: 4000 }).filter((_, frame) => frame % 6 !== 5),
      [],
    )
    const epoch = one([videoHeader(), ...feed])
    const shown = epoch.parts.video.flatMap(({ bytes }) => shownAt(bytes))
    const wanted = feed.map(({ timestamp }) => 10_000 + timestamp)
    shown.forEach((at, frame) => expect(Math.abs(at - (wanted[frame] ?? 0))).toBeLessThan(1.6))
    expect(shown).toHaveLength(feed.length)
  })

  test('have signed composition offsets', () => {
    const feed = Array.from({ length: 90 }, (_, frame) =>
      videoFrame(Math.round((frame * 1000) / 30), {
        keyframe: frame % 30 === 0,
        offset: frame % 30 === 7 ? -33 : 0,
      }),
    )
    const epoch = one([videoHeader(), ...feed])
    const shown = epoch.parts.video.flatMap(({ bytes }) => shownAt(bytes))
    expect(shown[7]).toBeCloseTo(10_000 + (6 * 1000) / 30, 0)
  })
})

interface Run {
  decodeTime: number
  samples: { duration: number; offset: number }[]
}

/** Reads what the fragment writer writes: durations and offsets may be said once or for each sample. */
function runOf(part: Uint8Array): Run {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.length)
  const tfhd = bytes.indexOf('tfhd')
  const tfdt = bytes.indexOf('tfdt')
  const trun = bytes.indexOf('trun')
  const same = (bytes.readUInt32BE(tfhd + 4) & 8) !== 0 ? bytes.readUInt32BE(tfhd + 12) : 0
  const flags = bytes.readUInt32BE(trun + 4) & 0xffffff
  let at = trun + 16 + ((flags & 4) !== 0 ? 4 : 0)
  const samples = Array.from({ length: bytes.readUInt32BE(trun + 8) }, () => {
    const sample = { duration: same, offset: 0 }
    if ((flags & 0x100) !== 0) sample.duration = bytes.readUInt32BE((at += 4) - 4)
    if ((flags & 0x200) !== 0) at += 4
    if ((flags & 0x400) !== 0) at += 4
    if ((flags & 0x800) !== 0) sample.offset = bytes.readInt32BE((at += 4) - 4)
    return sample
  })
  return { decodeTime: Number(bytes.readBigUInt64BE(tfdt + 8)), samples }
}

function sampleCount(epoch: PlayedEpoch): number {
  return epoch.parts.video.reduce((sum, { bytes }) => sum + runOf(bytes).samples.length, 0)
}

/** Milliseconds at which the pictures of a part are shown. */
function shownAt(part: Uint8Array): number[] {
  const { decodeTime, samples } = runOf(part)
  let at = decodeTime
  return samples.map(({ duration, offset }) => {
    const shown = (at + offset) / 90
    at += duration
    return shown
  })
}
