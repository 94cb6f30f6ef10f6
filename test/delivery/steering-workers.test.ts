import { afterAll, beforeAll, expect, test } from 'vitest'
import { peer } from '../routing/places.ts'
import { DISTRIBUTION } from './edge-bench.ts'
import { WorkersBench } from './workers-bench.ts'
import { connectionsTo, getWhole } from './workers-crowd.ts'

const WORKERS = 2
const MASTER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nvideo.m3u8\n'

let bench: WorkersBench
beforeAll(async () => {
  bench = await WorkersBench.start({
    workers: WORKERS,
    origin: (_request, response) => {
      response.setHeader('Cache-Control', 'max-age=60')
      response.end(MASTER)
    },
  })
}, 60_000)
afterAll(() => bench?.close())

test('every worker tells players who steers them, of a playlist that one of them keeps', async () => {
  const nodes = [peer('router-a', { addresses: ['192.0.2.9'], http: 8080, https: null })]
  const distributions = bench.snapshot.distributions.map(each => ({ ...each, steering: true }))
  const agents = await connectionsTo(`${bench.http}/index.m3u8`, WORKERS, 1)
  const seen = (): Promise<string[]> =>
    Promise.all(
      agents.map(async agent => (await getWhole(`${bench.http}/index.m3u8`, { agent })).body.toString()),
    )
  expect(await seen()).toEqual(agents.map(() => MASTER))
  await bench.tell({ distributions, nodes: [...bench.snapshot.nodes, ...nodes] })
  const server = `http://router.cdn.localhost:8080/.sluice/steering?d=${DISTRIBUTION}`
  const tag = `#EXT-X-CONTENT-STEERING:SERVER-URI="${server}&port=${new URL(bench.http).port}"`
  expect(await seen()).toEqual(agents.map(() => MASTER.replace('#EXTM3U\n', `#EXTM3U\n${tag}\n`)))
  expect(bench.asked).toEqual(['/index.m3u8'])
  for (const agent of agents) agent.destroy()
})
