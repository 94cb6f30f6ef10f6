import { readdirSync, readFileSync } from 'node:fs'
import {
  get as httpGet,
  type Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MiB, pause } from '../../src/core/index.ts'
import { until } from '../membership/fake-control.ts'
import { WorkersBench } from './workers-bench.ts'
import { bytesOf, connectionsTo, getWhole, isAlive, type GetOptions, type Got } from './workers-crowd.ts'

/** Too large for a copy, and kept whole by its owner. */
const LARGE = 2_000_000

/** An origin that answers each viewer with what is his own, some of it only when the test says so. */
class Origin {
  version = 1
  readonly held = new Map<string, () => void>()
  /** Fields of the last request for each path. */
  readonly heard = new Map<string, IncomingHttpHeaders>()

  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname } = new URL(request.url ?? '', 'http://site')
    const { headers } = request
    this.heard.set(pathname, headers)
    if (request.method === 'PUT') {
      this.version++
      return void response.writeHead(204).end()
    }
    const name = String(headers['x-name'])
    const large = (more: Record<string, string>, text = pathname): void =>
      void response
        .writeHead(200, { 'Cache-Control': 'max-age=600', 'Content-Length': LARGE, ...more })
        .end(bytesOf(text, LARGE))
    const [, kind] = pathname.split('/')
    switch (kind) {
      case 'own-fields': {
        const control = 'max-age=600, no-cache="Set-Cookie, X-User"'
        const own = { 'Set-Cookie': `id=${name}`, 'X-User': name }
        return this.#firstHeld(pathname, () => large({ 'Cache-Control': control, ETag: '"a"', ...own }))
      }
      case 'varies':
        return this.#firstHeld(pathname, () => large({ Vary: 'X-Name', ETag: `"${name}"` }, name))
      case 'unnamed':
        return this.#firstHeld(pathname, () => large({}))
      case 'weak':
        return large({ ETag: 'W/"w"' })
      case 'bad':
        if (name !== 'alice') return void response.writeHead(200).end('good')
        return this.#firstHeld(pathname, () => response.writeHead(400).end('bad'))
      case 'early':
        response.writeEarlyHints({ link: '</a.css>; rel=preload' })
        return void response.writeHead(200, { 'Cache-Control': 'no-store' }).end('late')
      default: {
        const head = { 'Cache-Control': 'max-age=86400', ETag: `"${this.version}"` }
        return void response.writeHead(200, head).end(`${pathname} ${this.version}`.padEnd(3_000))
      }
    }
  }

  #firstHeld(at: string, answer: () => void): void {
    if (this.held.has(at)) answer()
    else this.held.set(at, answer)
  }
}

const origin = new Origin()
let bench: WorkersBench
/** Kept connections to the worker in each place. */
let places: Agent[][]

beforeAll(async () => {
  bench = await WorkersBench.start({
    workers: 2,
    origin: origin.answer,
    diskCacheBytes: 256 * MiB,
    behaviours: [{ pattern: '*', query: 'all', methods: 'all', forward: 'all', cookies: 'all' }],
  })
  places = await connectionsByPlace()
}, 60_000)

afterAll(() => bench?.close())

async function connectionsByPlace(): Promise<Agent[][]> {
  const agents = await connectionsTo(`${bench.http}/hello`, 2, 3)
  const groups = [agents.slice(0, 3), agents.slice(3)]
  const asked = (): Promise<number> => bench.metric('sluice_neighbour_questions_total')
  const before = await asked()
  await get(bench.pathOwnedBy(0, `whose-${before}`), { agent: groups[0]?.[0] })
  return (await asked()) > before ? groups.reverse() : groups
}

interface Asking extends Omit<GetOptions, 'agent'> {
  agent?: Agent | undefined
}

function get(at: string, { agent, ...options }: Asking = {}): Promise<Got> {
  return getWhole(`${bench.http}${at}`, { ...options, ...(agent && { agent }) })
}

/** Two viewers of the same worker want the same; the origin answers the first when both have come. */
async function together(at: string, place: number): Promise<[alice: Got, bob: Got]> {
  const [one, two, other] = places[place] ?? []
  const alice = get(at, { agent: one, headers: { 'X-Name': 'alice' } })
  await until('the origin was asked', () => origin.held.has(at))
  const bob = get(at, { agent: two, headers: { 'X-Name': 'bob' } })
  await get('/hello', { agent: other })
  await get('/hello', { agent: other })
  origin.held.get(at)?.()
  return Promise.all([alice, bob])
}

const EACH: [worker: string, place: number][] = [
  ['the worker that owns it', 0],
  ['another worker', 1],
]

const is = (body: Buffer, text: string): boolean => body.equals(bytesOf(text, LARGE))

test.each(EACH)(
  "a large object's fields that are one viewer's reach no other at %s",
  async (_worker, place) => {
    const at = bench.pathOwnedBy(0, `own-fields/${place}`)
    const [alice, bob] = await together(at, place)
    expect([alice.status, alice.headers['set-cookie'], alice.headers['x-user'], is(alice.body, at)]).toEqual([
      ...[200, ['id=alice'], 'alice', true],
    ])
    expect([bob.status, bob.headers['set-cookie'], bob.headers['x-user'], is(bob.body, at)]).toEqual([
      ...[200, undefined, undefined, true],
    ])
  },
)

