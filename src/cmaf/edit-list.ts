import type { EditList } from './movie.ts'
import { LONGEST_SECONDS } from './limits.ts'
import type { Window } from './window.ts'

interface Edit {
  /** In ticks of the movie. */
  duration: number
  /** In ticks of the track; -1 for an empty edit. */
  mediaTime: number
  normalSpeed: boolean
}

/** Empty edits, one media edit and nothing more can be carried over into segments; more than that cannot. */
const MOST_EDITS = 16

/** Reads `elst` (ISO/IEC 14496-12, 8.6.6). Both timescales are greater than 0. */
export function readEditList(elst: Window | undefined, timescale: number, movieTimescale: number): EditList {
  if (!elst) return { kind: 'none' }
  const count = elst.u32(4)
  if (count === 0) return { kind: 'none' }
  if (count > MOST_EDITS) return { kind: 'complex', why: `it has ${count} parts` }
  const inTrack = (ticks: number): number => Math.round((ticks * timescale) / movieTimescale)
  let delay = 0
  for (let index = 0; index < count; index++) {
    const edit = readEdit(elst, index)
    if (edit.mediaTime === -1) {
      delay += inTrack(edit.duration)
      continue
    }
    if (index !== count - 1) return { kind: 'complex', why: 'it puts several parts together' }
    if (!edit.normalSpeed) return { kind: 'complex', why: 'it changes the speed' }
    if (edit.mediaTime < 0) return { kind: 'complex', why: 'it begins before the media does' }
    if (Math.max(edit.mediaTime, delay) / timescale > LONGEST_SECONDS) {
      return { kind: 'complex', why: 'its times are out of range' }
    }
    const simple = { kind: 'simple' as const, delay, mediaTime: edit.mediaTime }
    // Some writers leave the length out by stating 0.
    return edit.duration === 0 ? simple : { ...simple, length: inTrack(edit.duration) }
  }
  return { kind: 'complex', why: 'it shows nothing' }
}

function readEdit(elst: Window, index: number): Edit {
  const wide = elst.u8(0) === 1
  const at = 8 + index * (wide ? 20 : 12)
  return {
    duration: wide ? elst.u64(at) : elst.u32(at),
    mediaTime: wide ? elst.i64(at + 8) : elst.i32(at + 4),
    normalSpeed: elst.u32(at + (wide ? 16 : 8)) === 0x10000,
  }
}
