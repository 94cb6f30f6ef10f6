import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import type { BodiedRequest } from '../../src/http2/index.ts'
import {
  CODE,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  headers,
  requestOf,
  TYPE,
  uint32,
} from '../delivery/raw-http2.ts'
import { speak, type Handle } from './connection-bench.ts'
import { QuietSocket } from './quiet-socket.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // what the flag brings

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const BEGIN = Buffer.concat([PREFACE, frame(TYPE.SETTINGS, 0, 0), frame(TYPE.SETTINGS, 1, 0)])

function open(handle: Handle): QuietSocket {
  const socket = new QuietSocket()
  onTestFinished(() => void socket.destroy())
  speak(socket.asSocket(), handle)
  socket.push(BEGIN)
  return socket
}

const settled = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

test('nothing is held of streams that were reset, though the connection takes no content', async () => {
  const asked: WeakRef<object>[] = []
  const socket = open((_request, answer) => {
    const held = { answer }
    asked.push(new WeakRef(held))
    answer.once('close', () => held.answer.off('finish', () => {}))
    answer.once('finish', () => held.answer.off('close', () => {}))
    answer.end(Buffer.alloc(60_000))
  })
  const get = (stream: number): Buffer => headers(GET, END_STREAM | END_HEADERS, stream)
  const cancel = (stream: number): Buffer => frame(TYPE.RST_STREAM, 0, stream, uint32(CODE.CANCEL))
  socket.push(Buffer.concat([get(1), get(3)]))
  await expect.poll(() => socket.bytes.length).toBeGreaterThan(65_535)
  for (let stream = 5; stream < 205; stream += 2) socket.push(Buffer.concat([get(stream), cancel(stream)]))
  await expect.poll(() => asked.length).toBe(102)
  await expect
    .poll(() => {
      collect()
      return asked.filter(each => each.deref() !== undefined).length
    })
    // Two wait, and of the last the connection may know.
    .toBeLessThanOrEqual(3)
})

test.each([
  ['of 1,024 bytes', [1024]],
  ['of 1 byte and 4,096', [1, 4096]],
  ['of 3 bytes', [3]],
])(
  'a body that nobody reads holds little more than its bytes, which come %s beside what says nothing',
  async (_, sizes) => {
    const bodies: BodiedRequest[] = []
    const socket = open(request => {
      if ('unread' in request) bodies.push(request)
    })
    socket.push(headers(requestOf({ ':method': 'POST' }), END_HEADERS))
    const whole = sizes.reduce((sum, size) => sum + size)
    const rounds = Math.min(200, Math.floor(60_000 / whole))
    const sent: Buffer[] = []
    for (let round = 0; round < rounds; round++) {
      for (const size of sizes) {
        sent.push(Buffer.alloc(size, round))
        const content = frame(TYPE.DATA, 0, 1, Buffer.alloc(size, round))
        // A record of TLS is as large, and what comes in it is one piece of memory.
        const record = Buffer.allocUnsafeSlow(16_384)
        content.copy(record)
        frame(77, 0, 0, Buffer.alloc(record.length - content.length - 9)).copy(record, content.length)
        socket.push(record)
      }
    }
    await settled()
    const [body] = bodies
    if (body === undefined) throw new Error('no request came')
    const pieces = await read(body, rounds * whole)
    expect(Buffer.concat(pieces).equals(Buffer.concat(sent))).toBe(true)
    const held = new Set(pieces.map(({ buffer }) => buffer))
    const memory = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0)
    expect(memory / (rounds * whole)).toBeLessThan(2.1)
  },
)

/** What was held, as it was held. */
async function read(body: BodiedRequest, bytes: number): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  await new Promise<void>(resolve => {
    body.on('data', (piece: Buffer) => {
      pieces.push(piece)
      if ((bytes -= piece.length) === 0) resolve()
    })
  })
  return pieces
}
