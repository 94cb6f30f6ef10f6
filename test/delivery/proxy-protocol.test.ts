import { once } from 'node:events'
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TurnedAway } from '../../src/delivery/viewers/turned-away.ts'
import { makePair, pairFolder } from '../inbound/pairs.ts'
import { EdgeBench } from './edge-bench.ts'

const V1 = Buffer.from('PROXY TCP4 198.51.100.7 127.0.0.1 54321 80\r\n')
const V1_IPV6 = Buffer.from('PROXY TCP6 2001:db8::7 ::1 54321 80\r\n')
const SIGNATURE = '0d0a0d0a000d0a515549540a'
const V2 = Buffer.from(`${SIGNATURE}2111000cc63364077f000001d431078f`, 'hex')
const LOCAL = Buffer.from(`${SIGNATURE}20000000`, 'hex')

async function bench(options: Parameters<typeof EdgeBench.start>[1] = {}): Promise<EdgeBench> {
  const made = await EdgeBench.start((_request, response) => response.end('film'), {
    trustedProxies: ['127.0.0.1'],
    ...options,
  })
  onTestFinished(() => made.close())
  return made
}

function opened({ url }: EdgeBench): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  return socket
}

async function status(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString('latin1').slice(9, 12)
}

const request = (more = ''): Buffer => Buffer.from(`GET /a HTTP/1.1\r\nHost: a\r\n${more}\r\n`)
const addressOf = (edge: EdgeBench): unknown => edge.lines.at(-1)?.['address']

describe('a trusted proxy', () => {
  test.each([
    ['version 1', V1, '', '198.51.100.7'],
    ['version 1, IPv6', V1_IPV6, '', '2001:db8::7'],
    ['version 2', V2, '', '198.51.100.7'],
    ['version 2, for itself', LOCAL, '', '127.0.0.1'],
    ['nothing, as without the protocol', Buffer.alloc(0), '', '127.0.0.1'],
    ['nothing, and a field', Buffer.alloc(0), 'X-Forwarded-For: 192.0.2.9\r\n', '192.0.2.9'],
    [
      "both, of which the field is the viewer's",
      V1,
      'X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n',
      '198.51.100.7',
    ],
    ['itself by the protocol, and a field', LOCAL, 'X-Forwarded-For: 192.0.2.9\r\n', '192.0.2.9'],
  ])('says %s', async (_, before, more, address) => {
    const edge = await bench()
    const socket = opened(edge)
    socket.write(Buffer.concat([before, request(more)]))
    expect(await status(socket)).toBe('200')
    await expect.poll(() => edge.lines.length).toBe(1)
    expect([addressOf(edge), edge.lines.at(-1)?.['scheme']]).toEqual([address, 'http'])
    // The next one on the connection is of the same viewer, unless only a field has said who that is.
    socket.write(request())
    expect(await status(socket)).toBe('200')
    await expect.poll(() => edge.lines.length).toBe(2)
    expect(addressOf(edge)).toBe(more === '' || before === V1 ? address : '127.0.0.1')
  })

  test('is read byte by byte too', async () => {
    const edge = await bench()
    const socket = opened(edge)
    socket.setNoDelay(true)
    for (const byte of [...V1, ...request()]) {
      await new Promise(resolve => socket.write(Buffer.from([byte]), resolve))
      await new Promise(setImmediate)
    }
    expect(await status(socket)).toBe('200')
    await expect.poll(() => addressOf(edge)).toBe('198.51.100.7')
  })

  test('says it before TLS', async () => {
    const edge = await bench({ tls: await makePair(await pairFolder(), 'own', ['own.example']) })
    const raw = opened(edge)
    raw.write(V2)
    const socket = connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    await once(socket, 'secureConnect')
    const session = connectHttp2(edge.url, { createConnection: () => socket })
    onTestFinished(() => session.destroy())
    const [head] = (await once(session.request({ ':path': '/a' }), 'response')) as [IncomingHttpHeaders]
    expect(head[':status']).toBe(200)
    await expect.poll(() => edge.lines.length).toBe(1)
    expect([addressOf(edge), edge.lines.at(-1)?.['scheme']]).toEqual(['198.51.100.7', 'https'])
  })

  test.each([
    ['an address that is none', Buffer.from('PROXY TCP4 999.1.1.1 127.0.0.1 1 2\r\n')],
    ['a port that is none', Buffer.from('PROXY TCP4 198.51.100.7 127.0.0.1 1 65536\r\n')],
    ['too few parts', Buffer.from('PROXY TCP4 198.51.100.7\r\n')],
    ['no end', Buffer.from(`PROXY ${'x'.repeat(200)}`)],
    ['60 KiB', Buffer.from(`${SIGNATURE}2111f000`, 'hex')],
    ['another version', Buffer.from(`${SIGNATURE}3111000c`, 'hex')],
    ['half of it, in time', Buffer.from('PROXY TCP4 198.5')],
    ['nothing, in time', Buffer.alloc(0)],
  ])('that sends %s is let go', async (_, bytes) => {
    const turnedAway = new TurnedAway()
    const edge = await bench({ limits: { request: 200 }, port: { turnedAway } })
    const socket = opened(edge)
    let seen = 0
    socket.on('data', (chunk: Buffer) => (seen += chunk.length))
    socket.write(bytes)
    await once(socket, 'close')
    await expect.poll(() => turnedAway.counts['proxy-header']).toBe(1)
    expect([seen, edge.lines]).toEqual([0, []])
  })
})

test('from anybody else it is no HTTP', async () => {
  const edge = await bench({ trustedProxies: ['192.0.2.1'] })
  for (const bytes of [V1, V2]) {
    const socket = opened(edge)
    socket.write(Buffer.concat([bytes, request()]))
    expect(await status(socket)).toBe('400')
    await once(socket, 'close')
  }
  expect(edge.lines).toEqual([])
})
