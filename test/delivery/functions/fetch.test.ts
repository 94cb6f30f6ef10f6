import { afterEach, expect, test } from 'vitest'
import { systemClock, type FunctionId } from '../../../src/core/index.ts'
import { guardedFetch } from '../../../src/delivery/functions/node-runner.ts'
import { createFunctionRunner, type FunctionRunner, type Outcome } from '../../../src/functions/index.ts'
import { createGuard } from '../../../src/outbound/index.ts'
import { silentLogger } from '../../../src/telemetry/index.ts'
import { ForeignOrigin } from '../foreign-origin.ts'

let runner: FunctionRunner | undefined
let site: ForeignOrigin | undefined
afterEach(async () => {
  await runner?.close()
  await site?.close()
  runner = site = undefined
})

const ID = 'fetches' as FunctionId // a test's own
const CODE = `exports.handler = async url => {
  try {
    const answer = await fetch(url, { method: 'POST', headers: { 'x-a': '1' }, body: 'sent' })
    return [answer.status, answer.headers.get('x-b'), (await answer.text()).length]
  } catch (error) {
    return error.message
  }
}`

async function fetched(url: string, allow: string[]): Promise<Outcome> {
  const fetch = guardedFetch({ guard: createGuard({ allow, ownPorts: [] }), clock: systemClock })
  runner = createFunctionRunner({ threads: 1, log: silentLogger, fetch })
  await runner.follow(
    [{ id: ID, runtime: 'lambda-edge', code: CODE, hosts: ['127.0.0.1', 'localhost'] }],
    new Map(),
  )
  return runner.run({ function: ID, event: 'origin-request', argument: url })
}

test('a function may fetch from its hosts where origins may be', async () => {
  site = await ForeignOrigin.start((request, response) => {
    response.setHeader('X-B', '2')
    request.pipe(response)
  })
  expect(await fetched(site.url, ['127.0.0.0/8'])).toMatchObject({ kind: 'returned', value: [200, '2', 4] })
  expect(site.asked[0]?.fields).toMatchObject({ 'x-a': '1' })
})

test.each(['127.0.0.1', 'localhost'])(
  'a function fetches nothing from %s where no origin may be',
  async host => {
    site = await ForeignOrigin.start((_request, response) => void response.end('secret'))
    const url = `http://${host}:${new URL(site.url).port}/`
    const outcome = await fetched(url, [])
    expect(outcome.kind === 'returned' && outcome.value).toMatch(/^fetch failed: /)
    expect(site.asked).toEqual([])
  },
)

test('a function reads no more of an answer than it may', async () => {
  site = await ForeignOrigin.start((_request, response) => void response.end(Buffer.alloc(1024 * 1024 + 1)))
  expect(await fetched(site.url, ['127.0.0.0/8'])).toMatchObject({
    kind: 'returned',
    value: 'fetch failed: the answer has more than 1048576 bytes',
  })
})
