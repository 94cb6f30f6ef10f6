import { expect, test } from 'vitest'
import { faultsOf, summed, tellMany } from '../delivery/tier-faults.ts'

test('500 stories of invalidations, fills, restarts and cuts: no byte older than it may be, none torn', async () => {
  const reports = await tellMany(500, { from: 1_000, atOnce: 6 })
  console.info(JSON.stringify(summed(reports)))
  expect(faultsOf(reports)).toEqual([])
}, 1_200_000)
