// What a function costs: added latency of a small one at 1,000 requests a second, calls a second that one thread does, and
// a sandbox that has to be made. The function is of the size and kind that is usual: it rewrites a URI and sets a header.
import { createFunctionRunner } from '../dist/functions/index.js'
import { median, quantile, report } from './running.mjs'

const SMALL = `function handler(event) {
  var request = event.request
  if (request.uri.endsWith('/')) request.uri += 'index.html'
  else if (!request.uri.includes('.')) request.uri += '/index.html'
  request.headers['x-country'] = { value: request.headers['cloudfront-viewer-country'].value.toLowerCase() }
  return request
}`
const ASYNC = SMALL.replace('function', 'async function')
const headers = Object.fromEntries(
  ['Host', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Referer', 'X-Forwarded-For'].map(
    name => [name.toLowerCase(), { value: `${name} ${'x'.repeat(40)}` }],
  ),
)
const argument = {
  version: '1.0',
  context: {
    distributionDomainName: 'd1.test',
    distributionId: 'E1',
    eventType: 'viewer-request',
    requestId: 'r',
  },
  viewer: { ip: '192.0.2.1' },
  request: {
    method: 'GET',
    uri: '/films/2026/',
    querystring: { a: { value: '1' }, b: { value: '2' } },
    headers: { ...headers, 'cloudfront-viewer-country': { value: 'DE' } },
    cookies: { session: { value: 'x'.repeat(60) } },
  },
}
const nobody = () => undefined
const log = { debug: nobody, info: nobody, warn: nobody, error: nobody, child: () => log }

const SECONDS = 10
const RATE = 1000
const FRESH = 100

const program = (id, code, runtime = 'cloudfront-js-2.0') => ({ id, runtime, code })
const runner = createFunctionRunner({ log, threads: 1 })
await runner.follow([program('small', SMALL), program('async', ASYNC)], new Map())
const run = async id => {
  const outcome = await runner.run({ function: id, event: 'viewer-request', argument })
  if (outcome.kind !== 'returned' || !outcome.value.uri.endsWith('index.html'))
    throw new Error(JSON.stringify(outcome))
  return outcome
}

/** Requests as they come, not one after the other: each waits for nothing but its time. */
async function latency(id) {
  for (let at = 0; at < 3000; at++) await run(id)
  const times = []
  const under = []
  const began = performance.now()
  for (let sent = 0; sent < SECONDS * RATE;) {
    await new Promise(resolve => setTimeout(resolve, 1)) // this process sleeps in between, as an edge does
    const due = Math.floor(((performance.now() - began) / 1000) * RATE)
    for (; sent < Math.min(due, SECONDS * RATE); sent++) {
      const start = performance.now()
      under.push(run(id).then(() => times.push(performance.now() - start)))
    }
  }
  await Promise.all(under)
  return times.sort((a, b) => a - b)
}

/** As many as one thread does, with some always waiting. */
async function throughput(id) {
  const began = performance.now()
  let done = 0
  const one = async () => {
    while (performance.now() - began < 3000) {
      await run(id)
      done++
    }
  }
  await Promise.all(Array.from({ length: 16 }, one))
  return done / ((performance.now() - began) / 1000)
}

for (const id of ['small', 'async']) {
  const times = await latency(id)
  report(
    `a ${id} function adds, at ${RATE} a second (at most 0.3, goal 0.1)`,
    median(times),
    `ms at p50; ${quantile(times, 0.99).toFixed(2)} at p99`,
  )
  report(`calls a second of one thread, ${id}`, Math.round(await throughput(id)), '')
}

const fresh = []
for (let at = 0; at < FRESH; at++) {
  await runner.follow([program('small', `${SMALL} // ${at}`)], new Map())
  const start = performance.now()
  await run('small')
  fresh.push(performance.now() - start)
}
fresh.sort((a, b) => a - b)
report(
  'a first call, with a sandbox of its own',
  median(fresh),
  `ms at p50; ${quantile(fresh, 0.99).toFixed(2)} at p99`,
)
await runner.close()
