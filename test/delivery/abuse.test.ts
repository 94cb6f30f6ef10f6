import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TurnedAway } from '../../src/delivery/viewers/turned-away.ts'
import { ConnectionCount } from '../../src/inbound/index.ts'
import { makePair, pairFolder } from '../inbound/pairs.ts'
import { EdgeBench } from './edge-bench.ts'
import { rawGet } from './raw-get.ts'
import { data, END_HEADERS, frame, GET, headers, RawHttp2, requestOf, TYPE, uint32 } from './raw-http2.ts'

async function bench(
  options: Parameters<typeof EdgeBench.start>[1] = {},
): Promise<{ edge: EdgeBench; turnedAway: TurnedAway }> {
  const turnedAway = new TurnedAway()
  const edge = await EdgeBench.start((_request, response) => response.end('film'), {
    ...options,
    port: { turnedAway, ...options.port },
  })
  onTestFinished(() => edge.close())
  return { edge, turnedAway }
}

function opened({ url }: EdgeBench): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  return socket
}

async function whole(socket: Socket): Promise<string> {
  let seen = ''
  socket.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')))
  // An error before it is the server's way of ending it.
  await new Promise(resolve => socket.once('close', resolve))
  return seen
}

const proxied = (address: string): string =>
  `PROXY TCP${address.includes(':') ? 6 : 4} ${address} ${address} 1 2\r\n`
const REQUEST = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'

describe('connections at once', () => {
  test('of one address, or one /64, are capped, and counted', async () => {
    const { edge, turnedAway } = await bench({
      trustedProxies: ['127.0.0.1'],
      port: { count: new ConnectionCount({ connections: 100, connectionsPerAddress: 2 }) },
    })
    const answer = async (address: string): Promise<string> => {
      const socket = opened(edge)
      socket.write(proxied(address) + REQUEST)
      await Promise.race([once(socket, 'data'), once(socket, 'close')])
      return socket.bytesRead > 0 ? 'answered' : 'closed'
    }
    const held = [await answer('198.51.100.7'), await answer('198.51.100.7'), await answer('198.51.100.7')]
    const others = [await answer('198.51.100.8'), await answer('2001:db8::1'), await answer('2001:db8::ffff')]
    const full = [await answer('2001:db8::2'), await answer('2001:db8:0:1::2')]
    // The proxy itself, and whoever is on this machine, is not held to it.
    expect([held, others, full, (await rawGet(edge.url, '/a')).status]).toEqual([
      ['answered', 'answered', 'closed'],
      ['answered', 'answered', 'answered'],
      ['closed', 'answered'],
      200,
    ])
    expect(turnedAway.counts['address-full']).toBe(2)
  })

  test('in all are capped, and a place that is given back is taken again', async () => {
    const { edge, turnedAway } = await bench({
      port: { count: new ConnectionCount({ connections: 1, connectionsPerAddress: 1 }) },
    })
    const first = opened(edge)
    first.write(REQUEST)
    await once(first, 'data')
    expect(await whole(opened(edge))).toBe('')
    expect(turnedAway.counts.full).toBe(1)
    first.destroy()
    await expect
      .poll(() =>
        rawGet(edge.url, '/a').then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200)
  })
})

