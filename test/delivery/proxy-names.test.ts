import { once } from 'node:events'
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import type { Incoming, Outgoing } from '../../src/delivery/exchange.ts'
import { compileTrustedProxies, readViewer } from '../../src/delivery/viewer.ts'
import {
  startViewerServer,
  type ViewerServer,
  type ViewerServerOptions,
} from '../../src/delivery/viewers/server.ts'
import { ConnectionCount } from '../../src/inbound/index.ts'
import { makePair, pairFolder } from '../inbound/pairs.ts'

const proxies = compileTrustedProxies(['127.0.0.1', '127.0.0.2'])

/** Says who asks. */
function name(request: Incoming, answer: Outgoing): void {
  const found = readViewer(request, proxies)
  const text = Buffer.from(found.kind === 'bad' ? found.why : found.viewer.address)
  if ('stream' in answer) {
    answer.writeHead(200, [])
    answer.end(text)
    return
  }
  answer.writeHead(200, ['Content-Length', String(text.length)])
  answer.end(text)
}

async function start(options: Partial<ViewerServerOptions> = {}): Promise<ViewerServer> {
  const server = await startViewerServer({
    ...{ listen: { host: '127.0.0.1', port: 0 }, handle: name, trustedProxies: proxies },
    ...options,
  })
  onTestFinished(() => server.close(0))
  return server
}

/** One that connections to several servers may come from. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // listening on TCP
  await new Promise(resolve => server.close(resolve))
  return port
}

function open(port: number, localPort: number, host = '127.0.0.1'): Socket {
  const socket = connect({ port, host, localPort, localAddress: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  return socket
}

const header = (address: string): string => `PROXY TCP4 ${address} 127.0.0.1 1 2\r\n`

async function named(socket: Socket, more = ''): Promise<string> {
  socket.write(`GET /a HTTP/1.1\r\nHost: a\r\n${more}\r\n`)
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString().split('\r\n\r\n')[1] ?? ''
}

/** Over TLS, with the address that a session of HTTP/2 is told. */
async function secured(raw: Socket): Promise<string> {
  const socket = connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  await once(socket, 'secureConnect')
  const session = connectHttp2('https://a', { createConnection: () => socket })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':path': '/a', 'x-forwarded-for': '10.9.8.7' })
  await (once(stream, 'response') as Promise<[IncomingHttpHeaders]>)
  const parts = (await stream.toArray()) as Buffer[]
  return Buffer.concat(parts).toString()
}

test.each(['plain', 'TLS'])(
  'a proxy has one connection to this port and one to that (%s) from one port of its own, and each has its own viewer',
  async other => {
    const count = new ConnectionCount({ connections: 10, connectionsPerAddress: 10 })
    const tls = other === 'TLS' && { tls: await makePair(await pairFolder(), 'own', ['own.example']) }
    const [here, there] = [await start({ count }), await start({ count, ...tls })]
    const from = await freePort()
    const first = open(here.port, from)
    first.write(header('198.51.100.7'))
    const seen = [await named(first)]
    const second = open(there.port, from)
    second.write(header('198.51.100.8'))
    seen.push(other === 'TLS' ? await secured(second) : await named(second))
    seen.push(await named(first, 'X: 1\r\nX-Forwarded-For: 10.9.8.7\r\n'))
    second.destroy()
    await expect.poll(() => count.all).toBe(1)
    seen.push(await named(first, 'X: 2\r\nX-Forwarded-For: 10.9.8.7\r\n'))
    expect(seen).toEqual(['198.51.100.7', '198.51.100.8', '198.51.100.7', '198.51.100.7'])
  },
)

test('a connection without a request ends with its server, though another from the same port waits for an answer', async () => {
  let answer: (() => void) | undefined
  const count = new ConnectionCount({ connections: 2, connectionsPerAddress: 2 })
  const server = await start({
    count,
    listen: { host: '0.0.0.0', port: 0 },
    handle: (request, response) => (answer = () => name(request, response)),
  })
  const from = await freePort()
  const [busy, idle] = [open(server.port, from), open(server.port, from, '127.0.0.2')]
  const told = named(busy)
  await expect.poll(() => [answer !== undefined, count.all]).toEqual([true, 2])
  const closed = server.close(10_000)
  await new Promise(resolve => idle.resume().once('close', resolve))
  answer?.()
  expect(await told).toBe('127.0.0.1')
  await closed
})
