import { expect, test } from 'vitest'
import { nextRestart } from '../../src/app/back-off.ts'
import { instant } from '../../src/core/index.ts'

test('the first restart is at once, then the waits double up to ten seconds', () => {
  let history = { inARow: 0 }
  const waits = Array.from({ length: 9 }, () => {
    const next = nextRestart(history, instant(0), instant(100))
    history = next.history
    return next.wait
  })
  expect(waits).toEqual([0, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000])
})

test('ten seconds of running make the next ending a first one', () => {
  const history = { inARow: 5 }
  expect(nextRestart(history, instant(0), instant(9_999)).wait).toBe(8000)
  expect(nextRestart(history, instant(0), instant(10_000))).toEqual({ wait: 0, history: { inARow: 1 } })
})
