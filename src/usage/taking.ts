import type { Instant } from '../core/index.ts'
import { hashOf, whyNotNext, type LedgerEntry } from './ledger-entry.ts'

/** Why what was counted is not all there, or not to be relied on. */
export const USAGE_GAP_KINDS = [
  /** A ledger ended, and another began in its place: what it had not reported is lost. */
  'lost',
  /** The node has thrown entries away before control took them. */
  'missing',
  /** What a node reports is not what followed on what was taken: an older copy of its disk, or two nodes with one. */
  'forked',
  /** An entry is not what its digest says. */
  'damaged',
  /** The node was removed, and what it counted since is not reported. */
  'removed',
  /** Control was restored from a backup: invalidations since that was made are not counted. */
  'restored',
] as const
export type UsageGapKind = (typeof USAGE_GAP_KINDS)[number]

/** How far one life of a ledger was taken. */
export interface TakenUpTo {
  sequence: number
  hash: string
  until: Instant
}

export interface Judged {
  /** To be applied, each of them once, in their order. */
  entries: LedgerEntry[]
  /** How far it is taken with these. */
  upTo: TakenUpTo | undefined
  refused?: 'forked' | 'gap' | 'damaged'
  /** To be named; `from` is unknown where nothing was taken before. */
  gap?: { kind: 'missing' | 'forked' | 'damaged'; after: number; from: Instant | undefined; until: Instant }
}

/**
 * What of a report is new and follows on what was taken of this life. Whatever was taken already is passed over, since an
 * answer may have been lost. Where the node no longer has what lies between, the rest is taken and the gap named; where
 * it has, it is asked to send that.
 */
export function judgeReport(
  report: { life: string; entries: readonly LedgerEntry[]; oldest: number },
  taken: TakenUpTo | undefined,
): Judged {
  const judged: Judged = { entries: [], upTo: taken }
  for (const entry of report.entries) {
    const outcome = judgeNext(entry, report, { taken, judged })
    if (outcome === 'had') continue
    if (outcome !== 'next') {
      judged.refused = outcome
      // What the node still has is no gap: it sends it next.
      if (outcome !== 'gap') judged.gap ??= gapBefore(entry, outcome, judged.upTo, 'inclusive')
      break
    }
    if (entry.sequence > (judged.upTo?.sequence ?? 0) + 1)
      judged.gap = gapBefore(entry, 'missing', judged.upTo, 'exclusive')
    judged.entries.push(entry)
    judged.upTo = { sequence: entry.sequence, hash: entry.hash, until: entry.until }
  }
  return judged
}

function judgeNext(
  entry: LedgerEntry,
  report: { life: string; oldest: number },
  { taken, judged }: { taken: TakenUpTo | undefined; judged: Judged },
): 'next' | 'had' | NonNullable<Judged['refused']> {
  const { life, oldest } = report
  if (entry.life !== life || hashOf(entry) !== entry.hash) return 'damaged'
  const { upTo } = judged
  if (judged.entries.length === 0 && taken !== undefined && entry.sequence <= taken.sequence)
    return entry.sequence === taken.sequence && entry.hash !== taken.hash ? 'forked' : 'had'
  switch (whyNotNext(entry, upTo && { life, ...upTo })) {
    case undefined:
      return 'next'
    case 'sequence': {
      const begins = judged.entries.length === 0 && entry.sequence === oldest
      return begins && entry.sequence > (upTo?.sequence ?? 0) + 1 ? 'next' : 'gap'
    }
    case 'previous':
      return 'forked'
    case 'other-life':
    case 'hash':
      return 'damaged'
  }
}

function gapBefore(
  entry: LedgerEntry,
  kind: NonNullable<Judged['gap']>['kind'],
  upTo: TakenUpTo | undefined,
  itself: 'inclusive' | 'exclusive',
): NonNullable<Judged['gap']> {
  const until = itself === 'inclusive' ? entry.until : entry.from
  return { kind, after: upTo?.sequence ?? 0, from: upTo?.until, until }
}
