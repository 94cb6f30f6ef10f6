import { compositionOffsetOf, compositionTimeOf, keyframeFrom, type MediaTrack } from './movie.ts'
import type { Segment } from './segments.ts'
import { timelineOf } from './timeline.ts'

export interface BitRates {
  /** Bits per second, whole numbers, rounded up; segment headers included. */
  average: number
  peak: number
}

/**
 * What `AVERAGE-BANDWIDTH` and `BANDWIDTH` of a playlist state. The peak is over runs of segments that last at least
 * half as long as the longest one (RFC 8216, 4.3.4.2), so that a tiny piece at the end does not set it.
 */
export function bitRates(segments: readonly Segment[]): BitRates {
  const longest = segments.reduce((longest, segment) => Math.max(longest, segment.duration), 0)
  const total = rate(segments)
  let peak = total
  for (let first = 0; first < segments.length; first++) {
    let end = first
    let duration = 0
    while (end < segments.length && duration < longest / 2) duration += segments[end++]?.duration ?? 0
    if (duration >= longest / 2) peak = Math.max(peak, rate(segments.slice(first, end)))
  }
  return { average: Math.ceil(total), peak: Math.ceil(peak) }
}

function rate(segments: readonly Segment[]): number {
  const seconds = segments.reduce((sum, segment) => sum + segment.duration, 0)
  const bits = segments.reduce((sum, segment) => sum + segment.bytes * 8, 0)
  return seconds > 0 ? bits / seconds : 0
}

/** The longest time between two keyframes, or from the last to the end: no segment can be shorter there. */
export function longestKeyframeGapSeconds(track: MediaTrack): number {
  const { samples, timescale } = track
  const timeline = timelineOf(track)
  const first = timeline.kind === 'plain' ? timeline.firstSample : 0
  const offset = compositionOffsetOf(samples, first)
  let last = compositionTimeOf(samples, first)
  let longest = 0
  for (let key = keyframeFrom(samples, first); key !== undefined; key = keyframeFrom(samples, key + 1)) {
    const at = compositionTimeOf(samples, key)
    longest = Math.max(longest, at - last)
    last = at
  }
  const end = (samples.decodeTimes[samples.count] ?? 0) + offset
  return Math.max(longest, end - last) / timescale
}

/** Pictures a second on average; 0 for a track without duration. */
export function frameRate(track: MediaTrack): number {
  const { count, decodeTimes } = track.samples
  const ticks = (decodeTimes[count] ?? 0) - (decodeTimes[0] ?? 0)
  return ticks > 0 ? (count * track.timescale) / ticks : 0
}
