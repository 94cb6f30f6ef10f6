import path from 'node:path'
import type { Clock, Milliseconds } from '../core/index.ts'
import { UsageLedger, type Logger, type Metrics } from '../telemetry/index.ts'
import { LEDGER_METRICS } from './metric-names.ts'

export interface NodeLedgerOptions {
  /** The node's own; a folder of each ledger lies in it. */
  stateDir: string
  /** Tells the ledgers of a node's processes apart. */
  book: string
  clock: Clock
  metrics: Metrics
  log: Logger
}

/** The book of a process that is alone. */
export const MAIN_BOOK = 'main'

/** Of a worker. */
export function bookOf(index: number): string {
  return String(index)
}

/** Where the ledgers of a node are, each in the folder that its book names. */
export function ledgersFolder(stateDir: string): string {
  return path.join(stateDir, 'usage')
}

export interface NodeLedger {
  readonly ledger: UsageLedger
  /** Closes what is counted by then. */
  close(): Promise<void>
}

const TICK: Milliseconds = 1_000

/** Opens the ledger of one process; one that cannot be opened counts in memory until it can. */
export async function openLedger({
  stateDir,
  book,
  clock,
  metrics,
  log,
}: NodeLedgerOptions): Promise<NodeLedger> {
  const ledger = new UsageLedger({ folder: path.join(ledgersFolder(stateDir), book), clock, log })
  await ledger.start()
  const timer = setInterval(() => void ledger.tick(), TICK)
  timer.unref()
  metrics.collected(LEDGER_METRICS.failures, () => [[{}, ledger.failures]])
  metrics.gauge(LEDGER_METRICS.untallied, () => (ledger.state.tallied ? 0 : 1))
  return {
    ledger,
    close() {
      clearInterval(timer)
      return ledger.close()
    },
  }
}
