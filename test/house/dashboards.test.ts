import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { MetricName } from '../../src/telemetry/index.ts'
import { metricsOfRooms } from './metric-names.ts'
import { readTree, textOf } from './tree.ts'

interface Dashboard {
  uid: string
  panels: { title: string; datasource: { uid: string }; targets: { expr: string; legendFormat: string }[] }[]
}

const tree = readTree()
const FOLDER = 'docker/grafana/dashboards/'
const dashboards = [...tree]
  .filter(([file]) => file.startsWith(FOLDER))
  .map(([file, text]) => [file.slice(FOLDER.length), JSON.parse(text) as Dashboard] as const) // Grafana's model
const metrics = new Map(
  [...(await metricsOfRooms()).values()].flat().map(metric => [metric.name, metric] as const),
)

/** Every page has `role`, and Prometheus adds these. */
const OF_ALL = ['role', 'instance', 'job']

/** What an expression, or the legend of what it gives, names that no file does. */
function unknownIn(expr: string, legend = ''): string[] {
  const named = [...expr.matchAll(/sluice_\w+/g)].map(([name]) => metricOf(name) ?? name)
  const labels = new Set([
    ...OF_ALL,
    ...named.flatMap(each => (typeof each === 'string' ? [] : Object.keys(each.labels))),
    ...(named.some(each => typeof each !== 'string' && each.type === 'histogram') ? ['le'] : []),
  ])
  const used = [
    ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */)),
    ...[...expr.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
    ...[...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
  ]
  return [...named.filter(each => typeof each === 'string'), ...used.filter(label => !labels.has(label))]
}

function metricOf(name: string): MetricName | undefined {
  const whole = metrics.get(name)
  if (whole !== undefined) return whole.type === 'histogram' ? undefined : whole
  const family = metrics.get(name.replace(/_(?:bucket|sum|count)$/, ''))
  return family?.type === 'histogram' ? family : undefined
}

describe('the dashboards', () => {
  test('are an overview, the cache and live channels, of the data source that is provisioned', () => {
    expect(dashboards.map(([file, { uid }]) => [file, uid])).toEqual([
      ['cache.json', 'sluice-cache'],
      ['live.json', 'sluice-live'],
      ['overview.json', 'sluice-overview'],
    ])
    const sources = dashboards.flatMap(([, { panels }]) => panels.map(({ datasource }) => datasource.uid))
    expect([...new Set(sources)]).toEqual(['sluice'])
    expect(parse(textOf(tree, 'docker/grafana/provisioning/datasources/prometheus.yaml'))).toMatchObject({
      datasources: [{ uid: 'sluice', type: 'prometheus' }],
    })
  })

  test.each(dashboards)('%s asks for metrics and labels that there are', (_file, { panels }) => {
    const targets = panels.flatMap(each => each.targets)
    expect(targets.length).toBeGreaterThan(9)
    expect(targets.flatMap(({ expr, legendFormat }) => unknownIn(expr, legendFormat))).toEqual([])
  })

  test('would not pass with a metric or label that is on no list', () => {
    expect(unknownIn('rate(sluice_nothing_total[1m])')).toEqual(['sluice_nothing_total'])
    expect(unknownIn('sum by (reason) (rate(sluice_requests_total[1m]))')).toEqual(['reason'])
    expect(unknownIn('rate(sluice_requests_total{path="/"}[1m])')).toEqual(['path'])
    expect(unknownIn('sum(sluice_cache_bytes)', '{{host}}')).toEqual(['host'])
    expect(unknownIn('sluice_function_seconds')).toEqual(['sluice_function_seconds'])
  })
})
