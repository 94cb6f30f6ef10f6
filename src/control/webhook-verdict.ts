import type { Milliseconds } from '../core/index.ts'
import type { Sent } from './webhook-send.ts'

const [SECOND, MINUTE, HOUR]: [Milliseconds, Milliseconds, Milliseconds] = [1_000, 60_000, 3_600_000]
/** Between attempts, as the operational part of Standard Webhooks recommends. */
export const PAUSES: readonly Milliseconds[] = [
  ...[5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR],
  ...[10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
]
/** Pauses are longer by up to this part, so that what failed together does not come back together. */
const JITTER = 0.1
/** A webhook that took nothing for so long is switched off. */
export const OFF_AFTER: Milliseconds = 5 * 24 * HOUR

export type Verdict =
  | { kind: 'delivered' }
  | { kind: 'again'; in: Milliseconds }
  | { kind: 'given-up' }
  | { kind: 'off'; why: string }

/** What an attempt means; `attempts` counts it, `failingFor` is how long nothing was taken, `dice` is of 0 to 1. */
export function verdictOf(
  sent: Sent,
  { attempts, failingFor, dice }: { attempts: number; failingFor: Milliseconds; dice: number },
): Verdict {
  if (sent.kind === 'answered' && sent.status >= 200 && sent.status < 300) return { kind: 'delivered' }
  if (sent.kind === 'answered' && sent.status === 410) return { kind: 'off', why: 'it answered 410' }
  if (failingFor >= OFF_AFTER) return { kind: 'off', why: 'it took nothing for 5 days' }
  const pause = PAUSES[attempts - 1]
  return pause === undefined ? { kind: 'given-up' } : { kind: 'again', in: pause * (1 + JITTER * dice) }
}
