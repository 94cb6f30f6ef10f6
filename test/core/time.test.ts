import { describe, expect, test } from 'vitest'
import { after, epochSeconds, instant, parseDuration } from '../../src/core/index.ts'

describe('durations', () => {
  test.each([
    ['90s', 90_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['250ms', 250],
    ['5m', 300_000],
    ['5m5ms', 300_005],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
    ['0.4ms', 0],
    ['1d1d', 172_800_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds)
  })

  test.each([
    '',
    '90',
    's',
    '-5s',
    '5 s',
    ' 5s',
    '5S',
    '5y',
    '1e3s',
    '.5h',
    '5.h',
    '5,5h',
    '5s;',
    '1h-30m',
    '∞',
    `${'9'.repeat(400)}d`,
    '99999999999999w',
  ])('"%s" is none', text => {
    expect(parseDuration(text)).toBeUndefined()
  })
})

test('instants count milliseconds and are told in whole seconds, rounded down', () => {
  expect(after(instant(1_000), 500)).toBe(1_500)
  expect(epochSeconds(instant(1_999))).toBe(1)
  expect(epochSeconds(instant(2_000))).toBe(2)
})
