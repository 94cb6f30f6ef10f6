import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { keptLog } from '../foreign-origin.ts'
import { FunctionEdge, type Written } from './function-edge.ts'

let bench: FunctionEdge | undefined
const sockets: Socket[] = []
afterEach(async () => {
  for (const each of sockets.splice(0)) each.destroy()
  await bench?.close()
  bench = undefined
})

type Options = NonNullable<Parameters<typeof FunctionEdge.start>[1]>

async function start(written: Written[], options: Options = {}): Promise<FunctionEdge> {
  bench = await FunctionEdge.start(written, options)
  return bench
}

const ALL = { query: 'all', forward: 'all', methods: 'all' } as const
const KEEPS: Record<'viewer-request' | 'origin-request', Written> = {
  'viewer-request': {
    event: 'viewer-request',
    runtime: 'lambda-edge',
    body: true,
    code: `exports.handler = async event => {
      const { request } = event.Records[0].cf
      request.headers['x-seen'] = [{ value: request.body ? Buffer.from(request.body.data, 'base64').length + '' : 'none' }]
      return request
    }`,
  },
  'origin-request': {
    event: 'origin-request',
    body: true,
    code: `exports.handler = async event => event.Records[0].cf.request`,
  },
}

/** Sends bytes, and gives what is heard until the test has enough of it. */
function speak(edge: FunctionEdge, text: string): { socket: Socket; heard: () => string } {
  const socket = connect(Number(new URL(edge.edge.url).port), '127.0.0.1')
  let heard = ''
  socket.on('data', chunk => (heard += chunk.toString('latin1'))).on('error', () => {})
  sockets.push(socket)
  socket.write(text)
  return { socket, heard: () => heard }
}

describe('the body of a request', () => {
  test.each(['viewer-request', 'origin-request'] as const)(
    'that breaks off while a function at %s waits for it is no failure of ours',
    async event => {
      const { log, lines } = keptLog()
      const edge = await start([KEEPS[event]], { log, behaviour: ALL })
      const { socket } = speak(edge, 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nsome')
      setTimeout(() => socket.destroy(), 100)
      await expect.poll(() => edge.edge.lines).toHaveLength(1)
      expect(edge.edge.lines[0]).toMatchObject({ complete: false })
      expect(lines.filter(line => line.includes('a step failed'))).toEqual([])
      expect(edge.origin.asked).toEqual([])
    },
  )

  test.each([5, 60_000, 300_000])('of a GET with %i bytes is nobody’s, and holds nothing up', async size => {
    const edge = await start([KEEPS['viewer-request']], { behaviour: { ...ALL, headers: ['x-seen'] } })
    const { heard } = speak(
      edge,
      `GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`,
    )
    await expect.poll(heard, { timeout: 3000 }).toContain('GET /a')
    expect(edge.origin.asked[0]?.fields['x-seen']).toBe('none')
  })
})

describe('an answer of a function’s own at origin-request', () => {
  test.each([
    ['206', 502],
    ['304', 502],
    ['204', 204],
  ])('of status %s is answered %i', async (status, answered) => {
    const edge = await start([
      { event: 'origin-request', code: `exports.handler = async () => ({ status: '${status}' })` },
    ])
    for (let time = 0; time < 2; time++) expect((await edge.get('/a')).status).toBe(answered)
  })
})

describe('an origin with a name that is none', () => {
  test('is refused at viewer-request', async () => {
    const edge = await start([
      {
        event: 'viewer-request',
        code: `import cf from 'cloudfront'
          function handler({ request }) { cf.updateRequestOrigin({ domainName: '1.2.3.256' }); return request }`,
      },
    ])
    const answer = await edge.get('/a')
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, 'function-result'])
    expect(edge.origin.asked).toEqual([])
  })

  test('is refused at origin-request', async () => {
    const edge = await start([
      {
        event: 'origin-request',
        code: `exports.handler = async event => { const { request } = event.Records[0].cf
          request.origin.custom = { ...request.origin.custom, domainName: '1.2.3.256' }; return request }`,
      },
    ])
    const answer = await edge.get('/a')
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, 'function-result'])
  })
})

