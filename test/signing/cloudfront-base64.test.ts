import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCloudFront, encodeCloudFront } from '../../src/signing/index.ts'

test('the alphabet is the ordinary one with three characters exchanged', () => {
  expect(encodeCloudFront(Buffer.from([0xfb, 0xff, 0xfe, 0x00]))).toBe('-~~-AA__')
  expect(decodeCloudFront('-~~-AA__')).toEqual(Buffer.from([0xfb, 0xff, 0xfe, 0x00]))
})

test('a view into a larger buffer encodes as the view alone', () => {
  expect(encodeCloudFront(new Uint8Array([1, 2, 3, 4, 5, 6]).subarray(3))).toBe('BAUG')
})

test('a tilde may come percent-encoded in either case', () => {
  expect(decodeCloudFront('-%7E%7e-AA__')).toEqual(Buffer.from([0xfb, 0xff, 0xfe, 0x00]))
})

describe('what no encoder writes is refused', () => {
  test.each([
    ['missing padding', 'AAAA-A'],
    ['one character', 'A'],
    ['padding too long', 'A___'],
    ['padding alone', '____'],
    ['padding in the middle', 'AA__AAAA'],
    ['ordinary plus', '+AAA'],
    ['ordinary slash', '/AAA'],
    ['ordinary padding', 'AA=='],
    ['base64url of the same bytes', '-__-AA'],
    ['stray bits behind the last byte', 'AB__'],
    ['stray bits behind two bytes', 'AAB_'],
    ['a space', 'AAA A'],
    ['a line feed', 'AAAA\n'],
    ['a letter beyond ASCII', 'AAAé'],
    ['another escape', 'AA%2D'],
    ['a cut escape', 'AAA%7'],
  ])('%s', (_name, text) => {
    expect(decodeCloudFront(text)).toBeUndefined()
  })
})

test('every run of bytes comes back, and no other text stands for it', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 1 }),
      (bytes, at, other) => {
        const text = encodeCloudFront(bytes)
        expect(decodeCloudFront(text)).toEqual(Buffer.from(bytes))
        if (text === '') return
        const where = at % text.length
        const changed = text.slice(0, where) + other + text.slice(where + 1)
        if (changed !== text) expect(decodeCloudFront(changed)).not.toEqual(Buffer.from(bytes))
      },
    ),
  )
})
