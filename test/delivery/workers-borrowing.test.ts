import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
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
import { LARGEST_HEAD, MOST_FIELDS } from '../../src/delivery/upstream/origin-limits.ts'
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
      case 'full': {
        // Node adds Connection and Keep-Alive.
        response.sendDate = false
        const many = Array.from({ length: MOST_FIELDS - 4 }, (_, n) => [`X-${n}`, 'x'])
        const big = Array.from({ length: 4 }, (_, n) => [`X-${n}`, 'x'.repeat(LARGEST_HEAD / 4 - 40)])
        const head = [...['Cache-Control', 'max-age=600'], ...(pathname.includes('many') ? many : big).flat()]
        return void response.writeHead(200, [...head, 'Content-Length', '2']).end('ok')
      }
      case 'sized':
        return this.#answerSized(pathname, request, response)
      default: {
        const head = { 'Cache-Control': 'max-age=86400', ETag: `"${this.version}"` }
        return void response.writeHead(200, head).end(`${pathname} ${this.version}`.padEnd(3_000))
      }
    }
  }

  /** As long as its path says, in parts too. */
  #answerSized(at: string, { headers }: IncomingMessage, response: ServerResponse): void {
    const whole = this.bytes(at)
    const head = { 'Accept-Ranges': 'bytes', 'Cache-Control': 'max-age=86400', ETag: `"${this.version}"` }
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
    if (range === null)
      return void response.writeHead(200, { ...head, 'Content-Length': whole.length }).end(whole)
    const [first, last] = [Number(range[1]), Math.min(Number(range[2]), whole.length - 1)]
    response
      .writeHead(206, { ...head, 'Content-Range': `bytes ${first}-${last}/${whole.length}` })
      .end(whole.subarray(first, last + 1))
  }

  /** What is there now. */
  bytes(at: string): Buffer {
    return bytesOf(`${at} ${this.version}`, Number(at.split('/')[2]?.split('-')[0]))
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

test.each(['many', 'big'])(
  'a head as large as it may be comes through its owner, who alone asks for it: %s',
  async kind => {
    const at = bench.pathOwnedBy(0, `full/${kind}`)
    const maxHeaderSize = 2 * LARGEST_HEAD
    const crowd = [places[0]?.[0], places[1]?.[0], places[1]?.[1]]
    const all = await Promise.all(crowd.map(agent => get(at, { agent, maxHeaderSize })))
    expect(all.map(({ status, body }) => [status, body.toString()])).toEqual(crowd.map(() => [200, 'ok']))
    expect(bench.asked.filter(each => each === at).length).toBe(1)
  },
)

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

/** What a file of the cache says of its object, and a little more. */
function headOf(file: string): Buffer {
  const head = Buffer.alloc(2_000)
  const opened = openSync(file, 'r')
  readSync(opened, head)
  closeSync(opened)
  return head
}

/** The files of the cache that hold bytes of what lies at this path now. */
function filesOf(at: string): string[] {
  const folder = path.join(bench.folder, 'cache')
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && /^[0-9a-f]{32}$/.test(entry.name))
    .map(entry => path.join(entry.parentPath, entry.name))
    .filter(file => {
      const bytes = headOf(file)
      return [`"path":"${at}"`, JSON.stringify(`"${origin.version}"`)].every(each => bytes.includes(each))
    })
}

/** Has its owner fetch it, and waits until that has put it on disk: so many files. */
async function keepOnDisk(at: string, files: number): Promise<void> {
  expect((await get(at, { agent: places[0]?.[0] })).body.equals(origin.bytes(at))).toBe(true)
  await until('it is on disk', () => filesOf(at).length === files)
  // It answers when it knows that the last one is in its place.
  await bench.metrics()
}

/** How often the file that an owner named was read, and how often it was of no use. */
function filesRead(): Promise<[read: number, notRead: number]> {
  const name = 'sluice_neighbour_files_total'
  return Promise.all([bench.metric(name, 'result="read"'), bench.metric(name, 'result="not-read"')])
}

