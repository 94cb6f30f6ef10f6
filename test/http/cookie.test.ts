import { describe, expect, test } from 'vitest'
import { pickCookies, settledCookies } from '../../src/http/index.ts'

describe('cookies', () => {
  test.each<[string, string | undefined, string | undefined]>([
    ['b=2; a=1', 'b=2; a=1', 'a=1; b=2'],
    ['b=2;a=1 ; ', 'b=2; a=1', 'a=1; b=2'],
    ['b=2; b=1; a', 'b=2; b=1; a', 'a; b=2; b=1'],
    ['a="x, y"; b=c=d', 'a="x, y"; b=c=d', 'a="x, y"; b=c=d'],
    ['x=1', undefined, undefined],
    ['', undefined, undefined],
  ])('%j is taken apart by name, and settled', (header, picked, settled) => {
    const wanted = (name: string): boolean => name !== 'x'
    expect([pickCookies(header, wanted), settledCookies(header, wanted)]).toEqual([picked, settled])
  })
})
