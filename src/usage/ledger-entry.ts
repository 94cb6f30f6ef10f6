import { createHash } from 'node:crypto'
import type { Instant } from '../core/index.ts'
import type { UsageAmount } from './usage-type.ts'

/** What stands before the first entry of a ledger. */
export const GENESIS = '0'.repeat(64)

/**
 * One line of a node's ledger: what was counted in a part of one hour. Entries of a ledger are numbered without a gap, and
 * each holds the digest of the one before it, so that nobody can take one away or change it unseen.
 */
export interface LedgerEntry {
  /** Drawn when the ledger was begun: a disk that was lost, or emptied, begins another life. */
  life: string
  /** From 1. */
  sequence: number
  /** When its hour began, by the node's clock. */
  hour: Instant
  /** Between when it was counted, by the same clock. */
  from: Instant
  until: Instant
  /** `recovered`: a process had ended without closing it, and the next has. */
  closed: 'in-time' | 'recovered'
  /** By distribution, type and detail in the order of their code units; none is 0. */
  amounts: UsageAmount[]
  /** Lower-case hex. */
  previous: string
  hash: string
}

/** SHA-256, in lower-case hex, of all but the digest itself. */
export function hashOf(entry: Omit<LedgerEntry, 'hash'>): string {
  const { life, sequence, hour, from, until, closed, amounts, previous } = entry
  const flat = amounts.map(({ distribution, type, detail, amount }) => [distribution, type, detail, amount])
  return createHash('sha256')
    .update(JSON.stringify([life, sequence, hour, from, until, closed, flat, previous]))
    .digest('hex')
}

/** Why an entry does not follow on what is known; undefined when it does. */
export function whyNotNext(
  entry: LedgerEntry,
  last: Pick<LedgerEntry, 'life' | 'sequence' | 'hash'> | undefined,
): 'other-life' | 'sequence' | 'previous' | 'hash' | undefined {
  const { life, sequence, previous, hash } = entry
  if (last !== undefined && last.life !== life) return 'other-life'
  if (sequence !== (last?.sequence ?? 0) + 1) return 'sequence'
  if (previous !== (last?.hash ?? GENESIS)) return 'previous'
  return hash === hashOf(entry) ? undefined : 'hash'
}
