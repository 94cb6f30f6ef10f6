import { afterAll, beforeAll, expect, test } from 'vitest'
import { WorkersBench } from './workers-bench.ts'
import { connectionsTo, getWhole } from './workers-crowd.ts'

const WORKERS = 2
const hosts: (string | undefined)[] = []
let bench: WorkersBench

beforeAll(async () => {
  bench = await WorkersBench.start({
    workers: WORKERS,
    origin: ({ headers, url }, response) => {
      if (url?.startsWith('/film') === true) hosts.push(headers.host)
      response.setHeader('Cache-Control', 'max-age=60')
      response.end(`${url} of ${headers.host}`)
    },
    functions: [
      {
        event: 'viewer-request',
        code: `import cf from 'cloudfront'
          function handler({ request }) {
            if (request.headers['x-other']) cf.updateRequestOrigin({ hostHeader: 'other.example' })
            return request
          }`,
      },
    ],
  })
}, 60_000)

afterAll(() => bench?.close())

test('a function’s origin is asked once for all workers, and kept apart from the behaviour’s own', async () => {
  const agents = await connectionsTo(`${bench.http}/hello`, WORKERS, 1)
  // Enough of them that each worker owns some and asks another for the rest.
  const paths = Array.from({ length: 8 }, (_, n) => `/film-${n}`)
  for (const at of paths)
    for (const agent of agents) {
      const other = await getWhole(`${bench.http}${at}`, { agent, headers: { 'X-Other': '1' } })
      expect([other.status, other.body.toString()]).toEqual([200, `${at} of other.example`])
      const own = await getWhole(`${bench.http}${at}`, { agent })
      expect(own.body.toString()).toMatch(`${at} of 127.0.0.1:`)
    }
  expect(hosts.filter(host => host === 'other.example')).toHaveLength(paths.length)
  expect(hosts).toHaveLength(2 * paths.length)
  for (const agent of agents) agent.destroy()
})
