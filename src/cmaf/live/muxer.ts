import { MiB, SluiceError, type Bytes, type Instant, type Milliseconds } from '../../core/index.ts'
import type { FlvTag } from '../flv-tag.ts'
import type { LiveEvent, LiveTrackKind } from '../live-events.ts'
import type { LiveFacts } from '../live-facts.ts'
import { judgeAccessUnit } from './access-unit.ts'
import { Epoch } from './epoch.ts'
import { FeedFacts } from './feed-facts.ts'
import { FrameRate } from './frame-rate.ts'
import { readMediaTag, type MediaTag, type VideoCoding } from './media-tag.ts'
import { Preroll } from './preroll.ts'
import { ProgramClock } from './program-clock.ts'
import type { LiveSample, VideoSample } from './sample.ts'
import { SourceClock } from './source-clock.ts'
import {
  readAudioConfig,
  readVideoConfig,
  unsupportedCodec,
  type AudioConfig,
  type VideoConfig,
} from './track-config.ts'
import { trackLine } from './track-line.ts'

export interface LiveMuxerOptions {
  /** What a part should last; 200 ms. */
  partTarget?: Milliseconds
  /** From which length on a segment ends at a keyframe; 2000 ms. */
  segmentTarget?: Milliseconds
}

/** What may wait for the end of a part. */
const LARGEST_PART: Bytes = 16 * MiB
/** Decoding times that fall further behind are begun anew. */
const FURTHEST_BEHIND: Milliseconds = 1000

/**
 * Makes segments in parts of an encoder's tags (CMAF, ISO/IEC 23000-19). It reads no clock: a part comes out of the call
 * that brings its last sample.
 *
 * What comes out: `tracks` first; then segments, each told with its first part and ended before the next and before
 * `tracks`. A segment with picture begins with a keyframe. Durations of a track's parts in an epoch tile its decoding times,
 * but for holes in the sound of more than 100 ms. Decoding times of a track only grow, from 10 s on. Every track of an
 * epoch has a part in each segment, but in the last before an end or a `tracks` event, which the sound may lack.
 *
 * New `tracks` come when times jump, a configuration changes, a track pauses for more than a second, comes late or comes
 * back; where there is picture, they wait for its keyframe. What cannot be read or used is dropped and counted.
 */
export class LiveMuxer {
  private readonly targets: { partTarget: Milliseconds; segmentTarget: Milliseconds }
  private readonly source = new SourceClock()
  private readonly program = new ProgramClock()
  private readonly lines = { video: trackLine(), audio: trackLine() }
  private readonly preroll = new Preroll()
  private readonly measured = new FeedFacts()
  private rate = new FrameRate(undefined)
  private video: VideoConfig | undefined
  /** Of the first epoch with a picture. */
  private firstVideo: VideoConfig | undefined
  private parameterSets: 'in-init' | 'repeated' = 'in-init'
  private audio: AudioConfig | undefined
  /** Tracks that are known but silent: no epoch waits for them. */
  private silent = new Set<LiveTrackKind>()
  private epoch: Epoch | undefined
  /** The epoch's sound ends before it does: it paused, or goes on in another coding. */
  private soundEnded = false
  /** Whether this encoder was waited for once: its tracks are known. */
  private introduced = false
  /** From the encoder's line of times to the timeline; undefined after a jump. */
  private shift: Milliseconds | undefined
  private trouble: SluiceError | undefined

  constructor({ partTarget = 200, segmentTarget = 2000 }: LiveMuxerOptions = {}) {
    this.targets = { partTarget, segmentTarget }
  }

  /**
   * Takes a tag. Throws SluiceError `unsupported-codec` or `bad-flv` when the encoder has been sending for a second and
   * nothing of it can be played; every other tag that cannot be used is dropped.
   */
  push(tag: FlvTag, arrivedAt: Instant): LiveEvent[] {
    const media = readMediaTag(tag)
    switch (media.kind) {
      case 'nothing':
        return []
      case 'unreadable':
        return this.drop(arrivedAt)
      case 'unsupported':
        this.trouble = unsupportedCodec(media.coding)
        return this.drop(arrivedAt)
      case 'video-config':
        return this.configureVideo(media.coding, media.config, arrivedAt)
      case 'audio-config':
        return this.configureAudio(media.config, arrivedAt)
      case 'video':
      case 'audio':
        return this.takeMedia(media, tag.timestamp, arrivedAt)
    }
  }

  /** Another hand-over begins: ends what is open and forgets the encoder, not the timeline. */
  discontinue(): LiveEvent[] {
    const events = this.finish()
    this.source.restart()
    this.rate = new FrameRate(undefined)
    this.video = undefined
    this.audio = undefined
    this.silent = new Set()
    this.introduced = false
    this.trouble = undefined
    return events
  }

