import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DistributionId } from '../../src/core/index.ts'
import { compileInvalidations, type Invalidation } from '../../src/distribution/index.ts'

const ONE = 'E111111' as DistributionId
const TWO = 'E222222' as DistributionId

const of = (sequence: number, pattern: string, distributionId = ONE): Invalidation => ({
  sequence,
  distributionId,
  pattern,
})

describe('the newest number that concerns a path', () => {
  const compiled = compileInvalidations([
    of(3, '/a/exact'),
    of(5, '/a/b/*'),
    of(7, '/a/b*'),
    of(9, '/a/b/c/d'),
    of(2, '/a/b/c/d'),
    of(4, '/*', TWO),
    of(11, '/x//y/*'),
    of(13, '/deep/er/than/all/*'),
    of(1, '/a/b/*'),
  ])
  test.each([
    ['/a/exact', 3],
    ['/a/exact/', 0],
    ['/a/exac', 0],
    ['/a/b/x', 7],
    ['/a/b/', 7],
    ['/a/b', 7],
    ['/a/bcd', 7],
    ['/a/bcd/e', 7],
    ['/a/b/c/d', 9],
    ['/a/', 0],
    ['/a', 0],
    ['/', 0],
    ['/ab', 0],
    ['/A/b/x', 0],
    ['/x//y/z', 11],
    ['/x/y/z', 0],
    ['/x//y', 0],
    ['/deep/er/than/all/', 13],
    ['/deep/er/than/all', 0],
    ['/deep/er/than', 0],
  ])('%s: %d', (path, newest) => {
    expect(compiled.newest(ONE, path)).toBe(newest)
  })

  test('others are not concerned', () => {
    expect(compiled.newest(TWO, '/a/b/x')).toBe(4)
    expect(compiled.newest(TWO, '/')).toBe(4)
    expect(compiled.newest('E333333' as DistributionId, '/a/b/x')).toBe(0)
  })
})

test('only the last asterisk is a wildcard', () => {
  const compiled = compileInvalidations([of(1, '/a*b'), of(2, '/c**')])
  expect([compiled.newest(ONE, '/axb'), compiled.newest(ONE, '/a*b')]).toEqual([0, 1])
  expect([compiled.newest(ONE, '/cx'), compiled.newest(ONE, '/c*x')]).toEqual([0, 2])
})

test.each([...`!$&'()*+,;=:@`])('a path with %s is undone escaped or not', delimiter => {
  const escaped = `%${delimiter.charCodeAt(0).toString(16).toUpperCase()}`
  for (const said of [delimiter, escaped]) {
    const compiled = compileInvalidations([of(1, `/a${said}/x`), of(2, `/b${said}/*`), of(3, `/c${said}d*`)])
    for (const asked of [delimiter, escaped]) {
      const paths = [`/a${asked}/x`, `/b${asked}/x`, `/c${asked}de`, `/a/x`, '/b/x', '/ce']
      expect(paths.map(path => compiled.newest(ONE, path))).toEqual([1, 2, 3, 0, 0, 0])
    }
  }
})

test('an escaped asterisk at the end is no wildcard', () => {
  const compiled = compileInvalidations([of(1, '/a%2A')])
  expect([compiled.newest(ONE, '/ab'), compiled.newest(ONE, '/a*'), compiled.newest(ONE, '/a%2A')]).toEqual([
    0, 1, 1,
  ])
})

test('it says what comparing with every pattern would say', () => {
  const path = fc
    .array(fc.constantFrom('/', 'a', 'b', 'ab', '//'), { maxLength: 7 })
    .map(parts => `/${parts.join('')}`)
  const pattern = fc.tuple(path, fc.constantFrom('', '*')).map(parts => parts.join(''))
  fc.assert(
    fc.property(
      fc.array(pattern, { maxLength: 12 }),
      fc.array(path, { minLength: 1, maxLength: 5 }),
      (patterns, paths) => {
        const list = patterns.map((text, at) => of(((at * 7) % 13) + 1, text))
        const compiled = compileInvalidations(list)
        for (const asked of paths) {
          const concerned = list.filter(({ pattern: text }) =>
            text.endsWith('*') ? asked.startsWith(text.slice(0, -1)) : asked === text,
          )
          expect(compiled.newest(ONE, asked)).toBe(Math.max(0, ...concerned.map(({ sequence }) => sequence)))
        }
      },
    ),
    { numRuns: 3000 },
  )
})

test('ten thousand prefixes are compiled and asked without anybody noticing', () => {
  const list = Array.from({ length: 10_000 }, (_, at) =>
    of(at + 1, `/members/courses/lecture-number-${at}/*`),
  )
  const started = performance.now()
  const compiled = compileInvalidations(list)
  for (let at = 0; at < 10_000; at++) {
    expect(compiled.newest(ONE, `/members/courses/lecture-number-${at}/index.m3u8`)).toBe(at + 1)
  }
  expect(performance.now() - started).toBeLessThan(2000)
})
