import { Bits } from './bits.ts'
import { withoutEmulationPrevention } from './emulation.ts'
import { refuse } from './refusal.ts'
import { Window } from './window.ts'

/** What planning must know of an H.264 track, from its first sequence parameter set. */
export interface AvcDetails {
  /** profile_idc: 66 Baseline, 77 Main, 100 High, … */
  profile: number
  /** level_idc: ten times the level. */
  level: number
  chromaFormat: '4:0:0' | '4:2:0' | '4:2:2' | '4:4:4'
  /** The larger of luma's and chroma's. */
  bitDepth: number
  /** `interlaced` when the stream may hold fields (frame_mbs_only_flag is 0). */
  scan: 'progressive' | 'interlaced'
}

export interface AvcPicture {
  /** Pixels, after cropping. */
  width: number
  height: number
  frameRate: number | undefined
}

/** Pixels for each step of cropping, across and down, in a frame; a field's lines count twice. */
const CROP_UNITS: Record<AvcDetails['chromaFormat'], [number, number]> = {
  '4:0:0': [1, 1],
  '4:2:0': [2, 2],
  '4:2:2': [2, 1],
  '4:4:4': [1, 1],
}
const CHROMA_FORMATS = ['4:0:0', '4:2:0', '4:2:2', '4:4:4'] as const
/** Profiles whose parameter sets carry chroma format and bit depth (ITU-T H.264, 7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

/** Reads the body of an `avcC` box (ISO/IEC 14496-15, 5.3.3.1). */
export function readAvcConfig(config: Uint8Array): AvcDetails {
  return readSps(spsBits(config)).details
}

/** Size and rate that an `avcC` box states; the rate is undefined when it does not. */
export function readAvcPicture(config: Uint8Array): AvcPicture {
  const bits = spsBits(config)
  const { details, widthInBlocks, heightInUnits } = readSps(bits)
  const fields = details.scan === 'interlaced' ? 2 : 1
  if (fields === 2) bits.bit()
  bits.bit()
  const [left, right, top, bottom] = bits.flag() ? [bits.ue(), bits.ue(), bits.ue(), bits.ue()] : [0, 0, 0, 0]
  const [across, down] = CROP_UNITS[details.chromaFormat]
  return {
    width: widthInBlocks * 16 - (left + right) * across,
    height: (heightInUnits * 16 - (top + bottom) * down) * fields,
    frameRate: statedRate(bits),
  }
}

function spsBits(config: Uint8Array): Bits {
  const box = new Window(config, 'avcC')
  if (box.u8(0) !== 1) refuse('malformed', 'The "avcC" box has an unknown version.')
  if ((box.u8(5) & 31) === 0) refuse('malformed', 'The "avcC" box has no sequence parameter set.')
  const length = box.u16(6)
  return new Bits(withoutEmulationPrevention(box.bytes(8, 8 + length)), 'sequence parameter set')
}

/** `avc1.640028` from the three bytes that `avcC` repeats of the parameter set (RFC 6381, 3.3). */
export function avcCodec(sampleEntry: string, config: Uint8Array): string {
  return `${sampleEntry}.${Buffer.from(config.subarray(1, 4)).toString('hex')}`
}

interface Sps {
  details: AvcDetails
  widthInBlocks: number
  heightInUnits: number
}

/** As far as frame_mbs_only_flag (ITU-T H.264, 7.3.2.1.1). */
function readSps(bits: Bits): Sps {
  if ((bits.bits(8) & 31) !== 7) {
    refuse('malformed', 'The "avcC" box holds no sequence parameter set where one belongs.')
  }
  const profile = bits.bits(8)
  bits.bits(8)
  const level = bits.bits(8)
  bits.ue()
  let chroma = 1
  let bitDepth = 8
  if (HIGH_PROFILES.has(profile)) {
    chroma = bits.ue()
    if (chroma === 3) bits.bit()
    bitDepth = 8 + Math.max(bits.ue(), bits.ue())
    bits.bit()
    if (bits.flag()) skipScalingLists(bits, chroma === 3 ? 12 : 8)
  }
  skipPictureOrder(bits)
  bits.ue()
  bits.bit()
  const widthInBlocks = bits.ue() + 1
  const heightInUnits = bits.ue() + 1
  const scan = bits.flag() ? 'progressive' : 'interlaced'
  const chromaFormat = CHROMA_FORMATS[chroma] ?? refuse('malformed', 'The H.264 chroma format is unknown.')
  return { details: { profile, level, chromaFormat, bitDepth, scan }, widthInBlocks, heightInUnits }
}

/** Reads on to the timing of the usability information (ITU-T H.264, E.1.1). */
function statedRate(bits: Bits): number | undefined {
  if (!bits.flag()) return undefined
  if (bits.flag() && bits.bits(8) === 255) bits.bits(32)
  if (bits.flag()) bits.bit()
  if (bits.flag()) {
    bits.bits(4)
    if (bits.flag()) bits.bits(24)
  }
  if (bits.flag()) {
    bits.ue()
    bits.ue()
  }
  if (!bits.flag()) return undefined
  const unitsInTick = bits.bits(32)
  const timeScale = bits.bits(32)
  return unitsInTick > 0 && timeScale > 0 ? timeScale / unitsInTick / 2 : undefined
}

function skipScalingLists(bits: Bits, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (!bits.flag()) continue
    let last = 8
    let next = 8
    for (let entry = 0; entry < (list < 6 ? 16 : 64); entry++) {
      if (next !== 0) next = (last + bits.se() + 256) % 256
      if (next !== 0) last = next
    }
  }
}

function skipPictureOrder(bits: Bits): void {
  bits.ue()
  const type = bits.ue()
  if (type === 0) bits.ue()
  if (type !== 1) return
  bits.bit()
  bits.se()
  bits.se()
  const cycle = bits.ue()
  if (cycle > 255) refuse('malformed', 'The H.264 picture order is out of range.')
  for (let entry = 0; entry < cycle; entry++) bits.se()
}
