import { expect, test } from 'vitest'
import type { LiveFacts } from '../../../src/cmaf/index.ts'
import { adviceFor } from '../../../src/origin/live/advice.ts'

const VIDEO = {
  codec: 'avc1.64001f',
  width: 1280,
  height: 720,
  framesPerSecond: 30,
  keyframeInterval: 2,
  bitrate: 3_000_000,
}
const AUDIO = { codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2, bitrate: 160_000 }
const GOOD: LiveFacts = { video: VIDEO, audio: AUDIO, bitrate: 3_160_000, gaps: 0, dropped: 0 }

const video = (more: Partial<typeof VIDEO>): LiveFacts => ({ ...GOOD, video: { ...VIDEO, ...more } })
const audio = (more: Partial<typeof AUDIO>): LiveFacts => ({ ...GOOD, audio: { ...AUDIO, ...more } })

const silent: [string, LiveFacts][] = [
  ['usual settings', GOOD],
  ['keyframes that are not known yet', { ...GOOD, video: { ...VIDEO, keyframeInterval: null } }],
  ['23.976 frames', video({ framesPerSecond: 23.976 })],
  ['59.94 frames with the bitrate for them', video({ framesPerSecond: 59.94, bitrate: 6_000_000 })],
  ['44.1 kHz', audio({ sampleRate: 44_100 })],
  ['sound alone', { ...GOOD, video: null }],
]
test.each(silent)('%s need no advice', (_what, facts) => {
  expect(adviceFor(facts, 60)).toEqual([])
})

const advised: [LiveFacts, RegExp][] = [
  [video({ keyframeInterval: 8.3 }), /^keyframe every 8\.3 s: set Keyframe Interval to 2 s in OBS → Output$/],
  [
    video({ keyframeInterval: 0.5 }),
    /^keyframe every 0\.5 s costs picture quality: set Keyframe Interval to 2 s/,
  ],
  [video({ codec: 'hvc1.1.6.L93.B0' }), /do not play HEVC: set Video Encoder to H\.264/],
  [video({ codec: 'av01.0.05M.08' }), /do not play AV1: set Video Encoder to H\.264/],
  [video({ codec: 'avc1.6e001f' }), /set Color Format to NV12/],
  [video({ framesPerSecond: 12.34 }), /^12\.3 frames per second look jerky: set FPS to 30/],
  [video({ framesPerSecond: 37 }), /^37 frames per second arrive, which is no usual rate/],
  [video({ framesPerSecond: 0 }), /^no picture arrives any more/],
  [video({ bitrate: 25_000_000 }), /^25 Mbit\/s .* set Video Bitrate to 6000 kbps in OBS → Output$/],
  [video({ bitrate: 9_900_000 }), /^9\.9 Mbit\/s of video is far above what 1280×720 needs: .* 3000 kbps$/],
  [video({ bitrate: 300_000 }), /^0\.3 Mbit\/s of video is little for 1280×720: raise Video Bitrate/],
  [{ ...GOOD, audio: null }, /^no sound: add an audio source/],
  [audio({ sampleRate: 22_050 }), /^sound at 22050 Hz: set Sample Rate to 48 kHz/],
  [audio({ channels: 6 }), /^sound with 6 channels/],
  [{ ...GOOD, gaps: 1 }, /jumped or stood still once:/],
  [{ ...GOOD, gaps: 3 }, /jumped or stood still 3 times:/],
]
test.each(advised)('%j: %s', (facts, sentence) => {
  expect(adviceFor(facts, 60)).toEqual([expect.stringMatching(sentence)])
})

test('what takes seconds to measure is not judged before', () => {
  expect(adviceFor({ ...video({ framesPerSecond: 3, bitrate: 10_000 }), audio: null }, 2)).toEqual([])
})
