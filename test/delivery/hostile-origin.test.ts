import { once } from 'node:events'
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_WIRE } from '../../src/distribution/index.ts'
import { BothPorts } from './both-ports.ts'
import type { EdgeBench } from './edge-bench.ts'
import { snapshotOf } from './edge-bench.ts'
import { snapshotWith } from './foreign-origin.ts'
import { grantFor } from './grants.ts'

/** An origin that answers whatever bytes a test gives it, whether they are HTTP or not. */
let raw: Server
let answered: string
const sockets = new Set<Socket>()
let ports: BothPorts
let plain: EdgeBench
let session: ClientHttp2Session

beforeAll(async () => {
  raw = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', () => socket.end(Buffer.from(answered, 'latin1')))
  })
  await new Promise<void>(resolve => raw.listen(0, '127.0.0.1', resolve))
  const { port } = raw.address() as AddressInfo // listening on TCP
  const groups = snapshotOf().keyGroups.map(({ id }) => id)
  ports = await BothPorts.start((_request, response) => response.end(), {
    snapshot: snapshotWith(
      [{ id: 'site', kind: 'http', url: `http://127.0.0.1:${port}`, headers: [], ...DEFAULT_WIRE }],
      [{ pattern: '/members/*', gate: { keyGroups: groups, issuers: [] } }, { pattern: '*' }],
    ),
    allowOrigins: ['127.0.0.0/8'],
  })
  ;({ plain, session } = ports)
})
afterAll(async () => {
  await ports.close()
  for (const socket of sockets) socket.destroy()
  await new Promise(resolve => raw.close(resolve))
})

let number = 0
let target: string
beforeEach(() => (target = `/open/${number++}`))

const says = (fields: string[], start = 'HTTP/1.1 200 OK', body = 'page'): void => {
  answered = [start, `Content-Length: ${body.length}`, 'Cache-Control: max-age=60', ...fields, '', body].join(
    '\r\n',
  )
}

async function overHttp2(asked = target): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  const stream = session.request({ ':path': asked })
  stream.end()
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  let body = ''
  for await (const chunk of stream) body += String(chunk)
  return { headers, body }
}

async function overHttp1(asked = target): Promise<{ status: number; headers: Headers; body: string }> {
  const answer = await fetch(`${plain.url}${asked}`, { redirect: 'manual' })
  return { status: answer.status, headers: answer.headers, body: await answer.text() }
}

describe('fields that an origin sends twice', () => {
  test.each([
    ['Vary', ['Accept', 'X-A'], 'Accept, X-A'],
    [
      'Content-Security-Policy',
      ["default-src 'self'", "frame-ancestors 'none'"],
      "default-src 'self', frame-ancestors 'none'",
    ],
    ['Link', ['</a>; rel=preload', '</b>; rel=preload'], '</a>; rel=preload, </b>; rel=preload'],
    // Node's HTTP/2 throws at each of these.
    ['ETag', ['"a"', '"b"'], '"a", "b"'],
    ['Content-Language', ['de', 'en'], 'de, en'],
    ['Last-Modified', ['Sun, 22 Nov 2026 00:00:00 GMT', 'x'], 'Sun, 22 Nov 2026 00:00:00 GMT, x'],
    ['Content-Type', ['text/html', 'text/plain'], 'text/html, text/plain'],
  ])('reach viewers of HTTP/2 as those of HTTP/1.1: %s', async (name, values, joined) => {
    says(values.map((value, at) => `${at === 0 ? name : name.toUpperCase()}: ${value}`))
    const [old, young] = [await overHttp1(), await overHttp2()]
    expect([old.status, old.body, young.headers[':status'], young.body]).toEqual([200, 'page', 200, 'page'])
    expect([old.headers.get(name), young.headers[name.toLowerCase()]]).toEqual([joined, joined])
  })

  test('a gated answer varies by Origin beside what its origin says', async () => {
    says(['Vary: Accept'])
    const { query } = grantFor('*://*/members/*')
    expect((await overHttp2(`/members${target}?${query}`)).headers.vary).toBe('Accept, Origin')
  })
})

