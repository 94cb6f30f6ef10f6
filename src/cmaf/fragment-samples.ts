import type { FragmentSample } from './fragment.ts'
import { compositionOffsetOf, durationOf, keyframeFrom, type MediaTrack } from './movie.ts'

export interface SampleRange {
  firstSample: number
  endSample: number
  compositionShift: number
}

/** A run of a file's samples as the fragment writer wants them. */
export function fragmentSamples(track: MediaTrack, range: SampleRange): FragmentSample[] {
  const { samples } = track
  const run: FragmentSample[] = []
  let key = keyframeFrom(samples, range.firstSample)
  for (let sample = range.firstSample; sample < range.endSample; sample++) {
    const keyframe = track.kind === 'audio' || sample === key
    if (sample === key) key = keyframeFrom(samples, sample + 1)
    run.push({
      size: samples.sizes[sample] ?? 0,
      duration: durationOf(samples, sample),
      compositionOffset: compositionOffsetOf(samples, sample) + range.compositionShift,
      keyframe,
    })
  }
  return run
}
