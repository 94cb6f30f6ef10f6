import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createMetrics } from '../../../src/telemetry/index.ts'
import { ForeignOrigin } from '../foreign-origin.ts'
import { FunctionEdge, httpOrigin, type Written } from './function-edge.ts'

let bench: FunctionEdge | undefined
const others: ForeignOrigin[] = []
afterEach(async () => {
  await bench?.close()
  bench = undefined
  for (const each of others.splice(0)) await each.close()
})

type Options = NonNullable<Parameters<typeof FunctionEdge.start>[1]>

async function another(name: string, status = 200): Promise<ForeignOrigin> {
  const origin = await ForeignOrigin.start((request, response) => {
    response.statusCode = status
    response.setHeader('Cache-Control', 'max-age=60')
    response.end(`${name} ${request.method} ${request.url}`)
  })
  others.push(origin)
  return origin
}

const choosing = (call: string): Written => ({
  event: 'viewer-request',
  code: `import cf from 'cloudfront'
    function handler({ request }) { ${call}; return request }`,
})

async function start(call: string, options: Options = {}): Promise<FunctionEdge> {
  bench = await FunctionEdge.start([choosing(call)], options)
  return bench
}

const moved = ({ url }: ForeignOrigin, more = ''): string => {
  const { port } = new URL(url)
  return `cf.updateRequestOrigin({ domainName: '127.0.0.1',
    customOriginConfig: { port: ${port}, protocol: 'http', sslProtocols: ['TLSv1.2'] }, ${more} })`
}

const secret = (url: string, id: string, value: string): ReturnType<typeof httpOrigin> => ({
  ...httpOrigin(url, id),
  headers: [{ name: 'X-Secret', value }],
})

describe.each([
  ['an edge that asks origins itself', false],
  ['an edge that asks a regional cache', true],
])('another origin at viewer-request of %s', (_where, between) => {
  test('answers in place of the behaviour’s, and what either says is kept apart', async () => {
    const other = await another('other')
    const edge = await start(
      `if (request.headers['x-group']) ${moved(other, `originPath: '/b', customHeaders: { 'x-stage': 'new' }`)}`,
      { between },
    )
    const group = { headers: { 'x-group': '1' } }
    for (const cache of ['Miss', 'Hit']) {
      const [own, chosen] = await Promise.all([edge.get('/a'), edge.get('/a', group)])
      expect([own.headers.get('x-cache'), await own.text()]).toEqual([`${cache} from sluice`, 'GET /a'])
      expect([chosen.headers.get('x-cache'), await chosen.text()]).toEqual([
        `${cache} from sluice`,
        'other GET /b/a',
      ])
    }
    expect(edge.origin.asked.map(({ target }) => target)).toEqual(['/a'])
    expect(other.asked).toHaveLength(1)
    expect(other.asked[0]?.fields).toMatchObject({ 'x-stage': 'new', host: new URL(other.url).host })
  })

  test('is asked by the regional cache, where there is one', async () => {
    const other = await another('other')
    const edge = await start(moved(other), { between })
    expect(await edge.text('/a')).toBe('other GET /a')
    const metrics = createMetrics('edge')
    edge.edge.node.regionals?.measure(metrics)
    const told = await metrics.text()
    expect(told.includes('sluice_regional_questions_total{result="answered",role="edge"} 1')).toBe(between)
  })

  test('is one of the distribution by its id, with what that one alone is told', async () => {
    const other = await another('other')
    const edge = await start(`cf.selectRequestOriginById('second')`, {
      ...{ between, behaviour: { originId: 'first' } },
      origins: [secret('http://127.0.0.1:1', 'first', 'one'), secret(other.url, 'second', 'two')],
    })
    expect(await edge.text('/a')).toBe('other GET /a')
    expect(other.asked[0]?.fields['x-secret']).toBe('two')
  })

  test('is never told the secrets of the one whose place it takes', async () => {
    const other = await another('other')
    const edge = await start(moved(other), {
      ...{ between, behaviour: { originId: 'first', methods: 'all' } },
      origins: [secret('http://127.0.0.1:1', 'first', 'one')],
    })
    await edge.text('/a')
    await edge.text('/a', { method: 'POST', body: 'x' })
    expect(other.asked.map(({ fields }) => fields['x-secret'])).toEqual([undefined, undefined])
  })

  test('is asked anew after something was written there', async () => {
    const other = await another('other')
    const edge = await start(moved(other), { between, behaviour: { methods: 'all' } })
    const words: (string | null)[] = []
    for (const method of ['GET', 'GET', 'POST', 'GET', 'GET']) {
      const answer = await edge.get('/a', { method, ...(method === 'POST' && { body: 'x' }) })
      words.push(answer.headers.get('x-cache'))
      await answer.text()
    }
    const [miss, hit] = ['Miss from sluice', 'Hit from sluice']
    expect(words).toEqual([miss, hit, miss, miss, hit])
  })

  test('is told a host of its own, and its own secrets by another path', async () => {
    const edge = await start(`cf.updateRequestOrigin({ hostHeader: 'site.example', originPath: '/v2' })`, {
      between,
    })
    expect(await edge.text('/a')).toBe('GET /v2/a')
    expect(edge.origin.asked[0]?.fields['host']).toBe('site.example')
  })

  test('is two, of which the second answers where the first has failed', async () => {
    const [first, second] = [await another('first', 503), await another('second')]
    const edge = await start(
      `cf.createRequestOriginGroup({ originIds: ['one', { originId: 'two' }], failoverCriteria: { statusCodes: [503] } })`,
      { between, origins: [httpOrigin(first.url, 'one'), httpOrigin(second.url, 'two')] },
    )
    expect(await edge.text('/a')).toBe('second GET /a')
    expect([edge.origin.asked.length, first.asked.length]).toEqual([0, 1])
  })

  test('is asked no further than the guard lets any question go', async () => {
    const edge = await start(`cf.updateRequestOrigin({ domainName: '169.254.169.254' })`, { between })
    expect((await edge.get('/a')).status).toBe(502)
    expect(edge.origin.asked).toEqual([])
  })
})

