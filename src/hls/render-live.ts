import { SluiceError, type Seconds } from '../core/index.ts'
import { climbingUri, plainUri } from './attribute-text.ts'
import { decimal } from './decimal.ts'
import type { Directives, LivePartLine, LivePlaylist, LiveSegment, RenditionReport } from './live.ts'

// Written by hand: the library that writes the other playlists corrupts parts beside EXT-X-MAP.

/** EXT-X-MAP needs 6, fragmented MP4 players expect 7, EXT-X-SKIP needs 9 (rfc8216bis 8). */
const VERSION = 7
const VERSION_WITH_SKIP = 9

/**
 * The text of a live playlist (rfc8216bis 4.4). With `segments` it is a delta update when there is something to skip,
 * else the whole (6.2.5.1). Players that know nothing of parts pass over their tags and see whole segments. Throws
 * SluiceError `bad-playlist` when it lists nothing, or has ended with a segment still open.
 */
export function renderLive(playlist: LivePlaylist, skip: Directives['skip']): string {
  const first = playlist.segments[0]
  if (first === undefined) throw new SluiceError('bad-playlist', 'a live playlist needs a segment')
  const skipped = skip === 'segments' ? skippable(playlist) : 0
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${skipped > 0 ? VERSION_WITH_SKIP : VERSION}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-TARGETDURATION:${playlist.targetDuration}`,
    serverControl(playlist),
  ]
  if (playlist.partTarget > 0) lines.push(`#EXT-X-PART-INF:PART-TARGET=${decimal(playlist.partTarget)}`)
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${first.sequence}`)
  lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${playlist.discontinuitySequence}`)
  if (skipped > 0) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`)
  let init: string | undefined
  for (const segment of playlist.segments.slice(skipped)) {
    // Behind a skip it is said again: it costs a line and spares players a search for it in what they had.
    lines.push(...segmentLines(segment, segment.init === init ? 'known' : 'new'))
    init = segment.init
  }
  lines.push(...ending(playlist))
  return `${lines.join('\n')}\n`
}

/** 4.4.3.8: the skip boundary is at least six target durations, the holds back three targets. */
function serverControl({ targetDuration, partTarget, partHoldBack }: LivePlaylist): string {
  const attributes = ['CAN-BLOCK-RELOAD=YES', `CAN-SKIP-UNTIL=${skipBoundary(targetDuration)}`]
  if (partTarget > 0) attributes.push(`PART-HOLD-BACK=${decimal(Math.max(partHoldBack, 3 * partTarget))}`)
  attributes.push(`HOLD-BACK=${3 * targetDuration}`)
  return `#EXT-X-SERVER-CONTROL:${attributes.join(',')}`
}

function skipBoundary(targetDuration: Seconds): Seconds {
  return 6 * targetDuration
}

/** How many segments lie wholly before the skip boundary; of an ended playlist nothing is skipped (6.2.5.1). */
function skippable({ segments, targetDuration, state }: LivePlaylist): number {
  if (state === 'ended') return 0
  let behind = 0
  for (let at = segments.length - 1; at >= 0; at--) {
    if (behind > skipBoundary(targetDuration)) return at + 1
    behind += segments[at]?.duration ?? 0
  }
  return 0
}

function segmentLines(segment: LiveSegment, init: 'new' | 'known'): string[] {
  const lines: string[] = []
  for (let tag = 0; tag < segment.discontinuities; tag++) lines.push('#EXT-X-DISCONTINUITY')
  if (init === 'new') lines.push(`#EXT-X-MAP:URI="${plainUri(segment.init)}"`)
  lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.programDateTime).toISOString()}`)
  lines.push(...segment.parts.map(partLine))
  if (segment.uri !== undefined) lines.push(`#EXTINF:${decimal(segment.duration)},`, plainUri(segment.uri))
  return lines
}

function partLine({ uri, duration, independent }: LivePartLine): string {
  return `#EXT-X-PART:DURATION=${decimal(duration)},URI="${plainUri(uri)}"${independent ? ',INDEPENDENT=YES' : ''}`
}

/** An ended playlist promises nothing more: neither a next part nor other playlists that go on. */
function ending({ state, segments, hint, reports }: LivePlaylist): string[] {
  if (state === 'live') {
    const hints = hint === undefined ? [] : [`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${plainUri(hint)}"`]
    return [...hints, ...reports.map(reportLine)]
  }
  if (segments.at(-1)?.uri === undefined)
    throw new SluiceError('bad-playlist', 'a live playlist ends with a whole segment')
  return ['#EXT-X-ENDLIST']
}

function reportLine({ uri, lastSequence, lastPart }: RenditionReport): string {
  const part = lastPart < 0 ? '' : `,LAST-PART=${lastPart}`
  return `#EXT-X-RENDITION-REPORT:URI="${climbingUri(uri)}",LAST-MSN=${lastSequence}${part}`
}
