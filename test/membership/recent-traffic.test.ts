import { expect, test } from 'vitest'
import { TrafficMeter } from '../../src/membership/index.ts'

const time = { now: 0 }
const meter = (): TrafficMeter => new TrafficMeter(() => time.now)

test('rates are those of the last ten seconds, whatever was before', () => {
  time.now = 0
  const node = meter()
  expect(node.look({ requests: 1_000_000, bytes: 5e9, hits: 9, misses: 1 })).toEqual({
    ...{ bytesPerSecond: 0, requestsPerSecond: 0, hitRatio: null },
  })
  const totals = { requests: 1_000_000, bytes: 5e9, hits: 9, misses: 1 }
  const looks = Array.from({ length: 20 }, (_, at) => {
    time.now += 2_000
    // A burst in the first four seconds, then one request of a kilobyte each second, every fourth a miss.
    const burst = at < 2 ? 100 : 1
    totals.requests += 2 * burst
    totals.bytes += 2_000 * burst
    totals.hits += 1.5 * burst
    totals.misses += 0.5 * burst
    return node.look(totals)
  })
  expect(looks[0]).toEqual({ bytesPerSecond: 100_000, requestsPerSecond: 100, hitRatio: 0.75 })
  expect(looks[4]).toEqual({ bytesPerSecond: 40_600, requestsPerSecond: 40.6, hitRatio: 0.75 })
  expect(looks.at(-1)).toEqual({ bytesPerSecond: 1_000, requestsPerSecond: 1, hitRatio: 0.75 })
})

test('what does not cache has no hits, and totals that fall are no traffic', () => {
  time.now = 0
  const node = meter()
  node.look({ requests: 10, bytes: 10 })
  time.now = 1_000
  expect(node.look({ requests: 12, bytes: 5 })).toEqual({
    ...{ bytesPerSecond: 0, requestsPerSecond: 2, hitRatio: null },
  })
})
