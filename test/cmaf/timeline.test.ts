import { describe, expect, test } from 'vitest'
import { bytesSource, timelineOf, type EditList } from '../../src/cmaf/index.ts'
import { builtMovie, editList } from './built-movie.ts'
import { movieIn } from './made-movies.ts'
import { audioTrack, videoTrack } from './movie-values.ts'

const simple = (delay: number, mediaTime: number, length?: number): EditList => {
  return { kind: 'simple', delay, mediaTime, ...(length !== undefined && { length }) }
}

describe('an edit list is read as', () => {
  const cases: [string, Uint8Array | null, EditList][] = [
    ['none, when there is none', null, { kind: 'none' }],
    ['none, when it is empty', editList(), { kind: 'none' }],
    ['a trim, its length turned into ticks of the track', editList([2000, 512]), simple(0, 512, 25_600)],
    ['a trim to the end, when its length is 0', editList([0, 512]), simple(0, 512)],
    ['a shift, when an empty edit stands first', editList([500, -1], [2000, 0]), simple(6400, 0, 25_600)],
    [
      'several empty edits as their sum',
      editList([500, -1], [500, -1], [2000, 0]),
      simple(12_800, 0, 25_600),
    ],
    [
      'complex, when it puts parts together',
      editList([1000, 0], [1000, 25_600]),
      { kind: 'complex', why: 'it puts several parts together' },
    ],
    [
      'complex, when it changes the speed',
      editList([1000, 0, 0x8000]),
      { kind: 'complex', why: 'it changes the speed' },
    ],
    ['complex, when it shows nothing', editList([1000, -1]), { kind: 'complex', why: 'it shows nothing' }],
    [
      'complex, when it begins before 0',
      editList([1000, -2]),
      { kind: 'complex', why: 'it begins before the media does' },
    ],
    [
      'complex, when it begins after years',
      editList([2 ** 32 - 1, -1], [1, 0]),
      { kind: 'complex', why: 'its times are out of range' },
    ],
    [
      'complex, when it is long',
      editList(...Array.from({ length: 17 }, (): [number, number] => [1, 0])),
      { kind: 'complex', why: 'it has 17 parts' },
    ],
  ]
  test.each(cases)('%s', async (_name, edts, expected) => {
    const [track] = (await movieIn(bytesSource(builtMovie({ edts })))).tracks
    expect(track?.kind === 'video' && track.edits).toEqual(expected)
  })
})

describe('the timeline of pictures', () => {
  const plain = {
    kind: 'plain',
    firstSample: 0,
    endSample: 100,
    decodeShift: 0,
    compositionShift: 0,
    mediaTime: 0,
    presentationShift: 0,
    start: 0,
    end: 4000,
  }
  const B = [80, 160, 40, 40]
  const frames = 100

  test('without edits is the file’s own', () => {
    expect(timelineOf(videoTrack({ frames }))).toEqual(plain)
  })

  test('with reordering keeps the way from decoding to showing in the init segment', () => {
    expect(timelineOf(videoTrack({ frames, reorder: B, edits: simple(0, 80) }))).toEqual({
      ...plain,
      compositionShift: -40,
      mediaTime: 40,
      presentationShift: -80,
    })
  })

  test('that is shifted begins later', () => {
    expect(timelineOf(videoTrack({ frames, edits: simple(700, 0) }))).toEqual({
      ...plain,
      decodeShift: 700,
      presentationShift: 700,
      start: 700,
      end: 4700,
    })
  })

  test('that is trimmed to a keyframe leaves out what is before it', () => {
    expect(timelineOf(videoTrack({ frames, edits: simple(0, 2000) }))).toEqual({
      ...plain,
      firstSample: 50,
      decodeShift: -2000,
      presentationShift: -2000,
      end: 2000,
    })
  })

  test('that is trimmed a millisecond behind a keyframe begins with it', () => {
    expect(timelineOf(videoTrack({ frames, edits: simple(0, 2001) }))).toMatchObject({
      firstSample: 50,
      start: 0,
      end: 2000,
    })
  })

  test('whose end is trimmed leaves out what is shown after it', () => {
    expect(timelineOf(videoTrack({ frames, edits: simple(0, 0, 2000) }))).toMatchObject({
      endSample: 50,
      end: 2000,
    })
  })

  const unplayable: [string, Parameters<typeof videoTrack>[0], string][] = [
    ['a trim between keyframes', { frames, edits: simple(0, 500) }, 'it begins between two keyframes'],
    ['no keyframe', { frames, keyframes: [] }, 'it begins between two keyframes'],
    ['a trim past the end', { frames, edits: simple(0, 9000) }, 'its edit list leaves nothing of it'],
    [
      'pictures from before the first keyframe behind it',
      { frames, reorder: [120, 0, 0], edits: simple(0, 120) },
      'its first keyframe is followed by pictures from before it',
    ],
    [
      'a trim within a complex list',
      { frames, edits: { kind: 'complex', why: 'it shows nothing' } },
      'its edit list is more than a trim or a shift: it shows nothing',
    ],
  ]
  test.each(unplayable)('with %s is unplayable', (_name, shape, why) => {
    expect(timelineOf(videoTrack(shape))).toEqual({ kind: 'unplayable', why })
  })

  test('that begins within a long still picture is unplayable', () => {
    const track = videoTrack({ frames: 3, keyframes: 1, edits: simple(0, 5000) })
    track.samples.decodeTimes.set([0, 10_000, 20_000, 30_000])
    expect(timelineOf(track)).toEqual({ kind: 'unplayable', why: 'it begins within a long still picture' })
  })
})

describe('the timeline of sound', () => {
  const cases: [string, EditList, Record<string, number>][] = [
    ['drops one packet of priming', simple(0, 1024), { firstSample: 1, start: 0, decodeShift: -1024 }],
    // Apple's encoder: 2112 of priming. The packet from 2048 begins 1.3 ms early, which rounding lets pass.
    [
      'keeps a packet that begins a millisecond early',
      simple(0, 2112),
      { firstSample: 2, start: 0, decodeShift: -2048 },
    ],
    [
      'begins with the next whole packet in the right place',
      simple(0, 1324),
      { firstSample: 2, start: 724, decodeShift: -1324 },
    ],
    ['is shifted', simple(4800, 1024), { firstSample: 1, start: 4800, decodeShift: 3776 }],
    [
      'ends with the packet that the length ends in',
      simple(0, 0, 5000),
      { firstSample: 0, endSample: 5, end: 5120 },
    ],
  ]
  test.each(cases)('%s', (_name, edits, expected) => {
    expect(timelineOf(audioTrack({ packets: 100, edits }))).toMatchObject({ kind: 'plain', ...expected })
  })
})
