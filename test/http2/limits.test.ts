import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Budget } from '../../src/http2/budget.ts'
import type { Http2Limits } from '../../src/http2/index.ts'
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
} from '../delivery/raw-http2.ts'
import { speak, type Handle, type Opened } from './connection-bench.ts'
import { QuietSocket } from './quiet-socket.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const SETTINGS = frame(TYPE.SETTINGS, 0, 0)
const ACKNOWLEDGED = frame(TYPE.SETTINGS, 1, 0)
const BEGIN = Buffer.concat([PREFACE, SETTINGS, ACKNOWLEDGED])
const NO_WINDOW = frame(TYPE.SETTINGS, 0, 0, setting(4, 0))

const film: Handle = (_request, answer) => answer.end(Buffer.from('film'))

function open(limits: Partial<Http2Limits>, handle: Handle = film): Opened & { socket: QuietSocket } {
  const socket = new QuietSocket()
  onTestFinished(() => void socket.destroy())
  return { ...speak(socket.asSocket(), handle, limits), socket }
}

/** The codes of RST_STREAM (3) or GOAWAY (7) that went out. */
function codes(socket: QuietSocket, type: 3 | 7): number[] {
  const { bytes } = socket
  const found: number[] = []
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    if (bytes[at + 3] === type) found.push(bytes.readUInt32BE(at + 9 + (type === 7 ? 4 : 0)))
  return found
}

describe('a connection is not waited for without end', () => {
  test.each<[string, Buffer, string]>([
    ['that does not begin', Buffer.alloc(0), 'a head does not come'],
    ['whose beginning breaks off', PREFACE.subarray(0, 10), 'a head does not come'],
    [
      'that does not acknowledge our SETTINGS',
      Buffer.concat([PREFACE, SETTINGS]),
      'SETTINGS are not acknowledged',
    ],
    ['with half a head', Buffer.concat([BEGIN, headers(GET).subarray(0, 12)]), 'a head does not come'],
    ['whose head is not continued', Buffer.concat([BEGIN, headers(GET, END_STREAM)]), 'a head does not come'],
  ])('%s', async (_, bytes, fault) => {
    const { socket, faults } = open({ request: 30 })
    socket.push(bytes)
    await expect.poll(() => faults).toEqual([fault])
    expect(codes(socket, 7).length).toBe(1)
  })

  test('whose head comes in many small frames', async () => {
    const { socket, faults } = open({ request: 60 })
    socket.push(Buffer.concat([BEGIN, frame(TYPE.HEADERS, END_STREAM, 1, block(GET).subarray(0, 1))]))
    const more = setInterval(() => socket.push(frame(TYPE.CONTINUATION, 0, 1, block(GET).subarray(1, 2))), 10)
    onTestFinished(() => clearInterval(more))
    await expect.poll(() => faults.length).toBe(1)
  })

  test('but as long as heads come, though each packet ends within one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    let answered = 0
    const { socket, faults } = open({ request: 40 }, (_request, answer) => {
      answered++
      answer.end()
    })
    let rest: Buffer = BEGIN
    for (let each = 0; each < 20; each++) {
      const head = headers(GET, END_STREAM | END_HEADERS, 1 + 2 * each)
      socket.push(Buffer.concat([rest, head.subarray(0, 12)]))
      rest = head.subarray(12)
      // What was pushed is read in turns of the event loop.
      await new Promise(resolve => setImmediate(resolve))
      await vi.advanceTimersByTimeAsync(39)
    }
    expect([answered, faults]).toEqual([19, []])
    await vi.advanceTimersByTimeAsync(41)
    expect(faults).toEqual(['a head does not come'])
  })
})

test('an answer that is all written and not taken is given up', async () => {
  const { socket } = open({ stalled: 30 })
  socket.push(Buffer.concat([BEGIN, NO_WINDOW, headers(GET)]))
  await expect.poll(() => codes(socket, 3)).toEqual([8])
})

test('a connection whose window is never opened loses its answers, and then ends', async () => {
  const { socket } = open({ stalled: 30, idle: 30 }, (_request, answer) => answer.end(Buffer.alloc(60_000)))
  const gets = [1, 3, 5].map(stream => headers(GET, END_STREAM | END_HEADERS, stream))
  socket.push(Buffer.concat([BEGIN, ...gets]))
  await expect.poll(() => codes(socket, 3)).toEqual([8, 8, 8])
  await expect.poll(() => codes(socket, 7)).toEqual([0])
  await expect.poll(() => socket.writableEnded).toBe(true)
})

test('a connection that takes nothing is ended', async () => {
  const { socket } = open({ stalled: 30 })
  await new Promise(resolve => setImmediate(resolve))
  socket.takes = 'nothing'
  socket.push(Buffer.concat([BEGIN, headers(GET)]))
  await expect.poll(() => socket.destroyed).toBe(true)
})

test('pings do not keep a connection without requests', async () => {
  const { socket } = open({ idle: 60 })
  socket.push(BEGIN)
  const pings = setInterval(() => socket.push(frame(TYPE.PING, 0, 0, Buffer.alloc(8))), 10)
  onTestFinished(() => clearInterval(pings))
  await expect.poll(() => codes(socket, 7)).toEqual([0])
  await expect.poll(() => socket.writableEnded).toBe(true)
})

test('of a request that is answered and that nobody reads no more is wanted (RFC 9113 §8.1)', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { socket } = open({})
  const post = headers(requestOf({ ':method': 'POST' }), END_HEADERS)
  socket.push(Buffer.concat([BEGIN, post, data('film', 0)]))
  const settled = async (): Promise<void> => {
    for (let each = 0; each < 5; each++) await new Promise(resolve => setImmediate(resolve))
  }
  await settled()
  expect(codes(socket, 3)).toEqual([])
  vi.advanceTimersByTime(2000)
  await settled()
  expect(codes(socket, 3)).toEqual([0])
  // What was on its way is no fault.
  socket.push(Buffer.concat([data('film', END_STREAM), headers(GET, END_STREAM | END_HEADERS, 3)]))
  await settled()
  expect(String(socket.bytes).split('film').length).toBe(3)
  expect(codes(socket, 7)).toEqual([])
})

test('a budget is used up at once or by and by, and what is useful gives some of it back', () => {
  let now = 0
  const budget = new Budget(3, 2, now)
  const take = (): boolean => budget.take(() => now)
  expect([take(), take(), take(), take(), take()]).toEqual([true, true, true, false, false])
  now = 1000
  expect([take(), take(), take()]).toEqual([true, true, false])
  budget.give(1)
  expect([take(), take()]).toEqual([true, false])
  now = 1_000_000
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false])
})
