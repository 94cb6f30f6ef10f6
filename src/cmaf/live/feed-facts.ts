import type { Milliseconds } from '../../core/index.ts'
import type { LiveTrackKind } from '../live-events.ts'
import type { LiveFacts } from '../live-facts.ts'
import type { FrameRate } from './frame-rate.ts'
import { Meter } from './meter.ts'
import type { LiveSample } from './sample.ts'
import type { AudioConfig, VideoConfig } from './track-config.ts'

export interface FeedState {
  video: VideoConfig | undefined
  audio: AudioConfig | undefined
  rate: FrameRate
}

/** Measures a feed as it comes. */
export class FeedFacts {
  gaps = 0
  dropped = 0
  private readonly meters: Record<LiveTrackKind, Meter> = { video: new Meter(), audio: new Meter() }
  private last: Partial<Record<LiveTrackKind, Milliseconds>> = {}

  /** Counts a sample; gives the time since the track's one before, 0 when it does not follow that. */
  sample(sample: LiveSample, how: 'goes-on' | 'begins'): Milliseconds {
    const { track, at, data } = sample
    const last = this.last[track]
    const interval = how === 'begins' || last === undefined ? 0 : at - last
    this.last[track] = at
    const meter = this.meters[track]
    meter.add(interval, data.length)
    if (sample.track === 'video' && sample.keyframe) meter.keyframe()
    return interval
  }

  facts({ video, audio, rate }: FeedState): LiveFacts {
    const bitrates = { video: this.meters.video.bitrate, audio: this.meters.audio.bitrate }
    return {
      video: video
        ? {
            codec: video.description.codec,
            width: video.description.width,
            height: video.description.height,
            framesPerSecond: this.meters.video.rate || (rate.framesPerSecond ?? 0),
            keyframeInterval: this.meters.video.keyframeInterval,
            bitrate: bitrates.video,
          }
        : null,
      audio: audio
        ? {
            codec: audio.description.codec,
            sampleRate: audio.description.sampleRate,
            channels: audio.description.channels,
            bitrate: bitrates.audio,
          }
        : null,
      bitrate: (video ? bitrates.video : 0) + (audio ? bitrates.audio : 0),
      gaps: this.gaps,
      dropped: this.dropped,
    }
  }
}