/** A worker's 28 MiB keep up to an eighth of them in one piece, and slices of that size; a copy is 1 MiB at most. */
const KEPT: [how: string, size: number, files: number, read: number][] = [
  ['of which a copy is kept', 700_000, 1, 1],
  ['that is too large for a copy', 2_000_000, 1, 1],
  ['that is kept in slices, beside what tells of them', 9_000_000, 4, 3],
]

test.each(KEPT)(
  'what its owner has on disk is read there by the other worker, %s',
  async (_how, size, n, read) => {
    const at = bench.pathOwnedBy(0, `sized/${size}-read`)
    await keepOnDisk(at, n)
    const [agent] = places[1] ?? []
    const before = await filesRead()
    const { headers, body } = await get(at, { agent })
    expect([headers['x-cache'], body.equals(origin.bytes(at))]).toEqual(['Hit from sluice', true])
    expect(Object.keys(headers).filter(name => name.startsWith('sluice'))).toEqual([])
    expect(await filesRead()).toEqual([before[0] + read, before[1]])
    // For a few bytes nobody reads a file; of a copy nobody asks.
    const part = await get(at, { agent, headers: { Range: 'bytes=300000-300009' } })
    expect(part.body.equals(origin.bytes(at).subarray(300_000, 300_010))).toBe(true)
    expect(await filesRead()).toEqual([before[0] + read, before[1]])
  },
)

const HARM: [what: string, harm: (file: string) => void][] = [
  ['is gone', file => rmSync(file)],
  [
    'is no longer what was written',
    file => {
      const bytes = readFileSync(file)
      writeFileSync(file, bytes.fill(0, bytes.length - 100))
    },
  ],
]
const HARMED = HARM.flatMap(([what, harm]) =>
  KEPT.map(([how, size, files]) => ({ what, how, harm, size, files })),
)

test.each(HARMED)('a file that $what is made good by its owner: an object $how', async each => {
  const at = bench.pathOwnedBy(0, `sized/${each.size}-${each.what.replaceAll(' ', '-')}`)
  await keepOnDisk(at, each.files)
  for (const file of filesOf(at)) each.harm(file)
  const before = await filesRead()
  const { status, body } = await get(at, { agent: places[1]?.[0] })
  expect([status, body.equals(origin.bytes(at))]).toEqual([200, true])
  const [read, notRead] = await filesRead()
  expect(read).toBe(before[0])
  // A slice that has left its memory the owner reads itself before it names it.
  if (each.files === 1) expect(notRead).toBe(before[1] + 1)
})

test('a file of another version is not taken for the one that its owner means', async () => {
  const at = bench.pathOwnedBy(0, 'sized/2000000-older')
  await keepOnDisk(at, 1)
  const [file = ''] = filesOf(at)
  const older = readFileSync(file)
  expect((await get(at, { agent: places[0]?.[0], method: 'PUT' })).status).toBe(204)
  await keepOnDisk(at, 1)
  expect(filesOf(at)).toEqual([file])
  writeFileSync(file, older)
  const before = await filesRead()
  expect((await get(at, { agent: places[1]?.[0] })).body.equals(origin.bytes(at))).toBe(true)
  expect(await filesRead()).toEqual([before[0], before[1] + 1])
})

test('what was changed while a worker was away stays changed when it comes back with its disk', async () => {
  const at = bench.pathOwnedBy(1, 'changed')
  const [survivor] = places[0] ?? []
  expect((await get(at, { agent: survivor })).body.toString().trim()).toBe(`${at} ${origin.version}`)
  await until('it is on disk', () => filesOf(at).length === 1)
  const victim = bench.pids()[1] ?? 0
  process.kill(victim, 'SIGKILL')
  await until('it is gone', () => !isAlive(victim))
  expect((await get(at, { agent: survivor, method: 'PUT' })).status).toBe(204)
  while ((await bench.metric('sluice_edge_workers')) < 2) await pause(20)
  places = await connectionsByPlace()
  const unanswered = (): Promise<number> => bench.metric('sluice_neighbour_questions_total', 'away')
  const before = await unanswered()
  for (const [agent] of places)
    expect((await get(at, { agent })).body.toString().trim()).toBe(`${at} ${origin.version}`)
  // It has begun with all that the others have heard of.
  expect(await unanswered()).toBe(before)
}, 60_000)

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
}, 60_000)
