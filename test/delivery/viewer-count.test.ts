import { expect, test } from 'vitest'
import { ViewerCount } from '../../src/delivery/viewers/viewer-count.ts'
import { handClock } from './edge-bench.ts'

test('control hears of viewers until it has taken that there are none', () => {
  const clock = handClock()
  const count = new ViewerCount(clock)
  expect(count.report()).toBeUndefined()
  count.seen('/live/a', 'one')
  const some = { channels: [{ path: '/live/a', viewers: 1 }] }
  expect(count.report()).toEqual(some)
  count.taken(some)
  clock.move(10_000)
  const none = { channels: [] }
  expect(count.report()).toEqual(none)
  expect(count.report()).toEqual(none)
  count.taken(none)
  expect(count.report()).toBeUndefined()
})

test('the count of a channel is bounded, and forgets first who was silent longest', () => {
  const clock = handClock()
  const count = new ViewerCount(clock, 3)
  for (const viewer of ['a', 'b', 'c']) count.seen('/live/a', viewer)
  clock.move(9_000)
  count.seen('/live/a', 'a')
  count.seen('/live/a', 'd')
  expect([count.of('/live/a'), count.total]).toEqual([3, 3])
  clock.move(1_000)
  expect(count.of('/live/a')).toBe(2)
})
