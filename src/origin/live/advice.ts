import type { LiveFacts } from '../../cmaf/index.ts'

/** Segments begin at keyframes: from here on they are longer than they should be. */
const LONGEST_KEYFRAME_INTERVAL = 2.5
/** Keyframes are large: more of them than this cost picture quality. */
const SHORTEST_KEYFRAME_INTERVAL = 0.9
/** Bits per second for each pixel of each frame; what encoders need for very good pictures is about half of it. */
const MOST_BITS_PER_PIXEL = 0.3
const FEWEST_BITS_PER_PIXEL = 0.02
/** Above this many viewers' connections cannot follow, whatever the picture is. */
const MOST_BITRATE = 12_000_000
/** Below this pictures jerk. */
const FEWEST_FRAMES = 20
/** How far from a usual rate still counts as it. */
const FRAME_TOLERANCE = 0.03
const USUAL_FRAME_RATES = [24_000 / 1001, 24, 25, 30_000 / 1001, 30, 48, 50, 60_000 / 1001, 60, 90, 100, 120]

/**
 * Sentences that say what the encoder could do better, and where it is set. `seconds` is how long it has been
 * sending: what is measured needs a few.
 */
export function adviceFor(facts: LiveFacts, seconds: number): string[] {
  const measured = seconds >= 5
  return [
    ...keyframeAdvice(facts),
    ...codecAdvice(facts),
    ...(measured ? frameAdvice(facts) : []),
    ...(measured ? bitrateAdvice(facts) : []),
    ...audioAdvice(facts, measured),
    ...gapAdvice(facts),
  ]
}

function keyframeAdvice({ video }: LiveFacts): string[] {
  const interval = video?.keyframeInterval ?? undefined
  if (interval === undefined) return []
  if (interval > LONGEST_KEYFRAME_INTERVAL) {
    return [`keyframe every ${tenths(interval)} s: set Keyframe Interval to 2 s in OBS → Output`]
  }
  if (interval < SHORTEST_KEYFRAME_INTERVAL) {
    return [
      `keyframe every ${tenths(interval)} s costs picture quality: set Keyframe Interval to 2 s in OBS → Output`,
    ]
  }
  return []
}

function codecAdvice({ video }: LiveFacts): string[] {
  const codec = video?.codec ?? ''
  const name = /^(hvc1|hev1)/.test(codec) ? 'HEVC' : codec.startsWith('av01') ? 'AV1' : undefined
  if (name !== undefined) {
    return [`many browsers do not play ${name}: set Video Encoder to H.264 in OBS → Output`]
  }
  // RFC 6381: avc1.PPCCLL; profiles 110, 122 and 244 have more than 8 bits or finer colour.
  if (/^avc[13]\.(6e|7a|f4)/i.test(codec)) {
    return [
      'browsers play 8-bit 4:2:0 only: set Color Format to NV12 in OBS → Settings → Advanced, profile high or main',
    ]
  }
  return []
}

function frameAdvice({ video }: LiveFacts): string[] {
  if (!video) return []
  const { framesPerSecond: frames } = video
  if (frames === 0) {
    return ['no picture arrives any more: see in OBS → Stats whether frames are dropped']
  }
  if (frames < FEWEST_FRAMES) {
    return [`${tenths(frames)} frames per second look jerky: set FPS to 30 in OBS → Settings → Video`]
  }
  if (USUAL_FRAME_RATES.some(usual => Math.abs(frames - usual) <= usual * FRAME_TOLERANCE)) return []
  return [
    `${tenths(frames)} frames per second arrive, which is no usual rate: see in OBS → Stats whether frames are dropped, and lower bitrate or resolution`,
  ]
}

function bitrateAdvice({ video }: LiveFacts): string[] {
  if (!video || video.bitrate === 0) return []
  const pixels = video.width * video.height * Math.max(1, video.framesPerSecond)
  const perPixel = video.bitrate / pixels
  const sent = megabits(video.bitrate)
  const picture = `${video.width}×${video.height}`
  if (video.bitrate > MOST_BITRATE) {
    return [
      `${sent} Mbit/s of video is more than many viewers can receive: set Video Bitrate to 6000 kbps in OBS → Output`,
    ]
  }
  // Small pictures cost little either way.
  if (perPixel > MOST_BITS_PER_PIXEL && video.bitrate > 3_000_000) {
    return [
      `${sent} Mbit/s of video is far above what ${picture} needs: lower Video Bitrate in OBS → Output, for example to ${Math.ceil((pixels * 0.1) / 500_000) * 500} kbps`,
    ]
  }
  if (perPixel < FEWEST_BITS_PER_PIXEL) {
    return [
      `${sent} Mbit/s of video is little for ${picture}: raise Video Bitrate in OBS → Output, or lower the resolution in OBS → Settings → Video`,
    ]
  }
  return []
}

function audioAdvice({ audio, video }: LiveFacts, measured: boolean): string[] {
  if (!audio) {
    return video && measured ? ['no sound: add an audio source and unmute it in OBS → Audio Mixer'] : []
  }
  const said: string[] = []
  if (audio.sampleRate !== 48_000 && audio.sampleRate !== 44_100) {
    said.push(
      `sound at ${audio.sampleRate} Hz: set Sample Rate to 48 kHz in OBS → Settings → Audio, since players expect 48 or 44.1 kHz`,
    )
  }
  if (audio.channels > 2) {
    said.push(
      `sound with ${audio.channels} channels, which many players mix badly: set Channels to Stereo in OBS → Settings → Audio`,
    )
  }
  return said
}

function gapAdvice({ gaps }: LiveFacts): string[] {
  if (gaps === 0) return []
  const times = gaps === 1 ? 'once' : `${gaps} times`
  return [
    `the encoder's clock jumped or stood still ${times}: see in OBS → Stats whether its machine or its network is overloaded`,
  ]
}

function tenths(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function megabits(bitsPerSecond: number): string {
  return tenths(bitsPerSecond / 1_000_000)
}
