import { expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { Allowance } from '../../src/ingest/allowance.ts'

test('so much at once, and more as time passes', () => {
  let now = 1_000_000
  const allowance = new Allowance({ atOnce: 100, perSecond: 10 }, { now: () => instant(now) })
  const spend = (bytes: number): string => allowance.spend(bytes)
  expect([spend(60), spend(40), spend(1)]).toEqual(['spent', 'spent', 'exceeded'])
  now += 500
  expect([spend(6), spend(5), spend(1)]).toEqual(['exceeded', 'spent', 'exceeded'])
  now += 3_600_000
  expect([spend(101), spend(100)]).toEqual(['exceeded', 'spent'])
  now -= 3_600_000
  expect([spend(0), spend(1)]).toEqual(['spent', 'exceeded'])
})
