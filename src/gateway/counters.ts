import type { Bytes, Reason } from '../core/index.ts'
import type { TrafficTotals } from '../membership/index.ts'
import type { Metrics } from '../telemetry/index.ts'
import { GATEWAY_METRICS as M } from './metric-names.ts'

/** The gateway's metrics. */
export interface Counters {
  /** Of all encoders together; a request is one to publish. */
  readonly totals: Readonly<TrafficTotals>
  asked(): void
  bytes(count: Bytes): void
  refused(reason: Reason): void
  cut(reason: Reason): void
  retried(): void
}

export interface Gauged {
  publishers: () => number
  connections: () => number
}

export function createCounters(metrics: Metrics, gauged: Gauged): Counters {
  const refusals = metrics.counter(M.refusals)
  const cuts = metrics.counter(M.cuts)
  const retries = metrics.counter(M.retries)
  // A number is added to with each tag; a counter with its labels would cost more than the tag.
  const totals = { requests: 0, bytes: 0 }
  metrics.collected(M.bytes, () => [[{}, totals.bytes]])
  metrics.gauge(M.publishers, gauged.publishers)
  metrics.gauge(M.connections, gauged.connections)
  return {
    totals,
    asked: () => void totals.requests++,
    bytes: count => void (totals.bytes += count),
    refused: reason => refusals({ reason }),
    cut: reason => cuts({ reason }),
    retried: () => retries({}),
  }
}
