import { afterEach, expect, test } from 'vitest'
import { DEFAULT_WIRE, type Behaviour } from '../../src/distribution/index.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { TierBench, type TierOptions } from './tier-bench.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Answer = Parameters<typeof ForeignOrigin.start>[0]

async function tiersBefore(
  answer: Answer,
  options: Partial<TierOptions> & { behaviour?: Partial<Behaviour> } = {},
): Promise<{ bench: TierBench; origin: ForeignOrigin }> {
  const origin = await ForeignOrigin.start(answer)
  closers.push(() => origin.close())
  const snapshot = snapshotWith(
    [{ id: 'site', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE }],
    [{ pattern: '*', query: 'all', methods: 'all', ...options.behaviour }],
  )
  const bench = await TierBench.start({ snapshot, ...options })
  closers.push(() => bench.close())
  return { bench, origin }
}

const text: Answer = (_request, response) => {
  response.writeHead(200, { 'Cache-Control': 'max-age=100', 'Content-Length': 5, ETag: '"a"' })
  response.end('hello')
}

test('ten edges that ask for one object at once are one question to the origin', async () => {
  const { bench, origin } = await tiersBefore(
    (request, response) => void setTimeout(() => text(request, response), 50),
    { edges: 10, regionals: 2 },
  )
  const bodies = await Promise.all(bench.edges.map(async ({ url }) => (await fetch(`${url}/film`)).text()))
  expect(bodies).toEqual(Array.from({ length: 10 }, () => 'hello'))
  expect(origin.asked.map(({ target }) => target)).toEqual(['/film'])
})
