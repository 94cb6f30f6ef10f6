import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compilePattern } from '../../src/distribution/index.ts'
import { covers, overlap, samePattern } from '../../src/distribution/pattern-order.ts'

const pattern = fc
  .array(fc.constantFrom('a', 'b', '/', '*', '?'), { minLength: 1, maxLength: 7 })
  .map(parts => `/${parts.join('')}`)

/** Every path of few letters: `c` stands for all letters that a pattern does not name. */
const PATHS = paths(5)

function paths(length: number): string[] {
  if (length === 0) return ['']
  const shorter = paths(length - 1)
  const longest = shorter.filter(each => each.length === length - 1)
  return [...shorter, ...longest.flatMap(each => ['a', 'b', 'c', '/'].map(letter => each + letter))]
}

describe('patterns', () => {
  test('cover each other only when every path of the one is one of the other', () => {
    fc.assert(
      fc.property(pattern, pattern, (wide, narrow) => {
        const [one, other] = [compilePattern(wide), compilePattern(narrow)]
        if (!covers(wide, narrow)) return
        for (const path of PATHS) if (other(`/${path}`)) expect(one(`/${path}`)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('overlap wherever some path is of both', () => {
    fc.assert(
      fc.property(pattern, pattern, (first, second) => {
        const [one, other] = [compilePattern(first), compilePattern(second)]
        if (PATHS.some(path => one(`/${path}`) && other(`/${path}`)))
          expect(overlap(first, second)).toBe(true)
        if (covers(first, second)) expect(overlap(first, second)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test.each<[string, string, boolean]>([
    ['*', '/a', true],
    ['/*', '*', true],
    ['*', '/*', true],
    ['/a/*', '/a/b?', true],
    ['a/*', '/a/b', true],
    ['/a/?', '/a/*', false],
    ['/a/?*', '/a/*', false],
    ['/a/b', '/a/?', false],
    ['/%61/*', '/a/b', true],
    ['/vip!/*', '/vip%21/a', true],
    ['/a%2A', '/a*', false],
    ['/a*', '/a%2A', true],
    ['/a%2A', '/a%2a', true],
    ['*.m3u8', '/members/*', false],
    ['*/a', '/b/*/a', true],
  ])('%s covers %s: %s', (wide, narrow, expected) => {
    expect(covers(wide, narrow)).toBe(expected)
  })

  test.each<[string, string, boolean]>([
    ['/a/*', '/b/*', false],
    ['*.jpg', '/members/*', true],
    ['*.jpg', '*.png', false],
    ['/a?', '/ab', true],
    ['/a?', '/a', false],
    ['/a*b', '/a*c', false],
    ['/members/*', '*', true],
    ['/a%2A', '/a%2A', true],
    ['/a%2A', '/ab', false],
  ])('%s and %s overlap: %s', (one, other, expected) => {
    expect([overlap(one, other), overlap(other, one)]).toEqual([expected, expected])
  })

  test('are the same in two spellings', () => {
    expect(samePattern('members/*', '/%6Dembers/*')).toBe(true)
    expect(samePattern('/members/*', '/members/?')).toBe(false)
  })
})
