import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { selectionOf, varying } from '../../src/http/index.ts'

describe('Vary', () => {
  test.each<[string[], unknown]>([
    [[], { kind: 'by', names: [] }],
    [['Vary', ''], { kind: 'by', names: [] }],
    [['Vary', 'Foo, bar ,FOO'], { kind: 'by', names: ['bar', 'foo'] }],
    [['Vary', 'b', 'vary', 'a'], { kind: 'by', names: ['a', 'b'] }],
    ...[['*'], ['*, *'], [', *'], ['*, Foo'], ['Foo, *'], ['', '*'], ['Foo', '*']].map(
      (lines): [string[], unknown] => [lines.flatMap(line => ['Vary', line]), { kind: 'anything' }],
    ),
  ])('%j is read', (headers, expected) => {
    expect(varying(headers)).toEqual(expected)
  })
})

describe('a selection', () => {
  const of = (name: string, ...lines: string[]): string =>
    selectionOf(
      [name],
      lines.flatMap(line => [name, line]),
    )

  test.each<[string, string[], string[]]>([
    ['foo', ['1, 2'], ['1', '2']],
    ['foo', ['1,2'], [' 1 ,\t2 ']],
    ['accept-language', ['en, de'], ['de, en']],
    ['accept-language', ['en, de'], [' eN ,  De']],
    ['accept-language', ['en;q=0.5, de'], ['de', 'en ; q=0.5']],
  ])('of %s is the same for %j and %j', (name, one, other) => {
    expect(of(name, ...one)).toBe(of(name, ...other))
  })

  test.each<[string, string[], string[]]>([
    ['foo', ['1'], ['2']],
    ['foo', ['1, 2'], ['2, 1']],
    ['foo', ['a'], ['A']],
    ['foo', [''], []],
    ['foo', ['a b'], ['ab']],
    ['foo', ['"a, b"'], ['"a,b"']],
    ['accept-language', ['en;q=0.5, de'], ['en, de']],
  ])('of %s is not the same for %j and %j', (name, one, other) => {
    expect(of(name, ...one)).not.toBe(of(name, ...other))
  })

  test('tells every two requests apart that differ in a selecting field, and no others', () => {
    const value = fc.option(fc.stringMatching(/^[a-z0-9]{0,4}$/), { nil: undefined })
    const request = fc.record({ a: value, b: value, other: value })
    const flat = (fields: Record<string, string | undefined>): string[] =>
      Object.entries(fields).flatMap(([name, each]) => (each === undefined ? [] : [name, each]))
    fc.assert(
      fc.property(request, request, (one, two) => {
        const same = one.a === two.a && one.b === two.b
        expect(selectionOf(['a', 'b'], flat(one)) === selectionOf(['a', 'b'], flat(two))).toBe(same)
      }),
    )
  })

  test('holds nothing of what it selects by', () => {
    expect(of('cookie', 'session=secret')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })
})