describe('another origin at viewer-request', () => {
  test('is sent what is written, too', async () => {
    const other = await another('other')
    const edge = await start(moved(other), { behaviour: { methods: 'all' } })
    expect(await edge.text('/a', { method: 'POST', body: 'x' })).toBe('other POST /a')
    expect(edge.origin.asked).toEqual([])
  })

  test('counts for requests alone, not for answers of the function’s own', async () => {
    bench = await FunctionEdge.start([
      {
        event: 'viewer-request',
        code: `import cf from 'cloudfront'
          function handler() { cf.selectRequestOriginById('none'); return { statusCode: 204 } }`,
      },
    ])
    expect((await bench.get('/a')).status).toBe(204)
  })

  test.each([
    [`cf.selectRequestOriginById('none')`, 'function-result'],
    [
      `cf.createRequestOriginGroup({ originIds: ['site', 'none'], failoverCriteria: { statusCodes: [500] } })`,
      'function-result',
    ],
    [
      `cf.createRequestOriginGroup({ originIds: ['site', 'own'], failoverCriteria: { statusCodes: [418] } })`,
      'function-result',
    ],
    [`cf.updateRequestOrigin({ domainName: 'a:1' })`, 'function-result'],
    [`cf.updateRequestOrigin({ domainName: '${'a'.repeat(200)}_' })`, 'function-result'],
    [`cf.updateRequestOrigin({ sni: 'a.example' })`, 'function-result'],
    [`cf.updateRequestOrigin({ timeouts: { readTimeout: 0 } })`, 'function-result'],
    [
      `cf.updateRequestOrigin({ originAccessControlConfig: { enabled: true, signingBehavior: 'always' } })`,
      'function-result',
    ],
    [`cf.updateRequestOrigin({ customHeaders: { range: 'bytes=0-1' } })`, 'function-header'],
    [`cf.updateRequestOrigin({ customHeaders: { 'x-long': 'x'.repeat(4100) } })`, 'function-output'],
  ])('is refused with a reason: %s', async (call, reason) => {
    const edge = await start(call, { origins: [{ id: 'own', kind: 'built-in' }] })
    const answer = await edge.get('/a')
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, reason])
    expect(edge.origin.asked).toEqual([])
  })

  test('takes nothing written where it is no server', async () => {
    const edge = await start(`cf.selectRequestOriginById('own')`, {
      ...{ behaviour: { methods: 'all' }, origins: [{ id: 'own', kind: 'built-in' }] },
    })
    const answer = await edge.get('/a', { method: 'POST', body: 'x' })
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, 'function-result'])
    expect(await edge.text('/a')).toBe('')
  })
})

describe('a request to leave HTTP', () => {
  interface Talk {
    head: string
    asked: IncomingMessage | undefined
  }

  /** What comes back for an upgrade and three bytes behind it, which the chosen server says again. */
  async function talk(call: string): Promise<Talk> {
    let asked: IncomingMessage | undefined
    const server = createServer().on('upgrade', (request, socket: Socket) => {
      asked = request
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.pipe(socket)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // listening on TCP
    const edge = await start(call.replace('PORT', String(port)), {
      behaviour: { originId: 'first', methods: 'all' },
      origins: [
        secret('http://127.0.0.1:1', 'first', 'one'),
        secret(`http://127.0.0.1:${port}`, 'second', 'two'),
      ],
    })
    const socket = connect(Number(new URL(edge.edge.url).port), '127.0.0.1')
    const head = await new Promise<string>((resolve, reject) => {
      let heard = ''
      socket.on('error', reject).on('close', () => resolve(heard))
      socket.on('data', chunk => {
        heard += chunk.toString('latin1')
        if (/^HTTP\/1.1 101/.test(heard) && !heard.includes('abc')) socket.write('abc')
        else if (heard.endsWith('abc') || !/^HTTP\/1.1 101/.test(heard)) socket.destroy()
      })
      socket.write(
        'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n',
      )
    })
    server.closeAllConnections()
    server.close()
    return { head, asked }
  }

  test.each([
    [`cf.selectRequestOriginById('second')`, 'two'],
    [
      `cf.updateRequestOrigin({ domainName: '127.0.0.1', customOriginConfig: { port: PORT, protocol: 'http' } })`,
      undefined,
    ],
  ])('goes to the origin that %s chooses, with what that one alone is told', async (call, told) => {
    const { head, asked } = await talk(call)
    expect(head).toMatch(/^HTTP\/1.1 101 [^]*abc$/)
    expect([asked?.url, asked?.headers['x-secret']]).toEqual(['/chat', told])
  })

  test.each([
    [`return { statusCode: 403, body: 'no' }`, /^HTTP\/1.1 403 [^]*no$/],
    [`throw new Error('no')`, /^HTTP\/1.1 502 [^]*X-Sluice-Reason: function-failed/i],
  ])('is answered by a function, or its failure: %s', async (call, answer) => {
    const { head, asked } = await talk(call)
    expect(head).toMatch(answer)
    expect(asked).toBeUndefined()
  })
})
