import { expect, test } from 'vitest'
import { parseDictionary } from '../../src/http/index.ts'

const TRUE = { kind: 'boolean', value: true }
const OTHER = { kind: 'other' }

test.each<[string, Record<string, unknown>]>([
  ['', {}],
  ['  ', {}],
  ['max-age=60', { 'max-age': { kind: 'integer', value: 60 } }],
  ['no-store , max-age=-5', { 'no-store': TRUE, 'max-age': { kind: 'integer', value: -5 } }],
  ['a=?0,\tb=?1', { a: { kind: 'boolean', value: false }, b: TRUE }],
  ['a="x, y\\"z"', { a: { kind: 'text', value: 'x, y"z' } }],
  ['a=tok/en:1', { a: { kind: 'text', value: 'tok/en:1' } }],
  [
    'a=1.5, b=:aGk=:, c=@1, d=%"x%c3%a9", e=(1 "b" c;q=1);r',
    { a: OTHER, b: OTHER, c: OTHER, d: OTHER, e: OTHER },
  ],
  ['a;x;y=2, b=1;z="s"', { a: TRUE, b: { kind: 'integer', value: 1 } }],
  ['a=1, a=2', { a: { kind: 'integer', value: 2 } }],
  ['*a_b.c-d*=1', { '*a_b.c-d*': { kind: 'integer', value: 1 } }],
])('the dictionary %j is read', (text, members) => {
  expect(Object.fromEntries(parseDictionary(text) ?? [])).toEqual(members)
  expect(parseDictionary(text)).toBeDefined()
})

test.each([
  ...['max-age=10000, &&&&&', 'a,', ',a', 'a,,b', 'a b', 'A=1', 'MaX-aGe=1', '1a', 'a=', 'a =1', 'a= 1'],
  ...[
    'a=1234567890123456',
    'a=1.2345',
    'a=1.',
    'a="x',
    'a="\\x"',
    "a='1'",
    'a=?2',
    'a=(1',
    'a=(1,2)',
    'a=:@:',
  ],
  ...['a;', 'a;X', 'a=1;b=', 'a=\u00e9', 'a="\u00e9"', 'a=--1', 'a=%"é"'],
])('%j is no dictionary', text => {
  expect(parseDictionary(text)).toBeUndefined()
})
