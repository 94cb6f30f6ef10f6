import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalPath, enclosingPaths, overlaps, parseAssetPath } from '../../src/core/index.ts'

describe('an asset may stand at', () => {
  test.each([
    ['/members/talk', '/members/talk'],
    ['members/talk', '/members/talk'],
    ['/a', '/a'],
    ['/0', '/0'],
    ['/Talk_1.final-2', '/Talk_1.final-2'],
    ['/a..b/c.', '/a..b/c.'],
    [`/${'x'.repeat(128)}`, `/${'x'.repeat(128)}`],
    [
      `/${Array.from({ length: 4 }, () => 'x'.repeat(127)).join('/')}`,
      `/${Array.from({ length: 4 }, () => 'x'.repeat(127)).join('/')}`,
    ],
  ])('%s', (text, path) => {
    expect(parseAssetPath(text)).toEqual({ kind: 'ok', path })
  })
})

describe('an asset may not stand at', () => {
  const empty = 'a path has no empty segment and no slash at its end'
  const segment = (text: string) =>
    `"${text}" cannot be a segment: use letters, digits, ".", "_" and "-", begin with a letter or digit, at most 128`
  test.each([
    ['', empty],
    ['/', empty],
    ['//', empty],
    ['/a/', empty],
    ['a//b', empty],
    ['//a', empty],
    ['/..', segment('..')],
    ['/a/../b', segment('..')],
    ['/.sluice/x', segment('.sluice')],
    ['/~token', segment('~token')],
    ['/-a', segment('-a')],
    ['/_a', segment('_a')],
    ['/a b', segment('a b')],
    ['/für', segment('für')],
    ['/%61', segment('%61')],
    ['/a*', segment('a*')],
    ['/a?b', segment('a?b')],
    ['/a\\b', segment('a\\b')],
    ['/a\n', segment('a\n')],
    [`/${'x'.repeat(129)}`, segment('x'.repeat(129))],
    [`/${'x/'.repeat(256)}x`, 'a path has at most 512 characters, this one has 514'],
  ])('%j', (text, why) => {
    expect(parseAssetPath(text)).toEqual({ kind: 'bad', why })
  })
})

test('every asset path is canonical as it stands', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), text => {
      const result = parseAssetPath(text)
      if (result.kind === 'ok') expect(canonicalPath(result.path)).toEqual({ kind: 'ok', path: result.path })
    }),
  )
})

test.each([
  ['/a/b/c', ['/a/b/c', '/a/b', '/a']],
  ['/a', ['/a']],
  ['', []],
])('the assets that could serve %s', (path, enclosing) => {
  expect(enclosingPaths(path)).toEqual(enclosing)
})

test.each([
  ['/a', '/a', true],
  ['/a', '/a/b', true],
  ['/a/b/c', '/a', true],
  ['/a', '/ab', false],
  ['/a/b', '/a/bc', false],
  ['/a/b', '/a/c', false],
  ['/A', '/a', false],
])('%s and %s overlap: %s', (one, other, overlap) => {
  expect(overlaps(one, other)).toBe(overlap)
  expect(overlaps(other, one)).toBe(overlap)
})
