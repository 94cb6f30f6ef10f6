import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Http2Stream } from '../../src/http2/index.ts'
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  requestOf,
  setting,
  TYPE,
  uint32,
} from '../delivery/raw-http2.ts'
import { speak, type Handle, type Opened } from './connection-bench.ts'
import { QuietSocket } from './quiet-socket.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const BEGIN = Buffer.concat([PREFACE, frame(TYPE.SETTINGS, 0, 0)])

interface Frame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

/** What was written, taken apart: a frame that is none would throw. */
function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUIntBE(at, 3)
    expect(length).toBeLessThanOrEqual(16_384)
    expect(bytes.length).toBeGreaterThanOrEqual(at + 9 + length)
    const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5)
    frames.push({
      type,
      flags,
      stream: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    })
    at += 9 + length
  }
  return frames
}

function open(handle: Handle): Opened & { socket: QuietSocket } {
  const socket = new QuietSocket()
  const opened = speak(socket.asSocket(), handle)
  onTestFinished(() => void socket.destroy())
  return { ...opened, socket }
}

const BODY = Buffer.alloc(300_000, 'x')
const film: Handle = (request, answer) => {
  if ('pipe' in request) request.on('data', () => {}).on('error', () => {})
  answer.writeHead(200, ['Content-Type', 'video/mp4'])
  answer.end(BODY.subarray(0, request.url.length * 1000))
}

/** A connection has hundreds of steps of any kind, in any order, with anything in them. */
const anyFrame = fc
  .record({
    type: fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 255 })),
    flags: fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 32, 45), fc.integer({ min: 0, max: 255 })),
    stream: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(2 ** 31 - 1)),
    payload: fc.oneof(
      fc.constant(block(GET)),
      fc.constant(block(requestOf({ ':method': 'POST' }, ['content-length', '4']))),
      fc.constantFrom(
        uint32(0),
        uint32(1),
        uint32(2 ** 31 - 1),
        Buffer.alloc(8),
        setting(4, 0),
        setting(4, 70_000),
      ),
      fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)),
    ),
  })
  .map(({ type, flags, stream, payload }) => frame(type, flags, stream, payload))

const goodFrame = fc.constantFrom(
  headers(GET, END_STREAM | END_HEADERS, 1),
  headers(requestOf({ ':method': 'POST' }), END_HEADERS, 3),
  data('film', 0, 3),
  data('film', END_STREAM, 3),
  headers([['x', 'y']], END_STREAM | END_HEADERS, 3),
  frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(1000)),
  frame(TYPE.WINDOW_UPDATE, 0, 1, uint32(1000)),
  frame(TYPE.RST_STREAM, 0, 1, uint32(8)),
  frame(TYPE.PING, 0, 0, Buffer.alloc(8)),
  headers(GET, END_STREAM | END_HEADERS, 5),
)

/** Hands bytes over in pieces of some sizes. */
async function hear(socket: QuietSocket, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  for (let at = 0, each = 0; at < bytes.length; each++) {
    const size = sizes[each % sizes.length] ?? 1
    if (socket.destroyed) return
    socket.push(bytes.subarray(at, at + size))
    at += size
    await new Promise(resolve => setImmediate(resolve))
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 5 })

describe('whatever a peer sends, nothing is thrown and what goes out are whole frames', () => {
  test('any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.boolean(),
        sizes,
        async (bytes, begun, pieces) => {
          const { socket } = open(film)
          await hear(socket, Buffer.concat([begun ? BEGIN : Buffer.alloc(0), bytes]), pieces)
          framesOf(socket.bytes)
          socket.destroy()
        },
      ),
      { numRuns: 150 },
    )
  })

  test('any frames, among good ones', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(anyFrame, { arbitrary: goodFrame, weight: 3 }), { maxLength: 25 }),
        sizes,
        async (frames, pieces) => {
          const { socket } = open(film)
          await hear(socket, Buffer.concat([BEGIN, ...frames]), pieces)
          framesOf(socket.bytes)
          socket.destroy()
        },
      ),
      { numRuns: 250 },
    )
  })

  test('good frames of which one byte is another one', async () => {
    const good = Buffer.concat([
      BEGIN,
      headers(requestOf({ ':method': 'POST', ':path': '/abc' }, ['content-length', '4']), END_HEADERS, 1),
      data('film', END_STREAM, 1),
      frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(100_000)),
      headers(GET, END_STREAM | END_HEADERS, 3),
    ])
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const { socket } = open(film)
        const bytes = Buffer.from(good)
        bytes[at] = (bytes[at] ?? 0) ^ change
        await hear(socket, bytes, [4000])
        framesOf(socket.bytes)
        socket.destroy()
      }),
      { numRuns: 300 },
    )
  })
})

