import type { Instant } from '../../core/index.ts'
import { fragmentHeader, type FragmentSample } from '../fragment.ts'
import type { LivePart, LiveTrackKind } from '../live-events.ts'

export interface PartSample extends FragmentSample {
  data: Uint8Array
  arrivedAt: Instant
}

export interface PartTiming {
  track: LiveTrackKind
  /** Ticks in a second. */
  timescale: number
  sequence: number
  /** Ticks. */
  decodeTime: number
}

/** Joins samples, of which there is at least one, into a CMAF chunk; the only time that their bytes are copied. */
export function writePart(samples: readonly PartSample[], timing: PartTiming): LivePart {
  const { track, timescale, sequence, decodeTime } = timing
  const header = fragmentHeader({ sequence, decodeTime, samples })
  let length = header.length
  let duration = 0
  for (const sample of samples) {
    length += sample.size
    duration += sample.duration
  }
  // Every byte is written below; memory that is not cleared first costs half as much.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  bytes.set(header)
  let at = header.length
  for (const { data } of samples) {
    bytes.set(data, at)
    at += data.length
  }
  const [first] = samples
  const last = samples.at(-1)
  if (!first || !last) throw new RangeError('A part has one sample at least.')
  return {
    track,
    duration: duration / timescale,
    independent: first.keyframe,
    bytes,
    arrivedAt: last.arrivedAt,
  }
}
