import { expect, test } from 'vitest'
import { GRANT_REASONS } from '../../src/core/index.ts'
import { DETAILED_TYPES, resultTypes } from '../../src/logs/index.ts'
import { PLAIN } from './facts.ts'

const of = (facts: Partial<typeof PLAIN>): string =>
  Object.values(resultTypes({ ...PLAIN, ...facts })).join(' ')

test('what was handed on as a whole is what it was when it began', () => {
  for (const result of ['Hit', 'RefreshHit', 'Miss', 'Redirect', 'Error'])
    expect(of({ result })).toBe(`${result} ${result} ${result}`)
})

test('a segment that was left is an error after its last byte and what it was before it', () => {
  expect(of({ result: 'Hit', complete: false })).toBe('Error Hit ClientCommError')
  expect(of({ result: 'Miss', complete: false, brokenBy: 'origin' })).toBe('Error Miss AbortedOrigin')
  expect(of({ result: 'Error', complete: false, status: 0 })).toBe('Error Error ClientHungUpRequest')
  expect(of({ result: 'Hit', complete: false, reason: 'too-slow' })).toBe('Error Hit ClientCommError')
})

test('a grant that does not open is told by its reason, each by a word of its own', () => {
  const told = GRANT_REASONS.map(reason => of({ result: 'Error', status: 403, reason }))
  expect(told).toEqual([
    'Error Error ClientGrantMissing',
    'Error Error ClientGrantMalformed',
    'Error Error ClientGrantUnknownKey',
    'Error Error ClientGrantWeakHash',
    'Error Error ClientGrantInvalid',
    'Error Error ClientGrantWrongResource',
    'Error Error ClientGrantWrongAction',
    'Error Error ClientGrantExpired',
    'Error Error ClientGrantNotYet',
    'Error Error ClientGrantWrongAddress',
  ])
  const others = Object.entries(DETAILED_TYPES).filter(
    ([reason]) => !(GRANT_REASONS as readonly string[]).includes(reason),
  )
  expect(others.filter(([, type]) => type.startsWith('ClientGrant'))).toEqual([])
})

test('where there was no room, or too much was asked, the result says so', () => {
  expect(of({ result: 'Error', reason: 'encryption-busy' })).toBe(
    'CapacityExceeded CapacityExceeded CapacityExceeded',
  )
  expect(of({ result: 'Error', reason: 'form-limit' })).toBe('LimitExceeded LimitExceeded LimitExceeded')
  expect(of({ result: 'Error', reason: 'geo' })).toBe('Error Error ClientGeoBlocked')
  expect(of({ result: 'Error', reason: 'origin-away' })).toBe('Error Error OriginConnectError')
})
