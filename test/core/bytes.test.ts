import { describe, expect, test } from 'vitest'
import { formatBytes, parseBytes } from '../../src/core/index.ts'

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['5b', 5],
    ['512m', 536_870_912],
    ['10GiB', 10_737_418_240],
    ['10 GB', 10_737_418_240],
    ['1.5k', 1536],
    ['2T', 2_199_023_255_552],
    [' 1 KiB ', 1024],
  ])('%s is %d', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  test.each(['', 'k', '-1', '1e3', '.5g', '1.g', '10ib', '10i', '10 g b', '5x', '1,5k', '99999999t', '0x10'])(
    '"%s" is none',
    text => {
      expect(parseBytes(text)).toBeUndefined()
    },
  )

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [10 * 1024, '10 KiB'],
    [3 * 1024 ** 3, '3.0 GiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ])('%d reads %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})
