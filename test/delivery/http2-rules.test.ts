import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { EdgeBench } from './edge-bench.ts'
import {
  block,
  CODE,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  RawHttp2,
  requestOf,
  TYPE,
} from './raw-http2.ts'
import { startTlsEdge, type TlsEdge } from './tls-edge.ts'

let edge: TlsEdge
let bench: EdgeBench
beforeAll(async () => {
  edge = await startTlsEdge((_request, response) => response.end('film'))
  bench = edge.bench
})
afterAll(() => edge.close())

async function open(begin?: Buffer): Promise<RawHttp2> {
  const connection = await RawHttp2.open(bench.url, begin)
  onTestFinished(() => connection.close())
  return connection
}

/** Whether the connection still answers. */
async function answers(connection: RawHttp2, stream: number): Promise<void> {
  connection.send(headers(GET, END_STREAM | END_HEADERS, stream))
  await expect.poll(() => connection.end(stream)).toBe('answered')
}

const POST = { ':method': 'POST' }

// Frames and states, and that each of these is an error at all, are the business of http2-spec.test.ts.
describe('a malformed request (RFC 9113 §8.1.1) is reset, and its connection goes on', () => {
  test.each<[string, ...Buffer[]]>([
    ['§8.3, an unknown pseudo-header field', headers(requestOf({}, [':test', 'ok']))],
    ["§8.3, a response's pseudo-header field", headers(requestOf({}, [':status', '200']))],
    ['§8.3, a pseudo-header field behind others', headers([['x', 'y'], ...GET])],
    ['§8.3, a pseudo-header field twice', headers(requestOf({}, [':path', '/b']))],
    [
      '§8.1, a pseudo-header field in trailers',
      headers(requestOf(POST), END_HEADERS),
      data('test', 0),
      headers([[':path', '/b']]),
    ],
    [
      '§8.1, trailers that do not end the stream',
      headers(requestOf(POST), END_HEADERS),
      headers([['x', 'y']], END_HEADERS),
    ],
    ['§8.3.1, an empty :path', headers(requestOf({ ':path': '' }))],
    ['§8.3.1, no :path', headers(requestOf({ ':path': undefined }))],
    ['§8.3.1, a :path of no path', headers(requestOf({ ':path': 'a' }))],
    ['§8.3.1, no :method', headers(requestOf({ ':method': undefined }))],
    ['§8.3.1, no :scheme', headers(requestOf({ ':scheme': undefined }))],
    ['§8.3.1, two :authority', headers(requestOf({}, [':authority', 'b']))],
    ['§8.2, a name in upper case', headers(requestOf({}, ['X-Test', 'ok']))],
    ['§8.2.1, a line break in the target', headers(requestOf({ ':path': '/a\r\nx: y' }))],
    ['§8.2.2, Connection', headers(requestOf({}, ['connection', 'keep-alive']))],
    ['§8.2.2, Keep-Alive', headers(requestOf({}, ['keep-alive', 'timeout=5']))],
    ['§8.2.2, Proxy-Connection', headers(requestOf({}, ['proxy-connection', 'keep-alive']))],
    ['§8.2.2, Transfer-Encoding', headers(requestOf({}, ['transfer-encoding', 'chunked']))],
    ['§8.2.2, Upgrade', headers(requestOf({}, ['upgrade', 'h2c']))],
    ['§8.2.2, TE of anything but trailers', headers(requestOf({}, ['te', 'trailers, deflate']))],
    ['two Content-Length', headers(requestOf({}, ['content-length', '0'], ['content-length', '0']))],
    ['two Host', headers(requestOf({}, ['host', 'a'], ['host', 'a']))],
    ['a length without body', headers(requestOf({}, ['content-length', '4']))],
    [
      'a body longer than its Content-Length',
      headers(requestOf(POST, ['content-length', '1']), END_HEADERS),
      data('test', END_STREAM),
    ],
    [
      'a body shorter than its Content-Length',
      headers(requestOf(POST, ['content-length', '10']), END_HEADERS),
      data('test', END_STREAM),
    ],
    [
      'a body shorter than its Content-Length, in several frames',
      headers(requestOf(POST, ['content-length', '10']), END_HEADERS),
      data('test', 0),
      data('test', END_STREAM),
    ],
    [
      'a GET with a body longer than its Content-Length',
      headers(requestOf({}, ['content-length', '1']), END_HEADERS),
      data('test', END_STREAM),
    ],
  ])('%s', async (_, ...frames) => {
    const connection = await open()
    const asked = bench.asked.length
    connection.send(...frames)
    await expect.poll(() => connection.end()).toBe(`reset ${CODE.PROTOCOL_ERROR}`)
    expect(connection.of(TYPE.HEADERS, 1)).toEqual([])
    expect(bench.asked.slice(asked)).toEqual([])
    await answers(connection, 3)
  })

  test('and a body whose frames come one after the other is judged when it is there', async () => {
    const connection = await open()
    connection.send(headers(requestOf(POST, ['content-length', '6']), END_HEADERS), data('tes', 0))
    await answers(connection, 3)
    expect(connection.end(1)).toBeUndefined()
    connection.send(data('t', END_STREAM))
    await expect.poll(() => connection.end(1)).toBe(`reset ${CODE.PROTOCOL_ERROR}`)
  })
})

