import { existsSync } from 'node:fs'
import { get as httpGet, type Agent, type IncomingMessage } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChannelId, KeyGroupId } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type Channel, type Origin } from '../../src/distribution/index.ts'
import { until } from '../membership/fake-control.ts'
import { DISTRIBUTION } from './edge-bench.ts'
import { WorkersBench } from './workers-bench.ts'
import {
  arriving,
  bytesOf,
  connectionsTo,
  getWhole,
  isAlive,
  nobodyIsLetIn,
  runOf,
  Site,
  type GetOptions,
  type Got,
} from './workers-crowd.ts'

const WORKERS = 2

const CHANNEL: Channel = {
  id: 'c-stage' as ChannelId, // a test's own
  path: '/live/stage',
  ingest: { keyGroups: ['kg-members' as KeyGroupId] }, // likewise
  ...{ reconnect: 30_000, stops: 0, lease: 1 },
}

const site = new Site()
let bench: WorkersBench

beforeAll(async () => {
  bench = await WorkersBench.start({
    workers: WORKERS,
    origin: site.answer,
    behaviours: [
      { pattern: '/live/*', originId: 'built-in' },
      { pattern: '*', query: 'all', methods: 'all' },
    ],
    snapshot: { channels: [CHANNEL] },
  })
}, 60_000)

afterAll(() => bench?.close())

function get(at: string, options: GetOptions = {}): Promise<Got> {
  return getWhole(`${bench.http}${at}`, options)
}

function askedFor(at: string): number {
  return bench.asked.filter(each => each === at).length
}

/** So many kept connections to each worker. */
function connectionsToAll(each = 1): Promise<Agent[]> {
  return connectionsTo(`${bench.http}/hello`, WORKERS, each)
}

test.each([
  ['small', 2_000],
  ['larger than copies are', 5_000_000],
])('what is to be asked each time is asked for each viewer of every worker: %s', async (name, size) => {
  const at = `/each-${name.replaceAll(' ', '-')}?hold&size=${size}`
  const agents = await connectionsToAll(2)
  let all: Got[] | undefined
  void Promise.all(agents.map(agent => get(at, { agent }))).then(got => (all = got))
  await until('the origin was asked', () => askedFor(at) > 0)
  await get('/hello')
  await until('all have theirs', () => {
    site.release()
    return all !== undefined
  })
  const body = bytesOf(`${at.split('?')[0]} 1`, size)
  expect(all?.map(got => [got.status, got.body.equals(body)])).toEqual(agents.map(() => [200, true]))
  expect(askedFor(at)).toBe(agents.length)
  for (const agent of agents) agent.destroy()
})

test('a crowd on many connections costs one question for each object, whichever worker it meets', async () => {
  const paths = Array.from({ length: 8 }, (_, n) => `/crowd-${n}?hold&size=50000`)
  const runs = new Set<string>()
  // All of them at every worker, and more wherever they come.
  const kept = (await connectionsToAll(paths.length)).map((agent, n) => ({
    at: paths[n % paths.length] ?? '',
    agent,
  }))
  const more = paths.flatMap(at => Array.from({ length: 6 }, () => ({ at })))
  const crowd = [...kept, ...more].map(async ({ at, ...options }) => ({ at, got: await get(at, options) }))
  await until('the origin was asked for all', () => paths.every(at => askedFor(at) > 0))
  await get('/hello')
  site.release()
  for (const { at, got } of await Promise.all(crowd)) {
    expect([got.status, got.body.equals(bytesOf(`${at.split('?')[0]} 1`, 50_000))]).toEqual([200, true])
    runs.add(runOf(got))
  }
  expect(paths.map(askedFor)).toEqual(paths.map(() => 1))
  expect(runs.size).toBe(WORKERS)
})

test('a hit at the worker that owns an object is a hit for the viewers of all others, with its age', async () => {
  const at = '/hit'
  await get(at)
  for (const agent of await connectionsToAll()) {
    for (const from of ['the owner', 'a copy']) {
      const { status, headers } = await get(at, { agent })
      expect([from, status, headers['x-cache'], headers['cache-control']]).toEqual([
        from,
        200,
        'Hit from sluice',
        'max-age=600',
      ])
      expect(headers['cache-status']).toMatch(/^sluice; hit/)
      expect(Number(headers['age'])).toBeLessThan(60)
      expect(Object.keys(headers).filter(name => /^sluice/.test(name))).toEqual([])
    }
    agent.destroy()
  }
  expect(askedFor(at)).toBe(1)
})

