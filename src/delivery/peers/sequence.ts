import { known, type Answerable, type Exchange } from '../exchange.ts'

/**
 * The invalidation number up to which what was found is known to be no older (SEAMS 24). What another process stores of it
 * may not count as newer than it is: an invalidation that it has not seen has to undo it there too.
 */
export function sequenceFor(x: Exchange): number {
  return Math.min(x.appliedThen, sequenceOf(known(x.found, 'what was found')))
}

function sequenceOf(found: Answerable): number {
  switch (found.kind) {
    case 'filling':
      return found.sequence ?? 0
    case 'passing':
      return found.answer.sequence ?? Infinity
    default:
      return found.object.sequence
  }
}
