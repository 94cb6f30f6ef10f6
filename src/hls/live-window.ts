import { SluiceError, type Instant, type Seconds } from '../core/index.ts'
import { toMicroseconds } from './decimal.ts'
import type { Directives, LivePlaylist, LiveSegment, PlaylistPosition, RenditionReport } from './live.ts'
import { judgeReach, positionOf, type Reach } from './position.ts'

export interface WindowOptions {
  /** Unix seconds; above every sequence number that this path ever had (SEAMS 17). */
  firstSequence: number
  /** Unix seconds; what is listed begins at its remainder by 65,536, see docs/decisions/0008. */
  firstDiscontinuity: number
  /** What the first segments are expected to last at most. */
  targetDuration: Seconds
  /** Whole segments listed; more while they are too short to fill three target durations. */
  length?: number
  /** The newest segments, an open one included, whose parts are listed; 1 at least. */
  withParts?: number
  /**
   * The window of another track of the same broadcast: both then say the same target duration and PART-HOLD-BACK, as
   * rfc8216bis 6.2.4 demands of playlists that play together.
   */
  beside?: LiveWindow
}

export interface ClosedSegment {
  uri: string
  /** Of all its parts, oldest first; the segment is what they are, joined. */
  parts: string[]
  duration: Seconds
}

interface Epoch {
  name: string
  init: string
}

/**
 * hls.js keeps an array with the discontinuity sequence number for its index and walks it from 0: numbers like Unix
 * seconds stop a browser's tab for minutes. Sixteen bits take it milliseconds and come round in 18 hours.
 */
const FIRST_DISCONTINUITIES = 65_536

/** Segments too short for three target durations may pile up to so many times the length; then the oldest go after all. */
const MOST_LENGTHS = 4

/**
 * What one track of a broadcast lists at the moment: a pure state that is told what the muxer made and names it.
 * Epochs hold segments, segments hold parts. Once it has ended it takes nothing more.
 */
export class LiveWindow {
  readonly #options: Required<Omit<WindowOptions, 'beside'>>
  readonly #pace: Pace
  /** Whole ones, oldest first. */
  readonly #closed: LiveSegment[] = []
  #open: LiveSegment | undefined
  #epoch: Epoch | undefined
  #nextSequence: number
  #discontinuitySequence: number
  /** Epochs that began since the newest segment. */
  #breaks = 0
  #partTarget: Seconds = 0
  #state: 'live' | 'ended' = 'live'
  #dropped: string[] = []

  constructor(options: WindowOptions) {
    const { beside, ...own } = options
    this.#options = { length: 8, ...own, withParts: Math.max(1, own.withParts ?? 3) }
    this.#pace = beside === undefined ? new Pace() : beside.#pace
    this.#pace.raise({ targetDuration: options.targetDuration })
    this.#nextSequence = options.firstSequence
    this.#discontinuitySequence = options.firstDiscontinuity % FIRST_DISCONTINUITIES
  }

  /**
   * What follows has this init and these names; EXT-X-DISCONTINUITY before it unless it is the first. Closes an open
   * segment, and says so.
   */
  openEpoch(options: { epoch: string; init: string; partTarget: Seconds }): ClosedSegment | undefined {
    this.#mustLive()
    const closed = this.closeSegment()
    const left = this.#epoch
    if (left !== undefined) this.#breaks++
    this.#epoch = { name: options.epoch, init: options.init }
    this.#raisePartTarget(options.partTarget)
    if (left !== undefined) this.#dropInit(left.init)
    return closed
  }

  openSegment(programDateTime: Instant): void {
    this.#mustLive()
    const epoch = this.#epoch
    if (epoch === undefined) throw misused('a segment needs an epoch')
    if (this.#open !== undefined && this.#open.parts.length > 0) throw misused('a segment is open already')
    this.#open = {
      sequence: this.#nextSequence,
      init: epoch.init,
      discontinuities: 0,
      programDateTime,
      uri: undefined,
      duration: 0,
      parts: [],
    }
  }

  /** Answers its URI: `<epoch>-<sequence>.<part>.m4s`. */
  addPart({ duration, independent }: { duration: Seconds; independent: boolean }): string {
    const open = this.#open
    if (open === undefined) throw misused('a part needs an open segment')
    const uri = this.#partUri(open.sequence, open.parts.length)
    if (open.parts.length === 0) this.#takeBreaks(open)
    open.parts.push({ uri, duration, independent })
    open.duration += duration
    this.#raisePartTarget(duration)
    // 4.4.3.1, and before it is closed already: players count its parts towards it.
    this.#pace.raise({ targetDuration: Math.round(toMicroseconds(open.duration)) })
    this.#dropOldParts()
    return uri
  }

  /** Undefined when none was open, or it had no part: its number is used again. */
  closeSegment(): ClosedSegment | undefined {
    const open = this.#open
    this.#open = undefined
    if (open === undefined || open.parts.length === 0) return undefined
    const uri = `${this.#epochName()}-${open.sequence}.m4s`
    const { duration, sequence } = open
    const parts = open.parts.map(part => part.uri)
    this.#closed.push({ ...open, uri })
    this.#nextSequence = sequence + 1
    this.#dropOldSegments()
    return { uri, parts, duration }
  }

