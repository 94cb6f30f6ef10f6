import type { Found, PlaylistFound, UpstreamAnswer } from '../../cache/index.ts'
import { fieldValue, type FlatHeaders } from '../../http/index.ts'

/** What the owner of a key says of how it came by its answer: a word, and what belongs to it. */
export interface OwnersWord {
  kind: string
  more: string[]
}

/** Undefined when the answer is not an owner's. */
export function ownersWord(headers: FlatHeaders): OwnersWord | undefined {
  const [kind, ...more] = fieldValue(headers, 'sluice-found')?.split(' ') ?? []
  return kind === undefined ? undefined : { kind, more }
}

/** What the owner says of others than the one who asks. */
export function ownersSharing({ headers }: UpstreamAnswer): Pick<UpstreamAnswer, 'joinable' | 'unshared'> {
  const { kind, more } = ownersWord(headers) ?? { kind: '', more: [] }
  if (kind === 'passing') return { unshared: more[0] as UpstreamAnswer['unshared'] & string } // written by `answerPeer` of this build
  const joinable = kind === 'filling' ? more[3] : kind === 'refreshed' ? more[0] : undefined
  return joinable === undefined || joinable === 'always' ? {} : { joinable: Number(joinable) }
}

/** What was found, as the owner found it: a hit there is a hit for the viewer, whatever it cost to bring it here. */
export function asOwnersFound(found: Found): PlaylistFound {
  switch (found.kind) {
    case 'filling': {
      const word = ownersWord(found.fill.headers)
      if (word === undefined) return found
      if (isHeld(word.kind)) return { ...found, source: word.kind }
      const [reason, joined, source] = word.more
      return {
        ...found,
        reason: reason as typeof found.reason, // written by `answerPeer` of this build
        joined: found.joined || joined === 'joined',
        ...(source !== undefined && isHeld(source) && { source }),
      }
    }
    case 'refreshed': {
      const word = ownersWord(found.object.headers)
      return word?.kind === 'hit' ? { kind: 'hit', object: found.object } : found
    }
    case 'passing': {
      const {
        kind,
        more: [reason, forward],
      } = ownersWord(found.answer.headers) ?? { kind: '', more: [] }
      if (kind !== 'passing') return found
      return {
        ...found,
        reason: reason as typeof found.reason, // written by `answerPeer` of this build
        forward: forward as typeof found.forward, // likewise
      }
    }
    default:
      return found
  }
}

export function isHeld(kind: string): kind is 'hit' | 'refreshed' | 'stale' {
  return kind === 'hit' || kind === 'refreshed' || kind === 'stale'
}
