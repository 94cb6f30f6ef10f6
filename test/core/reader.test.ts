import { expect, test } from 'vitest'
import { reader, Type } from '../../src/core/index.ts'

const Inner = Type.Object({ names: Type.Array(Type.String()) }, { additionalProperties: false })
const Thing = Type.Object(
  {
    word: Type.Optional(Type.Union([Type.Literal('yes'), Type.Literal('no')])),
    inner: Type.Optional(Type.Union([Type.Null(), Inner])),
    count: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
)

test.each<[unknown, string]>([
  [{ count: 0 }, 'a thing is not valid at /count: must be >= 1'],
  [{ word: 'perhaps' }, 'a thing is not valid at /word: must be one of "yes", "no"'],
  [{ colour: 'red' }, 'a thing is not valid: the field "colour" is not known here'],
  [
    { inner: { names: [], nmaes: [] } },
    'a thing is not valid at /inner: the field "nmaes" is not known here',
  ],
  [{ inner: { names: ['a', 7] } }, 'a thing is not valid at /inner/names/1: must be string'],
  [{ inner: {} }, 'a thing is not valid at /inner: must be null'],
  [[], 'a thing is not valid: must be object'],
])('%j is told as one sentence', (value, sentence) => {
  expect(() => reader(Thing, 'a thing')(value)).toThrow(sentence)
})
