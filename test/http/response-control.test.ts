import { expect, test } from 'vitest'
import { responseControl } from '../../src/http/index.ts'

const CACHE_CONTROL = ['Cache-Control', 'no-store']

function control(...headers: string[]): [string, Record<string, string>] {
  const { directives, from } = responseControl([...headers, ...CACHE_CONTROL])
  return [from, Object.fromEntries(directives)]
}

const ORDINARY = ['cache-control', { 'no-store': '' }]

test('a targeted field stands in place of Cache-Control, and ours before the one for any CDN', () => {
  expect(control()).toEqual(ORDINARY)
  expect(control('CDN-Cache-Control', 'max-age=60, private="a, b", must-revalidate, x=1.5')).toEqual([
    'targeted',
    { 'max-age': '60', private: 'a, b', 'must-revalidate': '', x: '' },
  ])
  expect(control('CDN-Cache-Control', 'max-age=1', 'Sluice-CDN-Cache-Control', 'max-age=2')).toEqual([
    'targeted',
    { 'max-age': '2' },
  ])
  expect(control('cdn-cache-control', 'max-age=1', 'CDN-Cache-Control', 'no-cache')).toEqual([
    'targeted',
    { 'max-age': '1', 'no-cache': '' },
  ])
  expect(control('CDN-Cache-Control', 'no-store=?0, max-age=5')).toEqual(['targeted', { 'max-age': '5' }])
})

test('one that cannot be read is ignored, and the next in line counts', () => {
  for (const bad of [
    '',
    ' ',
    'max-age=10000, &&&&&',
    'max-age="10000"',
    'max-age',
    'max-age=1.5',
    'MAX-AGE=1',
  ]) {
    expect(control('CDN-Cache-Control', bad)).toEqual(ORDINARY)
    expect(control('Sluice-CDN-Cache-Control', bad, 'CDN-Cache-Control', 'max-age=3')).toEqual([
      'targeted',
      { 'max-age': '3' },
    ])
  }
})

test('what is said to other caches, or between nodes, is not said to this one', () => {
  expect(control('Surrogate-Control', 'max-age=60', 'Akamai-CDN-Cache-Control', 'max-age=60')).toEqual(
    ORDINARY,
  )
  expect(control('Sluice-Cache-Control', 'max-age-ms=60')).toEqual(ORDINARY)
})
