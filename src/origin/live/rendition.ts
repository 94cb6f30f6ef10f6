import type { LivePart, LiveTrack, LiveTrackKind } from '../../cmaf/index.ts'
import { after, newEpoch, type Instant, type Milliseconds, type Seconds } from '../../core/index.ts'
import {
  LiveWindow,
  renderLive,
  renderLiveMark,
  type ClosedSegment,
  type Directives,
  type RenditionReport,
} from '../../hls/index.ts'
import { RateMeter } from './rate-meter.ts'
import type { Shelf } from './shelf.ts'

/** Objects stay so long after they have left the playlist: who read it just before may still ask for them. */
const GRACE: Milliseconds = 20_000
/** Segments begin at the first keyframe after so long; the window raises the target when an encoder's are longer. */
const TARGET_DURATION: Seconds = 2

/** One version of a media playlist, as it is sent. */
export interface Rendered {
  body: Uint8Array
  /** Strong, with its quotes. */
  etag: string
  /** The value of `Sluice-Live`. */
  mark: string
  /** When what it says became true. */
  madeAt: Instant
  targetDuration: Seconds
  partTarget: Seconds
  state: 'live' | 'ended'
}

export interface Numbers {
  sequence: number
  discontinuity: number
}

export interface RenditionOptions {
  kind: LiveTrackKind
  shelf: Shelf
  /** Its first sequence number, and the discontinuity number of the broadcast's first epoch. */
  first: Numbers
  /** Of the broadcast, that began without this track. */
  epochsBefore: number
  /** Another track of the broadcast, if there is one. */
  beside: Rendition | undefined
  now: Instant
}

/** One track of a broadcast: its window, its playlists as text, its bit rates; its objects lie on the broadcast's shelf. */
export class Rendition {
  readonly kind: LiveTrackKind
  readonly rates = new RateMeter()
  readonly #shelf: Shelf
  readonly #window: LiveWindow
  /** No other playlist has this tag, so one that was made before a restart matches none. */
  readonly #tag = newEpoch()
  readonly #texts = new Map<Directives['skip'], Rendered>()
  #track: LiveTrack | undefined
  #init = ''
  #paused = false
  #listsSegment = false
  #version = 0
  #madeAt: Instant
  #state: 'live' | 'ended' = 'live'
  /** The highest number of a segment that was opened. */
  #highest: number

  constructor(options: RenditionOptions) {
    const { kind, shelf, first, epochsBefore, beside, now } = options
    this.kind = kind
    this.#shelf = shelf
    this.#madeAt = now
    this.#highest = first.sequence - 1
    this.#window = new LiveWindow({
      firstSequence: first.sequence,
      firstDiscontinuity: first.discontinuity,
      targetDuration: TARGET_DURATION,
      ...(beside === undefined ? {} : { beside: beside.#window }),
    })
    // Counted like the other track's, whose number may have been reduced by the window (rfc8216bis 6.2.4).
    for (let epoch = 0; epoch < epochsBefore; epoch++) this.pause('', now)
  }

  /**
   * Whether the newest epoch lacks this track. Its playlist does not end: an encoder's sound may come back, and players
   * would not look again.
   */
  get isPaused(): boolean {
    return this.#paused
  }

  /** As its newest sequence header describes it. */
  get track(): LiveTrack | undefined {
    return this.#track
  }

  /** Whether it lists a whole segment. */
  get listsSegment(): boolean {
    return this.#listsSegment
  }

  get listsSomething(): boolean {
    return this.#window.position !== undefined
  }

  get state(): 'live' | 'ended' {
    return this.#state
  }

  /** Seconds; never shrinks. */
  get targetDuration(): Seconds {
    return this.#window.targetDuration
  }

  /** The number after every one that was used. */
  get nextSequence(): number {
    return this.#highest + 1
  }

  openEpoch(epoch: string, track: LiveTrack, partTarget: Seconds, now: Instant): void {
    this.#track = track
    this.#init = `${epoch}-init.mp4`
    this.#paused = false
    this.#shelf.put(this.#name(this.#init), track.init, now)
    this.#shelve(this.#window.openEpoch({ epoch, init: this.#init, partTarget }), now)
    this.#changed(now)
  }

  /** An epoch begins without this track; its discontinuity counts here too (rfc8216bis 6.2.4). */
  pause(epoch: string, now: Instant): void {
    this.#paused = true
    this.#shelve(this.#window.openEpoch({ epoch, init: this.#init, partTarget: 0 }), now)
    this.#changed(now)
  }

  openSegment(programDateTime: Instant): void {
    // Listed with its first part; until then nothing has changed.
    this.#window.openSegment(programDateTime)
  }

  addPart(part: LivePart, now: Instant): void {
    const uri = this.#window.addPart({ duration: part.duration, independent: part.independent })
    this.#shelf.put(this.#name(uri), part.bytes, now)
    this.rates.part(part.bytes.length, part.duration)
    this.#highest = Math.max(this.#highest, this.#window.position?.sequence ?? 0)
    this.#changed(now)
  }

  closeSegment(now: Instant): void {
    this.#shelve(this.#window.closeSegment(), now)
    this.#changed(now)
  }

  end(now: Instant): void {
    if (this.#state === 'ended') return
    this.#shelve(this.#window.end(), now)
    this.#state = 'ended'
    this.#changed(now)
  }

  judge(until: Directives['until']): 'ready' | 'wait' | 'too-far' {
    return this.#window.judge(until)
  }

  /** Whether a file of this name is the part that comes next. */
  isHinted(file: string): boolean {
    return this.#state === 'live' && this.#window.hint === file
  }

  /** For the playlists of the others, which lie in folders beside this one's. */
  report(): RenditionReport[] {
    const { position } = this.#window
    if (!position) return []
    const uri = `../${this.kind}/playlist.m3u8`
    return [{ uri, lastSequence: position.sequence, lastPart: position.part }]
  }

  /** Each version is rendered once; undefined while it would list nothing. */
  playlist(skip: Directives['skip'], reports: () => RenditionReport[]): Rendered | undefined {
    const known = this.#texts.get(skip)
    if (known) return known
    const { position } = this.#window
    if (!position) return undefined
    const playlist = this.#window.playlist(reports())
    const rendered: Rendered = {
      body: Buffer.from(renderLive(playlist, skip)),
      etag: `"${this.#tag}.${this.#version}${skip === 'none' ? '' : '.skip'}"`,
      mark: renderLiveMark({ ...position, ...playlist }),
      madeAt: this.#madeAt,
      targetDuration: playlist.targetDuration,
      partTarget: playlist.partTarget,
      state: playlist.state,
    }
    this.#texts.set(skip, rendered)
    return rendered
  }

  /** What a file of this rendition is called on the shelf. */
  #name(file: string): string {
    return `${this.kind}/${file}`
  }

  #shelve(closed: ClosedSegment | undefined, now: Instant): void {
    if (!closed) return
    const parts = closed.parts.map(part => this.#name(part))
    this.#shelf.join(this.#name(closed.uri), parts, now)
    this.rates.segmentEnd()
    this.#listsSegment = true
  }

  #changed(now: Instant): void {
    this.#version++
    this.#madeAt = now
    this.#texts.clear()
    const dropped = this.#window.takeDropped().map(file => this.#name(file))
    if (dropped.length > 0) this.#shelf.leave(dropped, after(now, GRACE))
  }
}
