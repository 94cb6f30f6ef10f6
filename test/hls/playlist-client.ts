/** A segment as a player knows it. */
export interface SeenSegment {
  init: string | undefined
  /** Its discontinuity sequence number. */
  continuity: number
  programDateTime: string | undefined
  uri: string | undefined
  duration: number | undefined
  parts: string[]
}

/** What a player holds after reading a playlist, by sequence number. */
export interface SeenPlaylist {
  header: string[]
  segments: Map<number, SeenSegment>
  hint: string | undefined
  reports: string[]
  ended: boolean
}

/**
 * Reads a media playlist as a player does; a delta update is put upon what the player had (rfc8216bis 6.3.7). Fails
 * when a segment that was skipped is not among that.
 */
export function readAsPlayer(text: string, had: SeenPlaylist | undefined): SeenPlaylist {
  const seen: SeenPlaylist = { header: [], segments: new Map(), hint: undefined, reports: [], ended: false }
  let next = 0
  let continuity = 0
  let init: string | undefined
  let current = blank()
  for (const line of text.trimEnd().split('\n')) {
    const [, tag = '', value = ''] = /^#([A-Z0-9-]+)(?::(.*))?$/.exec(line) ?? []
    const uri = /URI="([^"]*)"/.exec(value)?.[1]
    if (!line.startsWith('#')) {
      seen.segments.set(next++, { ...current, uri: line, init, continuity })
      current = blank()
    } else if (tag === 'EXT-X-SKIP') {
      for (let left = Number(value.split('=')[1]); left > 0; left--) {
        const kept = had?.segments.get(next)
        if (kept === undefined) throw new Error(`segment ${next} was skipped and is not known`)
        // Older parts are not the player's any more, whatever it had.
        seen.segments.set(next++, { ...kept, parts: [] })
        ;({ init, continuity } = kept)
      }
    } else if (tag === 'EXT-X-MEDIA-SEQUENCE') next = Number(value)
    else if (tag === 'EXT-X-DISCONTINUITY-SEQUENCE') continuity = Number(value)
    else if (tag === 'EXT-X-DISCONTINUITY') continuity++
    else if (tag === 'EXT-X-MAP') init = uri
    else if (tag === 'EXT-X-PROGRAM-DATE-TIME') current.programDateTime = value
    else if (tag === 'EXT-X-PART') current.parts.push(value)
    else if (tag === 'EXTINF') current.duration = parseFloat(value)
    else if (tag === 'EXT-X-PRELOAD-HINT') seen.hint = uri
    else if (tag === 'EXT-X-RENDITION-REPORT') seen.reports.push(value)
    else if (tag === 'EXT-X-ENDLIST') seen.ended = true
    else if (tag !== 'EXT-X-VERSION') seen.header.push(line)
    if (tag === 'EXT-X-MEDIA-SEQUENCE' || tag === 'EXT-X-DISCONTINUITY-SEQUENCE') seen.header.push(line)
  }
  if (current.parts.length > 0) seen.segments.set(next, { ...current, init, continuity })
  return seen
}

function blank(): SeenSegment {
  return {
    init: undefined,
    continuity: 0,
    programDateTime: undefined,
    uri: undefined,
    duration: undefined,
    parts: [],
  }
}
