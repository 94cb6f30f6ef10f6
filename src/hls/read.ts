import { KiB, type Bytes } from '../core/index.ts'
import { parseText, type Parsed } from './parser.ts'

export interface ReadLimits {
  size?: Bytes
  lines?: number
  /** EXT-X-MEDIA and EXT-X-STREAM-INF tags together: parsing costs their product. */
  renditions?: number
}

export type ReadResult = Parsed | { kind: 'refused'; why: string }

/**
 * Reads a playlist that somebody else wrote. Everything that makes parsing slow is capped before the parser sees it;
 * whatever the parser throws becomes a refusal.
 */
export function readPlaylist(text: string, limits: ReadLimits = {}): ReadResult {
  const { size = 1024 * KiB, lines: mostLines = 20_000, renditions: mostRenditions = 200 } = limits
  if (text.length > size) return refused(`it is larger than ${size} bytes`)
  if (!/^#EXTM3U\s*$/m.test(text.slice(0, 64)) || !text.startsWith('#EXTM3U'))
    return refused('it does not begin with #EXTM3U')
  const lines = text.split('\n')
  if (lines.length > mostLines) return refused(`it has more than ${mostLines} lines`)
  const renditions = lines.filter(line => /^#EXT-X-(MEDIA|STREAM-INF|I-FRAME-STREAM-INF):/.test(line)).length
  if (renditions > mostRenditions) return refused(`it names more than ${mostRenditions} renditions`)
  let parsed: Parsed
  try {
    parsed = parseText(text)
  } catch {
    return refused('it is not a valid playlist')
  }
  const names = parsed.kind === 'media' ? parsed.segments : parsed.playlist.variants
  if (names.length === 0) return refused('it names neither a segment nor a variant')
  return parsed
}

function refused(why: string): ReadResult {
  return { kind: 'refused', why }
}
