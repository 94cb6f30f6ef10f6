import { afterEach, describe, expect, test } from 'vitest'
import { keptLog } from '../foreign-origin.ts'
import { FunctionEdge, type Written } from './function-edge.ts'

let bench: FunctionEdge | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

type Options = Parameters<typeof FunctionEdge.start>[1]

async function start(
  code: string,
  options: Options = {},
  more: Partial<Written> = {},
): Promise<FunctionEdge> {
  bench = await FunctionEdge.start([{ event: 'viewer-request', code, ...more }], options)
  return bench
}

const ALL = { query: 'all', forward: 'all', cookies: 'all', methods: 'all' } as const

describe('a function at viewer-request', () => {
  test('rewrites path, query, headers and cookies, which are keyed and sent as a viewer’s own', async () => {
    const edge = await start(
      `function handler(event) {
        const request = event.request
        request.uri = '/v2' + request.uri
        delete request.querystring.drop
        request.querystring.lang = { value: request.headers['accept-language'].value }
        request.headers['x-told'] = { value: event.viewer.ip }
        request.cookies = { id: { value: request.cookies.id.value + '!' } }
        return request
      }`,
      { behaviour: ALL },
    )
    const headers = { 'accept-language': 'de', cookie: 'id=7; other=1' }
    const first = await edge.get('/a?drop=1&x=2', { headers })
    expect(await first.text()).toBe('GET /v2/a?x=2&lang=de')
    const { fields } = edge.origin.asked[0] ?? { fields: {} }
    expect(fields).toMatchObject({ 'x-told': '127.0.0.1', cookie: 'id=7!' })
    // Keyed by what the function has made of it: what it took out tells nothing apart.
    const second = await edge.get('/a?drop=2&x=2', { headers })
    expect(second.headers.get('x-cache')).toBe('Hit from sluice')
    await edge.get('/a?drop=2&x=2', { headers: { ...headers, 'accept-language': 'fr' } })
    expect(edge.origin.asked.map(({ target }) => target)).toEqual(['/v2/a?x=2&lang=de', '/v2/a?x=2&lang=fr'])
    expect(edge.edge.lines[0]).toMatchObject({ path: '/a', status: 200 })
  })

  test('adds a query where there was none', async () => {
    const edge = await start(
      `function handler({ request }) { request.querystring.v = { value: '1' }; return request }`,
      { behaviour: ALL },
    )
    expect(await edge.text('/a')).toBe('GET /a?v=1')
  })

  test('answers by itself, with cookies, and nothing is kept or asked', async () => {
    const edge = await start(`function handler() {
      return {
        statusCode: 302, statusDescription: 'Found',
        headers: { location: { value: '/login' } },
        cookies: { back: { value: '1', attributes: 'Path=/; HttpOnly' }, seen: { value: '2' } },
        body: 'go there',
      }
    }`)
    for (let time = 0; time < 2; time++) {
      const answer = await edge.get('/a')
      expect(answer.status).toBe(302)
      expect(answer.headers.get('location')).toBe('/login')
      expect(answer.headers.getSetCookie()).toEqual(['back=1; Path=/; HttpOnly', 'seen=2'])
      expect(answer.headers.get('x-cache')).toBe('FunctionGeneratedResponse from sluice')
      expect(await answer.text()).toBe('go there')
    }
    const head = await edge.get('/a', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([302, ''])
    expect(edge.origin.asked).toEqual([])
  })

  test('does not change the behaviour, nor what is kept under the path of another one', async () => {
    const edge = await start(
      `function handler({ request }) { request.uri = '/members/film'; return request }`,
      {
        behaviours: [
          { pattern: '/open/*', forward: [] },
          { pattern: '/members/*', originId: 'other' },
        ],
        origins: [],
        answer: (request, response) => {
          response.setHeader('Cache-Control', 'max-age=60')
          response.end(`open site: ${request.url}`)
        },
      },
    )
    expect(await edge.text('/open/x')).toBe('open site: /members/film')
    // Another behaviour's origin is not there, and what the first has kept under the path is not its own.
    expect((await edge.get('/members/film')).status).toBe(502)
  })

  test('runs for other methods, and takes a body that it replaces', async () => {
    const edge = await start(
      `exports.handler = async event => {
        const { request } = event.Records[0].cf
        const text = Buffer.from(request.body.data, 'base64').toString()
        if (text === 'read') return request
        request.body.action = 'replace'
        request.body.encoding = 'text'
        request.body.data = text + ' and more' + (request.body.inputTruncated ? ' (cut)' : '')
        return request
      }`,
      {
        behaviour: ALL,
        answer: (request, response) => {
          let text = ''
          request.on('data', chunk => (text += String(chunk)))
          request.on('end', () => response.end(`${request.headers['content-length']} ${text}`))
        },
      },
      { runtime: 'lambda-edge', body: true },
    )
    const post = (body: string): Promise<string> => edge.text('/form', { method: 'POST', body })
    expect(await post('read')).toBe('4 read')
    expect(await post('some')).toBe('13 some and more')
  })

  test('shows 40 KB of a body, says that it was cut, and sends on what it has not read', async () => {
    const edge = await start(
      `exports.handler = async event => {
        const { request } = event.Records[0].cf
        const length = Buffer.from(request.body.data, 'base64').length
        request.headers['x-seen'] = [{ value: length + ' ' + request.body.inputTruncated }]
        return request
      }`,
      {
        behaviour: ALL,
        answer: (request, response) => {
          let size = 0
          request.on('data', (chunk: Buffer) => (size += chunk.length))
          request.on('end', () => response.end(`${size} ${String(request.headers['x-seen'])}`))
        },
      },
      { runtime: 'lambda-edge', body: true },
    )
    const body = 'x'.repeat(300_000)
    expect(await edge.text('/form', { method: 'POST', body })).toBe('300000 40960 true')
  })

  test('sees nothing of what lets viewers in, and CloudFront-Viewer-* where a policy names it', async () => {
    const edge = await start(
      `function handler({ request }) {
        return { statusCode: 200, body: JSON.stringify([Object.keys(request.headers).sort(), request.cookies,
          request.querystring, (request.headers['cloudfront-viewer-country'] || {}).value]) }
      }`,
      {
        behaviour: { ...ALL, told: ['cloudfront-viewer-country'] },
        countries: { isThere: true, of: () => 'AT' },
      },
    )
    const path = '/a?Policy=p&Signature=s&Key-Pair-Id=k&x=1'
    const headers = {
      cookie: 'CloudFront-Policy=p; CloudFront-Signature=s; CloudFront-Key-Pair-Id=k; mine=1',
      'CloudFront-Viewer-Country': 'XX',
      'x-sluice-id': 'forged',
    }
    const seen = (await (await edge.get(path, { headers })).json()) as [string[], unknown, unknown, unknown]
    expect(seen[0]).toEqual([
      ...['accept', 'accept-encoding', 'accept-language', 'cloudfront-viewer-country', 'host'],
      ...['sec-fetch-mode', 'user-agent'],
    ])
    expect(seen.slice(1)).toEqual([{ mine: { value: '1' } }, { x: { value: '1' } }, 'AT'])
  })
})

describe('a function that fails', () => {
  test.each<[string, string, string, string]>([
    [
      'throws',
      `function handler() { throw new Error('secret of the author') }`,
      'function-failed',
      'FunctionExecutionError',
    ],
    ['never ends', `function handler() { for (;;) {} }`, 'function-timeout', 'FunctionExecutionError'],
    [
      'fills its memory',
      `function handler() { return { statusCode: 200, body: 'x'.repeat(2e7) } }`,
      'function-memory',
      'FunctionExecutionError',
    ],
    ['gives nothing', `function handler() {}`, 'function-result', 'FunctionValidationError'],
    [
      'sets what it may not',
      `function handler({ request }) { request.headers['x-edge-a'] = { value: '1' }; return request }`,
      'function-header',
      'FunctionValidationError',
    ],
    [
      'breaks a line',
      `function handler({ request }) { request.headers.a = { value: '1\\r\\nb: 2' }; return request }`,
      'function-header',
      'FunctionValidationError',
    ],
  ])('is answered 502 when it %s, and nobody else suffers', async (_what, code, reason, word) => {
    const { log, lines } = keptLog()
    const edge = await start(code, { log, behaviours: [{ pattern: '/bad/*' }, { pattern: '*' }] })
    const [answer, other] = await Promise.all([edge.get('/bad/secret?q=hidden'), edge.get('/good')])
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, reason])
    expect(await answer.text()).toMatch(new RegExp(`<Code>${word}</Code>.*<RequestId>`))
    expect(await other.text()).toBe('GET /good')
    expect(edge.edge.lines.find(({ status }) => status === 502)).toMatchObject({
      path: '/bad/secret',
      reason,
    })
    const told = lines.filter(line => line.includes('a function failed'))
    expect(told).toHaveLength(1)
    expect(told[0]).not.toContain('hidden')
    expect(await edge.metrics.text()).toContain(
      `sluice_function_runs_total{function="f0-viewer-request",event="viewer-request",outcome="${reason}",role="edge"} 1`,
    )
  })

  test('shows the distribution’s page for a 502', async () => {
    const edge = await start(`function handler() { throw 1 }`, {
      behaviours: [{ pattern: '/bad/*' }, { pattern: '*' }],
    })
    const { snapshot } = edge.edge.node
    const [distribution] = snapshot?.distributions ?? []
    if (snapshot === undefined || distribution === undefined) throw new Error('nothing is applied')
    distribution.errors.push({ status: 502, page: '/sorry.html', respondWith: 200 })
    const answer = await edge.get('/bad/x')
    expect([answer.status, await answer.text()]).toEqual([200, 'GET /sorry.html'])
    expect(answer.headers.get('x-sluice-reason')).toBe('function-failed')
  })
})
