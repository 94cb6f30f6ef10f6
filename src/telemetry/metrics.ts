import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { bounded } from './bounded.ts'
import type { CounterName, GaugeName, HistogramName, Labels, Sample } from './metric.ts'

/** The metrics of one process. What there may be stands in the `metric-names.ts` of the rooms. */
export interface Metrics {
  counter<L extends Labels>(metric: CounterName<L>): Count<L>
  gauge(metric: GaugeName, read: () => number): void
  histogram<L extends Labels>(metric: HistogramName<L>): Observe<L>
  /** A counter that is read from plain numbers when scraped, so that the hot path only adds. */
  collected<L extends Labels>(metric: CounterName<L>, read: () => Iterable<[Sample<L>, number]>): void
  /** Prometheus text format. */
  text(): Promise<string>
}

export type Count<L extends Labels> = (labels: Sample<L>, by?: number) => void
export type Observe<L extends Labels> = (value: number, labels: Sample<L>) => void

/** Numbers by the word of one label, for `collected`. */
export function byWord<Label extends string, Word extends string>(
  label: Label,
  counts: Readonly<Record<Word, number>>,
): [Readonly<Record<Label, Word>>, number][] {
  return Object.entries<number>(counts).map(([word, n]) => [
    { [label]: word } as Record<Label, Word>, // a key of the record, and no other label
    n,
  ])
}

/** The door to prom-client. `role` becomes a label of every metric of the process. */
export function createMetrics(role: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ role })
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'sluice_' })
  return {
    counter({ name, help, labels }) {
      const counter = new Counter({ name, help, labelNames: Object.keys(labels), registers })
      const within = bounded(labels)
      return (sample, by = 1) => counter.inc(within(sample), by)
    },
    gauge({ name, help }, read) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    },
    histogram({ name, help, buckets, labels }) {
      const labelNames = Object.keys(labels)
      const histogram = new Histogram({ name, help, buckets: [...buckets], labelNames, registers })
      const within = bounded(labels)
      return (value, sample) => histogram.observe(within(sample), value)
    },
    collected({ name, help, labels }, read) {
      const within = bounded(labels)
      new Counter({
        name,
        help,
        labelNames: Object.keys(labels),
        registers,
        collect() {
          this.reset()
          for (const [sample, total] of read()) this.inc(within(sample), total)
        },
      })
    },
    text: () => registry.metrics(),
  }
}
