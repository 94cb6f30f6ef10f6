import { expect, test } from 'vitest'
import { closest } from '../../src/app/closest.ts'
import { availableMemory, defaultMemoryCache } from '../../src/app/memory.ts'

test('the memory cache is a tenth of what there is, and never too small to be of use', () => {
  expect(defaultMemoryCache(2 * 1024 ** 3)).toBe(Math.floor((2 * 1024 ** 3) / 10))
  expect(defaultMemoryCache(64 * 1024 ** 2)).toBe(32 * 1024 ** 2)
})

test('the memory that there is is a sensible number', () => {
  expect(availableMemory()).toBeGreaterThan(64 * 1024 ** 2)
  expect(Number.isSafeInteger(availableMemory())).toBe(true)
})

test.each([
  ['htp', 'http'],
  ['HTTP', 'http'],
  ['htpps', 'https'],
  ['data', 'data'],
  ['colour', undefined],
  ['x', undefined],
])('%s is close to %s', (word, meant) => {
  expect(closest(word, ['http', 'https', 'data', 'domainSuffix'])).toBe(meant)
})
