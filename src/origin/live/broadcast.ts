import type { LiveEvent, LiveTrack, LiveTrackKind } from '../../cmaf/index.ts'
import {
  newEpoch,
  type Bytes,
  type BroadcastId,
  type Instant,
  type Milliseconds,
  type Seconds,
} from '../../core/index.ts'
import { entryPlaylist } from './entry-playlist.ts'
import { Rendition, type Numbers } from './rendition.ts'
import { Shelf, type Shelved } from './shelf.ts'

/** What the muxer makes, for whoever measures it. */
export type PartHeard = (arrivedAt: Instant) => void

/**
 * Longer ones no viewer waits for: with three of them a blocking request outlives the nodes' time limits, and the parts
 * of an open one fill a playlist that is fetched five times a second.
 */
const LONGEST_SEGMENT: Seconds = 40
/** Encoders begin anew when somebody changes their settings; each epoch costs as much as seconds of media. */
const EPOCHS = { most: 50, within: 10_000 } satisfies { most: number; within: Milliseconds }

/** One run of a channel in memory: its renditions with their windows, and the objects that their playlists name. */
export class Broadcast {
  readonly id: BroadcastId
  readonly startedAt: Instant
  readonly #shelf = new Shelf()
  readonly #renditions = new Map<LiveTrackKind, Rendition>()
  readonly #first: Numbers
  #epochs = 0
  /** When the newest of them began. */
  readonly #begun: Instant[] = []
  #excess: string | undefined

  constructor(id: BroadcastId, first: Numbers, now: Instant) {
    this.id = id
    this.startedAt = now
    this.#first = first
  }

  get bytes(): Bytes {
    return this.#shelf.bytes
  }

  /** Numbers that are greater than every one used so far. */
  get nextNumbers(): Numbers {
    const used = [...this.#renditions.values()].map(({ nextSequence }) => nextSequence)
    return {
      sequence: Math.max(this.#first.sequence, ...used),
      discontinuity: this.#first.discontinuity + this.#epochs,
    }
  }

  /** Why its stream is more than a channel may cost others; undefined while it is not. */
  get excess(): string | undefined {
    return this.#excess
  }

  /** Whether any playlist lists something. */
  get listsSomething(): boolean {
    return [...this.#renditions.values()].some(({ listsSomething }) => listsSomething)
  }

  /** Seconds; the longest of its playlists. */
  get targetDuration(): Seconds {
    return Math.max(2, ...[...this.#renditions.values()].map(({ targetDuration }) => targetDuration))
  }

  /** Undefined when it has no such track. */
  rendition(kind: LiveTrackKind): Rendition | undefined {
    return this.#renditions.get(kind)
  }

  /** Segment, part or init by its file name in the rendition's folder. */
  object(kind: LiveTrackKind, file: string): Shelved | undefined {
    return this.#shelf.get(`${kind}/${file}`)
  }

  /** The multivariant playlist; undefined until it may be told (`entryPlaylist`). */
  entry(wanted: 'all' | 'any'): string | undefined {
    return entryPlaylist(this.id, this.#playing(), wanted)
  }

  /** Takes what the muxer made and tells of each part when it can be fetched. */
  take(events: LiveEvent[], now: Instant, heard: PartHeard): void {
    for (const event of events) {
      switch (event.kind) {
        case 'tracks':
          this.#openEpoch(event.tracks, event.partTargets, now)
          break
        case 'segment':
          for (const rendition of this.#playing()) rendition.openSegment(event.programDateTime)
          break
        case 'part':
          this.#renditions.get(event.part.track)?.addPart(event.part, now)
          heard(event.part.arrivedAt)
          break
        case 'segment-end':
          for (const rendition of this.#playing()) rendition.closeSegment(now)
          break
      }
    }
    if (this.targetDuration > LONGEST_SEGMENT)
      this.#excess ??= `no keyframe came for ${LONGEST_SEGMENT} s: set Keyframe Interval to 2 s`
  }

  end(now: Instant): void {
    for (const rendition of this.#renditions.values()) rendition.end(now)
  }

  sweep(now: Instant): void {
    this.#shelf.sweep(now)
  }

  /** Those that the newest epoch has. */
  #playing(): Rendition[] {
    return [...this.#renditions.values()].filter(({ isPaused }) => !isPaused)
  }

  #openEpoch(tracks: LiveTrack[], partTargets: Partial<Record<LiveTrackKind, Seconds>>, now: Instant): void {
    const epoch = newEpoch()
    const { sequence } = this.nextNumbers
    const epochsBefore = this.#epochs++
    this.#countEpoch(now)
    for (const rendition of this.#renditions.values())
      if (!tracks.some(({ kind }) => kind === rendition.kind)) rendition.pause(epoch, now)
    for (const track of tracks) {
      const rendition =
        this.#renditions.get(track.kind) ?? this.#begin({ kind: track.kind, sequence, epochsBefore, now })
      rendition.openEpoch(epoch, track, partTargets[track.kind] ?? 0, now)
    }
  }

  #countEpoch(now: Instant): void {
    const times = this.#begun
    times.push(now)
    if (times.length <= EPOCHS.most) return
    const oldest = times.shift() ?? now
    if (now - oldest < EPOCHS.within)
      this.#excess ??=
        'the stream begins anew again and again: let the encoder keep one resolution and one clock'
  }

  #begin(track: { kind: LiveTrackKind; sequence: number; epochsBefore: number; now: Instant }): Rendition {
    const { sequence, ...rest } = track
    const [beside] = this.#renditions.values()
    const first = { sequence, discontinuity: this.#first.discontinuity }
    const rendition = new Rendition({ ...rest, shelf: this.#shelf, first, beside })
    this.#renditions.set(track.kind, rendition)
    return rendition
  }
}
