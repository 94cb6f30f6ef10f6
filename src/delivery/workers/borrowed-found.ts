import type { PlaylistFound } from '../../cache/index.ts'
import type { Found } from '../../cache/index.ts'
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
