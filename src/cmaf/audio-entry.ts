import { readAudioSpecificConfig } from './aac.ts'
import { childBoxes, optionalBox, type Box } from './child-boxes.ts'
import { refuseEncrypted } from './encrypted.ts'
import { readEsds } from './esds.ts'
import { readExtras } from './extra-boxes.ts'
import type { AudioDescription } from './movie.ts'
import { refuse } from './refusal.ts'

export type AudioCoding = Pick<
  AudioDescription,
  'sampleEntry' | 'codec' | 'config' | 'channels' | 'sampleRate' | 'extras'
>

const MPEG4_AUDIO = 0x40

/** Length of the fixed fields of a sound's sample entry (ISO/IEC 14496-12, 12.2.3), and of QuickTime's versions 1 and 2. */
const FIXED_FIELDS = 28
const QUICKTIME_FIELDS: Record<number, number> = { 1: FIXED_FIELDS + 16, 2: FIXED_FIELDS + 36 }

/** Reads a sound's sample entry; undefined when it is not AAC. `stsdVersion` tells QuickTime's layout from ISO's. */
export function readAudioEntry(entry: Box, stsdVersion: number): AudioCoding | undefined {
  if (entry.type !== 'mp4a') return undefined
  const version = entry.body.u16(8)
  // ISO's own version 1 entry stands in an stsd of version 1 and adds no fields.
  const fields = stsdVersion === 0 ? (QUICKTIME_FIELDS[version] ?? FIXED_FIELDS) : FIXED_FIELDS
  const children = childBoxes(entry.body, fields)
  refuseEncrypted(children)
  // QuickTime wraps the descriptor in a `wave` box.
  const wave = optionalBox(children, 'wave')
  const esds = optionalBox(children, 'esds') ?? (wave && optionalBox(childBoxes(wave), 'esds'))
  if (!esds) return undefined
  const { objectType, config } = readEsds(esds)
  if (objectType !== MPEG4_AUDIO) return undefined
  if (config.length === 0) refuse('malformed', 'The AAC track has no AudioSpecificConfig.')
  const aac = readAudioSpecificConfig(config)
  const channels = aac.channels ?? entry.body.u16(16)
  if (channels === 0 || channels > 64) {
    refuse('malformed', 'The AAC track has no sensible number of channels.')
  }
  return {
    sampleEntry: 'mp4a',
    codec: `mp4a.40.${aac.objectType}`,
    config: config.slice(),
    channels,
    sampleRate: aac.sampleRate,
    extras: readExtras(children),
  }
}