test('what was in a cache before us is as old at every worker as it says, from its first viewer on', async () => {
  for (const agent of await connectionsToAll()) {
    // Several, so that each worker meets one that is its own and one that is another's.
    for (let n = 0; n < 8; n++) {
      const { headers } = await get(`/aged-${n}-${runOf(await get('/hello', { agent }))}?age=30`, { agent })
      expect([headers['x-cache'], headers['age']]).toEqual(['Miss from sluice', '30'])
    }
    agent.destroy()
  }
})

test("what is each viewer's own is asked for by each at once, through whichever worker", async () => {
  const at = '/mine/account'
  for (const agent of await connectionsToAll()) {
    await get(at, { agent })
    agent.destroy()
  }
  site.holds = true
  const own = Array.from({ length: 10 }, () => get(at))
  await until('everybody asks for himself, and nobody waits for another', () => site.held.length === 10)
  site.release()
  const all = await Promise.all(own)
  expect(all.map(({ status }) => status)).toEqual(all.map(() => 200))
  expect(new Set(all.map(({ headers }) => headers['x-cache']))).toEqual(new Set(['Miss from sluice']))
})

test('viewers of HTTP/2 and HTTP/1.1 at different workers wait for the same fetch', async () => {
  const at = '/both?hold&size=300000'
  const session = connectHttp2(bench.https, { rejectUnauthorized: false })
  const over2 = Array.from({ length: 6 }, async () => {
    const stream = session.request({ ':path': at })
    const chunks: Buffer[] = []
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk) // no encoding is set
    return Buffer.concat(chunks)
  })
  const over1 = Array.from({ length: 12 }, () => get(at).then(({ body }) => body))
  await until('the origin was asked', () => site.held.length > 0)
  site.release()
  const bodies = await Promise.all([...over2, ...over1])
  session.close()
  expect(bodies.every(body => body.equals(bytesOf('/both 1', 300_000)))).toBe(true)
  expect(askedFor(at)).toBe(1)
})

test.each([
  ['which its owner keeps whole', 2_000_000],
  ['of which its owner keeps slices', 5_000_000],
])('an object that is too large for a copy, %s, comes from there in any range', async (_how, size) => {
  const at = `/large?size=${size}`
  const whole = bytesOf('/large 1', size)
  const agents = await connectionsToAll()
  for (const agent of agents) {
    const { status, body } = await get(at, { agent })
    expect([status, body.equals(whole)]).toEqual([200, true])
    for (const [range, first, last] of [
      ['bytes=0-9', 0, 9],
      [`bytes=${size - 700_000}-${size - 699_901}`, size - 700_000, size - 699_901],
      ['bytes=-7', size - 7, size - 1],
      [`bytes=${size - 10}-`, size - 10, size - 1],
    ] as const) {
      const part = await get(at, { agent, headers: { range } })
      expect([part.status, part.headers['content-range'], part.headers['x-cache']]).toEqual([
        206,
        `bytes ${first}-${last}/${size}`,
        'Hit from sluice',
      ])
      expect(part.body.equals(whole.subarray(first, last + 1))).toBe(true)
    }
    agent.destroy()
  }
  expect(askedFor(at)).toBe(1)
})

test('ranges of what nobody may keep are handed on, at every worker', async () => {
  const at = '/mine/film?size=9000'
  const agents = await connectionsToAll()
  for (const agent of agents) {
    const parts = await Promise.all(
      [0, 10, 20].map(first => get(at, { agent, headers: { range: `bytes=${first}-${first + 9}` } })),
    )
    for (const [n, { status, headers, body }] of parts.entries()) {
      // Of what is not known to be large, the whole may come.
      const whole = bytesOf('/mine/film 1', 9_000)
      if (status === 200) expect(body.equals(whole)).toBe(true)
      else {
        expect([status, headers['content-range']]).toEqual([206, `bytes ${n * 10}-${n * 10 + 9}/9000`])
        expect(body.equals(whole.subarray(n * 10, n * 10 + 10))).toBe(true)
      }
    }
    agent.destroy()
  }
})

test('a viewer who does not read delays nobody, at his worker or another', async () => {
  const at = '/slow?size=3000000'
  await get(at)
  const agents = await connectionsToAll()
  const slow = agents.map(
    () =>
      new Promise<IncomingMessage>((resolve, reject) => {
        httpGet(`${bench.http}${at}`, { agent: false }, resolve).on('error', reject)
      }),
  )
  const unread = await Promise.all(slow)
  for (const agent of agents) {
    const { body } = await get(at, { agent })
    expect(body.equals(bytesOf('/slow 1', 3_000_000))).toBe(true)
    agent.destroy()
  }
  for (const response of unread) response.destroy()
  expect(askedFor(at)).toBe(1)
})

