import type { Bytes, Milliseconds } from '../../core/index.ts'
import type { LiveEvent, LivePart, LiveTrack, LiveTrackKind } from '../live-events.ts'
import { AudioParts } from './audio-parts.ts'
import type { FrameRate } from './frame-rate.ts'
import { parameterSetsOf, withParameterSets } from './parameter-sets.ts'
import type { ProgramClock } from './program-clock.ts'
import type { AudioSample, LiveSample, VideoSample } from './sample.ts'
import type { AudioConfig, VideoConfig } from './track-config.ts'
import type { TrackLine } from './track-line.ts'
import { VideoParts } from './video-parts.ts'

export interface EpochOptions {
  /** One of them at least. */
  video: VideoConfig | undefined
  audio: AudioConfig | undefined
  /** `repeated`: keyframes bring the parameter sets too, for readers that keep the first init segment. */
  parameterSets: 'in-init' | 'repeated'
  rate: FrameRate
  lines: Record<LiveTrackKind, TrackLine>
  clock: ProgramClock
  partTarget: Milliseconds
  segmentTarget: Milliseconds
  /** Where it begins on the timeline. */
  start: Milliseconds
}

/** How much before its target a segment ends when a keyframe comes. */
const EARLY: Milliseconds = 100

/** From one `tracks` event to the next: fixed tracks, whose times go on. Times are those of the timeline. */
export class Epoch {
  readonly video: VideoConfig | undefined
  readonly audio: AudioConfig | undefined
  private readonly options: EpochOptions
  private readonly videoParts: VideoParts | undefined
  private readonly audioParts: AudioParts | undefined
  /** That go in front of keyframes. */
  private readonly parameterSets: Uint8Array | undefined
  /** The open segment: what its first sample's time is, whether it was told, and which tracks have parts in it. */
  private segment: { start: Milliseconds; told: boolean; tracks: Set<LiveTrackKind> }

  constructor(options: EpochOptions) {
    const { video, audio, rate, lines, partTarget: target, start } = options
    this.options = options
    this.video = video
    this.audio = audio
    this.videoParts = video && new VideoParts({ rate, line: lines.video, target })
    this.audioParts = audio && new AudioParts({ config: audio, line: lines.audio, target })
    if (video && options.parameterSets === 'repeated') this.parameterSets = parameterSetsOf(video)
    this.segment = { start, told: false, tracks: new Set() }
  }

  /** Its first event. */
  tracks(): LiveEvent {
    const tracks: LiveTrack[] = []
    if (this.video) {
      const { description, init } = this.video
      tracks.push({ kind: 'video', description, init, frameRate: this.options.rate.framesPerSecond })
    }
    if (this.audio) {
      const { description, init } = this.audio
      tracks.push({ kind: 'audio', description, init, frameRate: undefined })
    }
    return {
      kind: 'tracks',
      tracks,
      partTargets: {
        ...(this.videoParts && { video: this.videoParts.partTarget }),
        ...(this.audioParts && { audio: this.audioParts.partTarget }),
      },
    }
  }

  /** The bytes that wait for a part's end. */
  get pendingBytes(): Bytes {
    return (this.videoParts?.pendingBytes ?? 0) + (this.audioParts?.pendingBytes ?? 0)
  }

  /** Decoding times of the picture fall behind when frames last longer than a part may. */
  get behindBy(): Milliseconds {
    return this.videoParts?.behindBy ?? 0
  }

  /** Whether the parts were planned for frames much shorter than they are by now. */
  get isOutgrown(): boolean {
    const { rate, partTarget } = this.options
    return rate.steady && this.videoParts?.isOutgrownBy(rate.frame, partTarget) === true
  }

  /** Whether a segment ends where a keyframe at `at` is. */
  isDue(at: Milliseconds): boolean {
    return at - this.segment.start >= this.options.segmentTarget - EARLY
  }

  /** Whether the open segment would end without any sound. */
  get lacksAudio(): boolean {
    return this.audioParts?.isEmpty === true && !this.segment.tracks.has('audio')
  }

  /** Takes a sample of one of its tracks; a keyframe of the picture may end the segment. */
  add(sample: LiveSample): LiveEvent[] {
    return sample.track === 'video' ? this.addVideo(sample) : this.addAudio(sample)
  }

  /** Ends the open segment. `going-on`: what a segment that one of the tracks has no part of would hold is left out. */
  close(how: 'going-on' | 'ended'): LiveEvent[] {
    const { video, audio } = this.options
    const lacksVideo = this.videoParts?.isEmpty === true && !this.segment.tracks.has('video')
    const uneven = video && audio && (lacksVideo || this.lacksAudio)
    if (how === 'going-on' && !this.segment.told && uneven) this.discard()
    return [
      ...this.emit(this.videoParts?.close(undefined)),
      ...this.emit(this.audioParts?.close()),
      ...this.endSegment(),
    ]
  }

  /** Forgets what waits for a part's end. */
  discard(): void {
    this.videoParts?.discard()
    this.audioParts?.discard()
  }

  private addVideo(sample: VideoSample): LiveEvent[] {
    if (!this.videoParts) return []
    const events: LiveEvent[] = []
    if (sample.keyframe && this.isDue(sample.at)) {
      events.push(
        ...this.emit(this.videoParts.close(sample)),
        ...this.emit(this.audioParts?.close()),
        ...this.endSegment(),
      )
      this.segment.start = sample.at
    }
    events.push(...this.emit(this.videoParts.add(this.selfContained(sample))))
    return events
  }

  private selfContained(sample: VideoSample): VideoSample {
    const { video, parameterSets } = this
    if (!sample.keyframe || !video || !parameterSets) return sample
    return { ...sample, data: withParameterSets(sample.data, parameterSets, video) }
  }

  private addAudio(sample: AudioSample): LiveEvent[] {
    if (!this.audioParts) return []
    const events = this.emit(this.audioParts.add(sample))
    if (this.video || events.length === 0) return events
    // Without a picture, segments are whole parts, of which so many come nearest to the target.
    const { lines, partTarget, segmentTarget } = this.options
    const { end } = lines.audio
    if (end - this.segment.start < segmentTarget - partTarget / 2) return events
    events.push(...this.endSegment())
    this.segment.start = end
    return events
  }

  /** The segment is told with its first part. */
  private emit(parts: readonly LivePart[] | undefined): LiveEvent[] {
    if (!parts) return []
    return parts.flatMap((part): LiveEvent[] => {
      const begins = !this.segment.told
      this.segment.told = true
      this.segment.tracks.add(part.track)
      const event: LiveEvent = { kind: 'part', part }
      if (!begins) return [event]
      return [{ kind: 'segment', programDateTime: this.options.clock.at(this.segment.start) }, event]
    })
  }

  private endSegment(): LiveEvent[] {
    if (!this.segment.told) return []
    this.segment = { start: this.segment.start, told: false, tracks: new Set() }
    return [{ kind: 'segment-end' }]
  }
}
