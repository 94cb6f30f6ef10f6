import type { TrafficTotals } from '../membership/index.ts'
import type { Metrics } from '../telemetry/index.ts'

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
  job(kind: string, result: 'packaged' | 'removed' | 'errored' | 'thrown'): void
}

export function createCounters(metrics: Metrics, indexMemory: () => number): Counters {
  const requests = metrics.counter(
    'sluice_origin_requests_total',
    'Requests of nodes, by what they asked for.',
    ['kind'],
  )
  const bytes = metrics.counter('sluice_origin_bytes_total', 'Bytes of bodies sent to nodes.', ['kind'])
  const answers = metrics.counter('sluice_origin_answers_total', 'Answers to nodes, by status.', ['status'])
  const refusals = metrics.counter('sluice_origin_refused_total', 'Requests of strangers.')
  const passed = metrics.counter(
    'sluice_origin_passed_on_total',
    'Requests handed on to the origin of a channel.',
    ['what'],
  )
  const jobs = metrics.counter('sluice_origin_jobs_total', 'Jobs, by how their attempts ended.', [
    'kind',
    'result',
  ])
  metrics.gauge('sluice_origin_index_bytes', 'Memory of decoded indexes.', indexMemory)
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
    refused: () => refusals(),
    job: (kind, result) => jobs({ kind, result }),
  }
}
