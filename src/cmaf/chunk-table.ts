import type { Bytes } from '../core/index.ts'
import { optionalBox, requiredBox, type Box } from './child-boxes.ts'
import { refuse } from './refusal.ts'
import { entryCount } from './entry-count.ts'
import type { Window } from './window.ts'

export interface Chunks {
  /** Position of each sample in the file. */
  offsets: Float64Array
  /** The one sample entry in use, counted from 1. */
  sampleEntry: number
}

/** Finds each sample in the file: `stsc` says how many samples a chunk has, `stco` or `co64` where it begins. */
export function readChunks(
  boxes: readonly Box[],
  owner: string,
  sizes: Uint32Array,
  fileSize: Bytes,
): Chunks {
  const stsc = requiredBox(boxes, 'stsc', owner)
  const co64 = optionalBox(boxes, 'co64')
  const table = co64 ?? requiredBox(boxes, 'stco', owner)
  const chunks = entryCount(table, co64 ? 8 : 4)
  const runs = readRuns(stsc, chunks)
  const offsets = new Float64Array(sizes.length)
  let sample = 0
  for (const run of runs) {
    for (let chunk = run.firstChunk; chunk < run.endChunk; chunk++) {
      if (run.samples > sizes.length - sample) disagree('more')
      let at = co64 ? table.u64(8 + chunk * 8) : table.u32(8 + chunk * 4)
      for (const end = sample + run.samples; sample < end; sample++) {
        offsets[sample] = at
        at += sizes[sample] ?? 0
      }
      // A chunk's samples follow each other, so its end is the furthest of them.
      if (at > fileSize) refuse('truncated', 'The file was cut short: picture or sound lies beyond its end.')
    }
  }
  if (sample < sizes.length) disagree('fewer')
  return { offsets, sampleEntry: onlySampleEntry(runs) }
}

interface Run {
  firstChunk: number
  endChunk: number
  /** In each of its chunks. */
  samples: number
  sampleEntry: number
}

function readRuns(stsc: Window, chunks: number): Run[] {
  const entries = entryCount(stsc, 12)
  const runs: Run[] = []
  for (let entry = 0; entry < entries; entry++) {
    const at = 8 + entry * 12
    const firstChunk = stsc.u32(at) - 1
    const endChunk = entry + 1 < entries ? stsc.u32(at + 12) - 1 : chunks
    const samples = stsc.u32(at + 4)
    const startsRight = entry > 0 || firstChunk === 0
    if (!startsRight || firstChunk >= endChunk || endChunk > chunks || samples === 0) {
      // A track without samples may keep a lone entry.
      if (chunks === 0) return []
      refuse('malformed', 'The "stsc" table does not fit the chunks that there are.')
    }
    runs.push({ firstChunk, endChunk, samples, sampleEntry: stsc.u32(at + 8) })
  }
  return runs
}

function onlySampleEntry(runs: readonly Run[]): number {
  const first = runs[0]?.sampleEntry ?? 1
  if (runs.some(run => run.sampleEntry !== first)) {
    refuse('several-sample-entries', 'The coding changes within a track (several sample entries).')
  }
  return first
}

function disagree(than: 'more' | 'fewer'): never {
  return refuse('malformed', `The chunk tables describe ${than} samples than the "stsz" table.`)
}