test('a group and a page for errors are the same at every worker, and fetched once', async () => {
  const before = bench.snapshot.distributions
  const lost: Origin = { id: 'lost', kind: 'http', url: 'http://127.0.0.1:9', headers: [], ...DEFAULT_WIRE }
  const distributions = before.map(each => ({
    ...each,
    origins: [...each.origins, lost],
    originGroups: [{ id: 'both', members: ['lost', 'site'], statuses: [500] }],
    behaviours: each.behaviours.map(rule => (rule.pattern === '*' ? { ...rule, originId: 'both' } : rule)),
    errors: [
      { status: 404, page: '/sorry' },
      { status: 410, page: '/mine/sorry' },
    ],
  }))
  await bench.tell({ distributions })
  const agents = await connectionsToAll()
  const expected = { '/none/a': '/sorry', '/none/b': '/sorry', '/gone/a': '/mine/sorry' }
  for (const agent of agents) {
    for (const [at, page] of Object.entries(expected)) {
      const { status, headers, body } = await get(at, { agent, headers: { Range: 'bytes=0-9' } })
      expect([at, status, body.equals(bytesOf(`${page} 1`, 2_000)), headers['x-cache']]).toEqual([
        ...[at, page === '/sorry' ? 404 : 410, true, 'Error from sluice'],
      ])
    }
    agent.destroy()
  }
  expect(['/none/a', '/none/b', '/sorry'].map(askedFor)).toEqual([1, 1, 1])
  expect(await bench.metric('sluice_origin_failovers_total', 'origin="lost"')).toBeGreaterThanOrEqual(3)
  await bench.tell({ distributions: before })
})

test('when a change is acknowledged, every worker has it', async () => {
  const at = '/changing'
  const agents = await connectionsToAll()
  for (const agent of agents) await get(at, { agent })
  site.version = 2
  await bench.tell({
    sequence: 1,
    invalidations: [{ sequence: 1, distributionId: DISTRIBUTION, pattern: '/changing' }],
  })
  for (const agent of agents) {
    expect((await get(at, { agent })).body.equals(bytesOf('/changing 2', 2_000))).toBe(true)
    agent.destroy()
  }
  expect(askedFor(at)).toBe(2)
  site.version = 1
})

test('a change through one worker is seen at all of them before it is confirmed', async () => {
  const at = '/put'
  const agents = await connectionsToAll()
  for (const agent of agents) await get(at, { agent })
  for (const [n, agent] of agents.entries()) {
    expect((await get(at, { agent, method: 'PUT' })).status).toBe(204)
    for (const each of agents)
      expect((await get(at, { agent: each })).body.equals(bytesOf(`/put ${n + 2}`, 2_000))).toBe(true)
  }
  for (const agent of agents) agent.destroy()
  site.version = 1
})

test('who asks while a change is being told is given nothing from before it once it is confirmed', async () => {
  const agents = await connectionsToAll(2)
  const at = bench.pathOwnedBy(0, 'told')
  for (const [writer, reader] of [agents.slice(0, 2), agents.slice(2)]) {
    const before = site.version
    for (const agent of agents) await get(at, { agent })
    process.kill(bench.pid, 'SIGSTOP')
    const put = get(at, { ...(writer && { agent: writer }), method: 'PUT' })
    try {
      await until('the site has changed', () => site.version > before)
      // Nobody can have told the owner yet, and a worker that has made the change asks him again.
      for (let n = 0; n < 10; n++) await get(at, reader && { agent: reader })
    } finally {
      process.kill(bench.pid, 'SIGCONT')
    }
    expect((await put).status).toBe(204)
    // A slow machine may have taken so long that the viewer was not kept waiting for it: by now all have been told.
    await bench.metrics()
    for (const agent of agents)
      expect((await get(at, { agent })).body.equals(bytesOf(`${at} ${site.version}`, 2_000))).toBe(true)
  }
  for (const agent of agents) agent.destroy()
  site.version = 1
})

