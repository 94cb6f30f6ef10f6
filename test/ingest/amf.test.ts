import { expect, test } from 'vitest'
import { readAmf0 } from '../../src/ingest/amf.ts'
import { amf, ecmaArray } from './amf-writer.ts'

test('reads what encoders send', () => {
  const bytes = Buffer.concat([
    amf('connect', 1, { app: 'live', list: ['avc1', 2, null], deep: { a: true, b: undefined } }),
    ecmaArray({ width: 1280 }),
    // A date, a long string, a reference and a typed object.
    Buffer.from(
      '0b4270000000000000' +
        '0000' +
        '0c00000002' +
        '6869' +
        '070001' +
        '10000158' +
        '000161' +
        '05' +
        '000009',
      'hex',
    ),
  ])
  expect(readAmf0(bytes)).toEqual([
    'connect',
    1,
    new Map<string, unknown>([
      ['app', 'live'],
      ['list', ['avc1', 2, null]],
      [
        'deep',
        new Map<string, unknown>([
          ['a', true],
          ['b', undefined],
        ]),
      ],
    ]),
    new Map([['width', 1280]]),
    2 ** 40,
    'hi',
    undefined,
    new Map([['a', null]]),
  ])
})

test('names of properties mean nothing', () => {
  const [value] = readAmf0(
    ecmaArray(JSON.parse('{"__proto__":{"app":"x"},"constructor":1,"toString":2}') as Record<string, string>),
  ) // JSON keeps __proto__ as a name
  expect([...(value as Map<string, unknown>).keys()]).toEqual(['__proto__', 'constructor', 'toString'])
  expect(({} as { app?: string }).app).toBeUndefined()
})

const whole = amf('onMetaData', { a: [1, 'x'], b: { c: true } })

test.each([
  ['a movie clip', '04'],
  ['an object end', '09'],
  ['a record set', '0e'],
  ['AMF3', '11'],
  ['an unknown marker', '7f'],
  ['an array longer than what is left', '0a00000004050505'],
  ['a long string longer than what is left', '0cffffffff61'],
  ['an empty name that ends nothing', '03000005'],
  ...Array.from({ length: whole.length - 14 }, (_, cut): [string, string] => [
    `a cut after ${cut + 14} bytes`,
    whole.subarray(0, cut + 14).toString('hex'),
  ]),
] satisfies [string, string][])('refuses %s', (_, hex) => {
  expect(() => readAmf0(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ code: 'bad-rtmp' }))
})

test('nesting ends at 32', () => {
  const nested = (depth: number): Buffer =>
    Buffer.concat([
      ...new Array<Buffer>(depth).fill(Buffer.from([3, 0, 1, 97])),
      Buffer.from([5]),
      Buffer.alloc(3 * depth, Buffer.from([0, 0, 9])),
    ])
  expect(readAmf0(nested(32))).toHaveLength(1)
  expect(() => readAmf0(nested(33))).toThrow('AMF is nested deeper than 32.')
})
