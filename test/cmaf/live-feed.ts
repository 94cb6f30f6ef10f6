import { writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import {
  FlvReader,
  LiveMuxer,
  type FlvTag,
  type LiveEvent,
  type LiveMuxerOptions,
  type LivePart,
  type LiveTrack,
  type LiveTrackKind,
} from '../../src/cmaf/index.ts'
import { instant, type Instant } from '../../src/core/index.ts'
import { ffmpeg, ffprobe } from './made-movies.ts'

export const ARRIVAL = instant(1_790_000_000_000)

/** The tags of an FLV that ffmpeg makes of these arguments. */
export async function feedOf(...args: string[]): Promise<FlvTag[]> {
  const { stdout } = await ffmpeg(...args, '-f', 'flv', '-')
  return new FlvReader().push(new Uint8Array(stdout))
}

export interface Played {
  events: LiveEvent[]
  /** The event's tag, as an index into the feed; the feed's length for those of the end. */
  from: number[]
  muxer: LiveMuxer
}

export interface PlayOptions extends LiveMuxerOptions {
  /** When a tag arrives; as paced by its own time unless told. */
  arrival?: (tag: FlvTag, index: number) => Instant
}

export function play(feed: readonly FlvTag[], { arrival, ...options }: PlayOptions = {}): Played {
  const muxer = new LiveMuxer(options)
  const events: LiveEvent[] = []
  const from: number[] = []
  const note = (some: LiveEvent[], index: number): void => {
    for (const event of some) {
      events.push(event)
      from.push(index)
    }
  }
  let now = ARRIVAL
  feed.forEach((tag, index) => {
    const at = arrival?.(tag, index) ?? instant(ARRIVAL + tag.timestamp)
    if (at > now) now = at
    note(muxer.push(tag, now), index)
  })
  note(muxer.end(), feed.length)
  return { events, from, muxer }
}

export interface PlayedPart extends LivePart {
  segment: number
  /** In seconds. */
  decodeTime: number
}

export interface PlayedEpoch {
  tracks: LiveTrack[]
  targets: Partial<Record<LiveTrackKind, number>>
  programDateTimes: Instant[]
  parts: Record<LiveTrackKind, PlayedPart[]>
}

/** Sorts events by epoch, and fails when they come in an order that is not promised. */
export function epochsOf(events: readonly LiveEvent[]): PlayedEpoch[] {
  const epochs: PlayedEpoch[] = []
  let open = false
  for (const event of events) {
    const epoch = epochs.at(-1)
    switch (event.kind) {
      case 'tracks':
        expect(open).toBe(false)
        epochs.push({
          tracks: event.tracks,
          targets: event.partTargets,
          programDateTimes: [],
          parts: { video: [], audio: [] },
        })
        break
      case 'segment':
        expect(open).toBe(false)
        open = true
        epoch?.programDateTimes.push(event.programDateTime)
        break
      case 'part': {
        expect(open).toBe(true)
        const track = epoch?.tracks.find(({ kind }) => kind === event.part.track)
        if (!epoch || !track) throw new Error(`a part of ${event.part.track}, which is no track of its epoch`)
        epoch.parts[event.part.track].push({
          ...event.part,
          segment: epoch.programDateTimes.length - 1,
          decodeTime: decodeTimeOf(event.part.bytes) / track.description.timescale,
        })
        break
      }
      case 'segment-end':
        expect(open).toBe(true)
        open = false
        break
    }
  }
  expect(open).toBe(false)
  return epochs
}

/** The tfdt of a part, in ticks. */
export function decodeTimeOf(part: Uint8Array): number {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.length)
  return Number(bytes.readBigUInt64BE(bytes.indexOf('tfdt') + 8))
}

/** Breaches of the rules of parts (rfc8216bis): none above the target, none but a segment's last below 85 % of it. */
export function badParts(epoch: PlayedEpoch): string[] {
  return (['video', 'audio'] as const).flatMap(kind => {
    const target = epoch.targets[kind] ?? 0
    return epoch.parts[kind].flatMap((part, index, parts) => {
      const last = parts[index + 1]?.segment !== part.segment
      const share = part.duration / target
      if (share > 1) return [`${kind} part ${index} lasts ${share} of the target`]
      return share < 0.85 && !last ? [`${kind} part ${index} lasts only ${share} of the target`] : []
    })
  })
}

/** Where a part does not begin when the one before it ends, in seconds, by more than a tick's rounding. */
export function holes(epoch: PlayedEpoch, kind: LiveTrackKind): number[] {
  return epoch.parts[kind].flatMap((part, index, parts) => {
    const before = parts[index - 1]
    const hole = before ? part.decodeTime - (before.decodeTime + before.duration) : 0
    return Math.abs(hole) > 1e-6 ? [hole] : []
  })
}

/** Segments of an epoch in which one of its tracks has no part. */
export function unevenSegments(epoch: PlayedEpoch): number[] {
  return epoch.programDateTimes.flatMap((_, segment) =>
    epoch.tracks.some(({ kind }) => !epoch.parts[kind].some(part => part.segment === segment))
      ? [segment]
      : [],
  )
}

/** The init segment and all parts of a track behind each other, which is a file that plays. */
export async function join(epoch: PlayedEpoch, kind: LiveTrackKind, path: string): Promise<void> {
  const track = epoch.tracks.find(one => one.kind === kind)
  if (!track) throw new Error(`the epoch has no ${kind}`)
  await writeFile(path, Buffer.concat([track.init, ...epoch.parts[kind].map(({ bytes }) => bytes)]))
}

export interface Packets {
  hashes: string[]
  /** Seconds, sorted. */
  shownAt: number[]
}

/** The packets of a file's only picture or sound, as they are. */
export async function packetsOf(path: string, kind: LiveTrackKind): Promise<Packets> {
  const { stdout } = await ffmpeg(
    ...['-copyts', '-i', path, '-map', `0:${kind[0] ?? ''}:0`, '-c', 'copy', '-f', 'framemd5', '-'],
  )
  const hashes = stdout
    .toString()
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(',')[5]?.trim() ?? '')
  const times = await ffprobe(
    ...['-select_streams', `${kind[0] ?? ''}:0`, '-show_entries', 'packet=pts_time', path],
  )
  const shownAt = times
    .split('\n')
    .map(line => Number(line.split(',')[0]))
    .sort((one, other) => one - other)
  return { hashes, shownAt }
}

/** What ffmpeg says when it decodes a file; nothing when all is well. */
export async function complaints(path: string): Promise<string> {
  const { stderr } = await ffmpeg('-i', path, '-fps_mode', 'passthrough', '-f', 'null', '-')
  return stderr
}
