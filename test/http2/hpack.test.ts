import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HpackDecoder } from '../../src/http2/hpack-decoder.ts'
import { prepare, roomFor, writeFields, writeStatus } from '../../src/http2/hpack-encoder.ts'
import { decodeHuffman, encodeHuffman, huffmanLength } from '../../src/http2/hpack-huffman.ts'
import { RESPONSES, VECTORS } from './hpack-vectors.ts'

function decode(decoder: HpackDecoder, bytes: Buffer): string[] {
  const fields: string[] = []
  decoder.decode(bytes, 0, bytes.length, (name, value) => fields.push(name, value))
  return fields
}

/** A change of the table to so many bytes. */
function tableOf(bytes: number): Buffer {
  return bytes < 31
    ? Buffer.from([0x20 | bytes])
    : Buffer.from([0x3f, ((bytes - 31) & 127) | 128, (bytes - 31) >> 7])
}

describe('the field blocks of RFC 7541 Appendix C', () => {
  test.each(VECTORS.map(each => [each.name, each] as const))('%s', (_, { blocks }) => {
    const decoder = new HpackDecoder()
    expect(blocks.map(([hex]) => decode(decoder, Buffer.from(hex, 'hex')))).toEqual(
      blocks.map(([, fields]) => fields),
    )
  })

  test(`${RESPONSES.name}, from which the oldest go`, () => {
    const decoder = new HpackDecoder()
    decode(decoder, tableOf(256))
    const [first, second] = RESPONSES.blocks.map(([hex]) => decode(decoder, Buffer.from(hex, 'hex')))
    expect([first, second]).toEqual(RESPONSES.blocks.map(([, fields]) => fields))
    // The status of the first had to make room for that of the second.
    expect(() => decode(decoder, Buffer.from([0x80 | 66]))).toThrow('an index names nothing')
  })
})

describe('a field block that is none ends the connection', () => {
  test.each([
    ['index 0', '80'],
    ['an index beyond both tables', 'be'],
    ['the name at an index beyond both tables', '7f0001 61'],
    ['a block that ends within a number', 'ff'],
    ['a number that goes on', 'ffffffffffffff01'],
    ['a text longer than its block', '00 03 6162'],
    ['a name without a value', '00 01 61'],
    ['a table larger than was announced', '3fe21f'],
    ['a change of the table behind a field', '82 20'],
    ['padding of eight bits', '00 01 61 82 1fff'],
    ['padding that is not of ones', '00 01 61 81 18'],
    ['the end of a text within it', '00 01 61 84 ffffffff'],
  ])('%s', (_, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(() => decode(new HpackDecoder(), bytes)).toThrow(expect.objectContaining({ code: 9 }))
  })
})

test('a table that is made small and large again is empty', () => {
  const decoder = new HpackDecoder()
  const entry = Buffer.from('400161 0162'.replaceAll(' ', ''), 'hex')
  expect(decode(decoder, Buffer.concat([entry, Buffer.from([0xbe])]))).toEqual(['a', 'b', 'a', 'b'])
  const before = decoder.version
  decode(decoder, Buffer.concat([tableOf(0), tableOf(4096)]))
  expect(decoder.version).toBeGreaterThan(before)
  expect(() => decode(decoder, Buffer.from([0xbe]))).toThrow('an index names nothing')
})

test('a field that is larger than the table empties it', () => {
  const decoder = new HpackDecoder()
  decode(decoder, Buffer.from('4001610162', 'hex'))
  const large = Buffer.concat([Buffer.from([0x40, 1, 0x63, 127, 0x80, 0x20]), Buffer.alloc(4096 + 127, 97)])
  decode(decoder, large)
  expect(() => decode(decoder, Buffer.from([0xbe]))).toThrow('an index names nothing')
})

const text = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 })
  .map(bytes => Buffer.from(bytes).toString('latin1'))

test('whatever is written in the Huffman code is read back', () => {
  fc.assert(
    fc.property(text, written => {
      const bytes = Buffer.alloc(huffmanLength(written))
      expect(encodeHuffman(written, bytes, 0)).toBe(bytes.length)
      const out = Buffer.alloc(written.length + 2)
      expect(decodeHuffman(bytes, 0, bytes.length, out)).toBe(written.length)
      expect(out.toString('latin1', 0, written.length)).toBe(written)
    }),
  )
})

const name = fc
  .stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}$/)
  .filter(each => !/^(connection|keep-alive|te|upgrade)$/i.test(each))
const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,200}$/)

test('fields are read back as they were written, prepared or not', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), pairs => {
      const fields = pairs.flat()
      const wanted = pairs.flatMap(([each, its]) => [each.toLowerCase(), its])
      const once = new Set(wanted.filter((_, at) => at % 2 === 0)).size === pairs.length
      const out = Buffer.alloc(roomFor(fields))
      const end = writeFields(out, 0, fields)
      expect(decode(new HpackDecoder(), out.subarray(0, end))).toEqual(wanted)
      if (once) expect(decode(new HpackDecoder(), prepare(fields).bytes)).toEqual(wanted)
    }),
  )
})

test('several lines of one name are made one, but for Set-Cookie', () => {
  const fields = ['A', '1', 'set-cookie', 'b', 'a', '2', 'Set-Cookie', 'c', 'D', '4', 'a', '3']
  expect(decode(new HpackDecoder(), prepare(fields).bytes)).toEqual([
    ...['a', '1, 2, 3', 'set-cookie', 'b', 'set-cookie', 'c', 'd', '4'],
  ])
})

test('every status is read back', () => {
  for (let status = 100; status < 600; status++) {
    const out = Buffer.alloc(8)
    expect(decode(new HpackDecoder(), out.subarray(0, writeStatus(out, 0, status)))).toEqual([
      ':status',
      String(status),
    ])
  }
})

test('what says something of a connection is left out, and whether there is a Date is told', () => {
  const fields = ['Connection', 'close', 'Date', 'now', 'Transfer-Encoding', 'chunked', 'TE', 'trailers']
  const { bytes, dated } = prepare(fields)
  expect([decode(new HpackDecoder(), bytes), dated, prepare(fields).bytes === bytes]).toEqual([
    ['date', 'now'],
    true,
    true,
  ])
})

test.each([
  ['a name of several words', ['X Name', 'a']],
  ['no name', ['', 'a']],
  ['a line feed', ['x', 'a\r\nb: c']],
  ['a character that is no byte', ['x', '\u20ac']],
])('fields with %s are not written', (_, fields) => {
  expect(() => prepare(fields)).toThrow(TypeError)
  expect(() => writeFields(Buffer.alloc(100), 0, fields)).toThrow(TypeError)
})
