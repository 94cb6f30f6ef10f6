import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KiB } from '../../src/core/index.ts'
import { DEFAULT_WIRE } from '../../src/distribution/index.ts'
import { BothPorts } from './both-ports.ts'
import { CountingLedger } from './counting-ledger.ts'

import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { rawGet } from './raw-get.ts'

const FILM = Buffer.alloc(5 * KiB, 'film.')
const LONG = Buffer.alloc(700 * KiB, 'long.')

const ledger = new CountingLedger()
let origin: ForeignOrigin
let ports: BothPorts

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? ''
  if (request.method === 'POST') {
    request.resume().on('end', () => response.end('thanks'))
    return
  }
  if (url.startsWith('/none')) return void response.writeHead(404).end('nothing')
  response.setHeader('Cache-Control', url.startsWith('/short') ? 'max-age=60' : 'max-age=3600')
  if (url.startsWith('/chunks')) response.write(FILM.subarray(0, 1000))
  else response.setHeader('Content-Length', url.startsWith('/long') ? LONG.length : FILM.length)
  response.end(url.startsWith('/chunks') ? FILM.subarray(1000) : url.startsWith('/long') ? LONG : FILM)
}

beforeAll(async () => {
  origin = await ForeignOrigin.start(answer)
  const site = { id: 'site', kind: 'http' as const, url: origin.url, headers: [], ...DEFAULT_WIRE }
  ports = await BothPorts.start((_request, response) => response.end('own'), {
    snapshot: snapshotWith([site], [{ pattern: '*', methods: 'all', query: 'all' }]),
    allowOrigins: ['127.0.0.0/8'],
    ledger,
    between: false,
  })
})
afterAll(async () => {
  await ports.close()
  await origin.close()
})
beforeEach(() => void ledger.news())

const port = (): number => Number(new URL(ports.plain.url).port)
const get = (target: string, more: RequestInit = {}): Promise<Buffer> =>
  fetch(`${ports.plain.url}${target}`, more).then(async answer => Buffer.from(await answer.arrayBuffer()))

describe('what is counted', () => {
  test('a miss with its question to the origin, and hits, by what may be kept for an hour', async () => {
    for (let turn = 0; turn < 3; turn++) expect(await get('/film')).toEqual(FILM)
    expect(ledger.news()).toEqual({
      'requests-http': 3,
      'bytes-http-static': 3 * FILM.length,
      'origin-requests': 1,
      'origin-bytes': FILM.length,
    })
    for (let turn = 0; turn < 2; turn++) await get('/short')
    expect(ledger.news()).toMatchObject({ 'requests-http': 2, 'bytes-http-dynamic': 2 * FILM.length })
  })

  test('HEAD, parts and 304 with what they send', async () => {
    await get('/film')
    ledger.news()
    await get('/film', { method: 'HEAD' })
    await get('/film', { headers: { Range: 'bytes=0-99' } })
    await get('/film', { headers: { 'If-Modified-Since': new Date().toUTCString(), 'If-None-Match': '*' } })
    expect(ledger.news()).toEqual({ 'requests-http': 3, 'bytes-http-static': 100 })
  })

  test('errors of the origin, and a request of no distribution', async () => {
    await get('/none')
    expect(ledger.news()).toMatchObject({ 'requests-http': 1, 'bytes-http-dynamic': 7, 'origin-requests': 1 })
    const refused = await rawGet(ports.plain.url, '/%00')
    expect(refused.status).toBe(400)
    expect(Object.keys(ledger.news())).toEqual(['requests-http', 'bytes-http-dynamic'].map(expectNone))
  })

  test('what is sent on with its body', async () => {
    await get('/form', { method: 'POST', body: 'x'.repeat(3000) })
    expect(ledger.news()).toEqual({
      'requests-http-proxy': 1,
      'bytes-http-proxy': 6,
      'submitted-bytes': 3000,
      'origin-requests': 1,
      'origin-bytes': 6,
    })
  })

  test('over HTTP/2', async () => {
    const stream = ports.session.request({ ':path': '/film' })
    let bytes = 0
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length))
    await once(stream, 'close')
    expect(bytes).toBe(FILM.length)
    // The other edge of the two has not asked for it yet.
    expect(ledger.news()).toEqual({
      'requests-https': 1,
      'bytes-https-static': FILM.length,
      'origin-requests': 1,
      'origin-bytes': FILM.length,
    })
  })

  test('an answer without a length, and a long one', async () => {
    expect(await get('/chunks')).toEqual(FILM)
    expect(await get('/long')).toEqual(LONG)
    expect(ledger.news()).toMatchObject({
      'requests-http': 2,
      'bytes-http-static': FILM.length + LONG.length,
    })
  })
})

function expectNone(type: string): string {
  return `none ${type}`
}

describe('before the last bytes of an answer are written, it is kept that it was counted:', () => {
  test.each([
    ['a miss', '/film?1', 'GET'],
    ['a hit', '/film?1', 'GET'],
    ['an answer without a length', '/chunks?1', 'GET'],
    ['the same from memory', '/chunks?1', 'GET'],
    ['a long one', '/long?1', 'GET'],
    ['the same from memory', '/long?1', 'GET'],
    ['a HEAD', '/film?1', 'HEAD'],
    ['an error', '/none', 'GET'],
    ['a POST', '/form', 'POST'],
  ])('%s', async (_, target, method) => {
    const kept = ledger.watchWrites(port)
    await get(target, { method, ...(method === 'POST' && { body: 'x' }) })
    expect(kept.at(-1)).toBe(true)
    expect(ledger.news()).not.toEqual({})
  })

  test('several hits on one connection, which come in their order', async () => {
    await get('/film')
    await get('/short')
    const kept = ledger.watchWrites(port)
    const socket = connect(port(), '127.0.0.1')
    const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: cdn.localhost\r\n\r\n`
    let text = ''
    socket.on('data', chunk => (text += chunk.toString('latin1')))
    socket.end(ask('/film') + ask('/short') + ask('/new') + ask('/film'))
    await once(socket, 'close')
    const ages = [...text.matchAll(/cache-control: (max-age=\d+)/gi)].map(([, age]) => age)
    expect(ages).toEqual(['max-age=3600', 'max-age=60', 'max-age=3600', 'max-age=3600'].slice(0, ages.length))
    expect(ages.length).toBeGreaterThanOrEqual(2)
    expect(kept).not.toContain(false)
  })

  test('hits over HTTP/2', async () => {
    await get('/film')
    const secure = Number(new URL(ports.secure.url).port)
    const kept = ledger.watchWrites(() => secure)
    const streams = Array.from({ length: 5 }, () => ports.session.request({ ':path': '/film' }).resume())
    await Promise.all(streams.map(stream => once(stream, 'close')))
    expect(kept.length).toBeGreaterThan(0)
    expect(kept).not.toContain(false)
  })
})
