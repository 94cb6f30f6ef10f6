import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type Behaviour, type Snapshot } from '../../src/distribution/index.ts'
import { mintNodeToken } from '../../src/signing/index.ts'
import { DISTRIBUTION, handClock, snapshotOf } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { Link } from './tier-fault-link.ts'
import { TierBench, type TierOptions } from './tier-bench.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Answer = Parameters<typeof ForeignOrigin.start>[0]

async function tiersBefore(
  answer: Answer,
  options: Partial<TierOptions> & { behaviour?: Partial<Behaviour> } = {},
): Promise<{ bench: TierBench; origin: ForeignOrigin; snapshot: Snapshot }> {
  const origin = await ForeignOrigin.start((request, response) => {
    // A test's clock runs apart from the machine's, and a Date would tell them apart.
    response.sendDate = false
    answer(request, response)
  })
  closers.push(() => origin.close())
  const snapshot = snapshotWith(
    [{ id: 'site', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE }],
    [{ pattern: '*', query: 'all', methods: 'all', ...options.behaviour }],
  )
  const bench = await TierBench.start({ snapshot, ...options })
  closers.push(() => bench.close())
  return { bench, origin, snapshot }
}

const text: Answer = (_request, response) => {
  response.writeHead(200, { 'Cache-Control': 'max-age=100', 'Content-Length': 5, ETag: '"a"' })
  response.end('hello')
}

/** With ranges, as servers of files have them. */
function rangeSite(body: Buffer): Answer {
  return (request, response) => {
    const fields = { 'Cache-Control': 'max-age=100', ETag: '"a"', 'Accept-Ranges': 'bytes' }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (first === undefined || last === undefined)
      return void response.writeHead(200, { ...fields, 'Content-Length': body.length }).end(body)
    const end = Math.min(Number(last), body.length - 1)
    const range = `bytes ${first}-${end}/${body.length}`
    response.writeHead(206, { ...fields, 'Content-Range': range, 'Content-Length': end - Number(first) + 1 })
    response.end(body.subarray(Number(first), end + 1))
  }
}

async function facts(
  url = '',
): Promise<{ status: number; cache: string | undefined; age: string | null; body: string }> {
  const answer = await fetch(url)
  const cache = answer.headers.get('x-cache')?.split(' ')[0]
  return { status: answer.status, cache, age: answer.headers.get('age'), body: await answer.text() }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come about in ten seconds')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
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

test('what is fresh in both tiers goes stale in both at once, and one 304 freshens both', async () => {
  const clock = handClock()
  const { bench, origin } = await tiersBefore(
    (request, response) => {
      if (request.headers['if-none-match'] === '"a"')
        return void response.writeHead(304, { 'Cache-Control': 'max-age=100', ETag: '"a"' }).end()
      text(request, response)
    },
    { edges: 2, clock },
  )
  const [first, second] = bench.edges.map(({ url }) => `${url}/film`)
  expect(await facts(first)).toEqual({ status: 200, cache: 'Miss', age: null, body: 'hello' })
  clock.move(40_000)
  expect(await facts(second)).toEqual({ status: 200, cache: 'Miss', age: '40', body: 'hello' })
  clock.move(59_000)
  expect(await facts(second)).toEqual({ status: 200, cache: 'Hit', age: '99', body: 'hello' })
  expect(origin.asked).toHaveLength(1)
  clock.move(2_000)
  expect(await facts(second)).toEqual({ status: 200, cache: 'RefreshHit', age: '0', body: 'hello' })
  expect(await facts(first)).toEqual({ status: 200, cache: 'RefreshHit', age: '0', body: 'hello' })
  expect(origin.asked.map(({ fields }) => fields['if-none-match'])).toEqual([undefined, '"a"'])
})

test('the next regional cache is asked when one is away, and the origin when none is there', async () => {
  const { bench, origin } = await tiersBefore(text, { edges: 1, regionals: 2 })
  await Promise.all(bench.regionals.map(each => each.kill()))
  expect(await facts(`${bench.edge.url}/none`)).toMatchObject({ status: 200, body: 'hello' })
  await bench.regional.restart()
  await until(async () => {
    const before = bench.regional.asked
    await fetch(`${bench.edge.url}/${String(Math.random())}`)
    return bench.regional.asked > before
  })
  expect(origin.asked.length).toBeGreaterThan(1)
})

test('a regional cache that knows less than the edge is not believed', async () => {
  let version = 1
  const { bench, origin, snapshot } = await tiersBefore((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=100' }).end(`version ${version}`)
  })
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ body: 'version 1' })
  version = 2
  const invalidated = {
    ...{ ...snapshot, version: 2, sequence: 1 },
    invalidations: [{ sequence: 1, distributionId: DISTRIBUTION, pattern: '/film' }],
  }
  // The edge hears of it, and the regional cache not yet.
  bench.edge.node.apply(bench.withNodes(invalidated))
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ cache: 'Miss', body: 'version 2' })
  expect(origin.asked).toHaveLength(2)
  bench.regional.node.apply(bench.withNodes(invalidated))
  bench.edge.node.apply(
    bench.withNodes({
      ...invalidated,
      version: 3,
      sequence: 2,
      invalidations: [{ sequence: 2, distributionId: DISTRIBUTION, pattern: '/*' }],
    }),
  )
  bench.regional.node.apply(
    bench.withNodes({
      ...invalidated,
      version: 3,
      sequence: 2,
      invalidations: [{ sequence: 2, distributionId: DISTRIBUTION, pattern: '/*' }],
    }),
  )
  version = 3
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ body: 'version 3' })
})

