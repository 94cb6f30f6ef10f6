import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { DEFAULT_WIRE, type Behaviour, type HttpOrigin } from '../../src/distribution/index.ts'
import { EdgeBench } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface Site {
  bench: EdgeBench
  origin: ForeignOrigin
  ask: (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>
}

/** An edge that shows a site all that it may. */
async function site(
  script: (request: IncomingMessage, response: ServerResponse) => void,
  behaviour: Partial<Behaviour> = {},
): Promise<Site> {
  const origin = await ForeignOrigin.start(script)
  const http: HttpOrigin = {
    ...{ id: 'site', kind: 'http', url: origin.url, ...DEFAULT_WIRE },
    headers: [{ name: 'X-Secret', value: 'ours' }],
  }
  const all = { query: 'all', forward: 'all', cookies: 'all', methods: 'all' } as const
  const bench = await EdgeBench.start((_, response) => response.end(), {
    snapshot: snapshotWith([http], [{ pattern: '*', ...all, ...behaviour }]),
    allowOrigins: ['127.0.0.0/8'],
    trustedProxies: ['127.0.0.1/32'],
  })
  closers.push(
    () => bench.close(),
    () => origin.close(),
  )
  return {
    bench,
    origin,
    ask: (path, headers = {}, method = 'GET') => rawGet(bench.url, path, { headers, method }),
  }
}

/** Kept for a minute, and tells what a request brought. */
const echo =
  (names: string[], more: Record<string, string> = {}) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', ...more })
    response.end(names.map(name => `${name}=${String(request.headers[name])}`).join())
  }

const HOST = { Host: 'cdn.localhost' }

describe.each(['GET', 'POST'])('of what a viewer sends with %s to what is open', method => {
  const TOKEN = `~${Buffer.from('{"Statement":[]}').toString('base64url')}__.c2ln.KEY`

  test('no policy, signature or token reaches the origin', async () => {
    const { origin, ask } = await site((_, response) => response.end())
    const grant = 'Policy=p0licy&Signature=s1gn&Key-Pair-Id=KEY'
    await ask(
      `/${TOKEN}/a?b=c&${grant}`,
      {
        ...HOST,
        Cookie: 'a=b; CloudFront-Policy=p0licy; CloudFront-Signature=s1gn; CloudFront-Key-Pair-Id=KEY',
        Referer: `https://cdn.localhost/${TOKEN}/page?d&${grant}`,
      },
      method,
    )
    expect(origin.asked).toHaveLength(1)
    expect(origin.asked[0]).toMatchObject({
      target: '/a?b=c',
      fields: { cookie: 'a=b', referer: 'https://cdn.localhost/page?d' },
    })
    expect(JSON.stringify(origin.asked)).not.toMatch(/p0licy|s1gn|KEY|CloudFront|~/)
  })

  test.each([
    ...['X-Original-URL', 'X-Rewrite-URL', 'X-Original-URI', 'X_Original_URL', 'X-Middleware-Subrequest'],
    ...['X-Forwarded', 'X-Forwarded-Port', 'X_Forwarded_Host', 'X-Host', 'X-Original-Host', 'True-Client-IP'],
    ...['Client-IP', 'X-Client-IP', 'CF-Connecting-IP', 'X-Scheme', 'Forwarded', 'X_Real_IP', 'X_Secret'],
  ])('%s does not reach the origin', async name => {
    const { origin, ask } = await site((_, response) => response.end())
    await ask('/a', { ...HOST, [name]: 'evil' }, method)
    expect(origin.asked).toHaveLength(1)
    expect(JSON.stringify(origin.asked)).not.toContain('evil')
  })
})

test.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X_HTTP_Method_Override'])(
  '%s makes no other request of a GET, and goes with what is not kept',
  async name => {
    const { origin, ask } = await site((_, response) => response.end())
    await ask('/a', { ...HOST, [name]: 'DELETE' })
    await ask('/a', { ...HOST, [name]: 'PATCH' }, 'POST')
    expect(origin.asked.map(({ fields }) => fields[name.toLowerCase()])).toEqual([undefined, 'PATCH'])
  },
)

describe('an answer', () => {
  test('that varies by the address that the origin was told is kept for that address', async () => {
    const { origin, ask } = await site(echo(['x-forwarded-for'], { Vary: 'X-Forwarded-For' }))
    const from = (address: string): Promise<Answer> => ask('/a', { ...HOST, 'X-Forwarded-For': address })
    const bodies = []
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.2'])
      bodies.push((await from(address)).body)
    expect(bodies).toEqual([1, 2, 1, 2].map(last => `x-forwarded-for=192.0.2.${last}`))
    expect(origin.asked).toHaveLength(2)
  })

  test('is the same whatever host or port a viewer invents, since no origin is told of it', async () => {
    const { origin, ask } = await site(echo(['x-forwarded-host']))
    const own = 'etestdistribut.cdn.localhost'
    for (const Host of ['evil.example', `${own}:1337`, own.toUpperCase(), own])
      expect((await ask('/a', { Host })).body).toBe(`x-forwarded-host=${own}`)
    expect(origin.asked).toHaveLength(1)
  })

  test('of an origin that is not told of the host is one for all hosts', async () => {
    const { origin, ask } = await site(echo([]), { forward: 'none' })
    for (const Host of ['one.example', 'cdn.localhost:1337', 'cdn.localhost']) await ask('/a', { Host })
    expect(origin.asked).toHaveLength(1)
  })
})

test.each(['/a', '/a?b=c', '/a?b=c&Signature=x'])(
  'what is kept of %s is deleted when it is written to, so that no restart brings it back',
  async target => {
    const { bench, ask } = await site(echo([]))
    for (const Host of ['cdn.localhost', 'other.example:81']) {
      await ask(target, { Host })
      await expect.poll(() => bench.node.cache.objects).toBe(1)
      await ask(target, { Host }, 'PUT')
      expect(bench.node.cache.objects).toBe(0)
    }
  },
)