test.each(EACH)('who waits for a large object that varies gets his own at %s', async (_worker, place) => {
  const [alice, bob] = await together(bench.pathOwnedBy(0, `varies/${place}`), place)
  expect([alice.status, is(alice.body, 'alice'), bob.status, is(bob.body, 'bob')]).toEqual([
    ...[200, true, 200, true],
  ])
})

test.each(EACH)(
  'a large object that nothing names comes whole and in parts at %s',
  async (_worker, place) => {
    const at = bench.pathOwnedBy(0, `unnamed/${place}`)
    const [alice, bob] = await together(at, place)
    expect([alice.status, is(alice.body, at), bob.status, is(bob.body, at)]).toEqual([200, true, 200, true])
    await expectParts(at, place)
  },
)

test.each(EACH)('a large object with a weak name alone comes in parts at %s', (_worker, place) =>
  expectParts(bench.pathOwnedBy(0, `weak/${place}`), place),
)

async function expectParts(at: string, place: number): Promise<void> {
  const agent = places[place]?.[0]
  const whole = bytesOf(at, LARGE)
  const several = await get(at, { agent, headers: { Range: 'bytes=5-14,1000000-1000009,1999999-' } })
  const [, boundary = ''] = /boundary=(\w+)$/.exec(String(several.headers['content-type'])) ?? []
  const bodies = several.body.toString('latin1').split(`--${boundary}`).slice(1, -1)
  expect([several.status, bodies.map(part => part.split('\r\n\r\n')[1]?.slice(0, -2))]).toEqual([
    206,
    [whole.subarray(5, 15), whole.subarray(1_000_000, 1_000_010), whole.subarray(1_999_999)].map(part =>
      part.toString('latin1'),
    ),
  ])
  const late = await get(at, { agent, headers: { Range: 'bytes=70-', 'If-Range': '"other"' } })
  expect([late.status, late.body.equals(whole)]).toEqual([200, true])
}

test.each(EACH)('what is bad about one request is not said of another at %s', async (_worker, place) => {
  const [alice, bob] = await together(bench.pathOwnedBy(0, `bad/${place}`), place)
  expect([alice.status, alice.body.toString(), bob.status, bob.body.toString()]).toEqual([
    ...[400, 'bad', 200, 'good'],
  ])
})

test.each(EACH)('what Connection names goes no further than %s', async (_worker, place) => {
  const at = bench.pathOwnedBy(0, `hop/${place}`)
  const headers = { Connection: 'keep-alive, X-Hop', 'X-Hop': 'mine', 'X-End': 'yours' }
  await get(at, { agent: places[place]?.[0], headers })
  const heard = origin.heard.get(at)
  expect([heard?.['x-hop'], heard?.['x-end']]).toEqual([undefined, 'yours'])
})

test.each(EACH)('what an origin says early reaches the viewers of %s', async (_worker, place) => {
  const [agent] = places[place] ?? []
  const early: unknown[] = []
  await new Promise((resolve, reject) => {
    httpGet(`${bench.http}${bench.pathOwnedBy(0, `early/${place}`)}`, { ...(agent && { agent }) }, response =>
      response.resume().on('end', resolve),
    )
      .on('information', ({ statusCode, headers }) => early.push(statusCode, headers['link']))
      .on('error', reject)
  })
  expect(early).toEqual([103, '</a.css>; rel=preload'])
})

/** Whether a file of the cache holds this path. */
function isOnDisk(at: string): boolean {
  const folder = path.join(bench.folder, 'cache')
  return readdirSync(folder, { withFileTypes: true, recursive: true }).some(
    entry =>
      entry.isFile() &&
      /^[0-9a-f]{32}$/.test(entry.name) &&
      readFileSync(path.join(entry.parentPath, entry.name)).includes(`"path":"${at}"`),
  )
}

test('what was changed while a worker was away stays changed when it comes back with its disk', async () => {
  const at = bench.pathOwnedBy(1, 'changed')
  const [survivor] = places[0] ?? []
  expect((await get(at, { agent: survivor })).body.toString().trim()).toBe(`${at} 1`)
  await until('it is on disk', () => isOnDisk(at))
  const victim = bench.pids()[1] ?? 0
  process.kill(victim, 'SIGKILL')
  await until('it is gone', () => !isAlive(victim))
  expect((await get(at, { agent: survivor, method: 'PUT' })).status).toBe(204)
  while ((await bench.metric('sluice_edge_workers')) < 2) await pause(20)
  places = await connectionsByPlace()
  for (const [agent] of places) expect((await get(at, { agent })).body.toString().trim()).toBe(`${at} 2`)
}, 20_000)

test('an edge ends while a worker of it is being replaced, and leaves no process', async () => {
  const [first, victim = 0] = bench.pids()
  process.kill(victim, 'SIGKILL')
  let after: number[] = []
  await until('another is on its way', () => {
    after = bench.pids()
    return after.length === 2 && !after.includes(victim)
  })
  const ended = bench.drain()
  const outcome = await Promise.race([ended.then(() => 'ended'), pause(10_000).then(() => 'it goes on')])
  if (outcome !== 'ended') process.kill(bench.pid, 'SIGKILL')
  expect([outcome, [first ?? 0, ...after].filter(isAlive)]).toEqual(['ended', []])
}, 20_000)
