import { avcCodec } from './avc.ts'
import { refuse } from './refusal.ts'
import type { VideoSampleEntry } from './movie.ts'
import { Window } from './window.ts'

/** Which box of a sample entry tells the decoder what it needs. */
export const CONFIG_BOXES: Record<VideoSampleEntry, string> = {
  avc1: 'avcC',
  avc3: 'avcC',
  hvc1: 'hvcC',
  hev1: 'hvcC',
  av01: 'av1C',
}

/** RFC 6381 codec string of a picture track. */
export function videoCodec(sampleEntry: VideoSampleEntry, config: Uint8Array): string {
  switch (sampleEntry) {
    case 'avc1':
    case 'avc3':
      return avcCodec(sampleEntry, config)
    case 'hvc1':
    case 'hev1':
      return hevcCodec(sampleEntry, new Window(config, 'hvcC'))
    case 'av01':
      return av1Codec(new Window(config, 'av1C'))
  }
}

/** ISO/IEC 14496-15, E.3: profile, compatibility in reverse bit order, tier and level, constraints without end zeros. */
function hevcCodec(sampleEntry: string, config: Window): string {
  const general = config.u8(1)
  const space = ['', 'A', 'B', 'C'][general >> 6] ?? ''
  let compatibility = 0
  for (let bit = 0; bit < 32; bit++) compatibility = compatibility * 2 + ((config.u32(2) >>> bit) & 1)
  const constraints = Array.from(config.bytes(6, 12))
  while (constraints.at(-1) === 0) constraints.pop()
  const tier = (general & 32) === 0 ? 'L' : 'H'
  return [
    sampleEntry,
    `${space}${general & 31}`,
    compatibility.toString(16).toUpperCase(),
    `${tier}${config.u8(12)}`,
    ...constraints.map(byte => byte.toString(16).toUpperCase()),
  ].join('.')
}

/** AV1 in ISO base media, section 5: `av01.profile.levelTier.depth`; the optional rest has its defaults. */
function av1Codec(config: Window): string {
  if (config.u8(0) !== 0x81) refuse('malformed', 'The "av1C" box has an unknown version.')
  const profile = config.u8(1) >> 5
  const level = config.u8(1) & 31
  const flags = config.u8(2)
  const highDepth = (flags & 64) !== 0
  const depth = !highDepth ? 8 : profile === 2 && (flags & 32) !== 0 ? 12 : 10
  return `av01.${profile}.${two(level)}${(flags & 128) === 0 ? 'M' : 'H'}.${two(depth)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