describe('what an origin may not say', () => {
  test.each([
    ['settings of a protocol that is not spoken', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
    ['an upgrade', 'Upgrade: h2c'],
    ['a word of ours', 'Sluice-Cache-Control: max-age-ms=999999999'],
    ['another word of ours', 'X-Sluice-Reason: expired'],
    ['a cookie', 'Set-Cookie: CloudFront-Policy=a'],
  ])('%s reaches nobody', async (_, line) => {
    says([line])
    const [old, young] = [await overHttp1(), await overHttp2()]
    const name = line.replace(/:.*/, '').toLowerCase()
    expect([old.status, young.headers[':status']]).toEqual([200, 200])
    expect([old.headers.get(name), young.headers[name]]).toEqual([null, undefined])
  })

  test.each(['X-Cache: Hit from elsewhere', 'Age: 4294967296'])('%s gives way to ours', async line => {
    says([line])
    const value = line.replace(/^[^:]*: /, '')
    const [old, young] = [await overHttp1(), await overHttp2()]
    const name = line.replace(/:.*/, '').toLowerCase()
    expect([old.status, young.headers[':status']]).toEqual([200, 200])
    expect([old.headers.get(name), young.headers[name]]).not.toContain(value)
  })

  test.each([
    'Surrogate-Control: max-age=60',
    'CDN-Cache-Control: max-age=60',
    'Cloudflare-CDN-Cache-Control: max-age=60',
    'X-Accel-Expires: 60',
    'Edge-Control: max-age=60',
  ])('%s of what is gated reaches no cache before us', async line => {
    says([line])
    const { query } = grantFor('*://*/members/*')
    const answer = await overHttp1(`/members${target}?${query}`)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'private, max-age=60'])
    expect(answer.headers.get(line.replace(/:.*/, ''))).toBeNull()
  })

  test('letters beyond ASCII go on as the bytes that they are', async () => {
    says([`X-Title: ${Buffer.from('Ğ☃').toString('latin1')}`])
    const [old, young] = [await overHttp1(), await overHttp2()]
    expect([old.status, young.headers[':status']]).toEqual([200, 200])
    expect(Buffer.from(old.headers.get('x-title') ?? '', 'latin1').toString()).toBe('Ğ☃')
  })
})

describe('an answer that is none', () => {
  test.each([
    ['304 to a plain question', 'HTTP/1.1 304 Not Modified\r\nCache-Control: no-store\r\n\r\n'],
    [
      'a switch of protocols',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    ],
    ['a status that there is not', 'HTTP/1.1 777 What\r\nContent-Length: 4\r\n\r\npage'],
    ['a status of nothing', 'HTTP/1.1 000 What\r\nContent-Length: 4\r\n\r\npage'],
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`],
    ['ten thousand fields', `HTTP/1.1 200 OK\r\n${'X: aaaaa\r\n'.repeat(10_000)}\r\n`],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\npages'],
    ['a field with a control byte', 'HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 4\r\n\r\npage'],
    ['nothing', ''],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ])('is 502 in either protocol: %s', async (_, bytes) => {
    answered = bytes
    // Twice, since what is not to be stored is asked for in another way then.
    for (let round = 0; round < 2; round++) {
      expect([(await overHttp1()).status, (await overHttp2()).headers[':status']]).toEqual([502, 502])
    }
    says([])
    expect([
      (await overHttp1(`${target}a`)).status,
      (await overHttp2(`${target}a`)).headers[':status'],
    ]).toEqual([200, 200])
  })

  test('is 502: 304 where each viewer asks for himself', async () => {
    says(['Cache-Control: no-store'])
    answered = answered.replace('Cache-Control: max-age=60\r\n', '')
    expect((await overHttp1()).status).toBe(200)
    answered = 'HTTP/1.1 304 Not Modified\r\n\r\n'
    expect((await overHttp1()).status).toBe(502)
  })
})
