import type { BroadcastId } from '../../core/index.ts'
import { renderMultivariant, type AudioRendition, type Variant } from '../../hls/index.ts'
import type { Rendition } from './rendition.ts'

const GROUP = 'audio'

/**
 * The multivariant playlist of a broadcast. With `all` it waits for a whole segment and a known bit rate of every track;
 * with `any` it names what there is, since a track that was announced may never come. Undefined while it must not be told:
 * ffmpeg and hls.js give up on a playlist that has parts and no segment yet.
 */
export function entryPlaylist(
  broadcast: BroadcastId,
  renditions: Rendition[],
  wanted: 'all' | 'any',
): string | undefined {
  const listed = renditions.filter(({ listsSegment }) => listsSegment)
  const waiting = listed.length < renditions.length || listed.some(({ rates }) => !rates.known)
  if (listed.length === 0 || (wanted === 'all' && waiting)) return undefined
  const video = listed.find(({ kind }) => kind === 'video')
  const audio = listed.find(({ kind }) => kind === 'audio')
  const first = video ?? audio
  if (!first) return undefined
  const variant: Variant = {
    uri: uriOf(broadcast, first),
    bandwidth: sum(listed.map(({ rates }) => rates.peak)),
    averageBandwidth: sum(listed.map(({ rates }) => rates.average)),
    codecs: listed.flatMap(({ track }) => (track ? [track.description.codec] : [])),
    ...(video ? pictureOf(video) : {}),
  }
  if (!video || !audio) return renderMultivariant({ variants: [variant], audio: [] })
  return renderMultivariant({
    variants: [{ ...variant, audioGroup: GROUP }],
    audio: [audioOf(broadcast, audio)],
  })
}

function audioOf(broadcast: BroadcastId, { kind, track }: Rendition): AudioRendition {
  const description = track?.description
  return {
    group: GROUP,
    name: 'Audio',
    default: true,
    ...(description?.kind === 'audio' ? { channels: description.channels } : {}),
    uri: uriOf(broadcast, { kind }),
  }
}

function pictureOf({ track }: Rendition): Pick<Variant, 'resolution' | 'frameRate'> {
  if (track?.description.kind !== 'video') return {}
  const { displayWidth, displayHeight } = track.description
  return {
    resolution: { width: Math.round(displayWidth), height: Math.round(displayHeight) },
    ...(track.frameRate === undefined ? {} : { frameRate: track.frameRate }),
  }
}

function uriOf(broadcast: BroadcastId, { kind }: Pick<Rendition, 'kind'>): string {
  return `${broadcast}/${kind}/playlist.m3u8`
}

function sum(values: number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
