import type { NodeId } from '../core/index.ts'
import type { UsageReport, UsageTaken } from '../client/index.ts'
import { judgeReport, type Judged, type LedgerEntry } from '../usage/index.ts'
import {
  addUsage,
  nameGap,
  newestLife,
  placeOf,
  saveTaken,
  takenUpTo,
  type Counted,
  type Tx,
  type UsageBook,
} from './database/index.ts'

/**
 * Takes what of a node's ledger is new: sums and how far it is taken go into one transaction, so that each entry counts once
 * however often it is sent, and whoever is killed in between.
 */
export async function takeUsage(tx: Tx, node: NodeId, report: UsageReport): Promise<UsageTaken> {
  const book: UsageBook = { node, book: report.book, life: report.life }
  const taken = await takenUpTo(tx, book)
  const judged = judgeReport(report, taken)
  const { entries, upTo, refused, gap } = judged
  const [first] = entries
  // Before this life is written down, which then is the newest.
  if (taken === undefined && first !== undefined) await nameLost(tx, book, first)
  if (gap) await nameFound(tx, book, gap)
  if (upTo !== undefined && entries.length > 0) {
    await addUsage(tx, { node, place: await placeOf(tx, node) }, countedIn(entries))
    await saveTaken(tx, book, upTo)
  }
  return { taken: upTo?.sequence ?? 0, ...(refused && { refused }) }
}

/** Another ledger stood here before: what it had not reported is not to be had any more. */
async function nameLost(tx: Tx, { node, book }: UsageBook, first: LedgerEntry): Promise<void> {
  const old = await newestLife(tx, { node, book })
  if (old === undefined) return
  const span = { from: Math.min(old.until, first.from), until: Math.max(old.until, first.from) }
  await nameGap(tx, { node, book, life: old.life, kind: 'lost', after: old.sequence, ...span })
}

async function nameFound(tx: Tx, book: UsageBook, gap: NonNullable<Judged['gap']>): Promise<void> {
  const { kind, after, until } = gap
  const from = Math.min(gap.from ?? until, until)
  await nameGap(tx, { ...book, kind, after, from, until: Math.max(gap.from ?? until, until) })
}

function* countedIn(entries: readonly LedgerEntry[]): Generator<Counted> {
  for (const { hour, amounts } of entries) for (const amount of amounts) yield { ...amount, hour }
}
