import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KiB, MiB } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type HttpOrigin } from '../../src/distribution/index.ts'
import { BothPorts } from './both-ports.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { grantFor } from './grants.ts'
import { rawGet, type Answer } from './raw-get.ts'

type Answers = (request: IncomingMessage, response: ServerResponse) => void

const ALLOWED = 'GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE'
const SECRET = 'only-edges-know-this'

let origin: ForeignOrigin
let answers: Answers
let ports: BothPorts
let plain: EdgeBench
let secure: EdgeBench
let session: ClientHttp2Session

const siteAt = (url: string, more: Partial<HttpOrigin> = {}): HttpOrigin => ({
  ...{ id: 'site', kind: 'http', url, headers: [{ name: 'X-Origin-Secret', value: SECRET }] },
  ...DEFAULT_WIRE,
  ...more,
})
const open = { methods: 'all', cookies: 'all', forward: 'all', query: 'all' } as const

beforeAll(async () => {
  origin = await ForeignOrigin.start((request, response) => answers(request, response))
  const groups = snapshotOf().keyGroups.map(({ id }) => id)
  ports = await BothPorts.start((_request, response) => response.end('own'), {
    snapshot: snapshotWith(
      [siteAt(`${origin.url}/app`), { id: 'own', kind: 'built-in' }],
      [
        { pattern: '/members/*', gate: { keyGroups: groups, issuers: [] }, ...open },
        { pattern: '/read/*', ...open, methods: 'read' },
        { pattern: '/plain/*', ...open, cookies: 'none', query: ['a'] },
        { pattern: '/own/*', originId: 'own' },
        { pattern: '/tls/*', ...open, viewerProtocol: 'redirect-to-https' },
        { pattern: '*', ...open },
      ],
    ),
    allowOrigins: ['127.0.0.0/8'],
  })
  ;({ plain, secure, session } = ports)
})
afterAll(async () => {
  await ports.close()
  await origin.close()
})
beforeEach(() => {
  origin.asked.length = 0
  answers = echo
})

/** Says what it was sent. */
const echo: Answers = (request, response) => {
  void read(request).then(body => response.end(`${request.method} ${body}`))
}

