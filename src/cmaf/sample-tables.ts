import { optionalBox, requiredBox, type Box } from './child-boxes.ts'
import type { Limits } from './limits.ts'
import type { SampleTable } from './movie.ts'
import { entryCount } from './entry-count.ts'
import { readChunks } from './chunk-table.ts'
import { refuse } from './refusal.ts'
import type { Window } from './window.ts'

export interface ReadSamples {
  samples: SampleTable
  /** Which sample entry the samples use, counted from 1. */
  sampleEntry: number
}

export interface SampleContext {
  /** What the tables belong to, for sentences. */
  owner: string
  timescale: number
  limits: Limits
}

const LARGEST_DELTA = 2 ** 31 - 1
/** Reordering spans frames; an hour is beyond any sense and keeps 32 bits from overflowing where two are subtracted. */
const LARGEST_REORDER_SECONDS = 3600
const LARGEST_REORDER_TICKS = 2 ** 30

/**
 * Reads the tables of a track (ISO/IEC 14496-12, 8.5 to 8.7). Each table's count is compared with the bytes that
 * hold it and with the number of samples before anything is allocated or looped over.
 */
export function readSampleTables(boxes: readonly Box[], context: SampleContext): ReadSamples {
  const { owner, timescale, limits } = context
  const sizes = readSizes(requiredBox(boxes, 'stsz', owner), limits)
  const count = sizes.length
  const decodeTimes = readDecodeTimes(requiredBox(boxes, 'stts', owner), count)
  const ctts = optionalBox(boxes, 'ctts')
  const stss = optionalBox(boxes, 'stss')
  const { offsets, sampleEntry } = readChunks(boxes, owner, sizes, limits.fileSize)
  const samples: SampleTable = {
    count,
    sizes,
    offsets,
    decodeTimes,
    compositionOffsets: ctts ? readCompositionOffsets(ctts, count, timescale) : 'none',
    keyframes: stss ? readKeyframes(stss, count) : 'all',
  }
  return { samples, sampleEntry }
}

function readSizes(stsz: Window, limits: Limits): Uint32Array {
  const fixed = stsz.u32(4)
  const count = fixed === 0 ? entryCount(stsz, 4, 8) : stsz.u32(8)
  limits.takeSamples(count)
  if (fixed !== 0) {
    limits.takeBytes(fixed * count)
    return new Uint32Array(count).fill(fixed)
  }
  const sizes = new Uint32Array(count)
  let total = 0
  for (let sample = 0; sample < count; sample++) {
    const size = stsz.u32(12 + sample * 4)
    sizes[sample] = size
    total += size
  }
  limits.takeBytes(total)
  return sizes
}

function readDecodeTimes(stts: Window, count: number): Float64Array {
  const entries = entryCount(stts, 8)
  const times = new Float64Array(count + 1)
  let sample = 0
  let time = 0
  for (let entry = 0; entry < entries; entry++) {
    const run = stts.u32(8 + entry * 8)
    const delta = stts.u32(12 + entry * 8)
    if (run > count - sample) disagree(stts, 'more', count)
    if (delta > LARGEST_DELTA) refuse('malformed', 'The "stts" table makes time run backwards.')
    for (const end = sample + run; sample < end; sample++) {
      times[sample] = time
      time += delta
    }
  }
  if (sample < count) disagree(stts, 'fewer', count)
  times[count] = time
  return times
}

function readCompositionOffsets(ctts: Window, count: number, timescale: number): Int32Array | 'none' {
  const largest = Math.min(LARGEST_REORDER_TICKS, LARGEST_REORDER_SECONDS * timescale)
  const entries = entryCount(ctts, 8)
  const offsets = new Int32Array(count)
  let sample = 0
  for (let entry = 0; entry < entries; entry++) {
    const run = ctts.u32(8 + entry * 8)
    // Version 0 is unsigned, yet negative values are found there too; nothing legal is above 2^31.
    const offset = ctts.i32(12 + entry * 8)
    if (run > count - sample) disagree(ctts, 'more', count)
    if (Math.abs(offset) > largest) {
      refuse('malformed', 'The "ctts" table holds an offset that is out of range.')
    }
    offsets.fill(offset, sample, sample + run)
    sample += run
  }
  if (sample < count) disagree(ctts, 'fewer', count)
  return offsets.some(offset => offset !== 0) ? offsets : 'none'
}

function readKeyframes(stss: Window, count: number): Uint32Array | 'all' {
  const entries = entryCount(stss, 4)
  if (entries > count) disagree(stss, 'more', count)
  const keyframes = new Uint32Array(entries)
  let last = 0
  for (let entry = 0; entry < entries; entry++) {
    const number = stss.u32(8 + entry * 4)
    if (number <= last || number > count) {
      refuse('malformed', 'The "stss" table does not name samples in order.')
    }
    keyframes[entry] = number - 1
    last = number
  }
  return entries === count ? 'all' : keyframes
}

function disagree(table: Window, than: 'more' | 'fewer', count: number): never {
  return refuse(
    'malformed',
    `The "${table.name}" table describes ${than} samples than the ${count} there are.`,
  )
}
