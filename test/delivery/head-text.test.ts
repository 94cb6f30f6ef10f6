import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { writeHeadText } from '../../src/delivery/viewers/head-text.ts'

const FIXED = ['Content-Type', 'video/mp4', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Name', 'caf\u00e9']
const OWN = ['X-Cache', 'Hit from sluice', 'Age', '3', 'Content-Length', '4']

type Handle = (request: IncomingMessage, response: ServerResponse) => void

const asText: Handle = (request, response) => {
  const written = writeHeadText(request, response, 200, { fixed: FIXED, own: OWN })
  if (!written) response.writeHead(500)
  response.end('film')
}
const asNode: Handle = (_request, response) => void response.writeHead(200, [...FIXED, ...OWN]).end('film')

/** All that comes back on one connection, the date left out. */
async function answersTo(sent: string, handle: Handle): Promise<string> {
  const server = createServer({ keepAliveTimeout: 65_000, requireHostHeader: false }, handle)
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1') // listening on TCP
  let text = ''
  socket.on('data', chunk => (text += chunk.toString('latin1')))
  socket.end(sent)
  await once(socket, 'close')
  return text.replaceAll(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/gm, 'Date: now')
}

test.each([
  ['one request', 'GET / HTTP/1.1\r\n\r\n'],
  ['several at once', 'GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
  ['a HEAD before a GET', 'HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
])('%s is answered byte for byte as Node would answer it', async (_, sent) => {
  const told = await answersTo(sent, asText)
  expect(told).toBe(await answersTo(sent, asNode))
  expect(told).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: video\/mp4\r\n[^]*\r\nDate: now\r\n[^]*film$/)
})

test.each([
  ['of HTTP/1.0', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
  ['that is said to be the last', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['that waits to be asked for its body', 'GET / HTTP/1.1\r\nExpect: somebody\r\n\r\n'],
])('a request %s is left to Node', async (_, sent) => {
  let written: boolean | undefined
  await answersTo(sent, (request, response) => {
    written = writeHeadText(request, response, 200, { fixed: FIXED, own: OWN })
    response.end()
  })
  // What expects something that there is not is refused by Node before anybody sees it.
  expect(written).toBe(sent.includes('Expect') ? undefined : false)
})

test.each([
  ['frames the message', ['Transfer-Encoding', 'chunked'], false],
  ['names what follows the body', ['Trailer', 'Digest'], false],
  ['has a line feed', ['X-Name', 'a\r\nb'], 'ERR_INVALID_CHAR'],
  ['has a name that is none', ['X Name', 'a'], 'ERR_INVALID_HTTP_TOKEN'],
])('a field that %s is not written as text', async (_, fixed, outcome) => {
  let told: unknown
  await answersTo('GET / HTTP/1.1\r\n\r\n', (request, response) => {
    try {
      told = writeHeadText(request, response, 200, { fixed, own: OWN })
    } catch (error) {
      told = (error as NodeJS.ErrnoException).code // thrown by Node
    }
    response.end()
  })
  expect(told).toBe(outcome)
})

test('a Date that is among the fields is the only one', async () => {
  const fixed = ['Date', 'Sun, 01 Nov 2026 00:00:00 GMT']
  const told = await answersTo('GET / HTTP/1.1\r\n\r\n', (request, response) => {
    writeHeadText(request, response, 200, { fixed, own: OWN })
    response.end('film')
  })
  expect(told.match(/^Date: /gm)).toHaveLength(1)
})