  /** Closes an open segment, and says so. */
  end(): ClosedSegment | undefined {
    const closed = this.closeSegment()
    this.#state = 'ended'
    return closed
  }

  /** As the playlist says it now; never shrinks. */
  get targetDuration(): Seconds {
    return this.#pace.targetDuration
  }

  /** Undefined while there is nothing. */
  get position(): PlaylistPosition | undefined {
    return positionOf({ segments: this.#listed() })
  }

  /** URI of the part that comes next; undefined before the first epoch and after the end. */
  get hint(): string | undefined {
    if (this.#state === 'ended' || this.#epoch === undefined) return undefined
    return this.#partUri(this.#nextSequence, this.#open?.parts.length ?? 0)
  }

  /**
   * Whether the playlist is there for who asks so (rfc8216bis 6.2.5.2). Once it has ended it always is, unless it
   * ended without a `position`: then there is none.
   */
  judge(until: Directives['until']): Reach {
    if (this.#state === 'ended') return 'ready'
    const partTarget = this.#partTarget
    const position = this.position
    if (position === undefined) {
      const before = { sequence: this.#nextSequence - 1, part: 0 }
      return judgeReach({ position: before, partTarget }, until) === 'too-far' ? 'too-far' : 'wait'
    }
    const reach = judgeReach({ position, partTarget }, until)
    const whole = this.#closed.at(-1)?.sequence ?? -1
    const asksForWhole = until !== undefined && until.part === undefined
    return reach === 'wait' && asksForWhole && whole >= until.sequence ? 'ready' : reach
  }

  /** A copy: it stays as it is when the window moves on. */
  playlist(reports: RenditionReport[]): LivePlaylist {
    return {
      targetDuration: this.#pace.targetDuration,
      partTarget: this.#partTarget,
      partHoldBack: 3 * this.#pace.partTarget,
      discontinuitySequence: this.#discontinuitySequence,
      segments: this.#listed().map(segment => ({ ...segment, parts: [...segment.parts] })),
      state: this.#state,
      hint: this.hint,
      reports,
    }
  }

  /**
   * URIs of segments, parts and inits that left the playlist since asked last. They gather until then: ask after
   * each segment.
   */
  takeDropped(): string[] {
    const dropped = this.#dropped
    this.#dropped = []
    return dropped
  }

  #listed(): LiveSegment[] {
    const open = this.#open
    return open !== undefined && open.parts.length > 0 ? [...this.#closed, open] : this.#closed
  }

  #epochName(): string {
    return this.#epoch?.name ?? ''
  }

  #partUri(sequence: number, part: number): string {
    return `${this.#epochName()}-${sequence}.${part}.m4s`
  }

  #raisePartTarget(duration: Seconds): void {
    this.#partTarget = Math.max(this.#partTarget, toMicroseconds(duration))
    this.#pace.raise({ partTarget: this.#partTarget })
  }

  /** Where nothing stands before it, the number of the first says what tags would have said (4.4.3.3). */
  #takeBreaks(first: LiveSegment): void {
    if (this.#closed.length === 0) this.#discontinuitySequence += this.#breaks
    else first.discontinuities = this.#breaks
    this.#breaks = 0
  }

  #dropOldParts(): void {
    const listed = this.#listed()
    for (const segment of listed.slice(0, Math.max(0, listed.length - this.#options.withParts))) {
      for (const part of segment.parts.splice(0)) this.#dropped.push(part.uri)
    }
  }

  /** 6.2.2: what stays lasts three target durations at least. */
  #dropOldSegments(): void {
    const { length } = this.#options
    let left = this.#closed.reduce((sum, { duration }) => sum + duration, 0)
    while (this.#closed.length > length) {
      const oldest = this.#closed[0]
      if (oldest === undefined) return
      left -= oldest.duration
      const tooShort = left < 3 * this.#pace.targetDuration
      if (tooShort && this.#closed.length <= MOST_LENGTHS * length) return
      this.#closed.shift()
      // 4.4.3.3: the tags that go with it are counted from now on.
      this.#discontinuitySequence += oldest.discontinuities
      if (oldest.uri !== undefined) this.#dropped.push(oldest.uri)
      for (const part of oldest.parts) this.#dropped.push(part.uri)
      this.#dropInit(oldest.init)
    }
  }

  #dropInit(init: string): void {
    if (init === this.#epoch?.init || this.#listed().some(segment => segment.init === init)) return
    this.#dropped.push(init)
  }

  #mustLive(): void {
    if (this.#state === 'ended') throw misused('the playlist has ended')
  }
}

/** What the playlists of one broadcast say alike; it only grows. */
class Pace {
  targetDuration: Seconds = 1
  partTarget: Seconds = 0

  raise(least: { targetDuration?: Seconds; partTarget?: Seconds }): void {
    this.targetDuration = Math.max(this.targetDuration, least.targetDuration ?? 0)
    this.partTarget = Math.max(this.partTarget, least.partTarget ?? 0)
  }
}

function misused(sentence: string): SluiceError {
  return new SluiceError('bad-window', sentence)
}
