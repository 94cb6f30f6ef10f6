import { expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { LatencyMeter } from '../../src/routing/index.ts'

const MINUTE = 60_000

function meter(): { meter: LatencyMeter; clock: { at: number } } {
  const clock = { at: 0 }
  return { meter: new LatencyMeter({ now: () => instant(clock.at) }), clock }
}

const NETWORK = '198.51.100.0/24'
const saying = (milliseconds: number): object[] => [{ network: NETWORK, milliseconds }]

test('of a network the least counts, and what is told is not told again', () => {
  const { meter: on } = meter()
  for (const milliseconds of [40, 25.04, 90]) on.saw('198.51.100.7', milliseconds)
  expect(on.news()).toEqual(saying(25))
  expect(on.news()).toEqual(saying(25))
  on.told(on.news())
  on.saw('198.51.100.200', 24.5)
  expect(on.news()).toEqual([])
  on.saw('198.51.100.200', 12)
  expect(on.news()).toEqual(saying(12))
})

test('what was least long ago is forgotten, and what stays is told again before others forget it', () => {
  const { meter: on, clock } = meter()
  on.saw('198.51.100.7', 10)
  on.told(on.news())
  clock.at = 10 * MINUTE
  on.saw('198.51.100.7', 80)
  expect(on.news()).toEqual(saying(10))
  on.told(on.news())
  clock.at = 20 * MINUTE
  on.saw('198.51.100.7', 81)
  expect(on.news()).toEqual(saying(80))
  clock.at = 60 * MINUTE
  expect(on.news()).toEqual([])
  on.saw('198.51.100.7', 200)
  expect(on.news()).toEqual(saying(200))
})

test('what cannot be is passed over, and one report stays small', () => {
  const { meter: on } = meter()
  for (const [address, milliseconds] of [
    ['nowhere', 10],
    ['198.51.100.7', -1],
    ['198.51.100.7', Number.NaN],
    ['198.51.100.7', 5_000],
  ] as const)
    on.saw(address, milliseconds)
  expect(on.news()).toEqual([])
  for (let n = 0; n < 600; n++) on.saw(`10.${n >> 8}.${n & 255}.1`, 10)
  const first = on.news()
  on.told(first)
  expect([first.length, on.news().length]).toEqual([500, 100])
})
