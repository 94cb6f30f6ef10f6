import { expect, test } from 'vitest'
import { MetricSums } from '../../src/delivery/workers/metric-sums.ts'

const page = (requests: number, bytes: number, lag: number): string =>
  [
    '# HELP sluice_requests_total Requests of viewers',
    '# TYPE sluice_requests_total counter',
    `sluice_requests_total{distribution="E1",role="edge"} ${requests}`,
    '',
    '# HELP sluice_cache_bytes Bytes in the memory tier',
    '# TYPE sluice_cache_bytes gauge',
    `sluice_cache_bytes{role="edge"} ${bytes}`,
    '',
    '# HELP sluice_nodejs_eventloop_lag_p99_seconds The 99th percentile',
    '# TYPE sluice_nodejs_eventloop_lag_p99_seconds gauge',
    `sluice_nodejs_eventloop_lag_p99_seconds{role="edge"} ${lag}`,
    '',
  ].join('\n')

const own = [
  '# HELP sluice_edge_workers Workers of the edge that run',
  '# TYPE sluice_edge_workers gauge',
  'sluice_edge_workers{role="edge"} 2',
  '',
].join('\n')

test('counts and sizes of all processes are added, times are not', () => {
  const sums = new MetricSums()
  expect(
    sums.of(own, [
      { member: {}, answered: page(3, 100, 0.5) },
      { member: {}, answered: page(4, 50, 0.25) },
    ]),
  ).toBe(
    [
      '# HELP sluice_edge_workers Workers of the edge that run',
      '# TYPE sluice_edge_workers gauge',
      'sluice_edge_workers{role="edge"} 2',
      '# HELP sluice_requests_total Requests of viewers',
      '# TYPE sluice_requests_total counter',
      'sluice_requests_total{distribution="E1",role="edge"} 7',
      '# HELP sluice_cache_bytes Bytes in the memory tier',
      '# TYPE sluice_cache_bytes gauge',
      'sluice_cache_bytes{role="edge"} 150',
      '# HELP sluice_nodejs_eventloop_lag_p99_seconds The 99th percentile',
      '# TYPE sluice_nodejs_eventloop_lag_p99_seconds gauge',
      'sluice_nodejs_eventloop_lag_p99_seconds{role="edge"} 0.5',
      '',
    ].join('\n'),
  )
})

test('what a process has counted stays in the sum when it ends, and its sizes go with it', () => {
  const sums = new MetricSums()
  const [gone, stays] = [{}, {}]
  sums.of(own, [
    { member: gone, answered: page(3, 100, 0.5) },
    { member: stays, answered: page(4, 50, 0.25) },
  ])
  sums.left(gone)
  const after = sums.of(own, [{ member: stays, answered: page(5, 60, 0.25) }]).split('\n')
  expect(after).toContain('sluice_requests_total{distribution="E1",role="edge"} 8')
  expect(after).toContain('sluice_cache_bytes{role="edge"} 60')
})

test('what a process says of its counts after its end is all of them, once', () => {
  const sums = new MetricSums()
  const late = {}
  const lives = { member: {}, answered: page(100, 0, 0) }
  const requests = (...others: { member: object; answered: string }[]): string | undefined =>
    /^sluice_requests_total\{.*\} (\d+)$/m.exec(sums.of(own, [lives, ...others]))?.[1]
  expect(requests({ member: late, answered: page(10, 0, 0) })).toBe('110')
  sums.left(late)
  expect(requests()).toBe('110')
  expect(requests({ member: late, answered: page(12, 0, 0) })).toBe('112')
  expect(requests()).toBe('112')
})
