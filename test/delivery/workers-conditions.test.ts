import type { Agent } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { WorkersBench } from './workers-bench.ts'
import { connectionsTo, getWhole } from './workers-crowd.ts'

const WORKERS = 2

let bench: WorkersBench
let agents: Agent[]
const heard: Record<string, string | string[] | undefined>[] = []

beforeAll(async () => {
  bench = await WorkersBench.start({
    workers: WORKERS,
    origin: (request, response) => {
      if (request.url !== '/hello')
        heard.push({ ...request.headers, method: request.method, url: request.url })
      const body = request.method === 'OPTIONS' ? 'options' : 'answer'
      response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': body.length }).end(body)
    },
    behaviours: [
      {
        pattern: '/keyed/*',
        ...{ query: ['v'], forwardQuery: ['t'], keyedCookies: ['lang'], cookies: ['who'], host: 'viewer' },
        ...{ headers: ['cloudfront-is-mobile-viewer'], told: ['cloudfront-viewer-address'] },
        ...{ responseHeaders: { custom: [{ name: 'X-Mark', value: '1', override: true }], remove: [] } },
      },
      { pattern: '/options/*', methods: 'read', keepOptions: true },
      { pattern: '*' },
    ],
  })
  agents = await connectionsTo(`${bench.http}/hello`, WORKERS, 1)
}, 60_000)

beforeEach(() => void heard.splice(0))

afterAll(async () => {
  for (const agent of agents) agent.destroy()
  await bench.close()
})

test('whichever worker a viewer meets, what is keyed and told of him is the same', async () => {
  const headers = { Host: 'shop.example', 'CloudFront-Is-Mobile-Viewer': 'true' }
  const ask = async (name: string, Cookie: string): Promise<unknown[]> => {
    const all: unknown[] = []
    for (const agent of agents) {
      const { status, headers: fields } = await getWhole(`${bench.http}/keyed/${name}?t=7&v=1&x=2`, {
        ...{ agent, headers: { ...headers, Cookie } },
      })
      all.push([status, fields['x-mark']])
    }
    return all
  }
  const names = Array.from({ length: 8 }, (_, at) => `film-${at}`)
  for (const name of names)
    expect(await ask(name, 'who=me; x=1; lang=de')).toEqual(Array(WORKERS).fill([200, '1']))
  expect(heard.map(({ url, host, cookie }) => [url, host, cookie])).toEqual(
    names.map(name => [`/keyed/${name}?t=7&v=1`, 'shop.example', 'lang=de; who=me']),
  )
  for (const fields of heard) {
    expect(fields['cloudfront-is-mobile-viewer']).toBe('false')
    expect(fields['cloudfront-viewer-address']).toMatch(/^127\.0\.0\.1:[1-9]\d+$/)
  }
  heard.splice(0)
  for (const name of names) await ask(name, 'lang=fr')
  expect(heard.map(({ cookie }) => cookie)).toEqual(names.map(() => 'lang=fr'))
})

test('answers to OPTIONS are kept by one worker for all, apart from those to GET', async () => {
  const names = Array.from({ length: 8 }, (_, at) => `/options/${at}`)
  for (const name of names)
    for (const method of ['OPTIONS', 'GET'])
      for (const agent of agents) {
        const { status, body } = await getWhole(`${bench.http}${name}`, { agent, method })
        expect([status, body.toString()]).toEqual([200, method === 'GET' ? 'answer' : 'options'])
      }
  expect(heard.map(({ method, url }) => `${String(method)} ${String(url)}`)).toEqual(
    names.flatMap(name => [`OPTIONS ${name}`, `GET ${name}`]),
  )
})
