import { expect, test } from 'vitest'
import { TrafficSums } from '../../src/delivery/workers/traffic-sums.ts'

const traffic = (requests: number, busy = 1): Parameters<TrafficSums['heard']>[1] => ({
  ...{ requests, bytes: 10 * requests, hits: requests - 1, misses: 1, busy },
})

test('what all processes have done is added, with what those had done who have ended', () => {
  const [one, other, third] = [{}, {}, {}]
  const sums = new TrafficSums()
  expect(sums.all).toEqual({ requests: 0, bytes: 0, hits: 0, misses: 0, busy: 0 })
  sums.heard(one, traffic(3))
  sums.heard(one, traffic(5, 7))
  sums.heard(other, traffic(10, 2))
  expect(sums.all).toEqual({ requests: 15, bytes: 150, hits: 13, misses: 2, busy: 9 })
  sums.left(one)
  sums.heard(one, traffic(6))
  expect(sums.all).toEqual({ requests: 15, bytes: 150, hits: 13, misses: 2, busy: 2 })
  sums.left(third)
  sums.heard(third, traffic(1))
  expect(sums.all.requests).toBe(15)
})