test('a cookie that origin-response sets is not everybody’s', async () => {
  const edge = await start([
    {
      event: 'origin-response',
      code: `let n = 0; exports.handler = async event => { const { response } = event.Records[0].cf
        response.headers['set-cookie'] = [{ value: 'id=' + ++n }]; return response }`,
    },
  ])
  await edge.text('/a')
  expect((await edge.get('/a')).headers.getSetCookie()).toEqual([])
})

describe('at viewer-response', () => {
  const CODE = `function handler({ response }) { response.statusCode = 200; return response }`
  test.each([
    ['a part', { range: 'bytes=0-1' }],
    ['a confirmation', { 'if-none-match': '"1"' }],
  ])('%s does not become the whole', async (_what, headers) => {
    const edge = await start([{ event: 'viewer-response', code: CODE }], {
      answer: (_request, response) => {
        response.setHeader('ETag', '"1"')
        response.setHeader('Cache-Control', 'max-age=60')
        response.end('the whole')
      },
    })
    expect(await edge.text('/a')).toBe('the whole')
    const answer = await edge.get('/a', { headers })
    expect([answer.status, answer.headers.get('x-sluice-reason')]).toEqual([502, 'function-result'])
  })

  test('a body of the function’s own does not go out for HEAD', async () => {
    const edge = await start([
      {
        event: 'viewer-response',
        code: `function handler({ response }) { response.body = 'other'; response.statusCode = 410; return response }`,
      },
    ])
    const head = await edge.get('/a', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([410, '5', ''])
    expect(edge.edge.lines[0]).toMatchObject({ status: 410, bytes: 0, complete: true })
  })

  test('a viewer who leaves meanwhile costs one line and no more', async () => {
    const { log, lines } = keptLog()
    const edge = await start(
      [
        {
          event: 'viewer-response',
          runtime: 'lambda-edge',
          code: `exports.handler = async event => { await new Promise(done => setTimeout(done, 500)); return event.Records[0].cf.response }`,
        },
      ],
      { log, answer: (_request, response) => void response.end(Buffer.alloc(3_000_000)) },
    )
    const { socket } = speak(edge, 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect.poll(() => edge.origin.asked.length).toBe(1)
    setTimeout(() => socket.destroy(), 200)
    await expect.poll(() => edge.edge.lines.length).toBe(1)
    expect(edge.edge.lines[0]).toMatchObject({ complete: false })
    expect(lines.filter(line => line.includes('failed'))).toEqual([])
    expect(await edge.text('/b')).toHaveLength(3_000_000)
    expect(edge.edge.lines).toHaveLength(2)
  })
})

test('a request goes on with the function and the store that it began with, whatever snapshots come', async () => {
  const held: (() => void)[] = []
  const edge = await start(
    [
      {
        event: 'viewer-response',
        code: `import cf from 'cloudfront'
          async function handler({ response }) {
            response.headers['x-store'] = { value: await cf.kvs().get('a') }
            return response
          }`,
      },
    ],
    {
      store: { a: 'of the first' },
      answer: (_request, response) => void held.push(() => response.end('late')),
    },
  )
  const answer = edge.get('/a')
  await expect.poll(() => held.length).toBe(1)
  const { node } = edge.edge
  const bare = { ...(node.snapshot ?? never()) }
  delete bare.functions
  delete bare.stores
  const distributions = bare.distributions.map(each => ({
    ...each,
    behaviours: each.behaviours.map(behaviour => ({ ...behaviour, functions: [] })),
  }))
  for (const version of [2, 3, 4]) await node.follow({ ...bare, distributions, version }, new Map())
  held[0]?.()
  expect([(await answer).status, (await answer).headers.get('x-store')]).toEqual([200, 'of the first'])
  const plain = edge.get('/b')
  await expect.poll(() => held.length).toBe(2)
  held[1]?.()
  expect((await plain).headers.get('x-store')).toBeNull()
})

function never(): never {
  throw new Error('a snapshot is applied')
}