async function read(stream: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

interface Said {
  status: number
  headers: Record<string, unknown>
  body: string
}

async function overHttp1(
  method: string,
  target: string,
  more: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Said> {
  const { port } = new URL(plain.url)
  const length = more.body === undefined ? {} : { 'content-length': String(more.body.length) }
  const headers = { ...length, ...more.headers }
  const sent = httpRequest({ host: '127.0.0.1', port, path: target, method, headers, agent: false })
  sent.end(more.body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, body: await read(response) }
}

async function overHttp2(
  method: string,
  target: string,
  more: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Said> {
  const empty = more.body === undefined
  const stream = session.request(
    { ':method': method, ':path': target, ...more.headers },
    { endStream: empty },
  )
  if (!empty) stream.end(more.body)
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  return { status: Number(headers[':status']), headers, body: await read(stream) }
}

const ways = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const

describe.each(ways)('a request that may change something, over %s', (_name, ask) => {
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'M-SEARCH']
  test.each(methods)('goes to the origin and is not kept: %s', async method => {
    for (let round = 1; round <= 2; round++) {
      const answer = await ask(method, '/form?x=1', { body: 'body' })
      expect([answer.status, answer.body]).toEqual([200, `${method} body`])
      expect(answer.headers).toMatchObject({
        'x-cache': 'Miss from sluice',
        'cache-status': 'sluice; fwd=method; fwd-status=200',
        via: '1.1 sluice',
      })
      expect(origin.asked.map(each => [each.method, each.target])).toEqual(
        Array(round).fill([method, '/app/form?x=1']),
      )
    }
  })

  test.each(['POST', 'DELETE', 'OPTIONS', 'PURGE'])('may have no body: %s', async method => {
    expect((await ask(method, '/form')).body).toBe(`${method} `)
    expect(origin.asked[0]?.fields['transfer-encoding']).toBeUndefined()
  })

  test('takes with it what the viewer says, but nothing of proxies, nodes and signatures', async () => {
    const headers = {
      'content-type': 'application/json',
      'if-match': '"a"',
      authorization: 'Basic abc',
      cookie: 'login=1; theme=dark',
      'x-own': 'kept',
      'x-origin-secret': 'guessed',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-port': '1',
      forwarded: 'for=192.0.2.1',
      'x-real-ip': '192.0.2.1',
      'sluice-seq': '9',
      'max-forwards': '3',
      'cdn-loop': 'elsewhere',
      'content-length': '4',
    }
    await ask('PUT', '/form?Policy=a&Signature=b&Key-Pair-Id=c&own=1', { headers, body: 'body' })
    const [asked] = origin.asked
    const { host, connection, 'x-forwarded-host': site, ...fields } = asked?.fields ?? {}
    expect([asked?.target, host, connection]).toEqual([
      '/app/form?own=1',
      new URL(origin.url).host,
      'keep-alive',
    ])
    expect([new URL(plain.url).host, new URL(secure.url).host]).toContain(site)
    expect(fields).toEqual({
      'content-type': 'application/json',
      'content-length': '4',
      'if-match': '"a"',
      authorization: 'Basic abc',
      cookie: 'login=1; theme=dark',
      'x-own': 'kept',
      'x-origin-secret': SECRET,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': ask === overHttp1 ? 'http' : 'https',
      via: '1.1 sluice',
      'cdn-loop': 'elsewhere, sluice',
    })
  })

  test('comes back with the origin’s own fields, cookies among them, and without words of nodes', async () => {
    answers = (_request, response) =>
      response
        .writeHead(201, [
          ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Location', '/form/1', 'X-Origin-Secret', SECRET],
          ...['Sluice-Cache-Control', 'max-age-ms=1', 'X-Sluice-Reason', 'expired', 'Alt-Svc', 'h3=":443"'],
          ...['Strict-Transport-Security', 'max-age=1', 'Access-Control-Allow-Origin', 'https://a.example'],
          ...['Access-Control-Allow-Credentials', 'true'],
        ])
        .end()
    const { status, headers } = await ask('POST', '/form', { body: 'x' })
    expect(status).toBe(201)
    expect(headers).toMatchObject({
      'set-cookie': ['a=1', 'b=2'],
      location: '/form/1',
      'strict-transport-security': 'max-age=1',
      'access-control-allow-origin': 'https://a.example',
      'access-control-allow-credentials': 'true',
    })
    for (const name of ['x-origin-secret', 'sluice-cache-control', 'x-sluice-reason', 'alt-svc'])
      expect(headers[name]).toBeUndefined()
  })

  test('brings no cookies along and gets none where the behaviour has none, and of the query what it names', async () => {
    answers = (_request, response) => response.setHeader('Set-Cookie', 'a=1').end()
    const { headers } = await ask('POST', '/plain/form?a=1&b=2', { headers: { cookie: 'login=1' } })
    expect(headers['set-cookie']).toBeUndefined()
    expect(origin.asked.map(({ target, fields }) => [target, fields['cookie']])).toEqual([
      ['/app/plain/form?a=1', undefined],
    ])
  })

  test('is refused by its method where only reading is served, and one that is no request to an origin everywhere', async () => {
    const refused = async (method: string, target: string): Promise<unknown[]> => {
      const { status, headers } = await ask(method, target, { body: 'x' })
      return [status, headers['allow'], headers['x-sluice-reason']]
    }
    expect(await refused('POST', '/read/form')).toEqual([405, 'GET, HEAD, OPTIONS', 'method'])
    expect(await refused('DELETE', '/own/film')).toEqual([405, 'GET, HEAD, OPTIONS', 'method'])
    expect(await refused('PURGE', '/read/form')).toEqual([405, 'GET, HEAD, OPTIONS', 'method'])
    // What a server might take for another than it is; HTTP/1.1's parser knows none of these.
    const spellings = ['trace', 'connect', 'head', 'get', 'Post', 'X'.repeat(33)]
    for (const method of ask === overHttp2 ? ['TRACE', ...spellings] : ['TRACE'])
      expect([method, await refused(method, '/form')]).toEqual([method, [405, expect.anything(), 'method']])
    expect([origin.asked, plain.asked, secure.asked]).toEqual([[], [], []])
  })

  test('needs a grant behind a gate, of which its origin learns nothing', async () => {
    const without = await ask('POST', '/members/form', { body: 'x' })
    expect([without.status, without.headers['x-sluice-reason'], origin.asked]).toEqual([403, 'missing', []])
    answers = (_request, response) =>
      response.writeHead(200, { 'Set-Cookie': 'a=1', 'Access-Control-Allow-Origin': '*' }).end('ok')
    const { query, cookie } = grantFor('*://*/members/*')
    for (const [target, headers] of [
      [`/members/form?${query}&own=1`, { cookie: 'login=1' }],
      ['/members/form?own=1', { cookie: `${cookie}; login=1` }],
    ] as const) {
      const answer = await ask('POST', target, { headers, body: 'x' })
      expect([answer.status, answer.body]).toEqual([200, 'ok'])
      expect([answer.headers['set-cookie'], answer.headers['access-control-allow-origin']]).toEqual([
        ['a=1'],
        undefined,
      ])
      expect(answer.headers['cache-control']).toBe('private')
    }
    expect(origin.asked.map(({ target, fields }) => [target, fields['cookie']])).toEqual(
      Array(2).fill(['/app/members/form?own=1', 'login=1']),
    )
  })

  test('is asked about by browsers: of us behind a gate, of the origin elsewhere', async () => {
    answers = (_request, response) => response.writeHead(204, { Allow: 'POST', 'X-Own': '1' }).end()
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' }
    const gated = await ask('OPTIONS', '/members/form', { headers })
    expect([gated.status, gated.headers['allow'], gated.headers['access-control-allow-methods']]).toEqual([
      204,
      ALLOWED,
      ALLOWED,
    ])
    const asked = await ask('OPTIONS', '/form', { headers })
    expect([asked.status, asked.headers['allow'], asked.headers['x-own']]).toEqual([204, 'POST', '1'])
    expect(origin.asked.map(each => each.method)).toEqual(['OPTIONS'])
  })

  test('leads to no other server: redirects go on as they are', async () => {
    answers = (_request, response) => response.writeHead(303, { Location: 'http://127.0.0.1:1/x' }).end()
    const { status, headers } = await ask('POST', '/form', { body: 'x' })
    expect([status, headers['location'], origin.asked.length]).toEqual([303, 'http://127.0.0.1:1/x', 1])
  })
})

test('a request that may change something is sent to HTTPS where that is asked for, with its method', async () => {
  const { status, headers } = await overHttp1('POST', '/tls/form', { body: 'x' })
  expect([status, headers['location'], origin.asked]).toEqual([
    307,
    expect.stringMatching(/^https:\/\/127.0.0.1(:\d+)?\/tls\/form$/),
    [],
  ])
})

describe('what is stored', () => {
  const page: Answers = (request, response) => {
    if (request.method === 'GET') response.setHeader('Cache-Control', 'max-age=600').end(String(++served))
    else response.writeHead(status, headers).end()
  }
  let served = 0
  let status = 204
  let headers: Record<string, string> = {}
  const get = async (target: string): Promise<string> => (await rawGet(plain.url, target)).body

  test.each<[string, number, Record<string, string>, boolean[]]>([
    ['of the path that was written to is not used any more', 204, {}, [true, false, false]],
    ['stays when the origin refuses', 409, {}, [false, false, false]],
    ['of where Location leads is not used any more', 201, { Location: '/other' }, [true, true, false]],
    [
      'of what Content-Location names is not used any more',
      200,
      { 'Content-Location': 'third' },
      [true, false, true],
    ],
    [
      'of what lies elsewhere stays',
      201,
      { Location: 'http://elsewhere.example/other' },
      [true, false, false],
    ],
  ])('%s', async (_, answered, fields, anew) => {
    answers = page
    status = answered
    headers = fields
    const targets = ['/it', '/other', '/third'].map(each => `/${served}${each}`)
    headers = Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        value.startsWith('/') ? `${targets[0]?.replace('/it', '')}${value}` : value,
      ]),
    )
    const before: string[] = []
    for (const target of targets) before.push(await get(target))
    await overHttp1('PUT', targets[0] ?? '', { body: 'x' })
    const after: string[] = []
    for (const target of targets) after.push(await get(target))
    expect(after.map((body, at) => body !== before[at])).toEqual(anew)
  })

  test.each([
    ['that is not known', 'M-SEARCH', 'is not'],
    ['that is registered as safe', 'PROPFIND', 'is'],
  ])('of the path that was asked by a method %s (%s) %s used any more', async (_, method, used) => {
    answers = page
    status = 207
    const target = `/${served}/searched`
    const before = await get(target)
    await overHttp1(method, target)
    expect((await get(target)) === before).toBe(used === 'is')
  })
})

