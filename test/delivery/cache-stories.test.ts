import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { MiB, systemClock } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type Snapshot } from '../../src/distribution/index.ts'
import { EdgeBench, handClock } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { crowdOf, PROTOCOLS, StoryViewer } from './story-viewers.ts'

const HALF = 'first half '.repeat(5_000)
const REST = 'second half '.repeat(5_000)
const HOUR = 3_600_000
const DAY = 24 * HOUR
const CENTURY = 3_153_600_000

let folder: string
let origin: ForeignOrigin
let bench: EdgeBench
let clock: ReturnType<typeof handClock>
/** What the origin does with the next questions. */
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-stories-'))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
})
afterAll(() => rm(folder, { recursive: true, force: true }))

beforeEach(async () => {
  clock = handClock()
  origin = await ForeignOrigin.start((request, response) => {
    // The test's clock runs apart from the machine's.
    response.sendDate = false
    answer(request, response)
  })
  const files = certificateFiles(folder)
  bench = await EdgeBench.start((_request, response) => response.end(), {
    ...{ clock, snapshot: snapshot(), allowOrigins: ['127.0.0.0/8'] },
    tls: { certificateFile: files.certificate, keyFile: files.key },
  })
})
afterEach(async () => {
  await bench.close()
  await origin.close()
})

/** Errors of a status are kept for so many seconds at least. */
function snapshot(errors: { status: number; ttl: number }[] = []): Snapshot {
  const site = { id: 'site', kind: 'http' as const, url: origin.url, headers: [], ...DEFAULT_WIRE }
  const ttl = { minimum: 0, default: DAY / 1000, maximum: CENTURY }
  const told = snapshotWith([site], [{ pattern: '*', ttl }])
  return { ...told, distributions: told.distributions.map(each => ({ ...each, errors })) }
}

const url = (at: string): string => `${bench.url}${at}`
const asked = (): number => origin.asked.length

/** One viewer's whole answer. */
async function get(at = '/a'): Promise<{ status: number | undefined; body: string; cache: unknown }> {
  const viewer = new StoryViewer(url(at), 'HTTP/1.1')
  expect(await viewer.end).toBe('whole')
  return { status: viewer.status, body: viewer.body, cache: viewer.headers['x-cache'] }
}

/** An answer whose second half comes when it is let go. */
function inTwoHalves(): { goOn: () => void } {
  let goOn = (): void => {}
  answer = (_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': HALF.length + REST.length })
    response.write(HALF)
    goOn = () => response.end(REST)
  }
  return { goOn: () => goOn() }
}