describe('a request', () => {
  test.each([
    ['a URL above 8,192 bytes', `GET /${'a'.repeat(8192)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ['a URL above a whole head', `GET /${'a'.repeat(30_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ['129 fields', `GET /a HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(128)}\r\n`, 431],
    ['128 fields', `GET /a HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(127)}\r\n`, 200],
    ['4,000 fields', `GET /a HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(4000)}\r\n`, 431],
    ['a head above 20,480 bytes', `GET /a HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_480)}\r\n\r\n`, 431],
    [
      'two Host, one behind many fields',
      `GET /a HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(120)}Host: b\r\n\r\n`,
      400,
    ],
  ])('with %s is answered with %3$i', async (_, bytes, status) => {
    const { edge } = await bench()
    const socket = opened(edge)
    socket.write(bytes)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString('latin1').slice(9, 12)).toBe(String(status))
  })

  test('whose head does not come is answered 408', async () => {
    const { edge, turnedAway } = await bench({ limits: { request: 100 } })
    const socket = opened(edge)
    socket.write('GET /a HTTP/1.1\r\nHo')
    expect(await whole(socket)).toMatch(/^HTTP\/1\.1 408 .*Connection: close/s)
    expect(turnedAway.counts['slow-head']).toBe(1)
  })

  test.each(['GET', 'POST'])(
    '%s whose body dribbles is let go, whenever its last byte came',
    async method => {
      const { edge } = await bench({ limits: { stalled: 150 } })
      const socket = opened(edge)
      socket.write(`${method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`)
      const dribble = setInterval(() => socket.write('x'), 40)
      onTestFinished(() => clearInterval(dribble))
      await whole(socket)
    },
  )
})

describe('over HTTP/2, a flood', () => {
  const many = (count: number, of: (each: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, each) => of(each)))
  const start = async (): Promise<{ edge: EdgeBench; turnedAway: TurnedAway }> =>
    bench({ tls: await makePair(await pairFolder(), 'own', ['own.example']) })

  test.each<[string, Buffer]>([
    [
      'of resets (CVE-2023-44487)',
      many(3000, each =>
        Buffer.concat([headers(GET, 5, 1 + 2 * each), frame(3, 0, 1 + 2 * each, uint32(8))]),
      ),
    ],
    [
      'of resets that it provokes (CVE-2025-8671)',
      many(1000, each =>
        Buffer.concat([
          headers(requestOf({ ':method': 'POST' }), END_HEADERS, 1 + 2 * each),
          frame(8, 0, 1 + 2 * each, uint32(0)),
        ]),
      ),
    ],
    ['of SETTINGS', many(20_000, () => frame(4, 0, 0))],
    ['of PING', many(20_000, () => frame(6, 0, 0, Buffer.alloc(8)))],
    ['of CONTINUATION (VU#421644)', Buffer.concat([headers(GET, 1), many(1000, () => frame(9, 0, 1))])],
    [
      'of empty DATA',
      Buffer.concat([headers(requestOf({ ':method': 'POST' }), END_HEADERS), many(5000, () => data('', 0))]),
    ],
  ])("%s ends its connection, and nobody else's", async (_, bytes) => {
    const { edge } = await start()
    const [flooding, other] = [await RawHttp2.open(edge.url), await RawHttp2.open(edge.url)]
    onTestFinished(() => [flooding, other].forEach(each => each.close()))
    let over = false
    void flooding.closed.then(() => (over = true))
    flooding.socket.write(bytes)
    await expect.poll(() => over || flooding.goneAway() !== undefined, { timeout: 5000 }).toBe(true)
    other.send(headers(GET))
    await expect.poll(() => other.end()).toBe('answered')
  })

  test('of tiny windows and of unknown frames costs nothing that is kept', async () => {
    const { edge } = await start()
    const connection = await RawHttp2.open(edge.url)
    onTestFinished(() => connection.close())
    connection.send(
      many(5000, () => frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(1))),
      many(5000, () => frame(0x99, 0, 0)),
      headers(GET),
    )
    await expect.poll(() => connection.end()).toBe('answered')
  })

  test('of fields of one byte each does not swell: what it stands for is measured', async () => {
    const { edge } = await start()
    const connection = await RawHttp2.open(edge.url)
    onTestFinished(() => connection.close())
    // A field of 4,000 bytes enters the table (RFC 7541 §6.2.1), and is named by one byte a thousand times.
    const entry = Buffer.concat([
      Buffer.from([0x40, 1]),
      Buffer.from('x'),
      Buffer.from([127, 0xa1, 0x1e]),
      Buffer.alloc(4000, 97),
    ])
    const plain = headers(GET).subarray(9)
    connection.send(frame(TYPE.HEADERS, 5, 1, Buffer.concat([plain, entry, Buffer.alloc(1000, 0x80 | 62)])))
    await expect.poll(() => connection.end()).toBe('reset 11')
    expect(edge.asked).toEqual([])
  })
})
