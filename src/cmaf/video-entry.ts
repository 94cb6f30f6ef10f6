import { readAvcConfig } from './avc.ts'
import { childBoxes, requiredBox, type Box } from './child-boxes.ts'
import { CONFIG_BOXES, videoCodec } from './codec-string.ts'
import { refuseEncrypted } from './encrypted.ts'
import { readExtras } from './extra-boxes.ts'
import { VIDEO_SAMPLE_ENTRIES, type VideoDescription, type VideoSampleEntry } from './movie.ts'
import { refuse } from './refusal.ts'
import type { Window } from './window.ts'

/** Length of the fixed fields of a picture's sample entry (ISO/IEC 14496-12, 12.1.3). */
const FIXED_FIELDS = 78

export type VideoCoding = Pick<
  VideoDescription,
  'sampleEntry' | 'codec' | 'config' | 'width' | 'height' | 'extras' | 'h264'
>

/** Reads a picture's sample entry; undefined when its coding is none that goes into segments. */
export function readVideoEntry(entry: Box): VideoCoding | undefined {
  const sampleEntry = VIDEO_SAMPLE_ENTRIES.find(type => type === entry.type)
  if (!sampleEntry) return undefined
  const width = entry.body.u16(24)
  const height = entry.body.u16(26)
  if (width === 0 || height === 0) refuse('malformed', 'The picture has no width or no height.')
  const children = childBoxes(entry.body, FIXED_FIELDS)
  refuseEncrypted(children)
  const config = configOf(sampleEntry, children)
  return {
    sampleEntry,
    codec: videoCodec(sampleEntry, config),
    config,
    width,
    height,
    extras: readExtras(children),
    ...(CONFIG_BOXES[sampleEntry] === 'avcC' && { h264: readAvcConfig(config) }),
  }
}

function configOf(sampleEntry: VideoSampleEntry, children: readonly Box[]): Uint8Array {
  const box: Window = requiredBox(children, CONFIG_BOXES[sampleEntry], `"${sampleEntry}" track`)
  // A copy, so that the track does not keep the whole header in memory.
  return box.bytes(0, box.length).slice()
}
