import type { FlvTag, LiveEvent, LiveFacts, LiveTrack, LiveTrackKind } from '../../../src/cmaf/index.ts'
import { instant, type Instant } from '../../../src/core/index.ts'
import type { Muxer } from '../../../src/origin/live/channel.ts'

/** What a tag tells the scripted muxer to make. */
export type Step =
  | { make: 'tracks'; kinds: LiveTrackKind[] }
  | { make: 'segment'; at: number }
  | { make: 'part'; track: LiveTrackKind; seconds: number; independent?: true; bytes: string }
  | { make: 'segment-end' }
  | { make: 'error'; words: string }

/** A tag that holds steps: FLV carries it like any other. */
export function tagOf(...steps: Step[]): FlvTag {
  return { type: 'script', timestamp: 0, data: Buffer.from(JSON.stringify(steps)) }
}

export const SCRIPTED_FACTS: LiveFacts = {
  video: {
    codec: 'avc1.64001f',
    width: 1280,
    height: 720,
    framesPerSecond: 29.9999,
    keyframeInterval: 8.3,
    bitrate: 2_999_999.6,
  },
  audio: { codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2, bitrate: 128_000 },
  bitrate: 3_127_999.6,
  gaps: 0,
  dropped: 0,
}

/** Makes what it is told, without any media: what origins do with events is what is tested. */
export class ScriptedMuxer implements Muxer {
  readonly facts = SCRIPTED_FACTS
  #open = false

  push(tag: FlvTag, arrivedAt: Instant): LiveEvent[] {
    const steps = JSON.parse(Buffer.from(tag.data).toString()) as Step[] // tests write them
    return steps.map(step => this.#make(step, arrivedAt))
  }

  discontinue(): LiveEvent[] {
    return this.#close()
  }

  end(): LiveEvent[] {
    return this.#close()
  }

  #close(): LiveEvent[] {
    const open = this.#open
    this.#open = false
    return open ? [{ kind: 'segment-end' }] : []
  }

  #make(step: Step, arrivedAt: Instant): LiveEvent {
    switch (step.make) {
      case 'tracks':
        return {
          kind: 'tracks',
          tracks: step.kinds.map(trackOf),
          partTargets: Object.fromEntries(step.kinds.map(kind => [kind, 0.2])),
        }
      case 'segment':
        this.#open = true
        return { kind: 'segment', programDateTime: instant(step.at) }
      case 'part': {
        const { track, seconds, independent = false, bytes } = step
        return {
          kind: 'part',
          part: { track, duration: seconds, independent, bytes: Buffer.from(bytes), arrivedAt },
        }
      }
      case 'segment-end':
        this.#open = false
        return { kind: 'segment-end' }
      case 'error':
        throw new Error(step.words)
    }
  }
}

export function trackOf(kind: LiveTrackKind): LiveTrack {
  const common = { timescale: 90_000, language: 'und', config: new Uint8Array(), extras: [] }
  if (kind === 'audio') {
    const audio = { kind, sampleEntry: 'mp4a' as const, codec: 'mp4a.40.2', channels: 2, sampleRate: 48_000 }
    return {
      kind,
      description: { ...common, ...audio },
      init: Buffer.from('init audio'),
      frameRate: undefined,
    }
  }
  const video = {
    ...{ kind, sampleEntry: 'avc1' as const, codec: 'avc1.64001f', rotation: 0 as const, matrix: [] },
    ...{ width: 1280, height: 720, displayWidth: 1280, displayHeight: 720 },
  }
  return { kind, description: { ...common, ...video }, init: Buffer.from('init video'), frameRate: 30 }
}

/** Steps of one segment: `parts` parts of 0.2 s for each track, each with bytes that name it. */
export function segmentOf(
  name: string,
  options: { at?: number; parts?: number; tracks?: LiveTrackKind[]; close?: boolean } = {},
): Step[] {
  const { at = 1_800_000_000_000, parts = 10, tracks = ['video', 'audio'], close = true } = options
  const steps: Step[] = [{ make: 'segment', at }]
  for (let part = 0; part < parts; part++)
    for (const track of tracks) steps.push(partOf(`${name}.${part}`, track, part === 0))
  if (close) steps.push({ make: 'segment-end' })
  return steps
}

export function partOf(name: string, track: LiveTrackKind, independent = false): Step {
  const first = independent || track === 'audio' ? { independent: true as const } : {}
  return { make: 'part', track, seconds: 0.2, ...first, bytes: `${track} ${name};` }
}
