import type { TrafficTotals } from '../membership/index.ts'
import type { Metrics } from '../telemetry/index.ts'
import { ORIGIN_METRICS as M } from './metric-names.ts'

/** What kind of thing was asked for; `other` is everything that is not ours. */
export type RequestKind = 'multivariant' | 'playlist' | 'init' | 'segment' | 'part' | 'other'

/** The origin's metrics. */
export interface Counters {
  /** Of what was answered to nodes. */
  readonly totals: Readonly<TrafficTotals>
  served(kind: RequestKind, status: number, bytes: number): void
  /** To the origin of a channel. */
  passed(what: 'request' | 'hand-over'): void
  refused(): void
  job(kind: 'package' | 'remove', result: 'packaged' | 'removed' | 'errored' | 'thrown'): void
}

export function createCounters(metrics: Metrics, indexMemory: () => number): Counters {
  const requests = metrics.counter(M.requests)
  const bytes = metrics.counter(M.bytes)
  const answers = metrics.counter(M.answers)
  const refusals = metrics.counter(M.refusals)
  const passed = metrics.counter(M.passedOn)
  const jobs = metrics.counter(M.jobs)
  metrics.gauge(M.indexBytes, indexMemory)
  const totals = { requests: 0, bytes: 0 }
  return {
    totals,
    served(kind, status, sent) {
      totals.requests++
      totals.bytes += sent
      requests({ kind })
      answers({ status: String(status) })
      if (sent > 0) bytes({ kind }, sent)
    },
    passed: what => passed({ what }),
    refused: () => refusals({}),
    job: (kind, result) => jobs({ kind, result }),
  }
}
