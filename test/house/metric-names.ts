import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { MetricName } from '../../src/telemetry/index.ts'
import { ROOT } from './tree.ts'

/** Room → what its `metric-names.ts` names, in the order in which it does. */
export async function metricsOfRooms(): Promise<Map<string, MetricName[]>> {
  const rooms = new Map<string, MetricName[]>()
  for (const room of readdirSync(path.join(ROOT, 'src')).sort()) {
    const file = path.join(ROOT, 'src', room, 'metric-names.ts')
    if (!existsSync(file)) continue
    const exported = (await import(pathToFileURL(file).href)) as Record<string, Record<string, MetricName>> // nothing else stands there
    rooms.set(
      room,
      Object.values(exported).flatMap(each => Object.values(each)),
    )
  }
  return rooms
}

/** What a page shows that no file names. */
export async function unnamedMetrics(page: string): Promise<string[]> {
  const named = new Set([...(await metricsOfRooms()).values()].flat().map(({ name }) => name))
  return [...page.matchAll(/^# TYPE (\S+)/gm)].flatMap(([, name = '']) => (named.has(name) ? [] : [name]))
}

/** prom-client's own names: gauges that end as counters do. They are promised since the first version. */
const OF_PROM_CLIENT = /^sluice_nodejs_active_(?:resources|handles|requests)_total$/
/** Promised before base units were asked for. */
const IN_MILLISECONDS = 'sluice_origin_part_delay_ms'

/** The names that Prometheus' own linter is known to object to, and why they stay. */
export function isExcused(name: string): boolean {
  return OF_PROM_CLIENT.test(name) || name === IN_MILLISECONDS
}

/** Who sends a request chooses these. */
const VIEWERS_CHOICE =
  /^(?:path|url|uri|host|address|ip|query|user_?agent|referr?er|method|header|cookie|token|country|key|session|content_?id)$/
const UNIT_ABBREVIATED = /_(?:ms|us|ns|s|sec|secs|min|kb|kib|mb|mib|gb|gib|pct)(?:_total)?$/
const NOT_BASE = /_(?:milliseconds|microseconds|minutes|hours|days|kilobytes|megabytes|percent)(?:_total)?$/

/** What is wrong with a name, by the rules of Prometheus and ours. */
export function faultsOf({ type, name, help, labels, ...rest }: MetricName): string[] {
  const faults: string[] = []
  const fault = (is: boolean, words: string): void => void (is && faults.push(`${name}: ${words}`))
  fault(!/^sluice_[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(name), 'is not sluice_ and words in lower case')
  fault(help.trim() === '' || help !== help.trim(), 'has no help')
  fault(type === 'counter' && !name.endsWith('_total'), 'counts and does not end in _total')
  fault(type !== 'counter' && name.endsWith('_total'), 'ends in _total and does not count')
  fault(/_(?:count|sum|bucket)$/.test(name), 'ends as a part of a histogram does')
  fault(/_(?:counter|gauge|histogram)(?:_|$)/.test(name), 'has its type in its name')
  fault(UNIT_ABBREVIATED.test(name) || NOT_BASE.test(name), 'is not in a base unit')
  for (const [label, values] of Object.entries(labels)) {
    fault(!/^[a-z][a-z0-9_]*$/.test(label) || label === 'le', `${label} is no name for a label`)
    fault(VIEWERS_CHOICE.test(label), `${label} is what viewers choose`)
    const count = 'atMost' in values ? values.atMost : values.length
    fault(!(count > 0 && count <= 1000), `${label} is not bounded`)
    if ('length' in values) fault(new Set(values).size !== values.length, `${label} has a word twice`)
  }
  const buckets = 'buckets' in rest ? rest.buckets : []
  fault(type === 'histogram' && buckets.length === 0, 'has no buckets')
  fault(
    buckets.some((each, at) => at > 0 && each <= (buckets[at - 1] ?? 0)),
    'has buckets out of order',
  )
  return faults
}
