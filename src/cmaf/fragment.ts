import type { Bytes } from '../core/index.ts'
import { ascii, box, concat, fullBox, u32, u32List, u64 } from './boxes.ts'

/** One sample of a fragment; its bytes are the caller's business. Times in ticks of the track. */
export interface FragmentSample {
  size: Bytes
  duration: number
  /** Composition minus decoding time; may be negative. */
  compositionOffset: number
  keyframe: boolean
}

export interface Fragment {
  /** Counts the fragments of a track from 1. */
  sequence: number
  /** Decoding time of the first sample on the track's timeline, from 0 to 2^53. */
  decodeTime: number
  samples: readonly FragmentSample[]
}

/** The one track of every init segment that this room writes. */
export const TRACK_ID = 1

/** depends on none; and: depends on others, is no sync sample (ISO/IEC 14496-12, 8.8.3.1). */
const SYNC = 0x02000000
const NON_SYNC = 0x01010000

/** tfhd: data offsets count from the moof's start. */
const DEFAULT_BASE_IS_MOOF = 0x020000
const TFHD_DURATION = 0x08
const TFHD_FLAGS = 0x20
const TRUN_DATA_OFFSET = 0x001
const TRUN_FIRST_FLAGS = 0x004
const TRUN_DURATION = 0x100
const TRUN_SIZE = 0x200
const TRUN_FLAGS = 0x400
const TRUN_COMPOSITION = 0x800

/** Which fields need a word for each sample; what is the same for all is said once. */
interface Layout {
  durations: 'each' | 'same'
  flags: 'each' | 'same' | 'first-differs'
  compositions: 'each' | 'none'
}

/** moof and the header of mdat; the bytes of the samples follow in order (ISO/IEC 14496-12, 8.8). */
export function fragmentHeader(fragment: Fragment): Uint8Array {
  const { samples } = fragment
  const layout = layoutOf(samples)
  const headerLength = fragmentHeaderLength(samples)
  const moof = box(
    'moof',
    fullBox('mfhd', 0, 0, u32(fragment.sequence)),
    box(
      'traf',
      trackFragmentHeader(samples, layout),
      fullBox('tfdt', 1, 0, u64(fragment.decodeTime)),
      trackRun(samples, layout, headerLength),
    ),
  )
  return concat([moof, u32(8 + dataLength(samples)), ascii('mdat')])
}

/** Length of what `fragmentHeader` writes for these samples. */
export function fragmentHeaderLength(samples: readonly FragmentSample[]): Bytes {
  const layout = layoutOf(samples)
  const header = 16 + word(layout.durations === 'same') + word(layout.flags !== 'each')
  const run = 20 + word(layout.flags === 'first-differs') + wordsEach(layout) * 4 * samples.length
  const [moof, mfhd, traf, tfdt, mdat] = [8, 16, 8, 20, 8]
  return moof + mfhd + traf + header + tfdt + run + mdat
}

export function dataLength(samples: readonly FragmentSample[]): Bytes {
  return samples.reduce((sum, sample) => sum + sample.size, 0)
}

function layoutOf(samples: readonly FragmentSample[]): Layout {
  const [first, ...rest] = samples
  const restKey = rest[0]?.keyframe ?? first?.keyframe
  const restAlike = rest.every(sample => sample.keyframe === restKey)
  return {
    durations: rest.every(sample => sample.duration === first?.duration) ? 'same' : 'each',
    flags: !restAlike ? 'each' : first?.keyframe === restKey ? 'same' : 'first-differs',
    compositions: samples.every(sample => sample.compositionOffset === 0) ? 'none' : 'each',
  }
}

function trackFragmentHeader(samples: readonly FragmentSample[], layout: Layout): Uint8Array {
  let flags = DEFAULT_BASE_IS_MOOF
  const words: number[] = []
  if (layout.durations === 'same') {
    flags |= TFHD_DURATION
    words.push(samples[0]?.duration ?? 0)
  }
  if (layout.flags !== 'each') {
    flags |= TFHD_FLAGS
    words.push(flagsOf(samples.at(-1)))
  }
  return fullBox('tfhd', 0, flags, u32(TRACK_ID, ...words))
}

/** Version 1, whose composition offsets are signed. */
function trackRun(samples: readonly FragmentSample[], layout: Layout, dataOffset: number): Uint8Array {
  let flags = TRUN_DATA_OFFSET | TRUN_SIZE
  if (layout.flags === 'first-differs') flags |= TRUN_FIRST_FLAGS
  if (layout.flags === 'each') flags |= TRUN_FLAGS
  if (layout.durations === 'each') flags |= TRUN_DURATION
  if (layout.compositions === 'each') flags |= TRUN_COMPOSITION
  const words: number[] = [samples.length, dataOffset]
  if (layout.flags === 'first-differs') words.push(flagsOf(samples[0]))
  for (const sample of samples) {
    if (layout.durations === 'each') words.push(sample.duration)
    words.push(sample.size)
    if (layout.flags === 'each') words.push(flagsOf(sample))
    if (layout.compositions === 'each') words.push(sample.compositionOffset)
  }
  return fullBox('trun', 1, flags, u32List(words))
}

function flagsOf(sample: FragmentSample | undefined): number {
  return sample?.keyframe === false ? NON_SYNC : SYNC
}

function wordsEach(layout: Layout): number {
  const optional = [layout.durations, layout.flags, layout.compositions]
  return 1 + optional.filter(field => field === 'each').length
}

function word(present: boolean): number {
  return present ? 4 : 0
}
