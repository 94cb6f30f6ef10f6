import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { MiB } from '../../src/core/index.ts'
import { EdgeBench } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { Comparison, generated, serveGenerated, siteOf, type LargeObject } from './large-origin.ts'
import { rawGet } from './raw-get.ts'

const LENGTH = 26 * MiB + 12_345

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Stage {
  bench: EdgeBench
  origin: ForeignOrigin
  object: LargeObject
  /** Each Range that the origin was asked for; `whole` without. */
  asked: () => string[]
}

async function setUp(change: Partial<LargeObject> = {}): Promise<Stage> {
  const object: LargeObject = { length: LENGTH, etag: '"v1"', ...change }
  const origin = await ForeignOrigin.start((asked, response) => serveGenerated(asked, response, object))
  closers.push(() => origin.close())
  const bench = await EdgeBench.start((_request, response) => response.end(), {
    allowOrigins: ['127.0.0.0/8'],
    snapshot: snapshotWith([siteOf(origin)], [{ pattern: '*' }]),
  })
  closers.push(() => bench.close())
  return {
    ...{ bench, origin, object },
    asked: () => origin.asked.map(({ fields }) => fields.range?.replace('bytes=', '') ?? 'whole'),
  }
}

function open(url: string, range?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/film`, {
      agent: false,
      headers: range === undefined ? {} : { Range: range },
    })
    sent.on('response', resolve).on('error', reject).end()
  })
}

interface Read {
  status: number | undefined
  headers: IncomingMessage['headers']
  bytes: number
  wrong: number
}

/** Compares each byte with the one that the origin has there. */
async function read(url: string, range?: string): Promise<Read> {
  const answer = await open(url, range)
  const { statusCode: status, headers } = answer
  const first = Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? 0)
  const comparison = new Comparison(first)
  answer.on('data', (chunk: Buffer) => comparison.add(chunk))
  await once(answer, 'end')
  return { status, headers, bytes: comparison.at - first, wrong: comparison.wrong }
}

describe('a large object', () => {
  test('is one request for all who want it whole, and then in store', async () => {
    const { bench, asked } = await setUp()
    const all = await Promise.all(Array.from({ length: 4 }, () => read(bench.url)))
    for (const one of all) expect(one).toMatchObject({ status: 200, bytes: LENGTH, wrong: 0 })
    expect(all[0]?.headers).toMatchObject({
      ...{ 'content-length': String(LENGTH), 'accept-ranges': 'bytes', etag: '"v1"' },
      ...{ 'x-cache': 'Miss from sluice' },
    })
    const again = await read(bench.url)
    expect(again).toMatchObject({ bytes: LENGTH, wrong: 0, headers: { 'x-cache': 'Hit from sluice' } })
    expect(again.headers['cache-status']).toMatch(/^sluice; hit; ttl=\d+$/)
    expect(asked()).toEqual(['whole'])
  })

  test('is asked for in slices where a range is wanted, and says what it had', async () => {
    const { bench, asked } = await setUp()
    const cold = await read(bench.url, `bytes=${9 * MiB}-${9 * MiB + 99}`)
    expect(cold).toMatchObject({ status: 206, bytes: 100, wrong: 0 })
    expect(cold.headers).toMatchObject({
      'content-range': `bytes ${9 * MiB}-${9 * MiB + 99}/${LENGTH}`,
      'cache-status': 'sluice; fwd=uri-miss; stored',
    })
    expect(asked()).toEqual([`${8 * MiB}-${12 * MiB - 1}`])
    await expect.poll(() => bench.node.cache.fills, { timeout: 10_000 }).toBe(0)
    const there = await read(bench.url, `bytes=${9 * MiB + 50}-${9 * MiB + 149}`)
    expect(there).toMatchObject({ bytes: 100, wrong: 0, headers: { 'x-cache': 'Hit from sluice' } })
    const beside = await read(bench.url, 'bytes=-100')
    expect(beside).toMatchObject({ bytes: 100, wrong: 0, headers: { 'x-cache': 'Miss from sluice' } })
    expect(beside.headers['cache-status']).toMatch(/^sluice; fwd=partial/)
    expect(asked()).toEqual([`${8 * MiB}-${12 * MiB - 1}`, `${24 * MiB}-${LENGTH - 1}`])
  })

  test('gives several ranges in one answer', async () => {
    const { bench } = await setUp()
    const { status, body } = await rawGet(bench.url, '/film', {
      headers: { Range: `bytes=0-3,${20 * MiB}-${20 * MiB + 3}` },
    })
    expect(status).toBe(206)
    expect(body).toContain(`Content-Range: bytes ${20 * MiB}-${20 * MiB + 3}/${LENGTH}\r\n\r\n`)
    expect(body).toContain(generated(20 * MiB, 4).toString())
  })

  test('answers conditions, HEAD and ranges behind its end from its description', async () => {
    const { bench, asked } = await setUp()
    await read(bench.url, 'bytes=0-0')
    const say = async (headers: Record<string, string>, method = 'GET'): Promise<number> =>
      (await rawGet(bench.url, '/film', { headers, method })).status
    expect([
      await say({ 'If-None-Match': '"v1"' }),
      await say({ 'If-Match': '"v2"' }),
      await say({ Range: `bytes=${LENGTH}-` }),
      await say({}, 'HEAD'),
    ]).toEqual([304, 412, 416, 200])
    expect(asked().length).toBe(1)
  })

  test('of which another version is met is cut for who reads the old one', async () => {
    const { bench, object } = await setUp()
    await read(bench.url, 'bytes=0-0')
    object.etag = '"v2"'
    // Its head is out with the first slice, which is in store.
    await expect(read(bench.url)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await read(bench.url)).toMatchObject({ bytes: LENGTH, wrong: 0, headers: { etag: '"v2"' } })
  })

  test('of which another version is met before a byte is sent is that version', async () => {
    const { bench, object } = await setUp()
    await read(bench.url, 'bytes=0-0')
    Object.assign(object, { etag: '"v2"', length: LENGTH + 5 })
    const met = await read(bench.url, `bytes=${LENGTH - 10}-`)
    expect(met).toMatchObject({ status: 206, bytes: 15, wrong: 0, headers: { etag: '"v2"' } })
  })

  test('of unknown length goes over into slices', async () => {
    const { bench, asked } = await setUp({ saysLength: false })
    expect(await read(bench.url)).toMatchObject({ status: 200, bytes: LENGTH, wrong: 0 })
    const part = await read(bench.url, `bytes=${13 * MiB}-${17 * MiB}`)
    expect(part).toMatchObject({ status: 206, bytes: 4 * MiB + 1, wrong: 0 })
    expect(asked()).toEqual(['whole'])
  })

  test.each([
    ['validator', { etag: undefined }],
    ['ranges', { ranges: 'ignored' as const }],
  ])('without %s goes through, once for each viewer', async (_, change) => {
    const { bench, asked } = await setUp(change)
    for (const bytes of [LENGTH, LENGTH]) expect(await read(bench.url)).toMatchObject({ bytes, wrong: 0 })
    expect(asked()).toEqual(['whole', 'whole'])
  })

  test('above the limit of 50 GB is refused before a byte', async () => {
    const { bench } = await setUp({ length: 50_000_000_001 })
    expect((await open(bench.url)).statusCode).toBe(502)
    expect((await open(bench.url, 'bytes=0-9')).statusCode).toBe(502)
  })

  test('that nobody goes on reading is left alone', async () => {
    const { bench, origin } = await setUp({ length: 2_000 * MiB })
    const answer = await open(bench.url)
    await once(answer, 'data')
    answer.destroy()
    await expect.poll(() => bench.node.cache.fills, { timeout: 10_000 }).toBe(0)
    await expect.poll(() => origin.connections(), { timeout: 10_000 }).toBe(0)
  })
})
