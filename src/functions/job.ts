import type { Outcome } from './contract.ts'
import type { FunctionEvent } from '../distribution/index.ts'
import type { Entry } from './entry.ts'
import type { ToThread } from './protocol.ts'

/** A run on its way through the runner. */
export interface Job {
  /** Counts sendings, so that of two runs the one that was sent later has the higher one. */
  sequence: number
  entry: Entry
  event: FunctionEvent
  message: Extract<ToThread, { kind: 'run' | 'check' }>
  resolve: (outcome: Outcome) => void
  /** When it came, by performance.now(). */
  since: number
  /** How many of its questions are under way outside. */
  parked: number
  /** It has asked outside: it is not to be run a second time. */
  hasAsked: boolean
  /** How often its thread has ended under it. */
  losses: number
  /** Ends its questions; there when it has asked any. */
  ended: AbortController | undefined
}
