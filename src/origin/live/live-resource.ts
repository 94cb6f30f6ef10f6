import type { LiveTrackKind } from '../../cmaf/index.ts'

/** What a path names under a channel. */
export type LiveResource =
  | { kind: 'multivariant'; channel: string }
  | { kind: 'playlist'; channel: string; broadcast: string; track: LiveTrackKind }
  | {
      kind: 'init' | 'segment' | 'part'
      channel: string
      broadcast: string
      track: LiveTrackKind
      file: string
    }

const ENTRY = '/index.m3u8'
const UNDER_TRACK =
  /^(\/.+)\/(b[a-z0-9]{9})\/(video|audio)\/(?:(playlist\.m3u8)|(e[a-z0-9]{9}-(?:(init\.mp4)|\d{1,15}(\.\d{1,9})?\.m4s)))$/

/** Reads a canonical path; undefined when nothing of a channel is named like that. */
export function readLiveResource(path: string): LiveResource | undefined {
  if (path.endsWith(ENTRY)) return { kind: 'multivariant', channel: path.slice(0, -ENTRY.length) }
  const match = UNDER_TRACK.exec(path)
  if (!match) return undefined
  const [, channel = '', broadcast = '', kind, playlist, file = '', init, part] = match
  const track: LiveTrackKind = kind === 'video' ? 'video' : 'audio'
  if (playlist !== undefined) return { kind: 'playlist', channel, broadcast, track }
  const what = init !== undefined ? 'init' : part !== undefined ? 'part' : 'segment'
  return { kind: what, channel, broadcast, track, file }
}
