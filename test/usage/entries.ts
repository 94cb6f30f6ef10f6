import { instant, type Instant } from '../../src/core/index.ts'
import { GENESIS, hashOf, type LedgerEntry, type UsageAmount } from '../../src/usage/index.ts'

export const HOUR = Date.UTC(2026, 10, 24, 7)
const MINUTE = 60_000

/** So many minutes into the hour. */
export const at = (minutes: number): Instant => instant(HOUR + minutes * MINUTE)

export const requests = (amount: number): UsageAmount[] => [
  { distribution: 'EDISTRIBUTION', type: 'requests-https', detail: '', amount },
]

/** What `hashOf` gives goes in at its end. */
export function sealed(said: Omit<LedgerEntry, 'hash'>): LedgerEntry {
  return { ...said, hash: hashOf(said) }
}

export interface Chained {
  life?: string
  /** Of the first. */
  sequence?: number
  previous?: string
  /** Minutes into the hour at which the first begins; each has one. */
  from?: number
}

/** Entries that follow on one another, each with so many requests. */
export function chain(amounts: readonly number[], options: Chained = {}): LedgerEntry[] {
  const { life = 'a', sequence = 1, from = 0 } = options
  let previous = options.previous ?? GENESIS
  return amounts.map((amount, index) => {
    const entry = sealed({
      ...{ life, sequence: sequence + index, hour: instant(HOUR), closed: 'in-time' },
      ...{ from: at(from + index), until: at(from + index + 1), amounts: requests(amount), previous },
    })
    previous = entry.hash
    return entry
  })
}
