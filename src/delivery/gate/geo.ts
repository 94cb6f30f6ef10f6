import type { Instant, Milliseconds } from '../../core/index.ts'
import { known, type Exchange } from '../exchange.ts'
import type { CacheNode } from '../node.ts'

/** Each viewer meets the same trouble; it is told so often. */
const TELL_AGAIN: Milliseconds = 60_000

const told = new WeakMap<CacheNode, Instant>()

/**
 * Whether a distribution lets viewers of this country in. One who is nowhere that is known is in none of the countries of
 * a list: so he is let in by one of those that are kept out, and by no other. Where there is nothing by which to tell,
 * nobody is.
 */
export function isLetIn(x: Exchange): boolean {
  const { node } = x
  const { geo } = known(x.served, 'the distribution').distribution
  if (geo === undefined) return true
  if (node.countries?.isThere !== true) {
    tellOnce(x)
    return false
  }
  const country = node.countries.of(known(x.viewer, 'the viewer').address)
  const listed = country !== undefined && geo.countries.includes(country)
  return geo.mode === 'allow' ? listed : !listed
}

function tellOnce({ id, node, served }: Exchange): void {
  const now = node.clock.now()
  if (now - (told.get(node) ?? 0) < TELL_AGAIN) return
  told.set(node, now)
  node.log.error(
    { id, distribution: served?.distribution.id },
    'a distribution is for some countries only and there is no country file, so nobody is let in: set geo.file',
  )
}
