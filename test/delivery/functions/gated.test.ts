import { getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { afterEach, expect, test } from 'vitest'
import { KEY_ID, keys, snapshotOf } from '../edge-bench.ts'
import { FunctionEdge } from './function-edge.ts'

let bench: FunctionEdge | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const gate = snapshotOf()
  .distributions.flatMap(({ behaviours }) => behaviours)
  .flatMap(behaviour => behaviour.gate ?? [])[0]

function signed(url: string): string {
  const dateLessThan = new Date(Date.now() + 600_000).toISOString()
  return getSignedUrl({ url, keyPairId: KEY_ID, privateKey, dateLessThan })
}

test('a gate is asked before the function, which opens nothing', async () => {
  if (gate === undefined) throw new Error('the test’s own snapshot has a gate')
  bench = await FunctionEdge.start(
    [
      {
        event: 'viewer-request',
        code: `function handler() { return { statusCode: 200, body: 'let in' } }`,
      },
    ],
    { behaviours: [{ pattern: '/members/*', gate }, { pattern: '*' }] },
  )
  const refused = await bench.get('/members/film')
  expect([refused.status, await refused.text()]).toEqual([403, expect.not.stringContaining('let in')])
  expect(await bench.metrics.text()).not.toContain('sluice_function_runs_total{')
  const { url } = bench.edge
  expect(await (await fetch(signed(`${url}/members/film`))).text()).toBe('let in')
})

test('a function behind a gate is not shown what has opened it, and the origin is not told', async () => {
  if (gate === undefined) throw new Error('the test’s own snapshot has a gate')
  bench = await FunctionEdge.start(
    [
      {
        event: 'viewer-request',
        code: `function handler({ request }) {
          request.headers['x-seen'] = { value: JSON.stringify([Object.keys(request.querystring), request.cookies]) }
          return request
        }`,
      },
    ],
    { behaviours: [{ pattern: '/members/*', gate, query: 'all', headers: ['x-seen'] }, { pattern: '*' }] },
  )
  const url = signed(`${bench.edge.url}/members/film?x=1`)
  const answer = await fetch(url, { headers: { cookie: 'CloudFront-Policy=p; mine=1' } })
  expect(await answer.text()).toBe('GET /members/film?x=1')
  const [asked] = bench.origin.asked
  expect(asked?.fields['x-seen']).toBe('[["x"],{"mine":{"value":"1"}}]')
})
