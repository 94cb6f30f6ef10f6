import { expect, test } from 'vitest'
import { faultsOf, summed, tellMany } from './tier-faults.ts'

test('16 stories of invalidations, fills, restarts and cuts: no byte older than it may be, none torn', async () => {
  const reports = await tellMany(16, { from: 1, atOnce: 8 })
  const sums = summed(reports)
  console.info(JSON.stringify(sums))
  expect(faultsOf(reports)).toEqual([])
  const { hits, invalidations, kills, cuts } = sums
  expect(Math.min(hits, invalidations, kills, cuts)).toBeGreaterThan(0)
}, 60_000)
