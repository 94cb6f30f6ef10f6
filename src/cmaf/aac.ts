import { Bits } from './bits.ts'
import { refuse } from './refusal.ts'

/** What an AudioSpecificConfig says (ISO/IEC 14496-3, 1.6.2.1). */
export interface AacDetails {
  /** 2 AAC-LC, 5 HE-AAC, 29 HE-AAC v2, 42 xHE-AAC. */
  objectType: number
  /** Of what is heard. */
  sampleRate: number
  /** Samples of what is heard that one frame holds: 1024 or 960, with SBR twice as many. */
  samplesPerFrame: number
  /** Undefined when the stream itself tells (channel configuration 0). */
  channels: number | undefined
}

const SAMPLE_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350]
const CHANNELS: Record<number, number> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8 }
const SBR = 5
const PARAMETRIC_STEREO = 29
/** Announces SBR behind a config that older decoders read as plain AAC-LC. */
const SYNC_EXTENSION = 0x2b7

export function readAudioSpecificConfig(config: Uint8Array): AacDetails {
  const bits = new Bits(config, 'AudioSpecificConfig')
  const objectType = readObjectType(bits)
  const coreRate = readSampleRate(bits)
  const configuration = bits.bits(4)
  // Parametric stereo codes one channel and plays two.
  const channels = objectType === PARAMETRIC_STEREO ? 2 : CHANNELS[configuration]
  if (objectType === SBR || objectType === PARAMETRIC_STEREO) {
    const sampleRate = readSampleRate(bits)
    if (bits.left >= 5) readObjectType(bits)
    const samplesPerFrame = (frameLength(bits) * sampleRate) / coreRate
    return { objectType, sampleRate, samplesPerFrame, channels }
  }
  const coreFrame = frameLength(bits)
  const sampleRate = backwardCompatibleRate(bits, objectType) ?? coreRate
  return { objectType, sampleRate, samplesPerFrame: (coreFrame * sampleRate) / coreRate, channels }
}

/** frameLengthFlag, which begins the GASpecificConfig (ISO/IEC 14496-3, 4.4.1); a config may end before it. */
function frameLength(bits: Bits): number {
  return bits.left > 0 && bits.flag() ? 960 : 1024
}

function readObjectType(bits: Bits): number {
  const type = bits.bits(5)
  return type === 31 ? 32 + bits.bits(6) : type
}

function readSampleRate(bits: Bits): number {
  const index = bits.bits(4)
  const rate = index === 15 ? bits.bits(24) : SAMPLE_RATES[index]
  if (rate === undefined || rate === 0) refuse('malformed', 'The AAC sample rate is unknown.')
  return rate
}

/** The rate of SBR that is signalled behind an AAC-LC config, where it stands at its usual place. */
function backwardCompatibleRate(bits: Bits, objectType: number): number | undefined {
  if (objectType !== 2) return undefined
  if (bits.left < 2 + 11 + 5 + 1 + 4) return undefined
  bits.bits(2)
  if (bits.bits(11) !== SYNC_EXTENSION || readObjectType(bits) !== SBR || !bits.flag()) return undefined
  return readSampleRate(bits)
}