const says =
  (body: string, headers: Record<string, string> = {}, status = 200) =>
  (_request: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(status, { 'Cache-Control': 'max-age=60', ...headers }).end(body)

async function untilAllHave(viewers: StoryViewer[], body: string): Promise<void> {
  await expect.poll(() => viewers.filter(viewer => viewer.body !== body).length, { timeout: 10_000 }).toBe(0)
}

describe('a crowd', () => {
  test('of both protocols costs one fetch, and has each byte as it comes; who joins late has at once what there is', async () => {
    const { goOn } = inTwoHalves()
    const crowd = crowdOf(10, url('/film'))
    await untilAllHave(crowd, HALF)
    const late = crowdOf(2, url('/film'))
    await untilAllHave(late, HALF)
    goOn()
    const everybody = [...crowd, ...late]
    expect(await Promise.all(everybody.map(({ end }) => end))).toEqual(everybody.map(() => 'whole'))
    await untilAllHave(everybody, HALF + REST)
    expect(asked()).toBe(1)
  })

  test.each(PROTOCOLS)('has everything though the first who asked, over %s, has left', async protocol => {
    const { goOn } = inTwoHalves()
    const first = new StoryViewer(url('/film'), protocol)
    await untilAllHave([first], HALF)
    const crowd = crowdOf(4, url('/film'))
    await untilAllHave(crowd, HALF)
    first.leave()
    expect(await first.end).toBe('cut')
    await expect.poll(() => bench.lines.length).toBe(1)
    goOn()
    expect(await Promise.all(crowd.map(({ end }) => end))).toEqual(crowd.map(() => 'whole'))
    await untilAllHave(crowd, HALF + REST)
    expect([(await get('/film')).cache, asked()]).toEqual(['Hit from sluice', 1])
  })

  test('waits for none of those who do not read, and they take no memory', async () => {
    const film = Buffer.alloc(6 * MiB, 'film')
    answer = (_request, response) =>
      response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': film.length }).end(film)
    const slow = crowdOf(30, url('/film'), { reads: 'nothing' })
    await expect.poll(() => slow.filter(({ status }) => status !== 200).length, { timeout: 10_000 }).toBe(0)
    const before = process.memoryUsage().rss
    const quick = crowdOf(2, url('/film'))
    expect(await Promise.all(quick.map(({ end }) => end))).toEqual(quick.map(() => 'whole'))
    // What the four have read is in this process too.
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MiB)
    expect(bench.lines.map(line => line['complete'])).toEqual(quick.map(() => true))
    const patient = [slow[0], slow[59]].flatMap(viewer => viewer ?? [])
    for (const viewer of patient) viewer.read()
    expect(await Promise.all(patient.map(({ end }) => end))).toEqual(['whole', 'whole'])
    expect(patient.map(({ body }) => body === film.toString())).toEqual([true, true])
    for (const viewer of slow) viewer.leave()
    expect(asked()).toBe(1)
  })
})

describe('an answer that breaks', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n'
  test.each<[string, string, (response: ServerResponse) => void]>([
    ['ends before its length', `${HEAD}Content-Length: 100\r\n\r\nhalf`, ({ socket }) => socket?.end()],
    ['is reset', `${HEAD}Content-Length: 100\r\n\r\nhalf`, ({ socket }) => socket?.resetAndDestroy()],
    [
      'ends before its last chunk',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`,
      ({ socket }) => socket?.end(),
    ],
    [
      'has a chunk of no size',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`,
      ({ socket }) => socket?.end('rest\r\n0\r\n\r\n'),
    ],
  ])('since it %s looks whole to nobody who waits, and is asked for again', async (_, bytes, breaks) => {
    let goOn = (): void => {}
    answer = (_request, response) => {
      response.socket?.write(bytes)
      goOn = () => breaks(response)
    }
    const crowd = crowdOf(5, url('/film'))
    await untilAllHave(crowd, 'half')
    goOn()
    expect(await Promise.all(crowd.map(({ end }) => end))).toEqual(crowd.map(() => 'cut'))
    expect([crowd.map(({ body }) => body), asked()]).toEqual([crowd.map(() => 'half'), 1])
    answer = says('whole')
    expect(await get('/film')).toEqual({ status: 200, body: 'whole', cache: 'Miss from sluice' })
    expect((await get('/film')).cache).toBe('Hit from sluice')
  })
})

describe('what is stale', () => {
  test('is served while it is asked for anew, and the new is there for who comes then', async () => {
    answer = says('old', { 'Cache-Control': 'max-age=60, stale-while-revalidate=60' })
    await get()
    clock.move(61_000)
    let goOn = (): void => {}
    answer = (request, response) => {
      goOn = () => says('new')(request, response)
    }
    expect([(await get()).body, (await get()).body]).toEqual(['old', 'old'])
    await expect.poll(asked).toBe(2)
    goOn()
    await expect.poll(async () => (await get()).body).toBe('new')
    expect(asked()).toBe(2)
  })

  const TROUBLE: [string, typeof answer][] = [
    ...[500, 502, 503, 504].map((status): [string, typeof answer] => [`${status}`, says('no', {}, status)]),
    ['a reset', (_request, response) => response.socket?.resetAndDestroy()],
  ]

  test.each(TROUBLE)('stands in for %s', async (_, trouble) => {
    answer = says('old')
    await get()
    clock.move(61_000)
    answer = trouble
    expect(await get()).toMatchObject({ status: 200, body: 'old' })
    expect(asked()).toBeGreaterThan(1)
  })

  test.each(TROUBLE)('does not stand in for %s where the origin forbids it', async (_, trouble) => {
    answer = says('old', { 'Cache-Control': 'max-age=60, must-revalidate' })
    await get()
    clock.move(61_000)
    answer = trouble
    const { status, body } = await get()
    expect([(status ?? 0) >= 500, body.includes('old')]).toEqual([true, false])
  })
})

