import type { Bytes, Reason } from '../core/index.ts'
import type { TrafficTotals } from '../membership/index.ts'
import type { Metrics } from '../telemetry/index.ts'

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
  const refusals = metrics.counter(
    'sluice_gateway_refusals_total',
    'Encoders that were refused, by reason.',
    ['reason'],
  )
  const cuts = metrics.counter('sluice_gateway_cuts_total', 'Publishers that were let go, by reason.', [
    'reason',
  ])
  const retries = metrics.counter(
    'sluice_gateway_hand_over_retries_total',
    'Times an origin was asked again to take a stream.',
  )
  // A number is added to with each tag; a counter with its labels would cost more than the tag.
  const totals = { requests: 0, bytes: 0 }
  metrics.collected('sluice_gateway_bytes_total', 'Bytes of media from encoders.', [], () => [
    [{}, totals.bytes],
  ])
  metrics.gauge('sluice_gateway_publishers', 'Encoders that publish now.', gauged.publishers)
  metrics.gauge('sluice_gateway_connections', 'Connections of encoders now.', gauged.connections)
  return {
    totals,
    asked: () => void totals.requests++,
    bytes: count => void (totals.bytes += count),
    refused: reason => refusals({ reason }),
    cut: reason => cuts({ reason }),
    retried: () => retries(),
  }
}
