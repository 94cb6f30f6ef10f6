import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer, request as httpsRequest } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { KiB, MiB, systemClock } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type Behaviour, type HttpOrigin } from '../../src/distribution/index.ts'
import { UpgradedConnections } from '../../src/delivery/relay/upgrade.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'
import { snapshotWith } from './foreign-origin.ts'
import { grantFor } from './grants.ts'

const SECRET = 'only-edges-know-this'

let folder: string
let files: ReturnType<typeof certificateFiles>
let authority: string
const origins: Record<'http' | 'https', Server | undefined> = { http: undefined, https: undefined }
let onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void
let asked: IncomingMessage[]
const closers: (() => unknown)[] = []

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-upgrade-'))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  files = certificateFiles(folder)
  authority = await readFile(files.authority, 'utf8')
  const tls = { cert: await readFile(files.certificate), key: await readFile(files.key) }
  for (const scheme of ['http', 'https'] as const) {
    const server = scheme === 'http' ? createServer() : createTlsServer(tls)
    server.on('request', (request, response) => {
      asked.push(request)
      response.end('page')
    })
    server.on('upgrade', (request, socket, head) => {
      asked.push(request)
      socket.on('error', () => {})
      closers.push(() => socket.destroy())
      // Node leaves it to each side to end; no WebSocket server stays behind.
      socket.once('end', () => socket.end())
      onUpgrade(request, socket as Socket, head) // both kinds of server have one
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origins[scheme] = server
  }
})
afterAll(async () => {
  for (const server of Object.values(origins)) {
    server?.closeAllConnections()
    await new Promise(resolve => server?.close(resolve))
  }
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  asked = []
  onUpgrade = echo
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const siteAt = (scheme: 'http' | 'https', more: Partial<HttpOrigin> = {}): HttpOrigin => {
  const { port } = origins[scheme]?.address() as AddressInfo // listening on TCP
  const headers = [{ name: 'X-Origin-Secret', value: SECRET }]
  return {
    ...{ id: 'site', kind: 'http', url: `${scheme}://127.0.0.1:${port}/app`, headers },
    ...DEFAULT_WIRE,
    ...more,
  }
}

type Options = Parameters<typeof EdgeBench.start>[1]

async function edge(
  site: HttpOrigin,
  options: Options & { behaviour?: Partial<Behaviour>; secure?: boolean } = {},
): Promise<EdgeBench> {
  const rule = { methods: 'all', cookies: 'all', forward: 'all', query: 'all', ...options.behaviour } as const
  const gate = { keyGroups: snapshotOf().keyGroups.map(({ id }) => id), issuers: [] }
  const bench = await EdgeBench.start((_request, response) => response.end(), {
    snapshot: snapshotWith(
      [site],
      [
        { pattern: '/members/*', gate, ...rule },
        { pattern: '*', ...rule },
      ],
    ),
    allowOrigins: ['127.0.0.0/8'],
    authorities: authority,
    ...(options.secure && { tls: { certificateFile: files.certificate, keyFile: files.key } }),
    ...options,
  })
  let closing: Promise<void> | undefined
  const close = bench.close.bind(bench)
  bench.close = () => (closing ??= close())
  closers.push(() => bench.close())
  return bench
}

const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

const agree = (request: IncomingMessage, socket: Socket, more = ''): void =>
  void socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${acceptOf(request.headers['sec-websocket-key'] ?? '')}\r\n${more}\r\n`,
  )

/** Says every text frame again (RFC 6455 §5.2), unmasked. */
function echo(request: IncomingMessage, socket: Socket, head: Buffer): void {
  agree(request, socket)
  let seen = head
  const answer = (): void => {
    for (let frame = unmask(seen); frame !== undefined; frame = unmask(seen)) {
      seen = seen.subarray(frame.length)
      socket.write(frameOf(frame.text))
    }
  }
  answer()
  socket.on('data', chunk => {
    seen = Buffer.concat([seen, chunk])
    answer()
  })
}

function frameOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)])
}

function masked(text: string): Buffer {
  const mask = randomBytes(4)
  const payload = Buffer.from(text).map((byte, at) => byte ^ (mask[at % 4] ?? 0))
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, payload])
}

function unmask(bytes: Buffer): { length: number; text: string } | undefined {
  const size = (bytes[1] ?? 0) & 0x7f
  if (bytes.length < 6 + size) return undefined
  const payload = bytes.subarray(6, 6 + size).map((byte, at) => byte ^ (bytes[2 + (at % 4)] ?? 0))
  return { length: 6 + size, text: Buffer.from(payload).toString() }
}

interface Opened {
  status: number
  headers: IncomingMessage['headers']
  socket: Socket
  body: string
  key: string
  heard: () => string
}

async function open(
  bench: EdgeBench,
  target = '/chat',
  headers: Record<string, string> = {},
  first?: Buffer,
): Promise<Opened> {
  const key = randomBytes(16).toString('base64')
  const { port, protocol } = new URL(bench.url)
  const sent = (protocol === 'https:' ? httpsRequest : httpRequest)({
    ...{ host: '127.0.0.1', port, path: target, agent: false, rejectUnauthorized: false },
    headers: {
      ...{ Connection: 'Upgrade', Upgrade: 'websocket' },
      ...{ 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': '13', ...headers },
    },
  })
  if (first)
    sent.once('socket', socket => socket.once('connect', () => setImmediate(() => socket.write(first))))
  sent.end()
  return new Promise((resolve, reject) => {
    sent.once('error', reject)
    sent.once('upgrade', (response, socket: Socket, head) => {
      socket.on('error', () => {})
      closers.push(() => socket.destroy())
      let heard = head.toString('latin1')
      socket.on('data', chunk => (heard += chunk.toString('latin1')))
      resolve({ status: 101, headers: response.headers, socket, body: '', key, heard: () => heard })
    })
    sent.once('response', response => {
      let body = ''
      response.on('data', chunk => (body += String(chunk)))
      response.once('end', () => {
        const status = response.statusCode ?? 0
        resolve({ status, headers: response.headers, socket: response.socket, body, key, heard: () => '' })
      })
    })
  })
}

describe.each([
  ['http', 'http'],
  ['https', 'http'],
  ['http', 'https'],
  ['https', 'https'],
] as const)('a WebSocket over %s to an origin over %s', (viewers, theirs) => {
  test('is agreed on by both, and carries what they say', async () => {
    const bench = await edge(siteAt(theirs), { secure: viewers === 'https' })
    const opened = await open(bench, '/chat?room=1&Signature=x', {
      Cookie: 'login=1',
      Origin: 'https://a.example',
    })
    expect([opened.status, opened.headers['sec-websocket-accept']]).toEqual([101, acceptOf(opened.key)])
    expect(opened.headers).toMatchObject({ via: '1.1 sluice', upgrade: 'websocket', connection: 'Upgrade' })
    const [request] = asked
    expect(request?.url).toBe('/app/chat?room=1')
    expect(request?.headers).toMatchObject({
      'x-origin-secret': SECRET,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': viewers,
      cookie: 'login=1',
      origin: 'https://a.example',
      host: new URL(siteAt(theirs).url).host,
      'sec-websocket-version': '13',
    })
    for (const text of ['one', 'two', 'three']) opened.socket.write(masked(text))
    const all = ['one', 'two', 'three'].map(text => frameOf(text).toString('latin1')).join('')
    await expect.poll(opened.heard).toBe(all)
    expect(bench.node.upgraded.count).toBe(1)
    opened.socket.end()
    await expect.poll(() => bench.node.upgraded.count).toBe(0)
    await expect.poll(() => bench.lines).toHaveLength(1)
    expect(bench.lines[0]).toMatchObject({ status: 101, path: '/chat', method: 'GET', complete: true })
    expect(bench.lines[0]?.['bytes']).toBeGreaterThan(all.length)
  })
})

describe('a WebSocket', () => {
  test('loses nothing of what either says before the other has heard that it is agreed', async () => {
    onUpgrade = (request, socket, head) => {
      // In one piece with the head of the answer.
      socket.cork()
      echo(request, socket, head)
      socket.write(frameOf('welcome'))
      socket.uncork()
    }
    const opened = await open(await edge(siteAt('http')), '/chat', {}, masked('early'))
    const wanted = ['early', 'welcome'].map(text => frameOf(text).toString('latin1'))
    await expect.poll(() => wanted.every(each => opened.heard().includes(each))).toBe(true)
  })

  test('needs a grant behind a gate, of which its origin learns nothing', async () => {
    const bench = await edge(siteAt('http'), { behaviour: { cookies: 'none' } })
    const refused = await open(bench, '/members/chat')
    expect([refused.status, refused.headers['x-sluice-reason'], asked]).toEqual([403, 'missing', []])
    const { query, cookie } = grantFor('*://*/members/*')
    expect((await open(bench, `/members/chat?${query}`)).status).toBe(101)
    expect((await open(bench, '/members/chat', { Cookie: cookie })).status).toBe(101)
    expect(asked.map(({ url, headers }) => [url, headers.cookie])).toEqual(
      Array(2).fill(['/app/members/chat', undefined]),
    )
    await expect
      .poll(() => bench.lines.filter(({ status }) => status === 403))
      .toMatchObject([{ reason: 'missing', complete: true }])
  })

  test('is declined, and the page sent, where only reading is served', async () => {
    const bench = await edge(siteAt('http'), { behaviour: { methods: 'read' } })
    const answer = await open(bench, '/chat')
    expect([answer.status, answer.body, answer.headers.connection]).toEqual([200, 'page', 'close'])
    expect(asked.map(({ headers }) => headers.upgrade)).toEqual([undefined])
  })

  test('is refused by the origin in its own words', async () => {
    onUpgrade = (_request, socket) =>
      socket.end('HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nContent-Length: 4\r\n\r\nno 8')
    const answer = await open(await edge(siteAt('http')))
    expect([answer.status, answer.body, answer.headers['sec-websocket-version']]).toEqual([426, 'no 8', '8'])
  })

  test.each<[string, string, number, string]>([
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
      502,
      'origin-garbled',
    ],
    ['a switch to nothing', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 502, 'origin-garbled'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 502, 'origin-garbled'],
    ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000), 502, 'origin-garbled'],
    [
      'a head without end',
      `HTTP/1.1 101 Switching Protocols\r\nX: ${'a'.repeat(1 * MiB)}`,
      502,
      'origin-garbled',
    ],
    ['nothing and the end', '', 502, 'origin-away'],
  ])('is 502 when the origin answers %s', async (_, bytes, status, reason) => {
    onUpgrade = (_request, socket) => socket.end(bytes)
    const bench = await edge(siteAt('http'))
    const answer = await open(bench)
    expect([answer.status, answer.headers['x-sluice-reason']]).toEqual([status, reason])
    expect(bench.node.upgraded.count).toBe(0)
  })

  test('is 504 when the origin says nothing', async () => {
    onUpgrade = () => {}
    const bench = await edge(siteAt('http', { connectTimeout: 1, responseTimeout: 1 }))
    const answer = await open(bench)
    expect([answer.status, answer.headers['x-sluice-reason']]).toEqual([504, 'origin-late'])
  })

  test('is refused where no origin may be', async () => {
    const bench = await edge(siteAt('http'), { allowOrigins: [] })
    const answer = await open(bench)
    expect([answer.status, answer.headers['x-sluice-reason'], asked]).toEqual([502, 'origin-away', []])
  })

  test('is refused when there are too many', async () => {
    const bench = await edge(siteAt('http'), { upgraded: new UpgradedConnections({ most: 1 }) })
    const first = await open(bench)
    expect([(await open(bench)).status, asked.length]).toEqual([503, 1])
    first.socket.destroy()
    await expect.poll(() => bench.node.upgraded.count).toBe(0)
    expect((await open(bench)).status).toBe(101)
  })

  test('has no body', async () => {
    const answer = await open(await edge(siteAt('http')), '/chat', { 'Content-Length': '4' })
    expect([answer.status, asked]).toEqual([400, []])
  })

  test.each(['POST', 'M-SEARCH', 'DELETE'])('is never asked for by %s', async method => {
    const socket = connect(Number(new URL((await edge(siteAt('http'))).url).port), '127.0.0.1')
    closers.push(() => socket.destroy())
    socket.write(`${method} /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect([answer.toString().split('\r\n')[0], asked]).toEqual(['HTTP/1.1 400 Bad Request', []])
  })

  test('on which nothing moves for too long is ended on both sides', async () => {
    const bench = await edge(siteAt('http'), { upgraded: new UpgradedConnections({ idle: 100 }) })
    let ended = false
    onUpgrade = (request, socket) => {
      agree(request, socket)
      socket.on('close', () => (ended = true)).resume()
    }
    const { socket } = await open(bench)
    await once(socket, 'close')
    await expect.poll(() => ended).toBe(true)
  })

  test('that one side does not read holds the other back', async () => {
    let written = 0
    let full = false
    onUpgrade = (request, socket) => {
      agree(request, socket)
      const piece = Buffer.alloc(256 * KiB)
      const more = (): void => {
        // What waits in this process for a second is not taken.
        const waiting = setTimeout(() => (full = true), 500)
        socket.write(piece, () => {
          clearTimeout(waiting)
          written += piece.length
          if (written < 256 * MiB) more()
        })
      }
      more()
    }
    const { socket } = await open(await edge(siteAt('http')))
    socket.pause()
    await expect.poll(() => full, { timeout: 10_000 }).toBe(true)
    expect(written).toBeLessThan(64 * MiB)
  })

  test.each(['viewer', 'origin'])('ends for both when the %s is reset', async side => {
    let theirs: Socket | undefined
    onUpgrade = (request, socket) => {
      agree(request, socket)
      theirs = socket.resume()
    }
    const bench = await edge(siteAt('http'))
    const { socket } = await open(bench)
    await expect.poll(() => theirs !== undefined).toBe(true)
    const [first, second] = side === 'viewer' ? [socket, theirs] : [theirs, socket]
    const closed = new Promise(resolve => second?.once('close', resolve))
    first?.resetAndDestroy()
    await closed
    await expect.poll(() => bench.node.upgraded.count).toBe(0)
  })

  test('ends with the edge', async () => {
    const bench = await edge(siteAt('http'))
    const { socket } = await open(bench)
    const closed = once(socket, 'close')
    await bench.close()
    await closed
  })
})
