import type { Exchange } from '../exchange.ts'

/** How an answer came about, in CloudFront's words for it (Server Timing §4). */
export function serverTiming(x: Exchange): string {
  const { node, id, startedAt } = x
  const metrics = [
    wordOf(x),
    `cdn-pop;desc="${node.pop}"`,
    `cdn-rid;desc="${id}"`,
    `cdn-downstream-fbl;dur=${Math.max(0, node.clock.now() - startedAt)}`,
  ]
  return metrics.join(', ')
}

function wordOf({ cache, found }: Exchange): string {
  if (cache === 'RefreshHit') return 'cdn-cache-refresh'
  return cache === 'Hit' || (cache === 'Error' && isStored(found)) ? HIT : 'cdn-cache-miss'
}

const HIT = 'cdn-cache-hit, cdn-hit-layer;desc="EDGE"'

function isStored(found: Exchange['found']): boolean {
  return found?.kind === 'hit' || found?.kind === 'stale'
}

/** Of so many answers in a hundred it is told, and of each that asks for it. */
export function wantsTiming(x: Exchange, samplingRate: number): boolean {
  return (
    100 * Math.random() < samplingRate || /(?:^|,)\s*server-timing\s*(?:,|$)/i.test(x.header('pragma') ?? '')
  )
}
