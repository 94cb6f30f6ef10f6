import { SluiceError, type Bytes } from '../core/index.ts'
import { fragmentSamples } from './fragment-samples.ts'
import { mediaSegmentLength } from './media-segment.ts'
import type { MediaTrack, Movie } from './movie.ts'
import { compositionTimeOf, keyframeFrom } from './movie.ts'
import { plainTimeline, type PlainTimeline } from './timeline.ts'

/** One piece of a track that can be fetched and decoded by itself after the init segment. */
export interface Segment {
  /** From 0. */
  number: number
  /** Seconds on the presentation timeline, which all tracks of a movie share. */
  start: number
  duration: number
  firstSample: number
  /** One past the last. */
  endSample: number
  /** Exact size of the media segment. */
  bytes: Bytes
  /** baseMediaDecodeTime in ticks of the track. */
  decodeTime: number
  /** Ticks to add to the file's composition offsets. */
  compositionShift: number
}

export interface TrackSegments {
  track: MediaTrack
  segments: Segment[]
}

export interface CutOptions {
  /** Pictures are cut at the first keyframe after this, sound with the pictures. */
  targetSeconds: number
}

/** Keyframes that are meant to be a target apart may be a little less after rounding. */
const EARLY_SECONDS = 0.02
/** A last piece shorter than this part of the target goes to the one before. */
const TINY = 0.25
/** An hour without a keyframe; what a segment costs in memory while it is cut or written grows with its samples. */
const MOST_SAMPLES_A_SEGMENT = 200_000

/**
 * Cuts every picture and sound track. Throws SluiceError `not-cuttable` for a track whose `timelineOf` is `unplayable`
 * or that has no keyframe for very long; planning asks that first.
 */
export function cutSegments(movie: Movie, options: CutOptions): TrackSegments[] {
  const tracks = movie.tracks.filter(track => track.kind !== 'other')
  const timelines = new Map(tracks.map(track => [track, plainTimeline(track)]))
  const leader = tracks.find(track => track.kind === 'video')
  const cut = (track: MediaTrack, boundaries: readonly number[]): Segment[] => {
    const timeline = timelines.get(track) ?? plainTimeline(track)
    const starts =
      track.kind === 'video'
        ? videoStarts(track, timeline, options.targetSeconds)
        : audioStarts(track, timeline, { ...options, boundaries })
    return toSegments(track, timeline, withoutTinyEnd(track, timeline, starts, options.targetSeconds))
  }
  const leading = leader ? cut(leader, []) : []
  const boundaries = leading.map(segment => segment.start + segment.duration)
  return tracks.map(track => ({ track, segments: track === leader ? leading : cut(track, boundaries) }))
}

/** Seconds at which a sample is shown. */
function shownAt(track: MediaTrack, timeline: PlainTimeline, sample: number): number {
  return (compositionTimeOf(track.samples, sample) + timeline.presentationShift) / track.timescale
}

/** First samples of the pieces of a picture track. */
function videoStarts(track: MediaTrack, timeline: PlainTimeline, target: number): number[] {
  const starts = [timeline.firstSample]
  let last = shownAt(track, timeline, timeline.firstSample)
  let key = keyframeFrom(track.samples, timeline.firstSample + 1)
  while (key !== undefined && key < timeline.endSample) {
    const at = shownAt(track, timeline, key)
    if (at - last >= target - EARLY_SECONDS) {
      starts.push(key)
      last = at
    }
    key = keyframeFrom(track.samples, key + 1)
  }
  return starts
}

interface AudioCut extends CutOptions {
  /** Ends of the pictures' segments, ascending; behind the last of them, and without any, the target counts. */
  boundaries: readonly number[]
}

function audioStarts(track: MediaTrack, timeline: PlainTimeline, cut: AudioCut): number[] {
  const starts = [timeline.firstSample]
  let last = shownAt(track, timeline, timeline.firstSample)
  let index = 0
  for (let sample = timeline.firstSample + 1; sample < timeline.endSample; sample++) {
    const at = shownAt(track, timeline, sample)
    // Boundaries that passed before the sound began make no empty pieces.
    while ((cut.boundaries[index] ?? Infinity) <= last) index++
    const boundary = cut.boundaries[index] ?? last + cut.targetSeconds
    if (at < boundary) continue
    starts.push(sample)
    last = at
  }
  return starts
}

function withoutTinyEnd(
  track: MediaTrack,
  timeline: PlainTimeline,
  starts: readonly number[],
  target: number,
): readonly number[] {
  const lastStart = shownAt(track, timeline, starts.at(-1) ?? 0)
  const isTiny = timeline.end / track.timescale - lastStart < target * TINY
  return starts.length > 1 && isTiny ? starts.slice(0, -1) : starts
}

function toSegments(track: MediaTrack, timeline: PlainTimeline, starts: readonly number[]): Segment[] {
  return starts.map((firstSample, number) => {
    const next = starts[number + 1]
    const endSample = next ?? timeline.endSample
    if (endSample - firstSample > MOST_SAMPLES_A_SEGMENT) {
      const why = `there are more than ${MOST_SAMPLES_A_SEGMENT} samples between two places where it could be cut`
      throw new SluiceError('not-cuttable', `A ${track.kind} track cannot be cut as it stands: ${why}.`)
    }
    const start = shownAt(track, timeline, firstSample)
    const end = next === undefined ? timeline.end / track.timescale : shownAt(track, timeline, next)
    const decodeTime = (track.samples.decodeTimes[firstSample] ?? 0) + timeline.decodeShift
    const { compositionShift } = timeline
    const range = { firstSample, endSample, compositionShift }
    const bytes = mediaSegmentLength(fragmentSamples(track, range))
    return {
      number,
      start,
      duration: end - start,
      firstSample,
      endSample,
      bytes,
      decodeTime,
      compositionShift,
    }
  })
}
