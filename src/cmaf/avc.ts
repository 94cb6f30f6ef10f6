import { Bits } from './bits.ts'
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

const CHROMA_FORMATS = ['4:0:0', '4:2:0', '4:2:2', '4:4:4'] as const
/** Profiles whose parameter sets carry chroma format and bit depth (ITU-T H.264, 7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

/** Reads the body of an `avcC` box (ISO/IEC 14496-15, 5.3.3.1). */
export function readAvcConfig(config: Uint8Array): AvcDetails {
  const box = new Window(config, 'avcC')
  if (box.u8(0) !== 1) refuse('malformed', 'The "avcC" box has an unknown version.')
  if ((box.u8(5) & 31) === 0) refuse('malformed', 'The "avcC" box has no sequence parameter set.')
  const length = box.u16(6)
  return readSps(box.bytes(8, 8 + length))
}

/** `avc1.640028` from the three bytes that `avcC` repeats of the parameter set (RFC 6381, 3.3). */
export function avcCodec(sampleEntry: string, config: Uint8Array): string {
  return `${sampleEntry}.${Buffer.from(config.subarray(1, 4)).toString('hex')}`
}

function readSps(nal: Uint8Array): AvcDetails {
  const bits = new Bits(withoutEmulationPrevention(nal), 'sequence parameter set')
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
  bits.ue()
  bits.ue()
  const scan = bits.flag() ? 'progressive' : 'interlaced'
  const chromaFormat = CHROMA_FORMATS[chroma] ?? refuse('malformed', 'The H.264 chroma format is unknown.')
  return { profile, level, chromaFormat, bitDepth, scan }
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

/** Takes out the 3 of each 0 0 3 (ITU-T H.264, 7.4.1). */
function withoutEmulationPrevention(nal: Uint8Array): Uint8Array {
  return nal.filter((byte, at) => !(byte === 3 && at > 1 && nal[at - 1] === 0 && nal[at - 2] === 0))
}
