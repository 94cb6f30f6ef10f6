import { after, type Instant, type Milliseconds } from '../core/index.ts'
import {
  comparePositions,
  judgeReach,
  parseLiveMark,
  type Directives,
  type LiveMark,
  type Reach,
} from '../hls/index.ts'
import { fieldValue, type FlatHeaders } from '../http/index.ts'
import type { StoredObject } from './contract.ts'

/** One version of a live playlist, as an answer has brought it. */
export interface Version {
  readonly object: StoredObject
  /** A delta update leaves out what its reader has already (rfc8216bis 6.2.5.1). */
  readonly form: 'full' | 'delta'
  readonly mark: LiveMark
  /** `open`: its newest segment still grows. `ended`: nothing follows any more. */
  readonly state: 'open' | 'closed' | 'ended'
  /** Until then it answers who asks for the newest (SEAMS 18). */
  readonly currentUntil: Instant
  /** Until then it answers who asks for something that it has; older ones name objects that are going. */
  readonly usableUntil: Instant
}

/** What an origin says of a live media playlist; undefined of everything else. */
export function liveMark(answer: { status: number; headers: FlatHeaders }): LiveMark | undefined {
  if (answer.status !== 200) return undefined
  const text = fieldValue(answer.headers, 'sluice-live')
  return text === undefined ? undefined : parseLiveMark(text)
}

export interface Arrival {
  at: Instant
  /** Whose lifetime the answer bears: that of directives holds for them, and says nothing of the newest. */
  asked: 'plain' | 'directed'
}

export function readVersion(object: StoredObject, { at, asked }: Arrival): Version | undefined {
  const mark = liveMark(object)
  if (mark === undefined) return undefined
  const { body } = object
  // SEAMS 18: one part target, or half a target duration without parts.
  const pace: Milliseconds = 1000 * (mark.partTarget > 0 ? mark.partTarget : mark.targetDuration / 2)
  const fresh = asked === 'plain' ? object.freshUntil : after(object.bornAt, pace)
  const state = stateOf(body)
  const overdue: Milliseconds = state === 'ended' ? 500 * mark.targetDuration : pace / 2
  return {
    object,
    form: body.includes('#EXT-X-SKIP:') ? 'delta' : 'full',
    mark,
    state,
    // Past its time when it comes: its successor is overdue or its encoder gone, and each question would go upstream.
    currentUntil: fresh > at ? fresh : after(at, overdue),
    usableUntil: after(at, 6000 * mark.targetDuration),
  }
}

function stateOf(body: Buffer): Version['state'] {
  if (body.includes('#EXT-X-ENDLIST')) return 'ended'
  // The parts of a segment stand before it.
  return body.lastIndexOf('#EXTINF:') > body.lastIndexOf('#EXT-X-PART:') ? 'closed' : 'open'
}

const ORDER: readonly Version['state'][] = ['open', 'closed', 'ended']

/** Below zero when `one` is the older of two of a playlist. */
export function compareVersions(one: Version, other: Version): number {
  return comparePositions(one.mark, other.mark) || ORDER.indexOf(one.state) - ORDER.indexOf(other.state)
}

/** How a question stands to this version. Unlike a mere position, a version shows whether its last segment is whole. */
export function judgeVersion(version: Version, until: Directives['until']): Reach {
  const { mark, state } = version
  if (state === 'ended') return 'ready'
  const lastWhole = state === 'closed' && until?.part === undefined && until?.sequence === mark.sequence
  return lastWhole ? 'ready' : judgeReach({ position: mark, partTarget: mark.partTarget }, until)
}
