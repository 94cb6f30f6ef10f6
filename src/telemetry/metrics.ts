import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** The metrics of one process. Names begin with `sluice_`; labels come from closed unions, never from a viewer. */
export interface Metrics {
  counter(name: string, help: string, labels?: string[]): Count
  gauge(name: string, help: string, read: () => number): void
  histogram(name: string, help: string, buckets: number[], labels?: string[]): Observe
  /** A counter that is read from plain numbers when scraped, so that the hot path only adds. */
  collected(
    name: string,
    help: string,
    labels: string[],
    read: () => Iterable<[Record<string, string>, number]>,
  ): void
  /** Prometheus text format. */
  text(): Promise<string>
}

export type Count = (labels?: Record<string, string>, by?: number) => void
export type Observe = (value: number, labels?: Record<string, string>) => void

/** The door to prom-client. `role` becomes a label of every metric of the process. */
export function createMetrics(role: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ role })
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'sluice_' })
  return {
    counter(name, help, labels = []) {
      const counter = new Counter({ name, help, labelNames: labels, registers })
      return (values = {}, by = 1) => counter.inc(values, by)
    },
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    },
    histogram(name, help, buckets, labels = []) {
      const histogram = new Histogram({ name, help, buckets, labelNames: labels, registers })
      return (value, values = {}) => histogram.observe(values, value)
    },
    collected(name, help, labels, read) {
      new Counter({
        name,
        help,
        labelNames: labels,
        registers,
        collect() {
          this.reset()
          for (const [values, total] of read()) this.inc(values, total)
        },
      })
    },
    text: () => registry.metrics(),
  }
}
