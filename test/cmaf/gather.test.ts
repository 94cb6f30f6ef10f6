import { expect, test } from 'vitest'
import { KiB, MiB } from '../../src/core/index.ts'
import {
  bytesSource,
  cutSegments,
  mediaSegment,
  type ByteSource,
  type MediaTrack,
} from '../../src/cmaf/index.ts'
import { audioTrack, movieOf, videoTrack } from './movie-values.ts'

/** A source whose every byte tells its position, and which counts what is asked of it. */
function countingSource(
  size: number,
): ByteSource & { reads: { start: number; length: number }[]; atOnce: number } {
  let running = 0
  const source = {
    size,
    reads: [] as { start: number; length: number }[],
    atOnce: 0,
    async read(start: number, length: number) {
      source.reads.push({ start, length })
      source.atOnce = Math.max(source.atOnce, ++running)
      await Promise.resolve()
      running--
      return Uint8Array.from({ length: Math.max(0, Math.min(length, size - start)) }, (_, index) =>
        byteAt(start + index),
      )
    },
  }
  return source
}

function byteAt(position: number): number {
  return (position * 31 + (position >> 8)) & 255
}

/** Cuts one segment and checks that every sample arrived where it belongs. */
async function segmentOf(track: MediaTrack, source: ByteSource): Promise<void> {
  const [cut] = cutSegments(movieOf(track), { targetSeconds: 1000 })
  const [segment] = cut?.segments ?? []
  if (!segment) throw new Error('no segment')
  const bytes = await mediaSegment(track, segment, source)
  const { offsets, sizes, count } = track.samples
  const wanted: number[] = []
  for (let sample = 0; sample < count; sample++) {
    const start = offsets[sample] ?? 0
    for (let index = 0; index < (sizes[sample] ?? 0); index++) wanted.push(byteAt(start + index))
  }
  expect(Buffer.from(bytes.subarray(bytes.length - wanted.length)).equals(Buffer.from(wanted))).toBe(true)
}

function spread(track: MediaTrack, step: number): MediaTrack {
  track.samples.offsets = track.samples.offsets.map((_, index) => index * step)
  return track
}

test('samples that lie behind each other are one read', async () => {
  const source = countingSource(100_000)
  await segmentOf(videoTrack({ frames: 100 }), source)
  expect(source.reads).toEqual([{ start: 0, length: 100_000 }])
})

test('small gaps are read across', async () => {
  const source = countingSource(MiB)
  await segmentOf(spread(audioTrack({ packets: 100, size: 200 }), 3 * KiB), source)
  expect(source.reads).toEqual([{ start: 0, length: 99 * 3 * KiB + 200 }])
})

test('no more than two megabytes of other tracks is read for nothing', async () => {
  const source = countingSource(100 * MiB)
  const track = audioTrack({ packets: 100, size: 200 })
  // Half of the gaps are 20 KiB, half 200 KiB.
  track.samples.offsets = track.samples.offsets.map(
    (_, index) => Math.ceil(index / 2) * 20 * KiB + Math.floor(index / 2) * 200 * KiB,
  )
  await segmentOf(track, source)
  const total = source.reads.reduce((sum, { length }) => sum + length, 0)
  expect(total - 100 * 200).toBeLessThanOrEqual(2 * MiB)
  // 50 gaps of 20 KiB and five of 200 KiB are bridged, 44 are not.
  expect(source.reads).toHaveLength(45)
})

test('large samples are read in pieces of at most 8 MiB, four at once', async () => {
  const source = countingSource(64 * MiB)
  await segmentOf(videoTrack({ frames: 3, size: 5 * MiB + 1 }), source)
  expect(source.reads.map(({ length }) => length)).toEqual([8 * MiB, 7 * MiB + 3])
  const wide = countingSource(200 * MiB)
  await segmentOf(spread(audioTrack({ packets: 30, size: 100 }), 6 * MiB), wide)
  expect(wide.reads).toHaveLength(30)
  expect(wide.atOnce).toBe(4)
})

test('samples out of order in the file arrive in order', async () => {
  const track = videoTrack({ frames: 50 })
  track.samples.offsets.reverse()
  await segmentOf(track, countingSource(50_000))
})

test('samples that share bytes are each given them', async () => {
  await segmentOf(spread(videoTrack({ frames: 50 }), 10), countingSource(50_000))
})

test('a source that became shorter is an error, not a segment', async () => {
  await expect(segmentOf(videoTrack({ frames: 100 }), countingSource(99_999))).rejects.toMatchObject({
    code: 'source-changed',
  })
})

test('a segment that is too large for memory is refused before it is read', async () => {
  const source = countingSource(2 ** 32)
  const track = videoTrack({ frames: 100, size: 3 * MiB })
  await expect(segmentOf(track, source)).rejects.toMatchObject({ code: 'segment-too-large' })
  expect(source.reads).toEqual([])
})

test('what the source throws passes through', async () => {
  const source = { ...bytesSource(new Uint8Array(0)), read: () => Promise.reject(new Error('disk on fire')) }
  await expect(segmentOf(videoTrack({ frames: 10 }), source)).rejects.toThrow('disk on fire')
})
