import { describe, expect, test } from 'vitest'
import {
  bitRates,
  cutSegments,
  frameRate,
  longestKeyframeGapSeconds,
  type Movie,
  type Segment,
} from '../../src/cmaf/index.ts'
import { audioTrack, movieOf, videoTrack } from './movie-values.ts'

/** `first-end start+duration` of each segment of each track. */
function cuts(movie: Movie, targetSeconds = 4): string[][] {
  return cutSegments(movie, { targetSeconds }).map(({ segments }) =>
    segments.map(
      ({ firstSample, endSample, start, duration }) =>
        `${firstSample}-${endSample} ${start.toFixed(3)}+${duration.toFixed(3)}`,
    ),
  )
}

describe('pictures', () => {
  test('are cut at the first keyframe at or after the target', () => {
    const movie = movieOf(videoTrack({ frames: 250, keyframes: [0, 60, 120, 180, 240] }))
    expect(cuts(movie)).toEqual([['0-120 0.000+4.800', '120-250 4.800+5.200']])
  })

  test('are not cut where there is no keyframe', () => {
    const movie = movieOf(videoTrack({ frames: 500, keyframes: [0] }))
    expect(cuts(movie)).toEqual([['0-500 0.000+20.000']])
  })

  test('give a tiny rest to the segment before it', () => {
    expect(cuts(movieOf(videoTrack({ frames: 224, keyframes: 100 })))).toEqual([
      ['0-100 0.000+4.000', '100-224 4.000+4.960'],
    ])
    expect(cuts(movieOf(videoTrack({ frames: 225, keyframes: 100 })))).toEqual([
      ['0-100 0.000+4.000', '100-200 4.000+4.000', '200-225 8.000+1.000'],
    ])
  })

  test('that are all shorter than the target make one segment', () => {
    expect(cuts(movieOf(videoTrack({ frames: 10 })))).toEqual([['0-10 0.000+0.400']])
  })

  test('accept a keyframe that rounding puts a few milliseconds early', () => {
    const track = videoTrack({ frames: 200, keyframes: [0, 100] })
    track.samples.decodeTimes[100] = 3990
    expect(cuts(movieOf(track))).toEqual([['0-100 0.000+3.990', '100-200 3.990+4.010']])
  })

  test('are measured by when they are shown, not by when they are decoded', () => {
    const edits = { kind: 'simple', delay: 0, mediaTime: 80 } as const
    const movie = movieOf(videoTrack({ frames: 200, keyframes: 100, reorder: [80, 160, 40, 40], edits }))
    const [video] = cutSegments(movie, { targetSeconds: 4 })
    expect(
      video?.segments.map(({ start, decodeTime, compositionShift }) => [start, decodeTime, compositionShift]),
    ).toEqual([
      [0, 0, -40],
      [4, 4000, -40],
    ])
  })
})

test('a track that could be cut nowhere for hours is not cut', () => {
  const movie = movieOf(videoTrack({ frames: 200_001, keyframes: [0] }))
  expect(() => cuts(movie)).toThrow(expect.objectContaining({ code: 'not-cuttable' }))
})

describe('sound', () => {
  test('is cut where the pictures are', () => {
    const movie = movieOf(videoTrack({ frames: 250, keyframes: [0, 110, 220] }), audioTrack({ packets: 469 }))
    expect(cuts(movie)).toEqual([
      ['0-110 0.000+4.400', '110-220 4.400+4.400', '220-250 8.800+1.200'],
      ['0-207 0.000+4.416', '207-413 4.416+4.395', '413-469 8.811+1.195'],
    ])
  })

  test('by itself is cut by the target', () => {
    expect(cuts(movieOf(audioTrack({ packets: 469 })))).toEqual([
      ['0-188 0.000+4.011', '188-376 4.011+4.011', '376-469 8.021+1.984'],
    ])
  })

  test('that goes on after the pictures is cut by the target there', () => {
    const movie = movieOf(videoTrack({ frames: 100, keyframes: 100 }), audioTrack({ packets: 600 }))
    expect(cuts(movie)[1]).toEqual(['0-188 0.000+4.011', '188-376 4.011+4.011', '376-600 8.021+4.779'])
  })

  test('that begins later makes no empty segment', () => {
    const edits = { kind: 'simple', delay: 5 * 48_000, mediaTime: 0 } as const
    const movie = movieOf(videoTrack({ frames: 300, keyframes: 100 }), audioTrack({ packets: 300, edits }))
    expect(cuts(movie)[1]).toEqual(['0-141 5.000+3.008', '141-300 8.008+3.392'])
  })

  test('loses the packets that the edit list trims', () => {
    const edits = { kind: 'simple', delay: 0, mediaTime: 2048, length: 150 * 1024 } as const
    expect(cuts(movieOf(audioTrack({ packets: 200, edits })))).toEqual([['2-152 0.000+3.200']])
  })
})

test('every segment states its exact size', () => {
  const [video, audio] = cutSegments(movieOf(videoTrack({ frames: 100 }), audioTrack({ packets: 10 })), {
    targetSeconds: 4,
  })
  // styp 24; moof 8 + mfhd 16 + traf 8 + tfhd 24 or more + tfdt 20 + trun 20 and a word a sample or more; mdat 8.
  const shared = 24 + 8 + 16 + 8 + 20 + 20 + 8
  expect(video?.segments[0]?.bytes).toBe(shared + 20 + 100 * 8 + 100 * 1000)
  expect(audio?.segments[0]?.bytes).toBe(shared + 24 + 10 * 4 + 10 * 100)
})

describe('bit rates', () => {
  const segment = (duration: number, bytes: number): Segment => {
    return {
      number: 0,
      start: 0,
      duration,
      firstSample: 0,
      endSample: 1,
      bytes,
      decodeTime: 0,
      compositionShift: 0,
    }
  }
  const cases: [string, Segment[], { average: number; peak: number }][] = [
    ['none', [], { average: 0, peak: 0 }],
    ['one segment', [segment(4, 500_000)], { average: 1_000_000, peak: 1_000_000 }],
    [
      'the heaviest segment',
      [segment(4, 500_000), segment(4, 1_500_000)],
      { average: 2_000_000, peak: 3_000_000 },
    ],
    [
      'a tiny heavy end with its neighbours only',
      [segment(4, 500_000), segment(0.1, 500_000)],
      { average: 1_951_220, peak: 1_951_220 },
    ],
    ['a segment without duration', [segment(0, 500)], { average: 0, peak: 0 }],
  ]
  test.each(cases)('of %s', (_name, segments, rates) => {
    expect(bitRates(segments)).toEqual(rates)
  })
})

test('a track without any keyframe has one gap, its whole length', () => {
  expect(longestKeyframeGapSeconds(videoTrack({ frames: 100, keyframes: [] }))).toBe(4)
})

test('the frame rate is frames over duration', () => {
  expect(frameRate(videoTrack({ frames: 100 }))).toBe(25)
  expect(frameRate(videoTrack({ frames: 0 }))).toBe(0)
})
