import type { Seconds } from '../core/index.ts'
import type { Directives, LivePlaylist, PlaylistPosition } from './live.ts'

/** Undefined for a playlist that lists nothing. */
export function positionOf(playlist: Pick<LivePlaylist, 'segments'>): PlaylistPosition | undefined {
  const last = playlist.segments.at(-1)
  return last && { sequence: last.sequence, part: last.parts.length - 1 }
}

/** Below zero when `a` reaches less far than `b`; both of one playlist. */
export function comparePositions(a: PlaylistPosition, b: PlaylistPosition): number {
  return a.sequence - b.sequence || a.part - b.part
}

/** `1790000000.4`; the part is -1 where none is listed. */
export function formatPosition({ sequence, part }: PlaylistPosition): string {
  return `${sequence}.${part}`
}

/** Undefined when it is not one. */
export function parsePosition(text: string): PlaylistPosition | undefined {
  const match = /^(\d{1,15})\.(-1|\d{1,9})$/.exec(text)
  return match ? { sequence: Number(match[1]), part: Number(match[2]) } : undefined
}

/** What becomes of a question: answered now, held until the playlist has grown, or refused as beyond all reason. */
export type Reach = 'ready' | 'wait' | 'too-far'

/**
 * Judges a question by the newest position alone (rfc8216bis 6.2.5.2). `ready` is certain. `wait` may be over
 * already: a position does not say whether its segment is closed, so whoever knows no more asks upstream. `too-far`
 * is as true as the position is new; an ended playlist answers everything.
 */
export function judgeReach(
  known: { position: PlaylistPosition; partTarget: Seconds },
  until: Directives['until'],
): Reach {
  if (until === undefined) return 'ready'
  const { sequence, part } = known.position
  if (sequence > until.sequence) return 'ready'
  // Without parts a segment is listed once it is whole.
  if (part === -1 && sequence === until.sequence) return 'ready'
  if (until.sequence > sequence + 2) return 'too-far'
  if (until.part === undefined) return 'wait'
  if (sequence === until.sequence && part >= until.part) return 'ready'
  // In a later segment the rest of this one comes on top, of unknown length.
  const ahead = sequence === until.sequence ? until.part - part : until.part + 1
  return ahead > advancePartLimit(known.partTarget) ? 'too-far' : 'wait'
}

/** rfc8216bis 6.2.5.2. */
function advancePartLimit(partTarget: Seconds): number {
  return partTarget > 0 && partTarget < 1 ? 3 / partTarget : 3
}