describe('an error', () => {
  const next = async (): Promise<unknown[]> => {
    const { status } = await get()
    return [status, asked()]
  }

  test.each([404, 503])('%i is kept for ten seconds where nothing is said', async status => {
    answer = says('no', { 'Cache-Control': 'public' }, status)
    await get()
    clock.move(9_999)
    expect(await next()).toEqual([status, 1])
    clock.move(1)
    expect(await next()).toEqual([status, 2])
  })

  test.each([404, 503])('%i is kept as long as the distribution says', async status => {
    bench.node.apply({ ...snapshot([{ status, ttl: 300 }]), version: 2 })
    answer = says('no', { 'Cache-Control': 'public' }, status)
    await get()
    clock.move(299_999)
    expect(await next()).toEqual([status, 1])
    answer = says('well')
    clock.move(1)
    expect(await next()).toEqual([200, 2])
  })

  test('is kept longer than the distribution says where the origin says so, and never where that is nothing', async () => {
    bench.node.apply({ ...snapshot([{ status: 404, ttl: 0 }]), version: 2 })
    answer = says('no', { 'Cache-Control': 'max-age=20' }, 404)
    await get()
    clock.move(19_999)
    expect(await next()).toEqual([404, 1])
    clock.move(1)
    answer = says('no', { 'Cache-Control': 'public' }, 404)
    expect([await next(), await next()]).toEqual([
      [404, 2],
      [404, 3],
    ])
  })
})

describe('a lifetime', () => {
  test.each([
    ['of 24 hours where the origin says nothing', {}, DAY],
    ['of 100 years', { 'Cache-Control': `max-age=${CENTURY}` }, CENTURY * 1000],
  ])('%s is exact', async (_, headers, lifetime) => {
    answer = (_request, response) => void response.writeHead(200, headers).end('film')
    await get()
    clock.move(lifetime - 1)
    expect([(await get()).cache, asked()]).toEqual(['Hit from sluice', 1])
    clock.move(1)
    await get()
    expect(asked()).toBe(2)
  })
})

describe('a clock', () => {
  test('that jumps forwards lets everything expire whose time is over by it', async () => {
    answer = says('old')
    await get()
    clock.move(HOUR)
    answer = says('new')
    expect(await get()).toEqual({ status: 200, body: 'new', cache: 'Miss from sluice' })
  })

  test.each([
    ['at once', 0],
    ['after a while', 30_000],
  ])('that is set back %s makes nothing last longer than its lifetime from then on', async (_, age) => {
    answer = says('old')
    await get()
    clock.move(age)
    clock.move(-HOUR)
    answer = says('new')
    let lasted = 0
    while ((await get()).body === 'old' && lasted <= 60_000) {
      clock.move(1_000)
      lasted += 1_000
    }
    expect(lasted).toBeLessThanOrEqual(60_000)
    // And what came then lasts as long as it always would.
    clock.move(59_000)
    expect(await get()).toEqual({ status: 200, body: 'new', cache: 'Hit from sluice' })
    clock.move(HOUR)
    answer = says('newer')
    expect((await get()).body).toBe('newer')
  })

  test('that is set back lets nothing stale be served that may not be', async () => {
    answer = says('old', { 'Cache-Control': 'max-age=60, must-revalidate' })
    await get()
    clock.move(-HOUR)
    answer = says('no', {}, 503)
    expect((await get()).status).toBe(503)
  })
})