  /** The feed has ended: gives what waited, and ends the segment. */
  end(): LiveEvent[] {
    return this.finish()
  }

  get facts(): LiveFacts {
    return this.measured.facts({ video: this.video, audio: this.audio, rate: this.rate })
  }

  private finish(): LiveEvent[] {
    const events = this.epoch ? [] : this.begin()
    events.push(...this.closeEpoch('ended'))
    this.shift = undefined
    return events
  }

  private drop(arrivedAt: Instant): LiveEvent[] {
    this.measured.dropped++
    if (this.epoch) return []
    this.preroll.notice(arrivedAt)
    return this.beginWhenReady()
  }

  private configureVideo(coding: VideoCoding, bytes: Uint8Array, arrivedAt: Instant): LiveEvent[] {
    if (this.video?.coding === coding && isSame(this.video.description.config, bytes)) return []
    const config = this.configured(() => readVideoConfig(coding, bytes))
    if (!config) return this.drop(arrivedAt)
    const events = this.closeEpoch('going-on')
    if (!this.epoch && this.preroll.has('video')) events.push(...this.begin(), ...this.closeEpoch('going-on'))
    this.video = config
    this.rate = new FrameRate(config.statedFrame)
    this.silent.delete('video')
    this.preroll.notice(arrivedAt)
    return events
  }

  private configureAudio(bytes: Uint8Array, arrivedAt: Instant): LiveEvent[] {
    if (this.audio && isSame(this.audio.description.config, bytes)) return []
    const config = this.configured(() => readAudioConfig(bytes))
    if (!config) return this.drop(arrivedAt)
    let events: LiveEvent[] = []
    if (this.epoch?.audio && !this.epoch.video) events = this.closeEpoch('going-on')
    else if (!this.epoch && this.preroll.has('audio'))
      events = [...this.begin(), ...this.closeEpoch('going-on')]
    this.soundEnded = this.epoch?.audio !== undefined
    this.audio = config
    this.silent.delete('audio')
    if (!this.epoch) this.preroll.notice(arrivedAt)
    return events
  }

