import { describe, expect, it } from 'vitest'
import { Type as TypeBox } from 'typebox'
import { Compile } from 'typebox/compile'
import { codeOf, messageOf, reader, Type, type TSchema } from '../../src/core/index.ts'

/** Every way in which a shape is put together, made with the one set of builders and with the other. */
function shapes(make: typeof Type): TSchema[] {
  const word = make.String({ minLength: 1, maxLength: 5, pattern: '^[a-z]+$' })
  const named = make.Object({ name: word, age: make.Optional(make.Integer({ minimum: 0 })) })
  return [
    ...[make.String(), word, make.Number(), make.Number({ maximum: 3 }), make.Integer(), make.Boolean()],
    ...[make.Null(), make.Unknown(), make.Unknown({ description: 'anything' })],
    ...[make.Literal('a'), make.Literal(3), make.Literal(true), make.Literal('b', { description: 'second' })],
    ...[make.Array(word), make.Array(make.Integer(), { minItems: 1, uniqueItems: true })],
    ...[named, make.Object({}), make.Object({ all: make.Optional(named) }, { additionalProperties: false })],
    make.Record(make.String(), make.Integer()),
    make.Union([make.Literal('a'), make.Literal('b')], { description: 'a choice' }),
    make.Union([make.Object({ kind: make.Literal('a'), at: make.Number() }), make.Null()]),
    make.Intersect([named, make.Object({ more: make.Boolean() })]),
    make.Optional(make.String()),
    make.Object({ id: make.Unsafe<string>(make.String({ minLength: 2 })) }),
    make.Object({
      id: make.Optional(make.Unsafe<string>(make.String())),
      other: make.Unsafe(make.Optional(make.Null())),
    }),
    make.Object({ ours: word, again: make.Optional(word), once: word }),
  ]
}

const VALUES: unknown[] = [
  ...['', 'a', 'b', 'abcdefgh', 0, 3, 4.5, -1, true, null, undefined],
  ...[
    [],
    ['a'],
    [1, 1],
    [1, 2],
    {},
    { name: 'a' },
    { name: 'a', age: -1 },
    { name: 'a', age: 3, more: true },
  ],
  ...[{ all: {} }, { all: { name: 'a' } }, { strange: 1 }, { kind: 'a', at: 1 }, { kind: 'b' }],
  ...[
    { id: 'a' },
    { id: 'ab', other: null },
    { other: null },
    { ours: 'a', once: 'b' },
    { x: 1 },
    { x: 'y' },
  ],
]

describe('a shape', () => {
  const ours = shapes(Type)
  const theirs = shapes(TypeBox)

  it.each(ours.map((shape, index) => [JSON.stringify(shape), index] as const))(
    'is the JSON Schema that TypeBox makes: %s',
    (text, index) => {
      expect(text).toBe(JSON.stringify(theirs[index]))
    },
  )

  it.each(ours.map((shape, index) => [JSON.stringify(shape), index] as const))(
    'takes and refuses what TypeBox takes and refuses, for its reasons: %s',
    (_, index) => {
      const [shape, model] = [ours[index], theirs[index]]
      if (!shape || !model) throw new Error('there are as many of both')
      const read = reader(shape, 'it')
      const judge = Compile(model)
      for (const value of VALUES) {
        if (judge.Check(value)) expect(read(value)).toBe(value)
        else {
          const complaints = judge.Errors(value).map(({ message }) => message)
          expect([value, refusal(() => read(value), complaints)]).toEqual([value, 'bad-input'])
        }
      }
    },
  )
})

/** The code of the refusal, and what it said where that is neither a complaint of TypeBox nor put in our own words. */
function refusal(work: () => unknown, complaints: string[]): string {
  try {
    work()
    return 'taken'
  } catch (error) {
    const said = messageOf(error)
    const ours = / must be one of | the field "/.test(said)
    return ours || complaints.some(each => said.endsWith(`: ${each}`)) ? String(codeOf(error)) : said
  }
}