describe('a peer who does not read', () => {
  const windows = Buffer.concat([
    BEGIN,
    frame(TYPE.SETTINGS, 0, 0, setting(4, 2 ** 31 - 1)),
    frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1 - 65_535)),
  ])

  test('is written one piece of each connection, however much he asked for, and the rest when he does', async () => {
    const answers: Http2Stream[] = []
    const { socket } = open((request, answer) => {
      answers.push(answer)
      film(request, answer)
    })
    await new Promise(resolve => setImmediate(resolve))
    socket.takes = 'nothing'
    const asked = Array.from({ length: 100 }, (_, each) =>
      headers(requestOf({ ':path': `/${'a'.repeat(250)}` }), END_STREAM | END_HEADERS, 1 + 2 * each),
    )
    await hear(socket, Buffer.concat([windows, ...asked]), [16_384])
    expect(answers.length).toBe(100)
    expect(socket.bytes.length).toBeLessThan(265_000)
    expect(answers.filter(each => each.writableFinished).length).toBeLessThan(2)
    socket.takeAll()
    await expect.poll(() => answers.every(each => each.writableFinished)).toBe(true)
    const came = framesOf(socket.bytes).filter(({ type }) => type === TYPE.DATA)
    expect(came.reduce((sum, { payload }) => sum + payload.length, 0)).toBe(100 * 251_000)
  })

  test('among many is written less', async () => {
    const sockets = Array.from({ length: 70 }, () => open(film).socket)
    await new Promise(resolve => setImmediate(resolve))
    const asked = headers(requestOf({ ':path': `/${'a'.repeat(280)}` }))
    for (const socket of sockets) {
      socket.takes = 'nothing'
      await hear(socket, Buffer.concat([windows, asked]), [16_384])
    }
    const sizes = sockets.map(({ bytes }) => Math.ceil(bytes.length / 32_800))
    expect([sizes.filter(each => each > 1).length, sizes.filter(each => each === 1).length]).toEqual([16, 54])
    for (const socket of sockets) socket.takeAll()
    await expect.poll(() => sockets.every(({ bytes }) => bytes.length > 281_000)).toBe(true)
  })

  test('is not heard any more when heads gather that he does not take', async () => {
    let answered = 0
    const { socket } = open((_request, answer) => {
      answered++
      answer.writeHead(304, ['ETag', `"${'e'.repeat(200)}"`])
      answer.end()
    })
    await new Promise(resolve => setImmediate(resolve))
    socket.takes = 'nothing'
    const asked = Array.from({ length: 3000 }, (_, each) =>
      headers(GET, END_STREAM | END_HEADERS, 1 + 2 * each),
    )
    await hear(socket, Buffer.concat([windows, ...asked]), [16_384])
    expect(answered).toBeLessThan(700)
    socket.takeAll()
    const told = (): number => framesOf(socket.bytes).filter(({ type }) => type === TYPE.HEADERS).length
    // The last leave after they were answered.
    await expect.poll(() => [answered, told()]).toEqual([3000, 3000])
  })
})

test('a window that was made smaller than what was sent is waited for (§6.9.2)', async () => {
  const { socket } = open(film)
  const asked = headers(requestOf({ ':path': `/${'a'.repeat(9)}` }), END_STREAM | END_HEADERS, 1)
  const small = Buffer.concat([BEGIN, frame(TYPE.SETTINGS, 0, 0, setting(4, 3000))])
  const size = (): number =>
    framesOf(socket.bytes)
      .filter(({ type }) => type === TYPE.DATA)
      .reduce((sum, { payload }) => sum + payload.length, 0)
  await hear(socket, Buffer.concat([small, asked]), [4000])
  await expect.poll(size).toBe(3000)
  await hear(socket, frame(TYPE.SETTINGS, 0, 0, setting(4, 1000)), [4000])
  await hear(socket, frame(TYPE.WINDOW_UPDATE, 0, 1, uint32(2000)), [4000])
  await hear(socket, frame(TYPE.WINDOW_UPDATE, 0, 1, uint32(1)), [4000])
  await expect.poll(size).toBe(3001)
  await hear(socket, frame(TYPE.SETTINGS, 0, 0, setting(4, 100_000)), [4000])
  await expect.poll(size).toBe(10_000)
})
