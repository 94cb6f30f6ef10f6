import { expect, test } from 'vitest'
import { readTrace, traceFields } from '../../src/http/index.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const GOOD = `00-${TRACE}-00f067aa0ba902b7-01`

test('a trace is taken with its state, and passed on with a parent of its own for each hop', () => {
  const trace = readTrace(GOOD, 'congo=t61, rojo=00f0')
  expect(trace).toEqual({ traceId: TRACE, sampled: true, state: 'congo=t61,rojo=00f0' })
  const [one, two] = [traceFields(trace), traceFields(trace)]
  expect(one).toEqual([
    ...['traceparent', expect.stringMatching(`^00-${TRACE}-(?!0{16})[0-9a-f]{16}-01$`) as string],
    ...['tracestate', 'congo=t61,rojo=00f0'],
  ])
  expect(one[1]).not.toBe(two[1])
  expect(one[1]).not.toContain('00f067aa0ba902b7')
})

test.each([
  ['', 'nothing'],
  ['00-abc-def-01', 'too short'],
  [GOOD.toUpperCase(), 'upper case'],
  [`ff${GOOD.slice(2)}`, 'the version that is none'],
  [`${GOOD}-more`, 'something behind a version that has nothing there'],
  [`cc${GOOD.slice(2)}more`, 'no dash before what is behind a later version'],
  [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, 'no trace'],
  [`00-${TRACE}-${'0'.repeat(16)}-01`, 'no parent'],
  [`${GOOD}, ${GOOD}`, 'two of them'],
])('%j begins a new trace without a state: %s', text => {
  const trace = readTrace(text, 'congo=t61')
  expect(trace).toEqual({
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    sampled: false,
    state: undefined,
  })
  expect(trace.traceId).not.toBe(TRACE)
})

test('a later version is read as far as it is known, and only the flag that is known goes on', () => {
  const trace = readTrace(`cc-${TRACE}-00f067aa0ba902b7-ff-what-will-be`, undefined)
  expect(trace).toEqual({ traceId: TRACE, sampled: true, state: undefined })
  expect(readTrace(`00-${TRACE}-00f067aa0ba902b7-02`, undefined).sampled).toBe(false)
  expect(traceFields(trace)[1]).toMatch(/^00-.*-01$/)
})

test.each([
  ['a=1,,b=2, ', 'a=1,b=2'],
  ['tenant@system=x', 'tenant@system=x'],
  ['a=1,a=2', undefined],
  ['A=1', undefined],
  ['a', undefined],
  ['a=', undefined],
  ['a=b=c', undefined],
  ['a=\u00e9', undefined],
  ['', undefined],
  [`a=${'x'.repeat(256)}`, `a=${'x'.repeat(256)}`],
  [`a=${'x'.repeat(257)}`, undefined],
  [Array.from({ length: 32 }, (_, at) => `k${at}=1`).join(','), /k31=1$/],
  [Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(','), undefined],
  [`a=${'x'.repeat(250)},b=${'x'.repeat(250)},c=${'x'.repeat(20)}`, undefined],
])('of the state %j goes on %j', (text, kept) => {
  const { state } = readTrace(GOOD, text)
  if (kept instanceof RegExp) expect(state).toMatch(kept)
  else expect(state).toBe(kept)
})
