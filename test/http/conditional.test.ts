import { expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import {
  formatHttpDate,
  isNotModified,
  judgeConditions,
  parseHttpDate,
  rangeApplies,
  strongValidator,
} from '../../src/http/index.ts'

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

test('If-Range with a date holds only where nothing else can have changed within its second', () => {
  const at = Date.UTC(2026, 0, 1)
  expect(rangeApplies(MODIFIED, VALIDATORS, instant(at + 999))).toBe(false)
  expect(rangeApplies(MODIFIED, VALIDATORS, instant(at + 1000))).toBe(true)
})

// RFC 9110 §13.2.2: each line differs from the one before by what comes earlier in that order.
test.each<[string, Record<string, string>, string]>([
  ['nothing', {}, 'met'],
  ['If-Modified-Since', { ifModifiedSince: LATER }, 'not-modified'],
  ['If-None-Match over it', { ifModifiedSince: LATER, ifNoneMatch: '"x"' }, 'met'],
  ['If-None-Match', { ifNoneMatch: '"a,b"' }, 'not-modified'],
  ['If-Unmodified-Since before it', { ifNoneMatch: '"a,b"', ifUnmodifiedSince: EARLIER }, 'failed'],
  ['If-Unmodified-Since that holds', { ifNoneMatch: '"a,b"', ifUnmodifiedSince: MODIFIED }, 'not-modified'],
  ['If-Unmodified-Since that is no date', { ifUnmodifiedSince: 'yesterday' }, 'met'],
  ['If-Match over it', { ifUnmodifiedSince: EARLIER, ifMatch: '"a,b"' }, 'met'],
  ['If-Match of another', { ifMatch: '"x", "y"' }, 'failed'],
  ['If-Match of one in several', { ifMatch: '"x", "a,b"' }, 'met'],
  ['If-Match that is weak', { ifMatch: 'W/"a,b"' }, 'failed'],
  ['If-Match of anything', { ifMatch: '*' }, 'met'],
])('the conditions of a request: %s', (_, conditions, expected) => {
  const none = { ifNoneMatch: undefined, ifModifiedSince: undefined }
  expect(judgeConditions({ ...none, ...conditions }, VALIDATORS, NOW)).toBe(expected)
})

test('If-Match never holds for a weak tag, or for none', () => {
  const asked = { ifMatch: 'W/"1"', ifNoneMatch: undefined, ifModifiedSince: undefined }
  expect(judgeConditions(asked, { etag: 'W/"1"', lastModified: undefined }, NOW)).toBe('failed')
  expect(judgeConditions(asked, { etag: undefined, lastModified: MODIFIED }, NOW)).toBe('failed')
})

test.each([
  ['a strong tag', '"1"', MODIFIED, '"1"'],
  ['a weak tag', 'W/"1"', MODIFIED, undefined],
  ['a tag without quotes', '1', MODIFIED, undefined],
  ['an old date', undefined, MODIFIED, MODIFIED],
  ['a date within the second', undefined, formatHttpDate(NOW), undefined],
  ['no date', undefined, 'yesterday', undefined],
  ['nothing', undefined, undefined, undefined],
])('%s ties parts together: %s, %s', (_, etag, lastModified, expected) => {
  expect(strongValidator({ etag, lastModified }, NOW)).toBe(expected)
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
