import { expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { formatHttpDate, isNotModified, parseHttpDate, rangeApplies } from '../../src/http/index.ts'

const NOW = instant(Date.UTC(2026, 10, 22))
const MODIFIED = formatHttpDate(instant(Date.UTC(2026, 0, 1)))
const EARLIER = formatHttpDate(instant(Date.UTC(2025, 0, 1)))
const LATER = formatHttpDate(instant(Date.UTC(2026, 5, 1)))
const VALIDATORS = { etag: '"a,b"', lastModified: MODIFIED }

test.each<[string, string | undefined, string | undefined, boolean]>([
  ['the same tag', '"a,b"', undefined, true],
  ['the same tag, weak', 'W/"a,b"', undefined, true],
  ['one of several tags', '"x", "a,b"', undefined, true],
  ['anything', '*', undefined, true],
  ['another tag', '"x"', undefined, false],
  ['another tag beside a date that would match', '"x"', LATER, false],
  ['the date itself', undefined, MODIFIED, true],
  ['a later date', undefined, LATER, true],
  ['an earlier date', undefined, EARLIER, false],
  ['no date', undefined, 'yesterday', false],
  ['nothing', undefined, undefined, false],
])('a condition on %s', (_, ifNoneMatch, ifModifiedSince, expected) => {
  expect(isNotModified({ ifNoneMatch, ifModifiedSince }, VALIDATORS, NOW)).toBe(expected)
})

test.each([
  [undefined, true],
  ['"a,b"', true],
  ['W/"a,b"', false],
  ['"x"', false],
  [MODIFIED, true],
  [LATER, false],
])('If-Range %s', (header, expected) => {
  expect(rangeApplies(header, VALIDATORS)).toBe(expected)
})

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sun Nov  6 08:49:37 1994', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sun, 06 Nov 1994 08:49:37 CET', undefined],
  ['0', undefined],
  ['', undefined],
])('the date %s', (text, expected) => {
  expect(parseHttpDate(text, NOW)).toBe(expected)
})
