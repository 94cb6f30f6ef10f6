import { once } from 'node:events'
import { createServer as createNodeHttp, ServerResponse, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Departures } from '../../src/core/index.ts'
import { Http1Reader, type Http1Answer, type Http1Options, type Http1Request } from '../../src/http1/index.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const HEAD = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'
const FIXED = ['Content-Type', 'video/mp4', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Name', 'caf\u00e9']
const OWN = ['X-Cache', 'Hit from sluice', 'Age', '3', 'Content-Length', '4']

type Handle = (request: Http1Request, answer: Http1Answer) => void

async function portOf(server: Server): Promise<number> {
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port // listening on TCP
}

/** What is not plain goes to Node's server, which answers with its own name. */
async function serve(onRequest: Handle, options: Partial<Http1Options> = {}): Promise<number> {
  const others = createNodeHttp((request, response) => response.end(`Node ${request.method} ${request.url}`))
  const reader = new Http1Reader({
    departures: new Departures(() => {}),
    onRequest,
    handOver: taken => others.emit('connection', taken),
    leaving: () => false,
    ...{ idle: 65_000, stalled: 75_000, longestHead: 20_480 },
    ...options,
  })
  return portOf(createServer({ allowHalfOpen: true }, socket => void reader.open(socket)))
}

async function dial(port: number): Promise<Socket & { text: () => string }> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('error', () => {}).on('data', chunk => (text += chunk.toString('latin1')))
  await once(socket, 'connect')
  return Object.assign(socket, { text: () => text })
}

/** All that comes back on one connection, the date left out. */
async function exchange(port: number, sent: string): Promise<string> {
  const socket = await dial(port)
  socket.end(sent)
  await once(socket, 'close')
  return socket.text().replaceAll(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/gm, 'Date: now')
}

const film: Handle = (_request, answer) => {
  answer.writeHeadPrepared(200, FIXED, OWN)
  answer.end(Buffer.from('film'))
}

test.each([
  ['one request', GET],
  ['several at once', GET + GET + GET],
  ['a HEAD before a GET', HEAD + GET],
])('%s is answered byte for byte as Node would answer it', async (_, sent) => {
  const asNode = createNodeHttp({ keepAliveTimeout: 65_000 }, (_request, response) => {
    response.writeHead(200, [...FIXED, ...OWN]).end(Buffer.from('film'))
  })
  const told = await exchange(await serve(film), sent)
  expect(told).toBe(await exchange(await portOf(asNode), sent))
  expect(told).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: video\/mp4\r\n[^]*\r\nDate: now\r\n/)
})

test.each([
  [
    'of unknown length, in chunks',
    200,
    [],
    ['ab', 'cde'],
    'Transfer-Encoding: chunked',
    '2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n',
  ],
  ['of known length, in parts', 200, ['Content-Length', '5'], ['ab', 'cde'], 'Content-Length: 5', 'abcde'],
  ['of nothing', 304, ['ETag', '"1"'], ['ab'], 'ETag: "1"', ''],
])('a body %s', async (_, status, headers, parts, line, body) => {
  const port = await serve((_request, answer) => {
    answer.writeHead(status, headers)
    for (const part of parts) answer.write(Buffer.from(part))
    answer.end()
  })
  const [first = '', ...rest] = (await exchange(port, GET + GET)).split(/(?=HTTP\/1\.1 )/)
  expect(rest).toEqual([first]) // what follows is read from the right place
  expect(first.split('\r\n\r\n')[0]).toContain(line)
  expect(first.slice(first.indexOf('\r\n\r\n') + 4)).toBe(body)
})

test('a large body goes out whole, and the next answer behind it', async () => {
  const body = Buffer.alloc(3_000_000, 'x')
  const port = await serve((_request, answer) => {
    answer.writeHead(200, ['Content-Length', String(body.length)])
    answer.end(body)
  })
  const socket = await dial(port)
  socket.write(GET + GET)
  await expect
    .poll(() =>
      socket
        .text()
        .match(/x+/g)
        ?.map(each => each.length),
    )
    .toEqual([3e6, 3e6])
})

