import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentRange, parseRange } from '../../src/http/index.ts'

test.each([
  [undefined, 'whole'],
  ['bytes=0-0', [0, 0]],
  ['bytes=0-', [0, 9]],
  ['bytes=3-5', [3, 5]],
  ['bytes=3-500', [3, 9]],
  ['bytes=-4', [6, 9]],
  ['bytes=-400', [0, 9]],
  ['BYTES=1-2', [1, 2]],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-3', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=0-1,4-5', 'whole'],
  ['seconds=1-2', 'whole'],
  ['bytes=a-b', 'whole'],
])('%s of ten bytes is %j', (header, expected) => {
  const parsed = parseRange(header, 10)
  expect(parsed.kind === 'range' ? [parsed.range.first, parsed.range.last] : parsed.kind).toEqual(expected)
})

test('a range never leaves the object', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(1000), fc.nat(2000), fc.nat(2000), (junk, length, a, b) => {
      for (const header of [junk, `bytes=${junk}`, `bytes=${a}-${b}`, `bytes=-${a}`, `bytes=${a}-`]) {
        const parsed = parseRange(header, length)
        if (parsed.kind !== 'range') continue
        expect(parsed.range.first).toBeGreaterThanOrEqual(0)
        expect(parsed.range.last).toBeLessThan(length)
        expect(parsed.range.first).toBeLessThanOrEqual(parsed.range.last)
      }
    }),
  )
})

test('Content-Range names first, last and length', () => {
  expect(contentRange({ first: 3, last: 5 }, 10)).toBe('bytes 3-5/10')
})
