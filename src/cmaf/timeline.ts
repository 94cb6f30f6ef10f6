/**
 * Where a file's samples stand on the timeline that viewers see. What an edit list trims is left out and the rest is
 * numbered anew, so that picture and sound of separate renditions line up; what cannot be said that way (a cut between
 * keyframes, several parts) is told, so that planning can convert.
 *
 * Reordered pictures are decoded before they are shown. That distance stands in the init segment's edit list, and all
 * composition offsets are positive: with negative ones and no edit list ffmpeg shows the pictures late by their lowest.
 */
import { SluiceError } from '../core/index.ts'
import {
  compositionOffsetOf,
  compositionTimeOf,
  durationOf,
  keyframeFrom,
  type MediaTrack,
  type Track,
} from './movie.ts'

export type Timeline = PlainTimeline | { kind: 'unplayable'; why: string }

/** All times in ticks of the track. */
export interface PlainTimeline {
  kind: 'plain'
  /** What is left of the track, from and up to but not including. */
  firstSample: number
  endSample: number
  /** Added to a decoding time gives `baseMediaDecodeTime`, which is never negative. */
  decodeShift: number
  /** Added to a composition offset gives the one in a fragment, which is never negative. */
  compositionShift: number
  /** Where the init segment's edit list begins: how long before it is shown the first picture is decoded. */
  mediaTime: number
  /** Added to a composition time gives when the sample is shown. */
  presentationShift: number
  /** When the first sample is shown and the last one ends. */
  start: number
  end: number
}

/** Writers round edits to the movie's timescale, often a millisecond. */
const ROUNDING_SECONDS = 0.002
/** How late the picture may begin after a cut between two frames. */
const LARGEST_GAP_SECONDS = 0.1

export function timelineOf(track: MediaTrack): Timeline {
  const { samples, edits, timescale } = track
  if (edits.kind === 'complex') {
    return unplayable(`its edit list is more than a trim or a shift: ${edits.why}`)
  }
  const delay = edits.kind === 'simple' ? edits.delay : 0
  const toPresentation = edits.kind === 'simple' ? delay - edits.mediaTime : 0
  const shownAt = (sample: number): number => compositionTimeOf(samples, sample) + toPresentation
  const rounding = Math.ceil(timescale * ROUNDING_SECONDS)

  const first = earliestShown(track, shownAt, delay - rounding)
  if (first === undefined) return unplayable('its edit list leaves nothing of it')
  if (track.kind === 'video') {
    const why = cutProblem(track, shownAt, {
      first,
      from: delay - rounding,
      latest: delay + LARGEST_GAP_SECONDS * timescale,
    })
    if (why !== undefined) return unplayable(why)
  }
  const until = edits.kind === 'simple' && edits.length !== undefined ? delay + edits.length : Infinity
  let endSample = samples.count
  while (endSample > first + 1 && shownAt(endSample - 1) >= until) endSample--

  const start = Math.max(0, shownAt(first))
  // Moves by the rounding at most; nothing may begin before 0.
  const presentationShift = toPresentation + start - shownAt(first)
  let end = start
  let lowestOffset = Infinity
  for (let sample = first; sample < endSample; sample++) {
    const shown = compositionTimeOf(samples, sample) + presentationShift
    end = Math.max(end, shown + durationOf(samples, sample))
    lowestOffset = Math.min(lowestOffset, compositionOffsetOf(samples, sample))
  }
  const firstOffset = compositionOffsetOf(samples, first)
  return {
    kind: 'plain',
    firstSample: first,
    endSample,
    decodeShift: presentationShift + firstOffset,
    compositionShift: 0 - lowestOffset,
    mediaTime: firstOffset - lowestOffset,
    presentationShift,
    start,
    end,
  }
}

/** Throws SluiceError `not-cuttable` for an unplayable one; planning asks `timelineOf` first. */
export function plainTimeline(track: MediaTrack): PlainTimeline {
  const timeline = timelineOf(track)
  if (timeline.kind === 'plain') return timeline
  throw new SluiceError('not-cuttable', `A ${track.kind} track cannot be cut as it stands: ${timeline.why}.`)
}

/** The sample that is shown first of those that are shown at `from` or later. */
function earliestShown(
  track: MediaTrack,
  shownAt: (sample: number) => number,
  from: number,
): number | undefined {
  let first: number | undefined
  let earliest = Infinity
  for (let sample = 0; sample < track.samples.count; sample++) {
    const at = shownAt(sample)
    if (at < from || at >= earliest) continue
    first = sample
    earliest = at
  }
  return first
}

interface Cut {
  first: number
  from: number
  latest: number
}

/** Why the pictures cannot begin where the edit list says; undefined when they can. */
function cutProblem(track: MediaTrack, shownAt: (sample: number) => number, cut: Cut): string | undefined {
  const { samples } = track
  if (keyframeFrom(samples, cut.first) !== cut.first) return 'it begins between two keyframes'
  if (cut.first > 0 && shownAt(cut.first) > cut.latest) return 'it begins within a long still picture'
  for (let sample = 0; sample < cut.first; sample++) {
    if (shownAt(sample) >= cut.from) return 'it begins within reordered pictures'
  }
  for (let sample = cut.first + 1; sample < samples.count; sample++) {
    if (shownAt(sample) < cut.from) return 'its first keyframe is followed by pictures from before it'
  }
  return undefined
}

/** Where a track ends in seconds; for one that cannot be played as it is, where its media does. */
export function presentationEnd(track: Track): number {
  if (track.kind === 'other') return 0
  const timeline = timelineOf(track)
  const end = timeline.kind === 'plain' ? timeline.end : (track.samples.decodeTimes[track.samples.count] ?? 0)
  return end / track.timescale
}

function unplayable(why: string): Timeline {
  return { kind: 'unplayable', why }
}
