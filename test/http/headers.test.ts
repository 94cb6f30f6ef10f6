import { expect, test } from 'vitest'
import {
  cacheKey,
  variantOf,
  endToEnd,
  fieldValue,
  keyedQuery,
  parseCacheControl,
  splitDirectives,
} from '../../src/http/index.ts'
import type { CanonicalPath, DistributionId } from '../../src/core/index.ts'

const path = (text: string): CanonicalPath => text as CanonicalPath // a test's own canonical paths

test('values of a repeated field are joined, whatever their spelling', () => {
  expect(fieldValue(['A', '1', 'b', '2', 'a', '3'], 'a')).toBe('1, 3')
  expect(fieldValue(['A', '1'], 'c')).toBeUndefined()
})

test('hop-by-hop fields and those that Connection names do not travel on', () => {
  const headers = [
    'Connection',
    'close, X-Private',
    'X-Private',
    '1',
    'Keep-Alive',
    't',
    'Transfer-Encoding',
    'chunked',
    'ETag',
    '"a"',
  ]
  expect(endToEnd(headers)).toEqual(['ETag', '"a"'])
})

test('Cache-Control keeps quoted commas together and skips what is no directive', () => {
  expect([...parseCacheControl('private="a, b", max-age=5, ,=x, No-Store , ext="q\\"r"')]).toEqual([
    ['private', 'a, b'],
    ['max-age', '5'],
    ['no-store', ''],
    ['ext', 'q\\"r'],
  ])
})

test('of a repeated directive the first counts', () => {
  expect(parseCacheControl('max-age=1, max-age=9').get('max-age')).toBe('1')
})

test('keyed header fields stand in a key as a digest, one that is absent apart from one that is empty', () => {
  const id = 'E1' as DistributionId // shorter than real ones
  expect(cacheKey(id, path('/a'), 'b=1', variantOf([]))).toBe('E1 /a?b=1')
  const variants = [
    ['a', 'b'],
    ['a,b'],
    ['b', 'a'],
    ['', undefined],
    [undefined, ''],
    ['ab'],
    ['null'],
    [undefined],
  ]
  const keys = variants.map(values => cacheKey(id, path('/a'), 'b=1', variantOf(values)))
  expect(new Set(keys).size).toBe(variants.length)
  for (const each of keys) expect(each).toMatch(/^E1 [A-Za-z0-9_-]{43} \/a\?b=1$/)
})

test('a key begins with the distribution and holds the keyed part of the query in its order', () => {
  const id = 'E1' as DistributionId // shorter than real ones
  expect(cacheKey(id, path('/a'), '')).toBe('E1 /a')
  expect(cacheKey(id, path('/a'), keyedQuery('b=2&a=1&c=%20', ['c', 'b']))).toBe('E1 /a?b=2&c=%20')
  expect(keyedQuery('b=2&a=1', 'all')).toBe('b=2&a=1')
  expect(keyedQuery('b=2', 'none')).toBe('')
})

test.each([
  ['/a.m3u8', '_HLS_part=1&x=1&_HLS_msn=3&y', { directives: '_HLS_part=1&_HLS_msn=3', rest: 'x=1&y' }],
  ['/a.m3u8', 'x=_HLS_msn', { directives: '', rest: 'x=_HLS_msn' }],
  ['/a.m3u8', '', { directives: '', rest: '' }],
  ['/a.m4s', 'x=1&_HLS_msn=3', { directives: '', rest: 'x=1&_HLS_msn=3' }],
])('the directives of %s?%s are split from the rest', (file, query, split) => {
  expect(splitDirectives(query, path(file))).toEqual(split)
})
