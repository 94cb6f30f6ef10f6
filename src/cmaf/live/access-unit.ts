import type { VideoCoding } from './media-tag.ts'

export type AccessUnit = 'keyframe' | 'other' | 'broken'

export interface UnitLayout {
  coding: VideoCoding
  /** Bytes of the length in front of each NAL unit; 0 for a coding without. */
  lengthSize: number
  flaggedKey: boolean
}

const H264_IDR = 5
/** Intra random access pictures, ITU-T H.265, table 7-1. */
const HEVC_RANDOM_ACCESS = { from: 16, to: 23 }

/**
 * Whether decoding can begin with an access unit: an encoder's flag alone also stands on pictures inside an open group,
 * where browsers cannot begin. `broken` when the lengths of its NAL units do not add up.
 */
export function judgeAccessUnit(
  data: Uint8Array,
  { coding, lengthSize, flaggedKey }: UnitLayout,
): AccessUnit {
  if (coding === 'av01') return flaggedKey ? 'keyframe' : 'other'
  let keyframe = false
  let at = 0
  while (at < data.length) {
    let length = 0
    for (let byte = 0; byte < lengthSize; byte++) length = length * 256 + (data[at + byte] ?? 0)
    at += lengthSize
    if (at + length > data.length) return 'broken'
    if (length > 0 && canBeginWith(coding, data[at] ?? 0)) keyframe = true
    at += length
  }
  return keyframe ? 'keyframe' : 'other'
}

function canBeginWith(coding: 'avc1' | 'hvc1', header: number): boolean {
  if (coding === 'avc1') return (header & 31) === H264_IDR
  const type = (header >> 1) & 63
  return type >= HEVC_RANDOM_ACCESS.from && type <= HEVC_RANDOM_ACCESS.to
}
