import { expect, test } from 'vitest'
import { cacheStatus, type CacheOutcome } from '../../src/http/index.ts'

test.each<[CacheOutcome, number | undefined, string]>([
  [{ kind: 'hit' }, 12, 'sluice; hit; ttl=12'],
  [{ kind: 'hit', detail: 'revalidating' }, -3, 'sluice; hit; ttl=-3; detail=revalidating'],
  [{ kind: 'forwarded', reason: 'uri-miss', kept: 'stored' }, undefined, 'sluice; fwd=uri-miss; stored'],
  [
    { kind: 'forwarded', reason: 'vary-miss', collapsed: 'collapsed', kept: 'not-stored' },
    undefined,
    'sluice; fwd=vary-miss; collapsed',
  ],
  [{ kind: 'forwarded', reason: 'stale', status: 304 }, 60, 'sluice; fwd=stale; fwd-status=304; ttl=60'],
  [
    { kind: 'forwarded', reason: 'method', detail: 'no-store' },
    undefined,
    'sluice; fwd=method; detail=no-store',
  ],
])('%j with %s s left is %s', (outcome, ttl, text) => {
  expect(cacheStatus(outcome, ttl)).toBe(text)
})