test('what is not read goes from the edge to the origin, and what it has changed is asked for anew', async () => {
  let version = 1
  const { bench, origin } = await tiersBefore(
    (request, response) => {
      if (request.method === 'POST') version++
      response.writeHead(200, { 'Cache-Control': 'max-age=100' }).end(`version ${version}`)
    },
    { edges: 2 },
  )
  const [first, second] = bench.edges.map(({ url }) => `${url}/cart`)
  expect(await facts(first)).toMatchObject({ body: 'version 1' })
  expect(await facts(second)).toMatchObject({ body: 'version 1' })
  const asked = bench.regional.asked
  expect(await (await fetch(first ?? '', { method: 'POST', body: 'more' })).text()).toBe('version 2')
  expect(bench.regional.asked).toBe(asked)
  expect(await facts(first)).toMatchObject({ cache: 'Miss', body: 'version 2' })
  // Another edge was not told (RFC 9111 §4.4 speaks of the cache that the request came by), and shares what is new.
  expect(origin.asked.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET'])
})

test('a behaviour that forwards all fields goes past the regional caches', async () => {
  const { bench } = await tiersBefore(text, { behaviour: { forward: 'all' } })
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ body: 'hello' })
  expect(bench.regional.asked).toBe(0)
})

test('variants are told apart by the fields that the behaviour lets through, and by no others', async () => {
  const { bench, origin } = await tiersBefore(
    (request, response) => {
      const language = request.headers['accept-language'] ?? 'none'
      response.writeHead(200, { 'Cache-Control': 'max-age=100', Vary: 'Accept-Language' }).end(language)
    },
    { edges: 2, behaviour: { forward: ['accept-language'] } },
  )
  const ask = async (edge: number, language: string): Promise<string> => {
    const headers = { 'Accept-Language': language, 'X-Secret': "a viewer's own" }
    return (await fetch(`${bench.edges[edge]?.url}/page`, { headers })).text()
  }
  expect([await ask(0, 'de'), await ask(1, 'de'), await ask(1, 'fr'), await ask(0, 'fr')]).toEqual([
    'de',
    'de',
    'fr',
    'fr',
  ])
  expect(origin.asked.map(({ fields }) => [fields['accept-language'], fields['x-secret']])).toEqual([
    ['de', undefined],
    ['fr', undefined],
  ])
})

test("what is one viewer's own stays his, through both tiers", async () => {
  let count = 0
  const { bench, origin } = await tiersBefore((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'private' }).end(String(++count))
  })
  const bodies = await Promise.all(
    Array.from({ length: 5 }, async () => (await fetch(`${bench.edge.url}/me`)).text()),
  )
  expect(bodies.toSorted()).toEqual(['1', '2', '3', '4', '5'])
  expect(origin.asked).toHaveLength(5)
})

