import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { CODE, END_HEADERS, END_STREAM, frame, GET, headers, TYPE, uint32 } from '../delivery/raw-http2.ts'
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
