import { EventEmitter, once } from 'node:events'
import { expect, test } from 'vitest'
import type { Exchange } from '../../src/delivery/exchange.ts'
import { sendStream } from '../../src/delivery/answer/send-stream.ts'
import { Usage } from '../../src/delivery/usage.ts'
import { createMetrics, silentLogger, type Logger } from '../../src/telemetry/index.ts'
import { keptLog } from './foreign-origin.ts'

/** A viewer's side that takes what it is given until the test says that it is full. */
class Viewer extends EventEmitter {
  readonly taken: string[] = []
  full = false
  destroyed = false
  write(chunk: Uint8Array): boolean {
    this.taken.push(Buffer.from(chunk).toString())
    this.emit('taken')
    return !this.full
  }
  end(): void {
    this.emit('finished', 'ended')
  }
  destroy(): void {
    this.emit('finished', 'cut')
  }
}

function send(viewer: Viewer, chunks: AsyncIterable<Uint8Array>, log: Logger = silentLogger): Exchange {
  const node = { log, takenWithin: 60_000, usage: new Usage(createMetrics('edge')) }
  const x = { node, response: viewer, request: { method: 'GET' }, bodyBytes: 0 } as unknown as Exchange // all that is looked at
  sendStream(x, chunks)
  return x
}

async function* parts(...texts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text
    yield await Promise.resolve(Buffer.from(text))
  }
}

test('a viewer that is full is given nothing more until it has drained', async () => {
  const viewer = new Viewer()
  viewer.full = true
  const finished = once(viewer, 'finished')
  const x = send(viewer, parts('one', 'two'))
  await once(viewer, 'taken')
  // Whoever waits for the drain has nothing else to do: without it the second part would be here by now.
  await new Promise(resolve => setImmediate(resolve))
  expect(viewer.taken).toEqual(['one'])
  viewer.full = false
  viewer.emit('drain')
  expect(await finished).toEqual(['ended'])
  expect([viewer.taken, x.bodyBytes]).toEqual([['one', 'two'], 6])
  expect([viewer.listenerCount('drain'), viewer.listenerCount('close')]).toEqual([0, 0])
})

test('a body that fails is cut and never ended, so that it cannot look whole', async () => {
  const viewer = new Viewer()
  const finished = once(viewer, 'finished')
  send(viewer, parts('half', new Error('the origin is gone')))
  expect(await finished).toEqual(['cut'])
  expect(viewer.taken).toEqual(['half'])
})

test.each([
  ['who stays is told in the log', false, 1],
  ['who has left is nothing to tell', true, 0],
])('a body that fails for a viewer %s', async (_, leaves, lines) => {
  const viewer = new Viewer()
  const kept = keptLog()
  const read = new Promise<void>(resolve => {
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('half'))
      viewer.destroyed = leaves
      resolve()
      throw new Error('nobody wants it any more')
    }
    send(viewer, body(), kept.log)
  })
  await read
  await new Promise(resolve => setImmediate(resolve))
  expect(kept.lines).toHaveLength(lines)
})

test('a viewer that leaves ends the reading of its body', async () => {
  const viewer = new Viewer()
  viewer.full = true
  let read = 0
  const left = new Promise<void>(resolve => {
    const body = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          read++
          yield await Promise.resolve(Buffer.from('more'))
        }
      } finally {
        resolve()
      }
    }
    send(viewer, body())
  })
  await once(viewer, 'taken')
  viewer.destroyed = true
  viewer.emit('close')
  await left
  expect([viewer.taken, read]).toEqual([['more'], 2])
})