test('a TLS session that one worker began goes on at any other', async () => {
  const { port } = new URL(bench.https)
  const shake = (session?: Buffer): Promise<{ reused: boolean; ticket: Buffer | undefined; run: string }> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({
        port: Number(port),
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ...(session && { session }),
      })
      let ticket: Buffer | undefined
      let text = ''
      let reused = false
      socket.on('secureConnect', () => (reused = socket.isSessionReused()))
      socket.on('session', given => (ticket = given))
      socket.on('error', reject)
      socket.on('data', (data: Buffer) => (text += data.toString('latin1')))
      socket.on('close', () => {
        const run = /x-sluice-id: (\S{8})/i.exec(text)?.[1] ?? ''
        resolve({ reused, ticket, run })
      })
      socket.write('GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    })
  const { ticket } = await shake()
  const runs = new Set<string>()
  for (let n = 0; runs.size < WORKERS && n < 200; n++) {
    const again = await shake(ticket)
    expect(again.reused).toBe(true)
    runs.add(again.run)
  }
  expect(runs.size).toBe(WORKERS)
})

test('requests at all workers are counted in one sum, and written down in whole lines', async () => {
  const before = await bench.metric('sluice_requests_total')
  const agents = await connectionsToAll()
  const told = await bench.metric('sluice_requests_total')
  for (const agent of agents) for (let n = 0; n < 10; n++) await get(`/counted-${n}`, { agent })
  expect(before).toBeGreaterThan(0)
  expect((await bench.metric('sluice_requests_total')) - told).toBe(10 * WORKERS)
  expect(await bench.metric('sluice_edge_workers')).toBe(WORKERS)
  for (const agent of agents) agent.destroy()
  const lines = (): Record<string, unknown>[] => bench.accessLines()
  await until(
    'the lines are out',
    () => lines().filter(({ path }) => String(path).startsWith('/counted-')).length === 20,
  )
})

test('nobody is shown an older live playlist than anybody was before, and a viewer at two workers is one', async () => {
  const agents = await connectionsToAll(2)
  const at = '/live/stage/b1/video/playlist.m3u8'
  let newest = 0
  const watch = async (agent: Agent): Promise<void> => {
    for (let n = 0; n < 60; n++) {
      const before = newest
      const { status, body, headers } = await get(at, { agent })
      const version = Number(/(\d+)\.m4s/.exec(body.toString())?.[1])
      expect([status, headers['cache-control'], version >= before]).toEqual([200, 'no-cache', true])
      newest = Math.max(newest, version)
    }
  }
  await Promise.all(agents.map(watch))
  expect(newest).toBeGreaterThan(1_003)
  // Versions last, so that most of the questions were answered from what one worker knows.
  expect(askedFor(at)).toBeLessThan(120)
  for (const agent of agents) agent.destroy()
  const one = { channels: [{ path: '/live/stage', viewers: 1 }] }
  await until('control hears of one viewer', () =>
    bench.viewers.some(report => JSON.stringify(report) === JSON.stringify(one)),
  )
})

test("a worker that is killed takes its own connections with it and nobody else's, and is replaced", async () => {
  const agents = await connectionsToAll(2)
  const victims = bench.pids()
  const paths = [0, 1].map(place => bench.pathOwnedBy(place, 'torn', 'size=400000&half'))
  // Every worker brings what it owns and what the other one owns; half of each has come.
  const transfers = agents.map((agent, n) => arriving(bench.http, paths[n % 2] ?? '', agent))
  await until('both are on their way', () => site.held.length === 2)
  await until('half of each has come to everybody', () => transfers.every(({ bytes }) => bytes() >= 200_000))
  process.kill(victims[1] ?? 0, 'SIGKILL')
  await until(
    'it was replaced',
    () => bench.pids().length === WORKERS && !bench.pids().includes(victims[1] ?? 0),
  )
  expect((await get('/hello')).status).toBe(200)
  // The dead worker's fetch is no more; its place is taken by another one, which is held back as well.
  await until('the rest is asked for again', () => site.held.length === 3)
  site.release()
  const outcomes = await Promise.all(transfers.map(each => each.outcome))
  const whole = outcomes.filter(outcome => outcome.kind === 'whole')
  expect(whole.map(({ body }) => body.length)).toEqual([400_000, 400_000])
  expect(whole.every(({ at, body }) => body.equals(bytesOf(`${at.split('?')[0]} 1`, 400_000)))).toBe(true)
  expect(outcomes.filter(({ kind }) => kind === 'broken').length).toBe(2)
  // What the dead one owned is kept again as soon as its successor fetches it.
  const at = bench.pathOwnedBy(1, 'after')
  for (const agent of await connectionsToAll()) await get(at, { agent })
  expect(askedFor(at)).toBe(1)
  expect(await bench.metric('sluice_edge_worker_restarts_total')).toBe(1)
})

test('a drain lets what is under way end, and leaves no process and no socket', async () => {
  const own = await WorkersBench.start({
    workers: 2,
    origin: site.answer,
    behaviours: [{ pattern: '*', query: 'all' }],
  })
  const pids = own.pids()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpGet(`${own.http}/drained?half`, { agent: false }, resolve).on('error', reject)
  })
  await until('half of it is there', () => site.held.length > 0)
  const ended = own.drain()
  await nobodyIsLetIn(own.http)
  site.release()
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk) // no encoding is set
  expect(Buffer.concat(chunks).equals(bytesOf('/drained 1', 2_000))).toBe(true)
  await ended
  expect([await own.exited, pids.filter(isAlive)]).toEqual([0, []])
  expect(existsSync(`${own.folder}/workers`)).toBe(false)
  await own.close()
})