test.each([
  ['shorter', 'abc'],
  ['longer', 'abcdefgh'],
])('a body that is %s than was said never looks whole, and ends the connection', async (_, body) => {
  const port = await serve((_request, answer) => {
    answer.writeHead(200, ['Content-Length', '5'])
    answer.write(Buffer.from(body))
    answer.end()
  })
  const text = await exchange(port, GET + GET)
  expect(text.match(/HTTP\/1\.1/g)?.length ?? 0).toBeLessThanOrEqual(1)
  expect(text.split('\r\n\r\n')[1] ?? '').not.toHaveLength(5)
})

test.each([
  ['has a line feed', ['X-Name', 'a\r\nb'], 'ERR_INVALID_CHAR'],
  ['has a character that would end as a line feed', ['X-Name', 'a\u010ab'], 'ERR_INVALID_CHAR'],
  ['has no name', ['', 'a'], 'ERR_INVALID_HTTP_TOKEN'],
])('a field that %s is not written', async (_, fields, code) => {
  const thrown: unknown[] = []
  const port = await serve((_request, answer) => {
    for (const write of [
      () => answer.writeHead(200, fields),
      () => answer.writeHeadPrepared(200, fields, OWN),
      () => answer.writeHeadOnce(200, fields, OWN),
      () => answer.writeEarlyHints({ [fields[0] ?? '']: fields[1] ?? '' }),
    ])
      try {
        write()
      } catch (error) {
        thrown.push((error as NodeJS.ErrnoException).code)
      }
    film(_request, answer)
  })
  expect(await exchange(port, GET)).toContain('film')
  expect(thrown).toEqual([code, code, code, code])
})

test('how the connection goes on is not for the fields of an answer to say', async () => {
  const port = await serve((_request, answer) => {
    const fields = ['Keep-Alive', 'timeout=9', 'Transfer-Encoding', 'gzip', 'Content-Length', '1']
    answer.writeHead(200, fields)
    answer.end(Buffer.from('a'))
  })
  const text = await exchange(port, GET)
  expect(text).not.toMatch(/gzip|timeout=9/)
  expect(text).toMatch(/\r\nKeep-Alive: timeout=65\r\n\r\na$/)
})

test('requests wait their turn, and the first that is not plain takes the rest of the connection along', async () => {
  const waiting: Http1Answer[] = []
  const port = await serve((_request, answer) => void waiting.push(answer))
  const socket = await dial(port)
  socket.write(
    `${GET}${GET}POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: a\r\n\r\n`,
  )
  await expect.poll(() => waiting.length).toBe(1)
  for (let number = 1; number <= 2; number++) {
    const answer = waiting.shift()
    answer?.writeHeadPrepared(200, [], ['Content-Length', '1'])
    answer?.end(Buffer.from(String(number)))
    if (number === 1) await expect.poll(() => waiting.length).toBe(1)
  }
  await expect.poll(socket.text).toMatch(/\r\n1HTTP[^]*\r\n2HTTP[^]*Node POST \/a[^]*Node GET \/b/)
})

test('a head that comes in pieces is read, by whom ever', async () => {
  const port = await serve(film)
  const socket = await dial(port)
  for (const piece of ['GET', ' / HT', 'TP/1.1\r\nHos', 't: a\r\n\r', '\n']) {
    socket.write(piece)
    await new Promise(setImmediate)
  }
  await expect.poll(socket.text).toMatch(/^HTTP\/1\.1 200 OK[^]*(?:film|Node GET \/)/)
})

test('whoever asks while the server leaves is answered by the other side', async () => {
  const port = await serve(film, { leaving: () => true })
  expect(await exchange(port, GET)).toContain('Node GET /')
})

