import { afterEach, describe, expect, test } from 'vitest'
import { handClock } from '../edge-bench.ts'
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

async function start(written: Written[], options: Options = {}): Promise<FunctionEdge> {
  bench = await FunctionEdge.start(written, options)
  return bench
}

const atRequest = (text: string, more: Partial<Written> = {}): Written => ({
  event: 'origin-request',
  code: `exports.handler = async event => { const { config, request } = event.Records[0].cf; ${text} }`,
  ...more,
})
const atResponse = (text: string): Written => ({
  event: 'origin-response',
  code: `exports.handler = async event => { const { request, response } = event.Records[0].cf; ${text} }`,
})

const ALL = { query: 'all', forward: 'all', methods: 'all' } as const

describe.each([
  ['at an edge that asks the origin itself', false],
  ['at a regional cache that asks it for an edge', true],
])('functions at origin events %s', (_where, between) => {
  test('change what the origin is asked, once for all who ask, and not what it is kept under', async () => {
    const edge = await start(
      [
        atRequest(`request.uri = '/site' + request.uri; request.querystring = 'v=2'
        request.headers['x-origin'] = [{ value: config.eventType + ' ' + request.origin.custom.protocol }]; return request`),
      ],
      { between },
    )
    expect(await edge.text('/a')).toBe('GET /site/a?v=2')
    const again = await edge.get('/a')
    expect(again.headers.get('x-cache')).toBe('Hit from sluice')
    expect(edge.origin.asked.map(({ target, fields }) => [target, fields['x-origin']])).toEqual([
      ['/site/a?v=2', 'origin-request http'],
    ])
  })

  test('answer in the place of the origin, and that is kept as it says itself', async () => {
    const edge = await start(
      [
        atRequest(`return { status: '200', headers: { 'cache-control': [{ value: 'max-age=60' }],
          'content-type': [{ value: 'text/plain' }] }, body: 'made ' + request.uri }`),
        atResponse(`response.headers['x-never'] = [{ value: '1' }]; return response`),
      ],
      { between },
    )
    for (const cache of ['Miss', 'Hit']) {
      const answer = await edge.get('/a')
      expect([answer.headers.get('x-cache'), await answer.text()]).toEqual([
        `${cache} from sluice`,
        'made /a',
      ])
      expect([answer.headers.get('content-type'), answer.headers.get('x-never')]).toEqual([
        'text/plain',
        null,
      ])
    }
    expect(edge.origin.asked).toEqual([])
  })

  test('send a question to another origin', async () => {
    const other = await ForeignOrigin.start((request, response) => response.end(`other ${request.url}`))
    others.push(other)
    const edge = await start(
      [
        atRequest(`request.origin.custom = { ...request.origin.custom, domainName: '127.0.0.1', port: ${other.port}, path: '/b',
        protocol: 'http', customHeaders: { 'x-key': [{ value: 'k' }] } }; return request`),
      ],
      { between },
    )
    expect(await edge.text('/a')).toBe('other /b/a')
    expect(other.asked[0]?.fields).toMatchObject({ 'x-key': 'k', host: `127.0.0.1:${other.port}` })
    expect(edge.origin.asked).toEqual([])
  })

  test('may go no further than the guard lets any question go', async () => {
    const edge = await start(
      [
        atRequest(
          `request.origin.custom = { ...request.origin.custom, domainName: '169.254.169.254', port: 80 }; return request`,
        ),
      ],
      { between },
    )
    expect((await edge.get('/a')).status).toBe(502)
  })

  test('have the answer in their hands before it is kept: headers, status, body', async () => {
    const edge = await start(
      [
        atResponse(`
          response.headers['cache-control'] = [{ value: 'max-age=60' }]
          if (response.status === '404') return { status: '302', headers: { location: [{ value: '/home' }],
            'cache-control': [{ value: 'max-age=60' }] }, body: '' }
          if (request.uri === '/text') { response.body = 'in its place' }
          return response`),
      ],
      {
        between,
        answer: (request, response) => {
          if (request.url === '/gone') response.statusCode = 404
          response.setHeader('ETag', '"1"')
          response.end('the origin’s')
        },
      },
    )
    for (const cache of ['Miss', 'Hit']) {
      const [plain, text, gone] = await Promise.all(['/a', '/text', '/gone'].map(path => edge.get(path)))
      expect(plain?.headers.get('x-cache')).toBe(`${cache} from sluice`)
      expect([plain?.headers.get('etag'), await plain?.text()]).toEqual(['"1"', 'the origin’s'])
      expect([text?.headers.get('etag'), await text?.text()]).toEqual([null, 'in its place'])
      expect([gone?.status, gone?.headers.get('location')]).toEqual([302, '/home'])
    }
    expect(edge.origin.asked).toHaveLength(3)
  })

  test('see a 304 as well, so that what they say of lifetimes holds on', async () => {
    const clock = handClock()
    const edge = await start(
      [
        atResponse(`response.headers['cache-control'] = [{ value: 'max-age=10' }]
        response.headers['x-status'] = [{ value: response.status }]; return response`),
      ],
      {
        ...{ between, clock },
        answer: (request, response) => {
          // The test's clock runs apart from the machine's.
          response.sendDate = false
          response.setHeader('ETag', '"1"')
          response.setHeader('Cache-Control', 'max-age=1000')
          response.statusCode = request.headers['if-none-match'] === '"1"' ? 304 : 200
          response.end(response.statusCode === 200 ? 'text' : undefined)
        },
      },
    )
    const states = []
    for (const moved of [0, 11_000, 5_000, 11_000]) {
      clock.move(moved)
      const answer = await edge.get('/a')
      states.push([answer.headers.get('x-cache'), answer.headers.get('x-status'), await answer.text()])
    }
    expect(states).toEqual([
      ['Miss from sluice', '200', 'text'],
      ['RefreshHit from sluice', '304', 'text'],
      ['Hit from sluice', '304', 'text'],
      ['RefreshHit from sluice', '304', 'text'],
    ])
  })

  test('fail with 502 and their reason, and keep nothing', async () => {
    const edge = await start([atRequest(`request.headers.via = [{ value: 'forged' }]; return request`)], {
      between,
    })
    const answer = await edge.get('/a')
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, 'function-header'])
    expect(await answer.text()).toContain('<Code>FunctionValidationError</Code>')
    expect(edge.origin.asked).toEqual([])
  })
})

