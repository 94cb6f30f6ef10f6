import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SluiceError } from '../../src/core/index.ts'
import {
  bytesSource,
  cutSegments,
  decodeIndex,
  encodeIndex,
  type Movie,
  type SampleTable,
} from '../../src/cmaf/index.ts'
import { builtMovie, editList } from './built-movie.ts'
import { AAC, H264, ffmpeg, fileSource, movieIn, picture, temporaryFolder, tone } from './made-movies.ts'
import { movieOf, videoTrack } from './movie-values.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let movie: Movie
beforeAll(async () => {
  folder = await temporaryFolder()
  await ffmpeg(
    ...picture(20),
    ...tone(20),
    ...H264,
    ...AAC,
    '-timecode',
    '01:00:00:00',
    folder.path('movie.mov'),
  )
  const source = await fileSource(folder.path('movie.mov'))
  movie = await movieIn(source)
  await source.close()
})
afterAll(() => folder.remove())

test('a movie comes out of its index as it went in', async () => {
  expect(decodeIndex(encodeIndex(movie))).toStrictEqual(movie)
  const built = await movieIn(bytesSource(builtMovie({ edts: editList([500, -1], [2000, 512]) })))
  expect(decodeIndex(encodeIndex(built))).toStrictEqual(built)
})

test('segments cut from the index are the segments cut from the movie', () => {
  const again = decodeIndex(encodeIndex(movie))
  expect(cutSegments(again, { targetSeconds: 4 })).toStrictEqual(cutSegments(movie, { targetSeconds: 4 }))
})

test('an index takes about five bytes a sample', () => {
  const samples = movie.tracks.reduce(
    (sum, track) => sum + (track.kind === 'other' ? 0 : track.samples.count),
    0,
  )
  expect((encodeIndex(movie).length - 1500) / samples).toBeLessThan(5.5)
})

const tables: fc.Arbitrary<SampleTable> = fc.integer({ min: 0, max: 40 }).chain(count => {
  const each = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.array(one, { minLength: count, maxLength: count })
  return fc.record(
    {
      count: fc.constant(count),
      sizes: each(fc.nat(2 ** 32 - 1)).map(sizes => Uint32Array.from(sizes)),
      offsets: each(fc.nat(2 ** 40)).map(offsets => Float64Array.from(offsets)),
      decodeTimes: each(fc.nat(2 ** 31 - 1)).map(durations => {
        let time = 0
        return Float64Array.from([0, ...durations.map(duration => (time += duration))])
      }),
      compositionOffsets: fc.oneof(
        fc.constant('none' as const),
        each(fc.integer({ min: -(2 ** 30), max: 2 ** 30 })).map(offsets =>
          offsets.some(offset => offset !== 0) ? Int32Array.from(offsets) : ('none' as const),
        ),
      ),
      keyframes: fc.oneof(
        fc.constant('all' as const),
        fc
          .uniqueArray(fc.nat(Math.max(0, count - 1)), { maxLength: count })
          .map(keys => Uint32Array.from(keys).sort()),
      ),
    },
    { noNullPrototype: true },
  )
})

test('any sample table comes out as it went in', () => {
  fc.assert(
    fc.property(tables, samples => {
      const odd = movieOf({ ...videoTrack({ frames: 1 }), samples })
      expect(decodeIndex(encodeIndex(odd))).toStrictEqual(odd)
    }),
    { numRuns: 300 },
  )
})

describe('what is no index throws', () => {
  const index = (): Uint8Array => encodeIndex(movie)
  const cases: [string, () => Uint8Array, string][] = [
    ['nothing', () => new Uint8Array(0), 'index-damaged'],
    ['text', () => Buffer.from('once upon a time there was an index, and this is not it'), 'index-damaged'],
    ['an index cut short', () => index().slice(0, -1), 'index-damaged'],
    ['an index with a byte more', () => Buffer.concat([index(), Buffer.alloc(1)]), 'index-damaged'],
    ['another version', () => index().map((byte, at) => (at === 7 ? 99 : byte)), 'index-version'],
  ]
  test.each(cases)('%s', (_name, bytes, code) => {
    expect(() => decodeIndex(bytes())).toThrow(expect.objectContaining({ name: 'SluiceError', code }))
  })

  test('an index with any bit changed', () => {
    const whole = index()
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = whole.slice()
        damaged[at] = (damaged[at] ?? 0) ^ flip
        expect(() => decodeIndex(damaged)).toThrow(SluiceError)
      }),
    )
  })

  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), bytes => {
        expect(() => decodeIndex(bytes)).toThrow(SluiceError)
      }),
    )
  })
})
