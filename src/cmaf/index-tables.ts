import { durationOf, type SampleTable } from './movie.ts'
import { damaged, type VarintReader, type VarintWriter } from './varint.ts'

/**
 * A sample table in about five bytes a sample: size and gap to the sample before it in the file (one byte where there
 * is none), runs of equal durations, composition offsets in units of their common divisor.
 */
export function writeSampleTable(samples: SampleTable, to: VarintWriter): void {
  to.unsigned(samples.count)
  let end = 0
  for (let sample = 0; sample < samples.count; sample++) {
    const size = samples.sizes[sample] ?? 0
    const offset = samples.offsets[sample] ?? 0
    to.unsigned(size)
    to.signed(offset - end)
    end = offset + size
  }
  writeDurations(samples, to)
  writeCompositionOffsets(samples.compositionOffsets, to)
  writeKeyframes(samples.keyframes, to)
}

export function readSampleTable(from: VarintReader): SampleTable {
  const count = from.unsigned()
  // Each sample takes two bytes at least, which bounds what is allocated.
  if (count * 2 > from.left) damaged()
  const sizes = new Uint32Array(count)
  const offsets = new Float64Array(count)
  let end = 0
  for (let sample = 0; sample < count; sample++) {
    const size = from.unsigned()
    const offset = end + from.signed()
    sizes[sample] = size
    offsets[sample] = offset
    end = offset + size
  }
  return {
    count,
    sizes,
    offsets,
    decodeTimes: readDecodeTimes(count, from),
    compositionOffsets: readCompositionOffsets(count, from),
    keyframes: readKeyframes(count, from),
  }
}

function writeDurations(samples: SampleTable, to: VarintWriter): void {
  for (let sample = 0; sample < samples.count;) {
    const duration = durationOf(samples, sample)
    const start = sample
    while (sample < samples.count && durationOf(samples, sample) === duration) sample++
    to.unsigned(sample - start)
    to.unsigned(duration)
  }
}

function readDecodeTimes(count: number, from: VarintReader): Float64Array {
  const times = new Float64Array(count + 1)
  let time = 0
  for (let sample = 0; sample < count;) {
    const run = from.unsigned()
    const duration = from.unsigned()
    if (run === 0 || run > count - sample) damaged()
    for (const end = sample + run; sample < end; sample++) {
      time += duration
      times[sample + 1] = time
    }
  }
  return times
}

/** A divisor of 0 says that there are no offsets. */
function writeCompositionOffsets(offsets: Int32Array | 'none', to: VarintWriter): void {
  if (offsets === 'none') {
    to.unsigned(0)
    return
  }
  const divisor = offsets.reduce(greatestCommonDivisor, 0)
  to.unsigned(divisor)
  for (const offset of offsets) to.signed(offset / divisor)
}

function readCompositionOffsets(count: number, from: VarintReader): Int32Array | 'none' {
  const divisor = from.unsigned()
  return divisor === 0 ? 'none' : Int32Array.from({ length: count }, () => from.signed() * divisor)
}

function greatestCommonDivisor(one: number, other: number): number {
  let [larger, smaller] = [Math.abs(one), Math.abs(other)]
  while (smaller > 0) [larger, smaller] = [smaller, larger % smaller]
  return larger
}

/** 0 says that all are, else one more than there are. */
function writeKeyframes(keyframes: Uint32Array | 'all', to: VarintWriter): void {
  to.unsigned(keyframes === 'all' ? 0 : keyframes.length + 1)
  if (keyframes === 'all') return
  let last = 0
  for (const keyframe of keyframes) {
    to.unsigned(keyframe - last)
    last = keyframe
  }
}

function readKeyframes(count: number, from: VarintReader): Uint32Array | 'all' {
  const stated = from.unsigned()
  if (stated === 0) return 'all'
  if (stated - 1 > count) damaged()
  let last = 0
  return Uint32Array.from({ length: stated - 1 }, () => (last += from.unsigned()))
}
