import { MiB, SluiceError, formatBytes, type Bytes } from '../core/index.ts'
import { ascii, box, u32 } from './boxes.ts'
import { fragmentSamples } from './fragment-samples.ts'
import { dataLength, fragmentHeader, fragmentHeaderLength, type FragmentSample } from './fragment.ts'
import { gather } from './gather.ts'
import { writeInit } from './init.ts'
import type { MediaTrack } from './movie.ts'
import type { Segment } from './segments.ts'
import type { ByteSource } from './source.ts'
import { plainTimeline } from './timeline.ts'

/** A segment is built in memory: 12 seconds, the longest that is cut, at 170 Mbit/s. */
export const LARGEST_SEGMENT: Bytes = 256 * MiB

/** ISO/IEC 23000-19, 7.3.3.1. */
const STYP = box('styp', ascii('msdh'), u32(0), ascii('msdhcmfs'))

/** Size of the media segment that holds these samples. */
export function mediaSegmentLength(samples: readonly FragmentSample[]): Bytes {
  return STYP.length + fragmentHeaderLength(samples) + dataLength(samples)
}

/** The init segment of a file's track. Throws SluiceError `not-cuttable` as `cutSegments` does. */
export function initSegment(track: MediaTrack): Uint8Array {
  return writeInit(track, { mediaTime: plainTimeline(track).mediaTime })
}

/**
 * Writes a segment, reading only its samples from the source. The same track and segment always give the same bytes.
 * Throws SluiceError `segment-too-large`, `source-changed` when the source is shorter than it was; what the source throws passes through.
 */
export async function mediaSegment(
  track: MediaTrack,
  segment: Segment,
  source: ByteSource,
): Promise<Uint8Array> {
  if (segment.bytes > LARGEST_SEGMENT) {
    throw new SluiceError(
      'segment-too-large',
      `A segment has ${formatBytes(segment.bytes)}, the limit is ${formatBytes(LARGEST_SEGMENT)}: encode with keyframes closer together.`,
    )
  }
  const samples = fragmentSamples(track, segment)
  const header = fragmentHeader({ sequence: segment.number + 1, decodeTime: segment.decodeTime, samples })
  const whole = new Uint8Array(mediaSegmentLength(samples))
  whole.set(STYP)
  whole.set(header, STYP.length)
  await gather(track.samples, segment, { source, into: whole.subarray(STYP.length + header.length) })
  return whole
}
