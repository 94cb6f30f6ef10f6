import { expect, test } from 'vitest'
import { hasLeadingPictures } from '../../src/cmaf/index.ts'
import { audioTrack, videoTrack } from './movie-values.ts'

// Five frames, 40 ticks each; what is told apart is only the order in which the fourth and fifth are shown.
const shape = { frames: 5, keyframes: [0, 3] }

test.each([
  ['pictures in the order of showing', videoTrack(shape), false],
  [
    'pictures that are shown late, and before the next keyframe',
    videoTrack({ ...shape, reorder: [40, 80, 0, 40, 40] }),
    false,
  ],
  [
    'a picture that is shown before the keyframe in front of it',
    videoTrack({ ...shape, reorder: [40, 40, 40, 80, 0] }),
    true,
  ],
  ['a track of keyframes only', videoTrack({ frames: 5, keyframes: 1, reorder: [80, 0, 40, 40, 40] }), false],
  ['sound', audioTrack({ packets: 5 }), false],
])('%s', (_name, track, leading) => {
  expect(hasLeadingPictures(track)).toBe(leading)
})