test.each([
  ['leaves', (socket: Socket) => void socket.destroy()],
  ['says that no more follows', (socket: Socket) => void socket.end()],
])('an answer hears that a viewer %s, once', async (_, leave) => {
  const heard: string[] = []
  let answer: Http1Answer | undefined
  const port = await serve((_request, each) => {
    answer = each
      .on('close', () => heard.push('close'))
      .on('finish', () => heard.push('finish'))
      .once('error', () => heard.push('error'))
  })
  const socket = await dial(port)
  socket.write(GET)
  await expect.poll(() => answer).toBeDefined()
  leave(socket)
  await expect.poll(() => heard).toEqual(['close'])
  answer?.end(Buffer.from('too late'))
  expect([answer?.writableFinished, answer?.destroyed, heard]).toEqual([false, true, ['close']])
})

test('an answer that was broken off does not look whole', async () => {
  const port = await serve((_request, answer) => {
    answer.writeHead(200, [])
    answer.write(Buffer.from('abc'))
    setImmediate(() => answer.destroy())
  })
  const text = await exchange(port, GET)
  expect(text).not.toContain('0\r\n\r\n')
})

test('the last answer of a connection says so, and ends it', async () => {
  const port = await serve((request, answer) => {
    answer.shouldKeepAlive = false
    film(request, answer)
  })
  const socket = await dial(port)
  socket.write(GET + GET)
  await once(socket, 'close')
  expect(socket.text().match(/HTTP\/1\.1 200|Connection: close|film/g)).toEqual([
    ...['HTTP/1.1 200', 'Connection: close', 'film'],
  ])
})

test('hints come before the answer', async () => {
  const port = await serve((request, answer) => {
    answer.writeProcessing()
    answer.writeEarlyHints({ link: '</a.css>; rel=preload' })
    film(request, answer)
  })
  expect(await exchange(port, GET)).toMatch(
    /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nlink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/,
  )
})

/** Around what is put together before it is written. */
test.each([1, 16, 31, 32, 33, 64])('a head of %i KiB goes out whole', async size => {
  const value = 'y'.repeat(size * 1024 - 300)
  const port = await serve((_request, answer) => {
    answer.writeHeadOnce(200, ['X', value], ['Content-Length', '15000'])
    answer.end(Buffer.alloc(15_000, 'z'))
  })
  const text = await exchange(port, HEAD + GET + HEAD)
  const head = `HTTP/1.1 200 OK\r\nX: ${value}\r\nContent-Length: 15000\r\nDate: now\r\nConnection: keep-alive\r\nKeep-Alive: timeout=65\r\n\r\n`
  expect(text === head + head + 'z'.repeat(15_000) + head).toBe(true)
})

test('who does not read holds up nobody, and asks on in vain', async () => {
  const body = Buffer.alloc(20_000_000, 'x')
  let asked = 0
  const port = await serve((_request, answer) => {
    asked++
    answer.writeHead(200, ['Content-Length', String(body.length)])
    answer.end(body)
  })
  const socket = await dial(port)
  socket.pause()
  let taken = true
  for (let n = 0; n < 50_000 && taken; n++) taken = socket.write(GET)
  expect(await exchange(port, GET).then(text => text.length)).toBeGreaterThan(body.length)
  expect(asked).toBe(2)
})

test.each([
  ['without a request', { idle: 50, stalled: 60_000 }, ''],
  ['of which the answer does not come', { idle: 50, stalled: 120 }, GET],
  ['on which nothing may stand still for long', { idle: 60_000, stalled: 50 }, GET],
])('a connection %s ends', async (_, limits, sent) => {
  const closed: unknown[] = []
  const port = await serve(
    (_request, answer) => void answer.on('close', () => closed.push(answer.destroyed)),
    limits,
  )
  const socket = await dial(port)
  socket.write(sent)
  await once(socket, 'close')
  await expect.poll(() => closed).toEqual(sent === '' ? [] : [true])
})

test('Node answers as this does: its kind of answer has what the steps use', () => {
  const ofNode = new ServerResponse({ method: 'GET' } as IncomingMessage) // nothing else of it is looked at
  for (const name of [
    'writeHead',
    'write',
    'end',
    'on',
    'once',
    'off',
    'destroy',
    'writeProcessing',
    'writeEarlyHints',
  ])
    expect(ofNode).toHaveProperty(name)
})