describe('a well-formed request is answered', () => {
  test.each<[string, ...Buffer[]]>([
    ['TE: trailers', headers(requestOf({}, ['te', 'trailers']))],
    [
      'a body of the length that it says',
      headers(requestOf(POST, ['content-length', '8']), END_HEADERS),
      data('test', 0),
      data('test', END_STREAM),
    ],
    ['a head in three frames', frame(1, END_STREAM, 1), frame(9, 0, 1, block(GET)), frame(9, END_HEADERS, 1)],
    ['a method that nobody knows', headers(requestOf({ ':method': 'PROPFIND' }))],
    ['CONNECT', headers(requestOf({ ':method': 'CONNECT', ':scheme': undefined, ':path': undefined }))],
    ['TRACE', headers(requestOf({ ':method': 'TRACE' }))],
    [
      '200 fields',
      headers([...GET, ...Array.from({ length: 200 }, (_, each) => [`x${each}`, 'y'] as const)]),
    ],
    [
      'a head of 30 KB',
      frame(1, END_STREAM, 1, block([...GET, ['x', 'y'.repeat(16_000)]])),
      frame(9, END_HEADERS, 1, block([['z', 'y'.repeat(14_000)]])),
    ],
    ['a Host that differs', headers(requestOf({}, ['host', 'b']))],
  ])('%s', async (_, ...frames) => {
    const connection = await open()
    const before = bench.lines.length
    connection.send(...frames)
    await expect.poll(() => connection.end()).toBe('answered')
    await expect.poll(() => bench.lines.length).toBe(before + 1)
    expect([_, bench.lines.at(-1)?.['status']]).toEqual([_, STATUS[_] ?? 200])
    await answers(connection, 3)
  })
  const STATUS: Record<string, number> = {
    'a body of the length that it says': 405,
    'a method that nobody knows': 405,
    CONNECT: 405,
    TRACE: 405,
    '200 fields': 431,
    'a head of 30 KB': 431,
    'a Host that differs': 400,
  }
})

test('§5.1 and §5.1.1, a stream that was passed over or has ended is not opened any more', async () => {
  const connection = await open()
  const asked = bench.lines.length
  await answers(connection, 5)
  connection.send(headers(GET, END_STREAM | END_HEADERS, 3), headers(GET, END_STREAM | END_HEADERS, 5))
  // Which of the two ends the connection, and how, http2-spec-protocol.ts says; no request comes of it in any case.
  connection.send(headers(GET, END_STREAM | END_HEADERS, 7))
  await expect.poll(() => connection.fate ?? connection.end(7)).toBeDefined()
  const answered = connection.end(7) === undefined ? [5] : [5, 7]
  expect(connection.of(TYPE.HEADERS).map(({ stream }) => stream)).toEqual(answered)
  expect(bench.lines.length).toBe(asked + answered.length)
})
