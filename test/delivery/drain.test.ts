import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock } from '../../src/core/index.ts'
import type { Incoming, Outgoing } from '../../src/delivery/exchange.ts'
import { startViewerServer, type ViewerServer } from '../../src/delivery/viewers/server.ts'

/** Longer than a test may take, so whatever is waited for that long has failed it. */
const GRACE = 600_000

async function http(handle: (request: Incoming, response: Outgoing) => void): Promise<ViewerServer> {
  return startViewerServer({ listen: { host: '127.0.0.1', port: 0 }, handle })
}

async function https(handle: (request: Incoming, response: Outgoing) => void): Promise<ViewerServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-drain-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const { certificate, key } = certificateFiles(folder)
  const tls = { certificateFile: certificate, keyFile: key }
  return startViewerServer({ listen: { host: '127.0.0.1', port: 0 }, tls, handle })
}

const atOnce = (_request: Incoming, response: Outgoing): void => void response.end('film')

async function opened<S extends Socket>(socket: S, event = 'connect'): Promise<S> {
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, event)
  return socket
}

test.each([
  ['has asked nothing', ''],
  ['has sent half a request', 'GET /film HTT'],
])('a connection that %s does not hold up the end', async (_, sent) => {
  const server = await http(atOnce)
  const idle = await opened(connect(server.port, '127.0.0.1'))
  if (sent !== '') idle.write(sent)
  // Connections are accepted in their order: once this one is answered, the other is the server's.
  const [answer] = (await once(get({ port: server.port, host: '127.0.0.1', agent: false }), 'response')) as [
    IncomingMessage,
  ]
  answer.resume()
  await server.close(GRACE)
})

test('neither do connections over TLS, of both versions of HTTP', async () => {
  const server = await https(atOnce)
  await opened(connect(server.port, '127.0.0.1'))
  const options = { port: server.port, host: '127.0.0.1', rejectUnauthorized: false }
  const silent = await opened(connectTls(options), 'secureConnect')
  const kept = await opened(connectTls(options), 'secureConnect')
  kept.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(kept, 'data')
  const session = connectHttp2(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false })
  onTestFinished(() => session.destroy())
  await once(session, 'connect')
  await Promise.all([server.close(GRACE), once(silent, 'close'), once(kept, 'close'), once(session, 'close')])
})

test('an answer under way is finished, and its connection ends with it', async () => {
  let answering: ServerResponse | undefined
  const server = await http((_request, response) => {
    answering = response as ServerResponse // without TLS there is no HTTP/2
    answering.writeHead(200, ['Content-Length', '10'])
    answering.write(Buffer.from('01234'))
  })
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  const request = get({ host: '127.0.0.1', port: server.port, agent })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  const ended = server.close(GRACE)
  answering?.end('56789')
  let body = ''
  for await (const chunk of answer) body += String(chunk)
  expect(body).toBe('0123456789')
  await ended
})

test('what was answered and has not gone out yet still does', async () => {
  const body = Buffer.alloc(15_000, 'x')
  let answered = 0
  let its: Socket | undefined
  const server = await http((request, response) => {
    answered++
    its = (request as IncomingMessage).socket // without TLS there is no HTTP/2
    response.writeHead(200, ['Content-Length', String(body.length)])
    response.end(body)
  })
  const socket = await opened(connect(server.port, '127.0.0.1'))
  socket.pause()
  // Until the system takes no more: the last answer counts as given, and waits here.
  for (let asked = 0; (its?.writableLength ?? 0) === 0;) {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    asked++
    await expect.poll(() => answered, { timeout: 20_000, interval: 1 }).toBe(asked)
  }
  const ended = server.close(GRACE)
  let bodies = 0
  for await (const chunk of socket) bodies += String(chunk).split('x').length - 1
  expect(bodies).toBe(answered * body.length)
  await ended
}, 60_000)
