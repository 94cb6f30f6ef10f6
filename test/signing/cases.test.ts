import { describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { requestOf } from './case-request.ts'
import { CONDITION_CASES, RESOURCE_CASES, UNTIL } from './cases.ts'
import { NOW, trustWith, verdictOf, word } from './edge.ts'

test('the tables are as long as promised, and every row says where it comes from', () => {
  const rows: (readonly unknown[])[] = [...RESOURCE_CASES, ...CONDITION_CASES]
  expect(rows.length).toBeGreaterThanOrEqual(120)
  expect(rows.filter(([source]) => typeof source !== 'string' || source.length < 5)).toEqual([])
  expect(new Set(rows.map(row => JSON.stringify(row))).size).toBe(rows.length)
})

describe('a request gets the word of its case', () => {
  test.each(
    CONDITION_CASES.map(row => [row[0], row[1].slice(0, 200).trimEnd(), row[2], row[3], row] as const),
  )('%s: %s on %s is %s', (_source, _policy, _asked, told, row) => {
    const { at = NOW, trust = {} } = row[4] ?? {}
    expect(word(verdictOf(requestOf(row), trustWith(trust), instant(at)))).toBe(told)
  })
})

/** An empty resource is no policy, and whatever publishes is asked to publish. */
const OPENED = RESOURCE_CASES.filter(([, resource]) => resource !== '')

describe('a signed resource opens what it covers and nothing else', () => {
  test.each(OPENED)('%s: %s over %s: %s', (_source, resource, url, covered) => {
    const policy = JSON.stringify({
      Statement: [{ Resource: resource, Condition: { DateLessThan: { 'AWS:EpochTime': UNTIL } } }],
    })
    const action = url.startsWith('rtmp') ? 'publish' : 'view'
    const request = requestOf(['', policy, url, 'allowed', { action }])
    expect(word(verdictOf(request))).toBe(covered === 'yes' ? 'allowed' : 'wrong-resource')
  })
})
