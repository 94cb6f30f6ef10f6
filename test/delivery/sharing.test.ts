import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_WIRE } from '../../src/distribution/index.ts'
import { EdgeBench } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

let origin: ForeignOrigin
let bench: EdgeBench
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  origin = await ForeignOrigin.start((request, response) => answer(request, response))
  const site = { id: 'site', kind: 'http' as const, url: origin.url, headers: [], ...DEFAULT_WIRE }
  const ttl = { minimum: 0, default: 86_400, maximum: 31_536_000 }
  bench = await EdgeBench.start((_request, response) => response.end(), {
    ...{ allowOrigins: ['127.0.0.0/8'], trustedProxies: ['127.0.0.1'] },
    snapshot: snapshotWith([site], [{ pattern: '*', gate: null, forward: 'all', cookies: 'all', ttl }]),
  })
})
afterEach(async () => {
  await bench.close()
  await origin.close()
})

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  rawGet(bench.url, path, { headers })

const words = ({ headers, body }: Answer): unknown[] => [body, headers['set-cookie'], headers['x-cache']]

describe('a page of which its site says that it is asked each time', () => {
  const PAST = 'Thu, 01 Jan 1970 00:00:01 GMT'
  test.each<[string, Record<string, string>]>([
    ['no-cache', {}],
    ['no-cache', { Expires: PAST }],
    ['max-age=0', {}],
  ])('is each viewer\u2019s own, with its cookies, however many ask at once: %s', async (control, more) => {
    const held: (() => void)[] = []
    answer = ({ headers: { cookie = '' } }, response) => {
      const own = { ETag: `"${cookie}"`, 'Set-Cookie': `refreshed=${cookie}` }
      held.push(() => response.writeHead(200, { 'Cache-Control': control, ...more, ...own }).end(cookie))
    }
    const both = ['alice', 'bob'].map(cookie => get('/me', { cookie }))
    let done = false
    const all = Promise.all(both).finally(() => (done = true))
    await expect.poll(() => held.length).toBeGreaterThan(0)
    await get('/.sluice/player')
    await expect.poll(() => (held.splice(0).forEach(send => send()), done)).toBe(true)
    expect((await all).map(words)).toEqual([
      ['alice', ['refreshed=alice'], 'Miss from sluice'],
      ['bob', ['refreshed=bob'], 'Miss from sluice'],
    ])
  })
})

describe('who joins another\u2019s fetch', () => {
  test('is told how old it is, and the one who began it is not', async () => {
    let end = (): void => {}
    answer = (_request, response) => {
      response.writeHead(200, { 'Cache-Control': 'max-age=60' }).write('x')
      end = () => response.end('y')
    }
    const first = get('/film.mp4')
    await expect.poll(() => origin.asked.length).toBe(1)
    const second = get('/film.mp4')
    await expect.poll(() => bench.node.cache.fills).toBe(1)
    await get('/.sluice/player')
    end()
    const ages = [await first, await second].map(({ body, headers }) => [
      body,
      /^\d+$/.test(headers['age'] ?? ''),
    ])
    expect(ages).toEqual([
      ['xy', false],
      ['xy', true],
    ])
  })
})

describe('a redirect to the same address by another scheme', () => {
  const NAME = 'www.example.org'
  const by = (scheme: string, path = '/page'): Promise<Answer> =>
    get(path, { host: NAME, 'x-forwarded-proto': scheme })

  function redirects(to: (path: string) => string): void {
    answer = (request, response) => {
      const head = { 'Cache-Control': 'max-age=60' }
      if (request.headers['x-forwarded-proto'] === 'https')
        return void response.writeHead(200, head).end('page')
      response.writeHead(301, { ...head, Location: to(request.url ?? '') }).end()
    }
  }

  const seen = async (asked: Promise<Answer>): Promise<unknown[]> => {
    const { status, headers } = await asked
    return [status, headers['x-cache'], headers['cache-status']]
  }

  test.each([
    ['of the host that the viewer asked for', (path: string) => `https://${NAME}${path}`],
    ['with a port', (path: string) => `HTTPS://${NAME}:8443${path}?from=http`],
    ['of the host that the origin has', (path: string) => `https://127.0.0.1${path}`],
  ])('%s goes to nobody who came by that scheme', async (_, to) => {
    redirects(to)
    const detail = 'sluice; fwd=uri-miss; detail=scheme'
    expect(await seen(by('http'))).toEqual([301, 'Miss from sluice', detail])
    expect(await seen(by('https'))).toEqual([200, 'Miss from sluice', 'sluice; fwd=uri-miss; stored'])
    expect((await by('https')).headers['x-cache']).toBe('Hit from sluice')
  })

  test('does not part the crowds of that scheme', async () => {
    redirects(path => `https://${NAME}${path}`)
    await by('http')
    const crowd = await Promise.all(Array.from({ length: 10 }, () => by('https')))
    expect(crowd.map(({ status }) => status)).toEqual(crowd.map(() => 200))
    expect(origin.asked).toHaveLength(2)
  })

  test.each([
    ['another path', `https://${NAME}/other`],
    ['another host', 'https://elsewhere.example.org/page'],
    ['no scheme', '/page'],
    ['the scheme that he has', `http://${NAME}/page`],
  ])('is none with %s, and is kept', async (_, location) => {
    redirects(() => location)
    await by('http')
    expect((await by('http')).headers['x-cache']).toBe('Hit from sluice')
  })
})
