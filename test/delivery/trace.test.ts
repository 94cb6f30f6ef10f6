import { afterEach, expect, test } from 'vitest'
import { DEFAULT_WIRE, type Snapshot } from '../../src/distribution/index.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { TierBench } from './tier-bench.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const NAMED = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'congo=t61' }

/** An edge, a regional cache, and a server as HTTP origin and in place of the packager. */
async function tiers(): Promise<{ bench: TierBench; origin: ForeignOrigin }> {
  const origin = await ForeignOrigin.start((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=100', 'Content-Length': 5 }).end('hello')
  })
  closers.push(() => origin.close())
  const snapshot: Snapshot = snapshotWith(
    [
      { id: 'site', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE },
      { id: 'own', kind: 'built-in' },
    ],
    [
      { pattern: '/own/*', originId: 'own' },
      { pattern: '*', methods: 'all', forward: 'all' },
    ],
  )
  const bench = await TierBench.start({ snapshot, originUrl: origin.url, edges: 1, regionals: 1 })
  closers.push(() => bench.close())
  return { bench, origin }
}

async function ask(url: string, init: RequestInit): Promise<number> {
  const answer = await fetch(url, init)
  await answer.arrayBuffer()
  return answer.status
}

test('one trace goes through edge and regional cache to the origin, with a parent of its own at each hop', async () => {
  const { bench, origin } = await tiers()
  expect(await ask(`${bench.edge.url}/film`, { headers: NAMED })).toBe(200)
  expect(await ask(`${bench.edge.url}/own/film`, { headers: NAMED })).toBe(200)
  expect(await ask(`${bench.edge.url}/form`, { method: 'POST', headers: NAMED, body: 'a' })).toBe(200)
  expect(bench.regional.asked).toBeGreaterThan(0)
  const told = origin.asked.map(({ fields }) => [String(fields['traceparent']), fields['tracestate']])
  expect(told).toHaveLength(3)
  for (const [traceparent, tracestate] of told) {
    expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-01$`))
    expect(tracestate).toBe('congo=t61')
  }
  expect(new Set(told.map(([traceparent]) => traceparent)).size).toBe(3)
  expect(bench.edge.lines.map(({ trace }) => trace)).toEqual([TRACE, TRACE, TRACE])
})

test('a trace that cannot be read is another one, and the same to all behind the edge', async () => {
  const { bench, origin } = await tiers()
  await ask(`${bench.edge.url}/film`, { headers: { traceparent: 'nonsense', tracestate: 'congo=t61' } })
  const [line] = bench.edge.lines
  expect(line?.['trace']).toMatch(/^[0-9a-f]{32}$/)
  const { fields } = origin.asked[0]!
  expect(fields['traceparent']).toMatch(new RegExp(`^00-${String(line?.['trace'])}-[0-9a-f]{16}-00$`))
  expect(fields['tracestate']).toBeUndefined()
})

test('who names no trace gets none, and nobody behind the edge is told of one', async () => {
  const { bench, origin } = await tiers()
  await ask(`${bench.edge.url}/film`, {})
  expect(bench.edge.lines[0]).not.toHaveProperty('trace')
  expect(origin.asked[0]?.fields['traceparent']).toBeUndefined()
})