test('ranges of a large object are fetched in slices, once for all edges', async () => {
  const body = Buffer.alloc(20 * 1024 * 1024, 'sluice ')
  const { bench, origin } = await tiersBefore(rangeSite(body), { edges: 2, memory: 64 * 1024 * 1024 })
  const range = async (edge: number, first: number, last: number): Promise<Buffer> => {
    const answer = await fetch(`${bench.edges[edge]?.url}/film.mp4`, {
      headers: { Range: `bytes=${first}-${last}` },
    })
    expect([answer.status, answer.headers.get('content-range')]).toEqual([
      206,
      `bytes ${first}-${last}/${body.length}`,
    ])
    return Buffer.from(await answer.arrayBuffer())
  }
  const [first, last] = [9_000_000, 9_999_999]
  expect((await range(0, first, last)).equals(body.subarray(first, last + 1))).toBe(true)
  const asked = origin.asked.length
  expect((await range(1, first, last)).equals(body.subarray(first, last + 1))).toBe(true)
  expect(origin.asked).toHaveLength(asked)
  const whole = Buffer.from(await (await fetch(`${bench.edges[1]?.url}/film.mp4`)).arrayBuffer())
  expect(whole.equals(body)).toBe(true)
})

test('a body goes on where its regional cache was killed, byte for byte', async () => {
  const body = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251))
  let held: (() => void) | undefined
  const { bench, origin } = await tiersBefore((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=100', 'Content-Length': body.length, ETag: '"a"' })
    if (held !== undefined) return void response.end(body)
    response.write(body.subarray(0, 100_000))
    held = () => response.end(body.subarray(100_000))
  })
  const answer = await fetch(`${bench.edge.url}/film`)
  const reader = answer.body?.getReader()
  const came = [...((await reader?.read())?.value ?? [])]
  await bench.regional.kill()
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
    came.push(...next.value)
  expect(Buffer.from(came).equals(body)).toBe(true)
  expect(origin.asked).toHaveLength(2)
})

test('a body goes on where its regional cache was taken out, and then fell silent', async () => {
  const body = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251))
  let asked = 0
  let port = 0
  const link = await Link.to('to the regional cache', () => port)
  closers.push(() => link.close())
  const { bench, snapshot } = await tiersBefore(
    (_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=100', 'Content-Length': body.length, ETag: '"a"' })
      if (asked++ > 0) return void response.end(body)
      response.write(body.subarray(0, 100_000))
    },
    {
      seenBy(seen) {
        const nodes = seen.nodes.map(node => {
          if (node.role === 'regional') port = Number(new URL(node.url ?? '').port)
          return node.role === 'regional' ? { ...node, url: link.url } : node
        })
        return { ...seen, nodes }
      },
    },
  )
  const answer = await fetch(`${bench.edge.url}/film`)
  const reader = answer.body?.getReader()
  const came = [...((await reader?.read())?.value ?? [])]
  bench.edge.node.apply(snapshot)
  link.cut('silent')
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
    came.push(...next.value)
  expect(Buffer.from(came).equals(body)).toBe(true)
})

test('what breaks off at the origin is cut for the viewer as well, and kept by nobody', async () => {
  const { bench, origin } = await tiersBefore((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=100', 'Content-Length': 1000 })
    response.write('half')
    setTimeout(() => response.destroy(), 20)
  })
  const read = async (): Promise<string> => (await fetch(`${bench.edge.url}/film`)).text()
  await expect(read()).rejects.toThrow()
  await expect(read()).rejects.toThrow()
  expect(origin.asked).toHaveLength(2)
})

test('an origin that cannot be reached from there is asked from here, and 502 is kept by nobody', async () => {
  const { bench, origin } = await tiersBefore(text)
  await origin.close()
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ status: 502, cache: 'Error' })
})

const REFUSED: [string, Record<string, string>, number][] = [
  ['nobody', {}, 403],
  ['who shows something else', { 'sluice-node': 'a.b.c' }, 403],
]

test.each(REFUSED)('%s gets nothing of a regional cache', async (_who, headers, status) => {
  const { bench } = await tiersBefore(text)
  const answer = await fetch(`${bench.regional.url}/film`, { headers })
  expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([status, 'not-a-node'])
  expect(await answer.text()).toBe('')
})

