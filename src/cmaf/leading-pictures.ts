import { compositionTimeOf, keyframeFrom, type MediaTrack } from './movie.ts'

/**
 * Whether pictures follow a keyframe that are shown before it (open groups of pictures). They lean on the pictures in
 * front of it, so a segment that begins there cannot be decoded by itself: Chromium stops for good at such a place.
 */
export function hasLeadingPictures({ samples }: MediaTrack): boolean {
  let next = keyframeFrom(samples, 0)
  let keyShownAt = -Infinity
  for (let sample = 0; sample < samples.count; sample++) {
    const shownAt = compositionTimeOf(samples, sample)
    if (sample === next) {
      keyShownAt = shownAt
      next = keyframeFrom(samples, sample + 1)
    } else if (shownAt < keyShownAt) return true
  }
  return false
}
