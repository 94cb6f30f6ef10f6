import { after, type Instant, type Milliseconds } from '../../core/index.ts'
import { GENESIS, hashOf, type LedgerEntry } from '../../usage/index.ts'
import { byHour, type HourAmounts } from './counts.ts'
import type { FoundTally } from './tally-file.ts'

export const HOUR: Milliseconds = 3_600_000

/** When the hour began in which an instant is. */
export function hourOf(at: Instant): Instant {
  return after(at, -(((at % HOUR) + HOUR) % HOUR))
}

export interface Closing {
  life: string
  /** Of the first. */
  sequence: number
  previous: string
  from: Instant
  until: Instant
  closed: LedgerEntry['closed']
}

/** The entries that numbers become: one for each hour in which something was counted. */
export function entriesOf(hours: HourAmounts[], closing: Closing): LedgerEntry[] {
  const { life, from, until, closed } = closing
  let { sequence, previous } = closing
  return hours.map(({ hour, amounts }) => {
    // A clock that was set may have ended before it began.
    const begun = within(from, hour)
    const ended = Math.max(begun, within(until, hour)) as Instant // the larger of two instants
    const said = { life, sequence, hour, from: begun, until: ended, closed, amounts, previous }
    const hash = hashOf(said)
    sequence++
    previous = hash
    return { ...said, hash }
  })
}

function within(at: Instant, hour: Instant): Instant {
  return Math.min(Math.max(at, hour), hour + HOUR) as Instant // between two instants
}

export type Recovery =
  | { kind: 'entries'; entries: LedgerEntry[] }
  /** The tally and the ledger are not of one another: what the tally has may have been counted, or not. */
  | { kind: 'apart'; why: string }

/**
 * What the tallies of a process that has ended still have to give to the ledger. A tally says which sequence it becomes: what the
 * ledger has is not counted again.
 */
export function recover(
  last: Pick<LedgerEntry, 'life' | 'sequence' | 'hash'> | undefined,
  tallies: FoundTally[],
): Recovery {
  const entries: LedgerEntry[] = []
  let { sequence, hash } = last ?? { sequence: 0, hash: GENESIS }
  const life = last?.life ?? tallies[0]?.life
  for (const tally of [...tallies].sort((one, other) => one.sequence - other.sequence)) {
    if (tally.life !== life) return { kind: 'apart', why: `there are two lives, ${life} and ${tally.life}` }
    if (tally.sequence > sequence + 1) {
      const why = `the ledger ends with ${sequence}, and what was being counted is ${tally.sequence}`
      return { kind: 'apart', why }
    }
    const already = sequence - tally.sequence + 1
    const hours = byHour(tally.counted).slice(already)
    const { from, until } = tally
    const closing = {
      life,
      sequence: sequence + 1,
      previous: hash,
      from,
      until,
      closed: 'recovered',
    } as const
    for (const entry of entriesOf(hours, closing)) {
      entries.push(entry)
      ;({ sequence, hash } = entry)
    }
  }
  return { kind: 'entries', entries }
}