test('a node of another role, and one that is listed no more, get nothing either', async () => {
  const { bench, snapshot } = await tiersBefore(text)
  const ask = async (role: 'edge' | 'gateway'): Promise<number> => {
    const token = await mintNodeToken(
      { id: bench.edge.id, privateJwk: bench.edge.key.privateJwk },
      'regional',
      systemClock.now(),
    )
    const listed = bench.withNodes(snapshot)
    bench.regional.node.apply({
      ...listed,
      version: 2,
      nodes: listed.nodes.map(node => (node.id === bench.edge.id ? { ...node, role } : node)),
    })
    return (await fetch(`${bench.regional.url}/film`, { headers: { 'sluice-node': token } })).status
  }
  expect([await ask('edge'), await ask('gateway')]).toEqual([400, 403])
})

test('what an origin says that has not heard of an invalidation is kept by neither tier beyond it', async () => {
  let [body, sequence] = ['old', 3]
  const origin = await ForeignOrigin.start((_request, response) => {
    response.sendDate = false
    const fields = { 'Cache-Control': 'max-age=100', 'Sluice-Seq': String(sequence) }
    response.writeHead(200, { ...fields, 'Content-Length': body.length }).end(body)
  })
  closers.push(() => origin.close())
  const invalidations = [{ sequence: 4, distributionId: DISTRIBUTION, pattern: '/film' }]
  const snapshot = snapshotOf({ sequence: 5, invalidations })
  const bench = await TierBench.start({ snapshot, originUrl: origin.url })
  closers.push(() => bench.close())
  // It is nobody's fault yet: who asks an origin that is behind is given what that has.
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ status: 200, body: 'old' })
  ;[body, sequence] = ['new', 5]
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ cache: 'Miss', body: 'new' })
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ cache: 'Hit', body: 'new' })
})

test('what is older at the origin than what an edge has takes its place, and is not taken for the same', async () => {
  const clock = handClock()
  let [body, changed] = ['newer', 'Sat, 21 Nov 2026 10:00:00 GMT']
  const { bench } = await tiersBefore(
    (request, response) => {
      const fields = { 'Cache-Control': 'max-age=10', 'Last-Modified': changed }
      // As strict servers do: another date is another version.
      if (request.headers['if-modified-since'] === changed) return void response.writeHead(304, fields).end()
      response.writeHead(200, fields).end(body)
    },
    { clock },
  )
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ cache: 'Miss', body: 'newer' })
  clock.move(11_000)
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ cache: 'RefreshHit', body: 'newer' })
  clock.move(11_000)
  ;[body, changed] = ['older', 'Fri, 20 Nov 2026 10:00:00 GMT']
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ cache: 'Miss', body: 'older' })
})

test('a question that an origin has seen and not answered is not put to it again from here', async () => {
  const { bench, origin } = await tiersBefore((_request, response) => void response.destroy())
  expect(await facts(`${bench.edge.url}/film`)).toMatchObject({ status: 502 })
  expect(origin.asked).toHaveLength(1)
})

test('of an origin with a shield the regional caches at that place are asked first', async () => {
  const origin = await ForeignOrigin.start((request, response) => {
    response.sendDate = false
    text(request, response)
  })
  closers.push(() => origin.close())
  const site = { id: 'site', kind: 'http' as const, url: origin.url, headers: [], ...DEFAULT_WIRE }
  const bench = await TierBench.start({
    snapshot: snapshotWith([{ ...site, shield: 'shielding' }], [{ pattern: '*' }]),
    ...{ edges: 2, regionals: 3 },
    seenBy: snapshot => ({
      ...snapshot,
      nodes: snapshot.nodes.map(node => (node.id === 'regional-1' ? { ...node, pop: 'shielding' } : node)),
    }),
  })
  closers.push(() => bench.close())
  const paths = Array.from({ length: 12 }, (_, at) => `/film-${at}`)
  for (const { url } of bench.edges)
    for (const path of paths) expect(await facts(`${url}${path}`)).toMatchObject({ status: 200 })
  expect(bench.regionals.map(({ asked }) => asked)).toEqual([0, 24, 0])
  expect(origin.asked).toHaveLength(12)
  await bench.regionals[1]?.kill()
  expect(await facts(`${bench.edge.url}/another`)).toMatchObject({ status: 200, body: 'hello' })
})
