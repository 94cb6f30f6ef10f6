import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Incoming, Outgoing } from '../../src/delivery/exchange.ts'
import { startViewerServer, type ViewerServerOptions } from '../../src/delivery/viewers/server.ts'

const LIMITS = { idle: 200, request: 400 }
const ASK = 'OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n'

const answer = (_request: Incoming, response: Outgoing): void => {
  response.writeHead(200, ['Content-Length', '0'])
  response.end()
}

/** A connection on which an empty line comes again and again. */
async function open(options: Partial<ViewerServerOptions> = {}): Promise<Socket> {
  const server = await startViewerServer({
    ...{ listen: { host: '127.0.0.1', port: 0 }, handle: answer, limits: LIMITS },
    ...options,
  })
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {}) // a reset is one way to end it
  onTestFinished(async () => {
    socket.destroy()
    await server.close(0)
  })
  return socket
}

function sayNothing(socket: Socket): void {
  const lines = setInterval(() => socket.write('\r\n'), 20)
  onTestFinished(() => clearInterval(lines))
  socket.once('close', () => clearInterval(lines))
}

test.each([
  ['that has asked', ASK],
  ['that has asked several times', `${ASK}${ASK}GET /a HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['that has asked only what is plain', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['that has never asked', ''],
])('a connection %s does not live on empty lines', async (_, before) => {
  const socket = await open()
  socket.resume().write(before)
  sayNothing(socket)
  await expect.poll(() => socket.closed, { timeout: 10_000 }).toBe(true)
})

test('one with a request under way lives, however long the answer takes', async () => {
  let finish: (() => void) | undefined
  const socket = await open({ handle: (request, response) => (finish = () => answer(request, response)) })
  socket.write(ASK)
  await expect.poll(() => finish).toBeDefined()
  await new Promise(resolve => setTimeout(resolve, 3 * LIMITS.idle))
  finish?.()
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 200 /)
})

test('one whose answer was early lives as long as its request goes on', async () => {
  let seen = 0
  const idle = 1000
  const socket = await open({
    limits: { idle },
    handle: (request, response) => {
      answer(request, response)
      if ('on' in request) request.on('data', (bytes: Buffer) => (seen += bytes.length))
    },
  })
  socket.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\n')
  await once(socket, 'data')
  for (let each = 0; each < 14; each++) {
    await new Promise(resolve => setTimeout(resolve, idle / 10))
    socket.write('x')
  }
  await expect.poll(() => seen).toBe(14)
})

test('one that has left HTTP after a request is no longer looked at', async () => {
  const socket = await open({ onUpgrade: (_request, _response, { socket: left }) => void left.pipe(left) })
  socket.write(ASK)
  await once(socket, 'data')
  socket.write('GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  await new Promise(resolve => setTimeout(resolve, 3 * LIMITS.idle))
  socket.write('still there')
  expect(String(await once(socket, 'data'))).toBe('still there')
})
