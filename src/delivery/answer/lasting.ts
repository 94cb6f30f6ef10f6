import type { Filling } from '../../cache/index.ts'
import type { Instant, Milliseconds } from '../../core/index.ts'
import { judgeStorability } from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'

/** For how long what is on its way may be kept from its birth; `freshUntil` where that is known already. */
export function lastingOf(x: Exchange, fill: Filling, freshUntil: Instant | undefined): Milliseconds {
  const { status, headers, bornAt } = fill
  if (freshUntil !== undefined) return freshUntil - bornAt
  // A page in the place of a refusal: the viewer never came to a source, and pages are dynamic.
  if (x.source === undefined) return 0
  const now = x.node.clock.now()
  // It is stored, so nobody need know what of the viewer's went along.
  const facts = { status, headers, requestedAt: now, respondedAt: now, forwarded: [] }
  const verdict = judgeStorability(facts, x.source.bounds)
  return verdict.kind === 'store' ? verdict.freshUntil - verdict.bornAt : 0
}
