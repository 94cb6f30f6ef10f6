import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  askedRanges,
  contentRange,
  parseContentRange,
  parseRange,
  parseRanges,
} from '../../src/http/index.ts'

test.each([
  [undefined, 'whole'],
  ['bytes=0-0', [0, 0]],
  ['bytes=0-', [0, 9]],
  ['bytes=3-5', [3, 5]],
  ['bytes=3-500', [3, 9]],
  ['bytes=-4', [6, 9]],
  ['bytes=-400', [0, 9]],
  ['BYTES=1-2', [1, 2]],
  ['bytes= 1-2 ', [1, 2]],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  [`bytes=${'9'.repeat(400)}-`, 'unsatisfiable'],
  ['bytes=5-3', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=0-1,4-5', 'whole'],
  ['seconds=1-2', 'whole'],
  ['bytes=a-b', 'whole'],
])('%s of ten bytes is %j', (header, expected) => {
  const parsed = parseRange(header, 10)
  expect(parsed.kind === 'range' ? [parsed.range.first, parsed.range.last] : parsed.kind).toEqual(expected)
})

test.each([
  ['bytes=0-1,4-5', '0-1 4-5'],
  ['bytes=4-5, 0-1', '0-1 4-5'],
  ['bytes=0-1,,4-5,', '0-1 4-5'],
  ['bytes=0-4,3-6', '0-6'],
  ['bytes=0-4,5-6', '0-6'],
  ['bytes=0-,-3,2-2', '0-9'],
  ['bytes=-2,0-0', '0-0 8-9'],
  ['bytes=1-2,20-30', '1-2'],
  ['bytes=20-30,40-', 'unsatisfiable'],
  ['bytes=0-1,5-3', 'whole'],
  ['bytes=,', 'whole'],
  [`bytes=${Array.from({ length: 16 }, (_, at) => `${at % 10}-${at % 10}`).join()}`, '0-9'],
  [`bytes=${Array.from({ length: 17 }, () => '0-0').join()}`, 'whole'],
  [`bytes=${','.repeat(100_000)}0-0`, 'whole'],
])('several: %s of ten bytes is %s', (header, expected) => {
  const parsed = parseRanges(header, 10)
  expect(
    parsed.kind === 'ranges'
      ? parsed.ranges.map(({ first, last }) => `${first}-${last}`).join(' ')
      : parsed.kind,
  ).toBe(expected)
})

/** Which bytes are asked for, one by one. */
function naively(header: string, length: number): Set<number> {
  const wanted = new Set<number>()
  for (const part of header.replace('bytes=', '').split(',')) {
    const [first = '', last = ''] = part.split('-')
    for (let at = 0; at < length; at++) {
      const isIn =
        first === ''
          ? at >= length - Number(last)
          : at >= Number(first) && (last === '' || at <= Number(last))
      if (isIn) wanted.add(at)
    }
  }
  return wanted
}

const spec = fc.oneof(
  fc.tuple(fc.nat(60), fc.nat(60)).map(([first, more]) => `${first}-${first + more}`),
  fc.nat(60).map(first => `${first}-`),
  fc.nat(60).map(suffix => `-${suffix}`),
)

test('any ranges of any length are the bytes that a naive reader counts, in order and apart', () => {
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 16 }), fc.nat(50), (specs, length) => {
      const header = `bytes=${specs.join()}`
      const parsed = parseRanges(header, length)
      const bytes: number[] = []
      let before = -2
      for (const { first, last } of parsed.kind === 'ranges' ? parsed.ranges : []) {
        expect(first).toBeGreaterThan(before + 1)
        before = last
        for (let at = first; at <= last; at++) bytes.push(at)
      }
      expect(new Set(bytes)).toEqual(naively(header, length))
      expect(parsed.kind).toBe(bytes.length === 0 ? 'unsatisfiable' : 'ranges')
    }),
  )
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

test('what is asked for can be read before a length is known', () => {
  expect(askedRanges('bytes=5-9,7-,-3')).toEqual([
    { first: 5, last: 9 },
    { first: 7, last: undefined },
    { suffix: 3 },
  ])
  expect(askedRanges('lines=5-9')).toBeUndefined()
})

test('Content-Range names first, last and length', () => {
  expect(contentRange({ first: 3, last: 5 }, 10)).toBe('bytes 3-5/10')
})

test.each([
  ['bytes 3-5/10', { first: 3, last: 5, length: 10 }],
  ['bytes 3-5/*', { first: 3, last: 5, length: undefined }],
  ['bytes 5-3/10', undefined],
  ['bytes 3-10/10', undefined],
  ['bytes */10', undefined],
  ['bytes 3-5/10, bytes 3-5/11', undefined],
  ['lines 3-5/10', undefined],
  [undefined, undefined],
])('Content-Range %s is read as %j', (value, expected) => {
  expect(parseContentRange(value)).toEqual(expected)
})
