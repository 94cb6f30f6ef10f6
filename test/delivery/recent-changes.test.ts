import { expect, test } from 'vitest'
import type { DistributionId } from '../../src/core/index.ts'
import type { Changed } from '../../src/delivery/peers/changed.ts'
import { MOST_CHANGES, RecentChanges } from '../../src/delivery/workers/recent-changes.ts'
import type { CacheKey } from '../../src/http/index.ts'

const change = (path: string): Changed => ({
  distributionId: 'E1' as DistributionId, // a test's own
  path,
  keys: [`E1 ${path}` as CacheKey], // likewise
})

test('whoever was away is told all that is remembered, since he may not have done what he heard of', () => {
  const changes = new RecentChanges()
  changes.add(change('/before'))
  const { count } = changes
  changes.add(change('/while-away'))
  expect(changes.after(count)).toEqual([change('/before'), change('/while-away')])
})

test.each([
  ['changes', '/short'],
  ['characters', `/${'long'.repeat(20_000)}`],
])('who missed more %s than are remembered learns that', (_what, path) => {
  const changes = new RecentChanges()
  const { count } = changes
  while (changes.after(count) !== undefined && changes.count <= MOST_CHANGES) changes.add(change(path))
  expect(changes.after(count)).toBeUndefined()
  // Those that are remembered, all but the first, suffice for who was there until now.
  expect(changes.after(changes.count)?.length).toBe(changes.count - 1)
})