  private configured<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      this.trouble = error
      return undefined
    }
  }

  private takeMedia(
    media: Extract<MediaTag, { kind: 'video' | 'audio' }>,
    timestamp: number,
    arrivedAt: Instant,
  ): LiveEvent[] {
    const track = media.kind
    if (!this.isPlayable(media)) return this.drop(arrivedAt)
    const placed = this.source.place(track, timestamp)
    if (placed.kind === 'stale') return this.drop(arrivedAt)
    const events: LiveEvent[] = []
    if (placed.kind === 'jump') {
      if (this.epoch || this.shift !== undefined) this.measured.gaps++
      events.push(...this.closeEpoch('going-on'))
      this.preroll.clear()
      this.shift = undefined
    } else if (placed.kind === 'pause') {
      this.measured.gaps++
      if (track === 'audio') this.soundEnded = true
      else if (this.epoch?.video) events.push(...this.closeEpoch('going-on'))
    }
    const sample = this.sampleOf(media, placed.at, arrivedAt)
    if (!sample) return [...events, ...this.drop(arrivedAt)]
    const interval = this.measured.sample(sample, placed.kind === 'on' ? 'goes-on' : 'begins')
    if (track === 'video') this.rate.add(interval)
    events.push(...(this.epoch ? this.feed(sample) : this.hold(sample)))
    return events
  }

  private isPlayable(media: Extract<MediaTag, { kind: 'video' | 'audio' }>): boolean {
    return media.kind === 'audio' ? this.audio !== undefined : this.video?.coding === media.coding
  }

  /** Undefined for a picture that contradicts itself. */
  private sampleOf(
    media: Extract<MediaTag, { kind: 'video' | 'audio' }>,
    at: Milliseconds,
    arrivedAt: Instant,
  ): LiveSample | undefined {
    const { data } = media
    if (media.kind === 'audio') return { track: 'audio', at, data, arrivedAt }
    const { coding, flaggedKey, offset } = media
    const unit = judgeAccessUnit(data, { coding, flaggedKey, lengthSize: this.video?.lengthSize ?? 4 })
    if (unit === 'broken') return undefined
    return { track: 'video', at, offset, keyframe: unit === 'keyframe', data, arrivedAt }
  }

  private hold(sample: LiveSample): LiveEvent[] {
    if (sample.track === 'audio' || sample.keyframe) this.silent.delete(sample.track)
    this.preroll.add(sample)
    return this.beginWhenReady()
  }

  private feed(sample: LiveSample): LiveEvent[] {
    const { epoch } = this
    if (!epoch) return this.hold(sample)
    if (sample.track === 'video') {
      if (sample.keyframe && this.wantsOtherTracks(epoch, sample)) return this.changeTracks(sample)
      if (!epoch.video) return []
    } else {
      if (epoch.video && this.source.isSilent('video')) {
        this.silent.add('video')
        return this.changeTracks(sample)
      }
      if (!epoch.audio || this.soundEnded) return []
    }
    return this.put(epoch, sample)
  }

  private put(epoch: Epoch, sample: LiveSample): LiveEvent[] {
    const at = sample.at + (this.shift ?? 0)
    this.program.note(at, sample.arrivedAt)
    const events = epoch.add({ ...sample, at })
    if (epoch.pendingBytes > LARGEST_PART) {
      epoch.discard()
      this.measured.gaps++
      events.push(...this.closeEpoch('going-on'))
    } else if (epoch.behindBy > FURTHEST_BEHIND) {
      this.measured.gaps++
      events.push(...this.closeEpoch('going-on'))
    }
    return events
  }

  /** Asked at a keyframe, where the tracks can change. */
  private wantsOtherTracks(epoch: Epoch, keyframe: VideoSample): boolean {
    const soundComes = this.audio !== undefined && !this.source.isSilent('audio')
    if (!soundComes || (epoch.isDue(keyframe.at + (this.shift ?? 0)) && epoch.lacksAudio))
      this.silent.add('audio')
    else this.silent.delete('audio')
    const withSound = !this.silent.has('audio')
    if (!epoch.video || this.soundEnded || withSound !== (epoch.audio !== undefined)) return true
    return epoch.isOutgrown
  }

  private changeTracks(first: LiveSample): LiveEvent[] {
    const events = this.closeEpoch('going-on')
    if (first.track === 'video') this.silent.delete('video')
    this.preroll.add(first)
    events.push(...this.beginWhenReady())
    return events
  }

  private beginWhenReady(): LiveEvent[] {
    const { preroll } = this
    if (this.isReady()) return this.begin()
    if (!preroll.isOver(Math.max(this.source.lagOf('video'), this.source.lagOf('audio')))) return []
    if (this.trouble && !this.video && !this.audio) throw this.trouble
    return this.begin()
  }

  /** Every track that may be expected has come, and the picture's rate is known. */
  private isReady(): boolean {
    const known = this.video !== undefined && this.audio !== undefined
    if (!known && !this.introduced) return false
    const expected = (track: LiveTrackKind): boolean => this[track] !== undefined && !this.silent.has(track)
    if (!expected('video') && !expected('audio')) return false
    if (expected('audio') && !this.preroll.has('audio')) return false
    return !expected('video') || (this.preroll.has('video') && this.rate.settled)
  }

  /** Begins an epoch with what has come; without anything, nothing. */
  private begin(): LiveEvent[] {
    const { preroll } = this
    const video = preroll.has('video') ? this.video : undefined
    const audio = preroll.has('audio') ? this.audio : undefined
    const samples = preroll.take()
    if (!video && !audio) return []
    this.introduced = true
    this.soundEnded = false
    if (this.video && !video) this.silent.add('video')
    if (this.audio && !audio) this.silent.add('audio')
    if (this.shift === undefined) {
      const earliest = samples.reduce((least, { at }) => Math.min(least, at), Infinity)
      this.shift = Math.ceil(Math.max(this.lines.video.end, this.lines.audio.end)) - earliest
      this.program.restart()
    }
    const { shift } = this
    for (const sample of samples) this.program.note(sample.at + shift, sample.arrivedAt)
    if (video) this.compareWithFirst(video)
    const leading = samples.find(({ track }) => track === (video ? 'video' : 'audio'))
    const epoch = new Epoch({
      ...this.targets,
      video,
      audio,
      parameterSets: this.parameterSets,
      rate: this.rate,
      lines: this.lines,
      clock: this.program,
      start: (leading?.at ?? 0) + shift,
    })
    this.epoch = epoch
    const events = [epoch.tracks()]
    for (const sample of samples)
      events.push(...(sample === leading ? this.put(epoch, sample) : this.feed(sample)))
    return events
  }

  /**
   * Once the picture has changed, keyframes bring their parameter sets: ffmpeg passes over every init segment but the
   * first that it read, and would decode all that follows by the sets of that one.
   */
  private compareWithFirst(video: VideoConfig): void {
    this.firstVideo ??= video
    const known = this.firstVideo
    if (known.coding !== video.coding || !isSame(known.description.config, video.description.config))
      this.parameterSets = 'repeated'
  }

  private closeEpoch(how: 'going-on' | 'ended'): LiveEvent[] {
    const events = this.epoch?.close(how) ?? []
    this.epoch = undefined
    return events
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