describe('a body', () => {
  test('of unknown length goes on in chunks, as it comes, and so does the answer', async () => {
    // Each piece is answered before the next is sent: neither side waits for the whole.
    answers = (request, response) => {
      request.on('data', (chunk: Buffer) => response.write(`<${chunk.toString()}>`))
      request.on('end', () => response.end('.'))
    }
    for (const [name, begin] of [
      ['HTTP/1.1', beginHttp1],
      ['HTTP/2', beginHttp2],
    ] as const) {
      const { write, heard } = await begin('POST', '/echo')
      for (const [at, piece] of ['one', 'two', 'three'].entries()) {
        await write(piece)
        await expect.poll(() => heard().split('>').length, { interval: 5 }).toBe(at + 2)
      }
      await write()
      await expect.poll(heard, { interval: 5 }).toBe('<one><two><three>.')
      expect([name, origin.asked.at(-1)?.fields['transfer-encoding']]).toEqual([name, 'chunked'])
    }
  })

  test('that the origin does not take is not read from the viewer either', async () => {
    let taken: IncomingMessage | undefined
    answers = request => void (taken = request)
    const { write, end } = await beginHttp1('PUT', '/slow')
    const sent = { bytes: 0 }
    const piece = Buffer.alloc(256 * KiB)
    let blocked = false
    while (!blocked) {
      const went = await Promise.race([
        write(piece),
        new Promise<'blocked'>(r => setTimeout(r, 500, 'blocked')),
      ])
      if (went === 'blocked') blocked = true
      else sent.bytes += piece.length
    }
    // Sockets of both connections hold some, and so do we; nowhere near all that somebody may send.
    expect(sent.bytes).toBeLessThan(32 * MiB)
    end()
    await expect(read(known(taken))).rejects.toThrow('aborted')
  })

  test('that nobody asked for waits until the origin is there, and goes on then', async () => {
    const socket = await raw()
    const seen = heardOn(socket)
    socket.write('POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
    await expect.poll(seen).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('body')
    await expect.poll(seen).toContain('POST body')
    expect(origin.asked[0]?.fields['expect']).toBeUndefined()
    socket.destroy()
  })

  test.each([
    ['a gate', '/members/form', 403],
    ['the method', '/read/form', 405],
  ])('is not asked for where %s refuses', async (_, target, status) => {
    const socket = await raw()
    const seen = heardOn(socket)
    socket.write(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`)
    await once(socket, 'close')
    expect(seen()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  test('of a GET goes nowhere', async () => {
    const { status } = await overHttp1('GET', '/got', { body: 'secret' })
    expect([status, origin.asked.map(each => each.fields['content-length'])]).toEqual([200, [undefined]])
  })
})

describe('a viewer who leaves', () => {
  test.each([
    ['before all of his body has come', 'body'],
    ['before the origin has answered', 'answer'],
  ])('%s ends the request to the origin', async (_, when) => {
    let gone: Promise<unknown> | undefined
    answers = request => {
      gone = new Promise(resolve => request.once('close', resolve))
      request.resume()
    }
    const socket = await raw()
    socket.write(`POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: ${when === 'body' ? 10 : 4}\r\n\r\nbody`)
    await expect.poll(() => gone !== undefined).toBe(true)
    socket.destroy()
    await gone
    await expect.poll(() => plain.lines.at(-1)).toMatchObject({ method: 'POST', complete: false })
  })

  test('over HTTP/2 never makes what he has sent look whole', async () => {
    let ended: boolean | undefined
    answers = request => {
      request.resume()
      request.once('end', () => (ended = true)).once('close', () => (ended ??= false))
    }
    const own = connectHttp2(secure.url, { rejectUnauthorized: false })
    const stream = own.request({ ':method': 'POST', ':path': '/form' })
    stream.on('error', () => {})
    stream.write('half')
    await expect.poll(() => origin.asked.length).toBe(1)
    own.on('error', () => {}).destroy()
    await expect.poll(() => ended).toBe(false)
  })
})

/** What Node's own server would not say. */
let wild: Server | undefined
let wildBench: EdgeBench | undefined
const wildSockets = new Set<Socket>()
afterEach(async () => {
  await wildBench?.close()
  for (const socket of wildSockets) socket.destroy()
  await new Promise<void>(resolve => (wild ? wild.close(() => resolve()) : resolve()))
  wild = wildBench = undefined
})

async function beforeWild(
  onConnection: (socket: Socket, number: number) => void,
  more: Partial<HttpOrigin> = {},
): Promise<{ bench: EdgeBench; connections: () => number }> {
  let connections = 0
  wild = createServer(socket => {
    wildSockets.add(socket)
    socket.on('error', () => {}).on('close', () => wildSockets.delete(socket))
    onConnection(socket, ++connections)
  })
  await new Promise<void>(resolve => wild?.listen(0, '127.0.0.1', resolve))
  const { port } = wild.address() as AddressInfo // listening on TCP
  const site = siteAt(`http://127.0.0.1:${port}`, more)
  wildBench = await EdgeBench.start((_request, response) => response.end(), {
    snapshot: snapshotWith([site], [{ pattern: '*', ...open }]),
    allowOrigins: ['127.0.0.0/8'],
  })
  return { bench: wildBench, connections: () => connections }
}

async function send(bench: EdgeBench, method: string, body?: string | Buffer): Promise<Answer> {
  const { port } = new URL(bench.url)
  const sent = httpRequest({ port, path: '/form', method, agent: false })
  sent.on('error', () => {}) // a broken pipe, where the answer is out already
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, body: await read(response) }
}

describe('an origin', () => {
  test('that answers before it has heard all is heard, and told no more', async () => {
    let closed = false
    const { bench } = await beforeWild(socket => {
      socket.once('data', () => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\ntoo'))
      socket.on('close', () => (closed = true))
    })
    const { port } = new URL(bench.url)
    const sent = httpRequest({ port, path: '/form', method: 'POST', agent: false })
    sent.on('error', () => {})
    sent.write(Buffer.alloc(64 * KiB))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    expect([response.statusCode, await read(response)]).toEqual([413, 'too'])
    await expect.poll(() => closed).toBe(true)
    sent.destroy()
  })

  test.each([
    ['POST', 'x', 1],
    ['PUT', 'x', 1],
    ['POST', undefined, 1],
    ['DELETE', undefined, 1],
  ])('that lets go of a new connection is 502: %s with the body %s', async (method, body, connected) => {
    const { bench, connections } = await beforeWild(socket => socket.once('data', () => socket.destroy()))
    const answer = await send(bench, method, body)
    expect([answer.status, answer.headers['x-sluice-reason'], connections()]).toEqual([
      502,
      'origin-away',
      connected,
    ])
  })

  test.each([
    ['DELETE', undefined, 200],
    ['POST', undefined, 502],
    ['PUT', 'x', 502],
  ])(
    'that lets go of a kept connection is asked again where that changes nothing: %s',
    async (method, body, status) => {
      const { bench } = await beforeWild((socket, number) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na')
          if (number === 1) socket.once('data', () => socket.destroy())
        })
      })
      expect((await send(bench, 'DELETE')).status).toBe(200)
      expect((await send(bench, method, body)).status).toBe(status)
    },
  )

  test('that dies in the middle of its answer cuts the viewer’s', async () => {
    const { bench } = await beforeWild(socket =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', () => socket.destroy()),
      ),
    )
    await expect(send(bench, 'POST', 'x')).rejects.toThrow('aborted')
  })

  test('that says nothing is 504 in time', async () => {
    const { bench } = await beforeWild(() => {}, { responseTimeout: 1, connectTimeout: 1 })
    const answer = await send(bench, 'POST', 'x')
    expect([answer.status, answer.headers['x-sluice-reason']]).toEqual([504, 'origin-late'])
  })
})

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing was asked')
  return value
}