describe('functions at origin events', () => {
  test('run after the path was rewritten at viewer-request, in the behaviour that the viewer has met', async () => {
    for (const between of [false, true]) {
      const edge = await FunctionEdge.start(
        [
          {
            event: 'viewer-request',
            code: `function handler({ request }) { request.uri = '/b/c'; return request }`,
          },
          atRequest(`request.headers['x-seen'] = [{ value: request.uri }]; return request`),
        ],
        { between, behaviours: [{ pattern: '/a/*' }, { pattern: '*', originId: 'nowhere' }] },
      )
      expect(await edge.text('/a/c')).toBe('GET /b/c')
      expect(edge.origin.asked[0]?.fields['x-seen']).toBe('/b/c')
      await edge.close()
    }
  })

  test.each([
    [`{ s3: { domainName: 'films', path: '' } }`, 'function-result'],
    [`{ s3: { domainName: '${'a'.repeat(200)}_', path: '' } }`, 'function-result'],
    [`{ s3: { domainName: 'films.store.example', authMethod: 'always' } }`, 'function-result'],
    [
      `{ custom: { domainName: 'a.example', protocol: 'http', customHeaders: { range: [{ value: 'bytes=0-1' }] } } }`,
      'function-header',
    ],
  ])('give no origin that cannot be one: %s', async (origin, reason) => {
    const edge = await start([atRequest(`request.origin = ${origin}; return request`)])
    const answer = await edge.get('/a')
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, reason])
    expect(edge.origin.asked).toEqual([])
  })

  test('see up to 1 MB of a body, and put another in its place', async () => {
    const edge = await start(
      [
        atRequest(
          `const text = Buffer.from(request.body.data, 'base64').toString()
          if (text !== 'keep') { request.body.action = 'replace'; request.body.encoding = 'text'
            request.body.data = text.length + ' ' + request.body.inputTruncated }
          return request`,
          { body: true },
        ),
        atResponse(`response.headers['x-method'] = [{ value: request.method }]; return response`),
      ],
      {
        behaviour: ALL,
        answer: (request, response) => {
          let text = ''
          request.on('data', chunk => (text += String(chunk)))
          request.on('end', () => response.end(text))
        },
      },
    )
    const post = async (body: string): Promise<[string | null, string]> => {
      const answer = await edge.get('/form', { method: 'POST', body })
      return [answer.headers.get('x-method'), await answer.text()]
    }
    expect(await post('keep')).toEqual(['POST', 'keep'])
    expect(await post('x'.repeat(1000))).toEqual(['POST', '1000 false'])
    expect(await post('x'.repeat(2_000_000))).toEqual(['POST', '1048576 true'])
  })

  test('never send the secrets of one origin to another', async () => {
    const other = await ForeignOrigin.start((_request, response) => response.end('other'))
    others.push(other)
    const headers = [{ name: 'X-Secret', value: 'of the first' }]
    const secretive = { ...httpOrigin('http://127.0.0.1:1', 'secretive'), headers }
    const edge = await start(
      [
        atRequest(`request.origin.custom = { ...request.origin.custom, domainName: '127.0.0.1', port: ${other.port},
          protocol: 'http', customHeaders: {} }; return request`),
      ],
      { behaviour: { ...ALL, originId: 'secretive' }, origins: [secretive] },
    )
    await edge.text('/a')
    await edge.text('/a', { method: 'POST', body: 'x' })
    expect(other.asked.map(({ fields }) => fields['x-secret'])).toEqual([undefined, undefined])
  })

  test('leave a large object in its slices as it is, and refuse to put a body in the place of a part', async () => {
    const film = Buffer.alloc(12_000_000, 'film ')
    const answer: Options['answer'] = (request, response) => {
      const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
      response.setHeader('Cache-Control', 'max-age=60')
      response.setHeader('ETag', '"f"')
      response.setHeader('Accept-Ranges', 'bytes')
      if (first === undefined) return void response.end(film)
      const to = last === '' || last === undefined ? film.length - 1 : Math.min(Number(last), film.length - 1)
      response.statusCode = 206
      response.setHeader('Content-Range', `bytes ${first}-${to}/${film.length}`)
      response.end(film.subarray(Number(first), to + 1))
    }
    const edge = await start(
      [atResponse(`response.headers['x-f'] = [{ value: response.status }]; return response`)],
      { answer },
    )
    const part = await edge.get('/film', { headers: { range: 'bytes=9000000-9000009' } })
    expect([part.status, await part.text()]).toEqual([206, film.subarray(9_000_000, 9_000_010).toString()])
    const whole = await edge.get('/film')
    expect(Buffer.from(await whole.arrayBuffer()).equals(film)).toBe(true)
  })
})
