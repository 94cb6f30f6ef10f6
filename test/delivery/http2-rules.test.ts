import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock } from '../../src/core/index.ts'
import { EdgeBench } from './edge-bench.ts'
import {
  ACK,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  RawHttp2,
  requestOf,
  setting,
  TYPE,
  uint32,
} from './raw-http2.ts'

const PROTOCOL_ERROR = 1
const INTERNAL_ERROR = 2
const FLOW_CONTROL_ERROR = 3
const FRAME_SIZE_ERROR = 6
const COMPRESSION_ERROR = 9

let folder: string
let bench: EdgeBench
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-h2-rules-'))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const files = certificateFiles(folder)
  bench = await EdgeBench.start((_request, response) => response.end('film'), {
    tls: { certificateFile: files.certificate, keyFile: files.key },
  })
})
afterAll(async () => {
  await bench.close()
  await rm(folder, { recursive: true, force: true })
})

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
    await expect.poll(() => connection.end()).toBe(`reset ${PROTOCOL_ERROR}`)
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
    await expect.poll(() => connection.end(1)).toBe(`reset ${PROTOCOL_ERROR}`)
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

describe('an error of the connection ends it, with its code', () => {
  test.each<[string, number, ...Buffer[]]>([
    ['§4.2, a SETTINGS frame of half a setting', FRAME_SIZE_ERROR, frame(4, 0, 0, Buffer.alloc(5))],
    ['§4.2, a HEADERS frame larger than allowed', FRAME_SIZE_ERROR, frame(1, 5, 1, Buffer.alloc(16_385))],
    [
      '§4.3, a field block that cannot be decoded',
      COMPRESSION_ERROR,
      frame(1, 5, 1, Buffer.from('ffffffffff', 'hex')),
    ],
    ['§5.1, DATA of a stream that was never opened', PROTOCOL_ERROR, data('x', 1, 1)],
    ['§5.1, WINDOW_UPDATE of a stream that was never opened', PROTOCOL_ERROR, frame(8, 0, 1, uint32(1))],
    ['§5.1.1, a stream of an even number', PROTOCOL_ERROR, headers(GET, 5, 2)],
    ['§6.1, DATA of no stream', PROTOCOL_ERROR, data('x', 1, 0)],
    [
      '§6.1, padding longer than its frame',
      PROTOCOL_ERROR,
      headers(requestOf(POST), END_HEADERS),
      frame(0, 9, 1, Buffer.from([9, 1])),
    ],
    ['§6.2, HEADERS of no stream', PROTOCOL_ERROR, headers(GET, 5, 0)],
    ['§6.4, RST_STREAM of no stream', PROTOCOL_ERROR, frame(3, 0, 0, uint32(8))],
    ['§6.4, RST_STREAM of an idle stream', PROTOCOL_ERROR, frame(3, 0, 1, uint32(8))],
    [
      '§6.4, RST_STREAM of another size',
      FRAME_SIZE_ERROR,
      headers(requestOf(POST), END_HEADERS),
      frame(3, 0, 1, Buffer.alloc(3)),
    ],
    ['§6.5, SETTINGS of a stream', PROTOCOL_ERROR, frame(4, 0, 1)],
    ['§6.5, an acknowledgement with content', FRAME_SIZE_ERROR, frame(4, ACK, 0, setting(3, 1))],
    ['§6.5.2, ENABLE_PUSH of 2', PROTOCOL_ERROR, frame(4, 0, 0, setting(2, 2))],
    ['§6.5.2, a window of 2^31', FLOW_CONTROL_ERROR, frame(4, 0, 0, setting(4, 2 ** 31))],
    ['§6.5.2, frames of less than 16 KiB', PROTOCOL_ERROR, frame(4, 0, 0, setting(5, 16_383))],
    ['§6.5.2, frames of 16 MiB', PROTOCOL_ERROR, frame(4, 0, 0, setting(5, 2 ** 24))],
    [
      '§6.6, PUSH_PROMISE of a client',
      PROTOCOL_ERROR,
      frame(5, 4, 1, Buffer.concat([uint32(2), block(GET)])),
    ],
    ['§6.7, PING of a stream', PROTOCOL_ERROR, frame(6, 0, 1, Buffer.alloc(8))],
    ['§6.7, PING of another size', FRAME_SIZE_ERROR, frame(6, 0, 0, Buffer.alloc(7))],
    ['§6.8, GOAWAY of a stream', PROTOCOL_ERROR, frame(7, 0, 1, Buffer.alloc(8))],
    ['§6.9, WINDOW_UPDATE of nothing', PROTOCOL_ERROR, frame(8, 0, 0, uint32(0))],
    ['§6.9, WINDOW_UPDATE of another size', FRAME_SIZE_ERROR, frame(8, 0, 0, Buffer.alloc(3))],
    [
      '§6.9.1, a window above 2^31 - 1',
      FLOW_CONTROL_ERROR,
      frame(8, 0, 0, uint32(2 ** 31 - 1)),
      frame(8, 0, 0, uint32(1)),
    ],
    ['§6.10, CONTINUATION behind nothing', PROTOCOL_ERROR, frame(9, 4, 1, block(GET))],
    ['§6.10, another frame within a head', PROTOCOL_ERROR, headers(GET, END_STREAM), data('x', 1)],
    ['§6.10, CONTINUATION of another stream', PROTOCOL_ERROR, headers(GET, END_STREAM), frame(9, 4, 3)],
  ])('%s', async (_, code, ...frames) => {
    const connection = await open()
    connection.send(...frames)
    // Node tells some of them as an error of its own (INTERNAL_ERROR); which it was, debugging wants to know, no more.
    await expect.poll(() => connection.goneAway()).toBeOneOf([code, INTERNAL_ERROR])
    expect(connection.of(TYPE.HEADERS, 3)).toEqual([])
  })

  test('§3.4, no preface', async () => {
    const connection = await open(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
    await connection.closed
  })
})

test('§5.1 and §5.1.1, a stream that was passed over or has ended is not opened any more', async () => {
  const connection = await open()
  const asked = bench.lines.length
  await answers(connection, 5)
  connection.send(headers(GET, END_STREAM | END_HEADERS, 3), headers(GET, END_STREAM | END_HEADERS, 5))
  await answers(connection, 7)
  expect(connection.of(TYPE.HEADERS).map(({ stream }) => stream)).toEqual([5, 7])
  expect(bench.lines.length).toBe(asked + 2)
})

describe('an error of a stream resets it, or ends the connection', () => {
  test.each<[string, Buffer]>([
    ['§6.9, WINDOW_UPDATE of nothing', frame(8, 0, 1, uint32(0))],
    ['§6.9.1, a window above 2^31 - 1', frame(8, 0, 1, uint32(2 ** 31 - 1))],
    ['§5.1, DATA behind the end', Buffer.concat([data('', END_STREAM), data('x', END_STREAM)])],
  ])('%s', async (_, wrong) => {
    const connection = await open()
    let over = false
    void connection.closed.then(() => (over = true))
    connection.send(headers(requestOf(POST, ['content-length', '10']), END_HEADERS), wrong)
    await expect
      .poll(() => over || connection.end() !== undefined || connection.goneAway() !== undefined)
      .toBe(true)
    expect(connection.end()).not.toBe('answered')
  })
})

test('§6.5.3 and §6.7, SETTINGS and PING are acknowledged, unknown settings and frames are not looked at', async () => {
  const connection = await open()
  connection.send(
    frame(4, 0, 0, setting(0x99, 7)),
    frame(0x99, 0, 0, Buffer.alloc(8)),
    frame(6, 0, 0, Buffer.from('12345678')),
  )
  await expect
    .poll(() => connection.of(TYPE.PING).map(({ flags, payload }) => [flags, payload.toString()]))
    .toEqual([[ACK, '12345678']])
  expect(connection.of(TYPE.SETTINGS).filter(({ flags }) => flags === ACK).length).toBe(2)
  await answers(connection, 1)
})