async function raw(): Promise<Socket> {
  const socket = connect(Number(new URL(plain.url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

function heardOn(socket: Socket): () => string {
  let seen = ''
  socket.on('data', chunk => (seen += chunk.toString()))
  return () => seen
}

interface Begun {
  /** Without anything, the end. */
  write: (piece?: string | Buffer) => Promise<void>
  heard: () => string
  end: () => void
}

function beginHttp1(method: string, target: string): Promise<Begun> {
  const { port } = new URL(plain.url)
  const sent = httpRequest({ port, path: target, method, agent: false })
  sent.on('error', () => {})
  let heard = ''
  sent.on('response', response =>
    response.on('data', chunk => (heard += String(chunk))).on('error', () => {}),
  )
  sent.flushHeaders()
  return Promise.resolve({
    write: piece =>
      new Promise(resolve => {
        if (piece === undefined) sent.end(resolve)
        else sent.write(piece, () => resolve())
      }),
    heard: () => heard,
    end: () => sent.destroy(),
  })
}

function beginHttp2(method: string, target: string): Promise<Begun> {
  const stream = session.request({ ':method': method, ':path': target })
  let heard = ''
  stream.on('data', chunk => (heard += String(chunk)))
  return Promise.resolve({
    write: piece =>
      new Promise(resolve => {
        if (piece === undefined) stream.end(resolve)
        else stream.write(piece, () => resolve())
      }),
    heard: () => heard,
    end: () => stream.close(),
  })
}
