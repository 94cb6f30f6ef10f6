import fc from 'fast-check'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SluiceError } from '../../src/core/index.ts'
import {
  bitRates,
  bytesSource,
  cutSegments,
  decodeIndex,
  encodeIndex,
  initSegment,
  longestKeyframeGapSeconds,
  mediaSegment,
  readMovie,
  type ByteSource,
  type Movie,
} from '../../src/cmaf/index.ts'
import { AAC, H264, ffmpeg, picture, temporaryFolder, tone } from './made-movies.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let whole: Uint8Array
let moovAt: number
beforeAll(async () => {
  folder = await temporaryFolder()
  await ffmpeg(...picture(2, '64x64'), ...tone(2), ...H264, ...AAC, folder.path('small.mp4'))
  whole = new Uint8Array(await readFile(folder.path('small.mp4')))
  moovAt = Buffer.from(whole).indexOf('moov') - 4
})
afterAll(() => folder.remove())

/** Far above what the reader asks of a file of one header; a loop that does not end runs into it. */
const MOST_READS = 2000

function countedSource(bytes: Uint8Array): ByteSource {
  const source = bytesSource(bytes)
  let reads = 0
  return {
    size: source.size,
    read(start, length) {
      expect(++reads).toBeLessThan(MOST_READS)
      expect(start).toBeGreaterThanOrEqual(0)
      expect(start + length).toBeLessThanOrEqual(source.size)
      return source.read(start, length)
    },
  }
}

/** Reads a damaged file; what is still taken for a movie must also be cut without harm. */
async function survive(bytes: Uint8Array): Promise<'movie' | 'refused'> {
  const result = await readMovie(countedSource(bytes))
  if (result.kind === 'refused') {
    expect(result.why).toMatch(/\.$/)
    return 'refused'
  }
  expect(decodeIndex(encodeIndex(result.movie))).toStrictEqual(result.movie)
  try {
    await useMovie(result.movie, bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError)
    expect(error).toMatchObject({ code: 'not-cuttable' })
  }
  return 'movie'
}

async function useMovie(movie: Movie, bytes: Uint8Array): Promise<void> {
  expect(Number.isFinite(movie.durationSeconds)).toBe(true)
  for (const { track, segments } of cutSegments(movie, { targetSeconds: 1 })) {
    expect(segments.length).toBeGreaterThan(0)
    expect(segments.length).toBeLessThanOrEqual(track.samples.count)
    const { average, peak } = bitRates(segments)
    expect(Number.isFinite(average) && Number.isFinite(peak)).toBe(true)
    expect(longestKeyframeGapSeconds(track)).toBeGreaterThanOrEqual(0)
    expect(initSegment(track).length).toBeGreaterThan(500)
    for (const segment of segments) {
      expect(segment.decodeTime).toBeGreaterThanOrEqual(0)
      expect(segment.duration).toBeGreaterThanOrEqual(0)
      expect(await mediaSegment(track, segment, countedSource(bytes))).toHaveLength(segment.bytes)
    }
  }
}

test('the file that is damaged below is a movie', async () => {
  expect(await survive(whole)).toBe('movie')
})

test('a header with bytes changed gives a movie or a refusal', async () => {
  const header = whole.length - moovAt
  const change = fc.record({
    at: fc.nat(header - 1),
    byte: fc.constantFrom(0, 1, 2, 7, 8, 15, 16, 127, 128, 255, 254),
  })
  const seen = { movie: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async changes => {
      const damaged = whole.slice()
      for (const { at, byte } of changes) damaged[moovAt + at] = byte
      seen[await survive(damaged)]++
    }),
    { numRuns: 2500 },
  )
  // Both ways must have been tried, or this shows nothing.
  expect(Math.min(seen.movie, seen.refused)).toBeGreaterThan(100)
})

test('a header with words changed gives a movie or a refusal', async () => {
  const words = Math.floor((whole.length - moovAt) / 4)
  const change = fc.record({
    at: fc.nat(words - 1),
    word: fc.oneof(fc.nat(2 ** 32 - 1), fc.nat(64), fc.constant(2 ** 31)),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 2 }), async changes => {
      const damaged = whole.slice()
      const view = new DataView(damaged.buffer)
      for (const { at, word } of changes) view.setUint32(moovAt + at * 4, word)
      await survive(damaged)
    }),
    { numRuns: 1500 },
  )
})

test('a file cut anywhere is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async length => {
      expect(await survive(whole.slice(0, length))).toBe('refused')
    }),
    { numRuns: 300 },
  )
})

test('any bytes behind a good beginning give a movie or a refusal', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - moovAt), fc.uint8Array({ maxLength: 200 }), async (at, bytes) => {
      const damaged = whole.slice()
      damaged.set(bytes.subarray(0, damaged.length - moovAt - at), moovAt + at)
      await survive(damaged)
    }),
    { numRuns: 500 },
  )
})
