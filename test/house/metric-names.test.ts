import { spawnSync } from 'node:child_process'
import path from 'node:path'
import prettier from 'prettier'
import { describe, expect, test } from 'vitest'
import {
  createMetrics,
  gauge,
  type CounterName,
  type HistogramName,
  type LabelValues,
  type MetricName,
} from '../../src/telemetry/index.ts'
import { faultsOf, isExcused, metricsOfRooms } from './metric-names.ts'
import { readTree, ROOT, sources, textOf } from './tree.ts'

const rooms = await metricsOfRooms()
const all = [...rooms.values()].flat()
const tree = readTree()

describe('the names of metrics', () => {
  test('are made in one file of each room, and no other file of src has one', () => {
    const elsewhere = sources(tree).filter(
      ([file, text]) =>
        !file.endsWith('/metric-names.ts') &&
        (/['"`]sluice_[a-z]+_[a-z_]+['"`]/.test(text) ||
          (file !== 'src/telemetry/metric.ts' &&
            /(?<![\w.])(?:counter|gauge|histogram)\(\s*['"`]/.test(text))),
    )
    expect(elsewhere.map(([file]) => file)).toEqual([])
    expect([...rooms.keys()]).toEqual([
      ...['app', 'control', 'delivery', 'gateway', 'membership', 'origin', 'router', 'telemetry'],
    ])
  })

  test('stand once each', () => {
    const names = all.map(({ name }) => name)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })

  test('keep the rules of Prometheus, but for those that are older than the rule', () => {
    expect(all.filter(({ name }) => !isExcused(name)).flatMap(faultsOf)).toEqual([])
    expect(all.filter(({ name }) => isExcused(name)).flatMap(faultsOf)).toHaveLength(4)
  })

  test('are what docs/METRICS.md lists (write it anew with --update)', async () => {
    const file = path.join(ROOT, 'docs/METRICS.md')
    const text = textOf(tree, 'docs/METRICS.md')
    const [before, , after] = text.split(/<!-- (?:begin|end) of the list -->/)
    const page = `${before}<!-- begin of the list -->\n\n${list()}\n\n<!-- end of the list -->${after}`
    const options = (await prettier.resolveConfig(file)) ?? {}
    await expect(await prettier.format(page, { ...options, filepath: file })).toMatchFileSnapshot(file)
  })
})

test('what prom-client says of a process has its names in a file too, and every one of them', async () => {
  const families = [...(await createMetrics('edge').text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  expect(families.map(([, name, type]) => ({ name, type }))).toEqual(
    rooms.get('telemetry')?.map(({ name, type }) => ({ name, type })),
  )
})

describe("Prometheus' own linter", () => {
  const isThere = spawnSync('promtool', ['--version']).status === 0
  test.skipIf(!isThere)('has nothing else to say (skipped where there is no promtool)', async () => {
    const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await pageOfAll() })
    const said = `${String(stdout)}${String(stderr)}`.split('\n').filter(line => line !== '')
    expect(said.filter(line => !isExcused(line.split(' ')[0] ?? ''))).toEqual([])
    expect(said.length).toBeGreaterThan(0)
  })
})

describe('the rules of names', () => {
  const named: MetricName = { type: 'counter', name: 'sluice_a_total', help: 'A', labels: {} }
  const label = (name: string, values: LabelValues): MetricName => ({ ...named, labels: { [name]: values } })
  test.each<[MetricName, string]>([
    [{ ...named, name: 'a_total' }, 'a_total: is not sluice_ and words in lower case'],
    [{ ...named, name: 'sluice_aB_total' }, 'sluice_aB_total: is not sluice_ and words in lower case'],
    [{ ...named, help: '' }, 'sluice_a_total: has no help'],
    [{ ...named, name: 'sluice_a' }, 'sluice_a: counts and does not end in _total'],
    [gauge('sluice_a_total', 'A'), 'sluice_a_total: ends in _total and does not count'],
    [gauge('sluice_a_count', 'A'), 'sluice_a_count: ends as a part of a histogram does'],
    [gauge('sluice_gauge_a', 'A'), 'sluice_gauge_a: has its type in its name'],
    [gauge('sluice_a_ms', 'A'), 'sluice_a_ms: is not in a base unit'],
    [label('le', ['a']), 'sluice_a_total: le is no name for a label'],
    [label('host', { of: 'hosts', atMost: 9 }), 'sluice_a_total: host is what viewers choose'],
    [label('a', { of: 'all', atMost: 1001 }), 'sluice_a_total: a is not bounded'],
    [label('a', []), 'sluice_a_total: a is not bounded'],
    [label('a', ['b', 'b']), 'sluice_a_total: a has a word twice'],
    [{ ...named, type: 'histogram', name: 'sluice_a', buckets: [] }, 'sluice_a: has no buckets'],
    [
      { ...named, type: 'histogram', name: 'sluice_a', buckets: [2, 1] },
      'sluice_a: has buckets out of order',
    ],
  ])('refuse %#', (metric, fault) => {
    expect(faultsOf(metric)).toEqual([fault])
  })
})

function list(): string {
  const sections = [...rooms].map(([room, metrics]) => [
    `### ${room}`,
    '',
    '| name | type | labels | what |',
    '| --- | --- | --- | --- |',
    ...metrics.map(
      ({ name, type, labels, help }) => `| \`${name}\` | ${type} | ${labelsOf(labels)} | ${help} |`,
    ),
    '',
  ])
  return sections.flat().join('\n')
}

function labelsOf(labels: Readonly<Record<string, LabelValues>>): string {
  return Object.entries(labels)
    .map(([label, values]) =>
      'atMost' in values
        ? `\`${label}\`: ${values.of}, ${values.atMost} at most`
        : `\`${label}\`: ${values.join(', ')}`,
    )
    .join('; ')
}

/** With a sample of each. */
async function pageOfAll(): Promise<string> {
  const metrics = createMetrics('test')
  const sampleOf = (labels: Readonly<Record<string, LabelValues>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(labels).map(([label, values]) => [label, 'atMost' in values ? 'a' : (values[0] ?? '')]),
    )
  for (const metric of all) {
    if (rooms.get('telemetry')?.includes(metric)) continue // prom-client's, which are there
    if (metric.type === 'gauge') metrics.gauge(metric, () => 1)
    else if (metric.type === 'counter')
      metrics.counter<CounterName['labels']>(metric)(sampleOf(metric.labels))
    else metrics.histogram<HistogramName['labels']>(metric)(1, sampleOf(metric.labels))
  }
  return metrics.text()
}
