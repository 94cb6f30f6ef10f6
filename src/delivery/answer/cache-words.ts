import type { Filling, Found, UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, type Instant } from '../../core/index.ts'
import { LONGEST_DELTA, type CacheOutcome } from '../../http/index.ts'
import type { CacheWord, Exchange } from '../exchange.ts'
import { sendError } from './refusal.ts'

export const HIT: CacheOutcome = { kind: 'hit' }
export const REVALIDATED: CacheOutcome = { kind: 'forwarded', reason: 'stale', status: 304 }
export const STALE: Record<(Found & { kind: 'stale' })['why'], CacheOutcome> = {
  'upstream-failed': { kind: 'forwarded', reason: 'stale', detail: 'upstream-failed' },
  revalidating: { kind: 'hit', detail: 'revalidating' },
}

export const VERSION_WORDS: Record<'known' | 'fetched' | 'joined', [CacheWord, CacheOutcome]> = {
  known: ['Hit', HIT],
  fetched: ['Miss', { kind: 'forwarded', reason: 'miss', kept: 'stored' }],
  joined: ['Miss', { kind: 'forwarded', reason: 'miss', collapsed: 'collapsed' }],
}

export type Filled = Found & { kind: 'filling' }

export function fetched({ joined, reason }: Filled): CacheOutcome {
  return { kind: 'forwarded', reason, ...(joined ? { collapsed: 'collapsed' } : { kept: 'stored' }) }
}

export function passed({ forward, reason }: Found & { kind: 'passing' }): CacheOutcome {
  return { kind: 'forwarded', reason: forward, detail: reason }
}

/** What there is no room for in one piece can still be read by each for himself. */
export function onItsWay(fill: Filling): UpstreamAnswer {
  const { status, headers, bornAt } = fill
  return {
    ...{ status, headers, requestedAt: bornAt, respondedAt: bornAt },
    body: fill.read(0),
    destroy: () => {},
  }
}

export function ageOf(bornAt: Instant, now: Instant): number {
  return Math.min(LONGEST_DELTA, Math.max(0, Math.floor((now - bornAt) / 1000)))
}

export function cannotRead(x: Exchange, error: unknown): undefined {
  x.node.log.warn({ id: x.id, code: codeOf(error), path: x.loggedPath }, 'an answer broke off')
  return sendError(x, 502, 'BadGateway', 'The origin broke its answer off')
}
