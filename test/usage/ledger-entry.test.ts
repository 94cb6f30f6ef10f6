import { expect, test } from 'vitest'
import type { Instant } from '../../src/core/index.ts'
import { GENESIS, hashOf, whyNotNext, type LedgerEntry } from '../../src/usage/index.ts'

const HOUR = Date.UTC(2026, 10, 24, 7)
/** So many milliseconds into the hour. */
const at = (ms: number): Instant => (HOUR + ms) as Instant

function entry(sequence: number, previous: string, changes: Partial<LedgerEntry> = {}): LedgerEntry {
  const said: Omit<LedgerEntry, 'hash'> = {
    ...{ life: 'a', sequence, hour: at(0), from: at(5), until: at(60_000), closed: 'in-time' },
    amounts: [{ distribution: 'EDISTRIBUTION', type: 'requests-https', detail: '', amount: 3 }],
    ...{ previous, ...changes },
  }
  return { ...said, hash: changes.hash ?? hashOf(said) }
}

const first = entry(1, GENESIS)

test('an entry follows on the one whose digest it holds', () => {
  expect(whyNotNext(first, undefined)).toBeUndefined()
  expect(whyNotNext(entry(2, first.hash), first)).toBeUndefined()
})

test('what was left out, changed or written by another does not follow', () => {
  const second = entry(2, first.hash)
  expect(whyNotNext(second, undefined)).toBe('sequence')
  expect(whyNotNext(entry(3, second.hash), first)).toBe('sequence')
  expect(whyNotNext(entry(2, GENESIS), first)).toBe('previous')
  expect(whyNotNext(entry(2, first.hash, { life: 'b' }), first)).toBe('other-life')
  const changed: Partial<LedgerEntry>[] = [
    { hour: at(3_600_000) },
    { until: at(0) },
    { amounts: [] },
    { closed: 'recovered' },
  ]
  for (const changes of changed) expect(whyNotNext({ ...second, ...changes }, first)).toBe('hash')
})

test('the digest is of a form that other programs can make too', () => {
  // printf '%s' '["a",1,1795503600000,1795503600005,1795503660000,"in-time",[["EDISTRIBUTION","requests-https","",3]],"000…0"]' | sha256sum
  expect(first.hash).toBe('0d66341bc8f5f616f116d8539a26f9b462cf022ed555c864d5d2888e4231841c')
})
