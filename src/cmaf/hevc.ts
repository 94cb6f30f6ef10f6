import { Bits } from './bits.ts'
import { withoutEmulationPrevention } from './emulation.ts'
import { refuse } from './refusal.ts'
import { Window } from './window.ts'

const SPS = 33
/** Body of `hvcC` up to its arrays of parameter sets (ISO/IEC 14496-15, 8.3.3.1). */
const FIXED_FIELDS = 22
/** General profile and its constraints; then one byte of level (ITU-T H.265, 7.3.3). */
const PROFILE_BITS = 88
const LEVEL_BITS = 8
/** Pixels for each step of cropping, across and down, by chroma_format_idc. */
const CROP_UNITS = [
  [1, 1],
  [2, 2],
  [2, 1],
  [1, 1],
] as const

/** Size in pixels, after cropping, that an `hvcC` box states. */
export function readHevcPicture(config: Uint8Array): { width: number; height: number } {
  const bits = new Bits(withoutEmulationPrevention(spsOf(config)), 'sequence parameter set')
  bits.bits(16 + 4)
  const subLayers = bits.bits(3)
  bits.bit()
  skip(bits, PROFILE_BITS + LEVEL_BITS)
  skipSubLayers(bits, subLayers)
  bits.ue()
  const chroma = bits.ue()
  if (chroma === 3) bits.bit()
  const [across, down] = CROP_UNITS[chroma] ?? refuse('malformed', 'The HEVC chroma format is unknown.')
  const width = bits.ue()
  const height = bits.ue()
  const [left, right, top, bottom] = bits.flag() ? [bits.ue(), bits.ue(), bits.ue(), bits.ue()] : [0, 0, 0, 0]
  return { width: width - (left + right) * across, height: height - (top + bottom) * down }
}

function spsOf(config: Uint8Array): Uint8Array {
  const box = new Window(config, 'hvcC')
  let at = FIXED_FIELDS + 1
  for (let arrays = box.u8(FIXED_FIELDS); arrays > 0; arrays--) {
    const type = box.u8(at) & 63
    const units = box.u16(at + 1)
    at += 3
    for (let unit = 0; unit < units; unit++) {
      const length = box.u16(at)
      if (type === SPS) return box.bytes(at + 2, at + 2 + length)
      at += 2 + length
    }
  }
  return refuse('malformed', 'The "hvcC" box has no sequence parameter set.')
}

/** ITU-T H.265, 7.3.3: two flags for each, padded to eight pairs, then what the flags announce. */
function skipSubLayers(bits: Bits, count: number): void {
  if (count === 0) return
  const announced: number[] = []
  for (let layer = 0; layer < 8; layer++) {
    const profile = bits.flag() ? PROFILE_BITS : 0
    const level = bits.flag() ? LEVEL_BITS : 0
    if (layer < count) announced.push(profile + level)
  }
  for (const length of announced) skip(bits, length)
}

function skip(bits: Bits, count: number): void {
  for (let left = count; left > 0; left--) bits.bit()
}
