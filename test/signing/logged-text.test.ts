import { expect, test } from 'vitest'
import { loggedText } from '../../src/signing/index.ts'

const SIGNED = `/a?Policy=eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiKiJ9XX0_&Signature=abc&Key-Pair-Id=K1`

/** Escaped so often. */
function escaped(text: string, times: number): string {
  return times === 0 ? text : escaped(encodeURIComponent(text), times - 1)
}

test.each([
  ['a=1&b=%C3%A9&c=100%', 'a=1&b=%C3%A9&c=100%'],
  [`next=${SIGNED}`, 'next=/a?…'],
  [`next=${escaped(SIGNED, 1)}`, 'next=%2Fa%3F…'],
  [`next=${escaped(SIGNED, 2)}`, '…'],
  [`next=${escaped(SIGNED, 4)}`, '…'],
  [`next=${escaped('a b', 8)}`, '…'],
])('%j is told as %j', (text, told) => {
  expect(loggedText(text)).toBe(told)
})
