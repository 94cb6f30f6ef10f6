import type { Seconds } from '../core/index.ts'

/** Why a request went on to the next tier (RFC 9211 §2.2). */
export type ForwardReason =
  'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'

/** How a request was answered, as far as `Cache-Status` tells it. */
export type CacheOutcome =
  | { kind: 'hit'; detail?: string }
  | {
      kind: 'forwarded'
      reason: ForwardReason
      /** Of the next tier, where the viewer gets another. */
      status?: number
      /** Whether what was answered is kept. */
      kept?: 'stored' | 'not-stored'
      /** Shared with another request that went on. */
      collapsed?: 'collapsed' | 'alone'
      detail?: string
    }

/**
 * The one member of this cache in `Cache-Status` (RFC 9211), with the freshness that is left, where that is known;
 * neither key nor anything of a viewer's is told.
 */
export function cacheStatus(outcome: CacheOutcome, ttl?: Seconds): string {
  const { detail } = outcome
  let text = outcome.kind === 'hit' ? 'sluice; hit' : `sluice; fwd=${outcome.reason}`
  if (outcome.kind === 'forwarded') {
    if (outcome.status !== undefined) text += `; fwd-status=${outcome.status}`
    if (outcome.collapsed === 'collapsed') text += '; collapsed'
    if (outcome.kept === 'stored') text += '; stored'
  }
  if (ttl !== undefined) text += `; ttl=${ttl}`
  return detail === undefined ? text : `${text}; detail=${detail}`
}
