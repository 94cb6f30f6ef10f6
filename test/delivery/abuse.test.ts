import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TurnedAway } from '../../src/delivery/viewers/turned-away.ts'
import { ConnectionCount } from '../../src/inbound/index.ts'
import { EdgeBench } from './edge-bench.ts'
import { rawGet } from './raw-get.ts'

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

// Floods over HTTP/2 are in http2-floods.ts.
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
