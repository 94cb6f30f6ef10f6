import { afterEach, expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import { snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import { counting, SiteBench, type SiteOptions } from './site-bench.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function site(options: SiteOptions = {}): Promise<SiteBench> {
  const bench = await SiteBench.start(
    counting({ 'Cache-Control': 'max-age=60' }),
    { methods: 'all', query: 'all' },
    { distribution: { defaultRoot: 'pages/start%20page.html' }, ...options },
  )
  closers.push(() => bench.close())
  return bench
}

test.each([
  ['at an edge', false],
  ['through a regional cache', true],
])('"/" alone shows the default root object, whatever the method: %s', async (_, between) => {
  const bench = await site({ between })
  const asked = ['/', '/?a=1', '/pages/', '//', '/pages/start%20page.html', '/%2e']
  const answers: [number, string][] = []
  for (const path of asked) {
    const { status, body } = await bench.get(path)
    answers.push([status, body])
  }
  await bench.ask('POST', '/')
  expect(answers).toEqual([
    ...[
      [200, '1'],
      [200, '2'],
      [200, '3'],
      [200, '4'],
      [200, '1'],
    ],
    [400, expect.stringContaining('InvalidURI')],
  ])
  const page = '/pages/start%20page.html'
  expect(bench.asked.map(({ method, target }) => `${method} ${target}`)).toEqual([
    ...[`GET ${page}`, `GET ${page}?a=1`, 'GET /pages/', 'GET //', `POST ${page}`],
  ])
})

test('the gate before the default root object is before "/" as well', async () => {
  const gate = { keyGroups: snapshotOf().keyGroups.map(({ id }) => id), issuers: [] as IssuerId[] }
  const bench = await site({ others: [{ pattern: '/pages/*', gate }] })
  const refused = await bench.get('/')
  expect([refused.status, refused.headers['x-sluice-reason'], bench.asked]).toEqual([403, 'missing', []])
  for (const resource of ['*://*/', '*://*/pages/*'])
    expect((await bench.get('/', { Cookie: grantFor(resource).cookie })).status).toBe(200)
})

test('without one "/" is what lies there', async () => {
  const bench = await site({ distribution: {} })
  await bench.get('/')
  expect(bench.asked.map(({ target }) => target)).toEqual(['/'])
})
