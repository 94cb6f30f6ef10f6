import { describe, expect, test } from 'vitest'
import type { Message } from '../../src/ingest/message.ts'
import { Wire } from '../../src/ingest/wire.ts'
import { amf } from './amf-writer.ts'
import { chunks } from './rtmp-client.ts'

interface Heard {
  wire: Wire
  messages: Message[]
  sent: Buffer[]
}

/** A wire after the handshake. */
function wireFor(allowed: 'commands' | 'media'): Heard {
  const messages: Message[] = []
  const sent: Buffer[] = []
  const wire = new Wire({
    send: bytes => void sent.push(bytes),
    take: m => void messages.push(m),
    pending: 16 << 20,
  })
  wire.feed(Buffer.concat([Buffer.from([3]), Buffer.alloc(3072)]))
  if (allowed === 'media') wire.openForMedia()
  return { wire, messages, sent }
}

const bytesOf = (messages: Message[]): string[] =>
  messages.map(({ type, timestamp, body }) => `${type} ${timestamp} ${body.toString('hex')}`)

test('three bytes of chunk stream id count 64, 1 and 256, and share nothing', () => {
  const { wire, messages } = wireFor('media')
  const head = (id: number, fill: number) => [
    1,
    (id - 64) & 0xff,
    (id - 64) >> 8,
    0,
    0,
    0,
    0,
    0,
    200,
    9,
    1,
    0,
    0,
    0,
    ...new Array<number>(128).fill(fill),
  ]
  const rest = (id: number, fill: number) => [
    0xc1,
    (id - 64) & 0xff,
    (id - 64) >> 8,
    ...new Array<number>(72).fill(fill),
  ]
  // 64 + b1 + b2 is 66 for all three; the second is also reached by two bytes.
  const [one, two, three] = [64 + 2, 64 + 1 + 256, 64 + 2 * 256]
  wire.feed(Buffer.from([...head(one, 1), ...head(two, 2), ...head(three, 3)]))
  wire.feed(Buffer.from([0xc0, 2, ...new Array<number>(72).fill(1), ...rest(three, 3), ...rest(two, 2)]))
  expect(messages.map(({ body }) => [body.length, ...new Set(body)])).toEqual([
    [200, 1],
    [200, 3],
    [200, 2],
  ])
})

test('time wraps at 32 bits and goes on', () => {
  const { wire, messages } = wireFor('media')
  wire.feed(chunks({ type: 8, chunkStream: 4, timestamp: 0xfffffff0, body: Buffer.from([1]) }, 128))
  // Format 1, a delta of 32 each.
  for (let index = 0; index < 3; index++) wire.feed(Buffer.from([0x44, 0, 0, 32, 0, 0, 1, 8, index]))
  wire.feed(Buffer.from([0xc4, 9]))
  wire.feed(Buffer.from([0x44, 0xff, 0xff, 0xff, 0, 0, 1, 8, 0xff, 0xff, 0xff, 0xff, 7]))
  expect(bytesOf(messages)).toEqual([
    `8 ${0xfffffff0} 01`,
    '8 16 00',
    '8 48 01',
    '8 80 02',
    '8 112 09',
    '8 111 07',
  ])
})

test('a message comes out the same however its bytes are cut', () => {
  const session = Buffer.concat([
    chunks({ type: 9, chunkStream: 6, timestamp: 0x01000000, body: Buffer.alloc(1000, 1) }, 128),
    chunks({ type: 8, chunkStream: 4, timestamp: 20, body: Buffer.alloc(300, 2) }, 128),
    chunks({ type: 1, chunkStream: 2, body: Buffer.from([0, 1, 0, 0]) }, 128),
    chunks({ type: 9, chunkStream: 6, timestamp: 40, body: Buffer.alloc(200_000, 3) }, 65_536),
    chunks({ type: 8, chunkStream: 4, timestamp: 40, body: Buffer.alloc(0) }, 65_536),
    chunks({ type: 8, chunkStream: 4, timestamp: 60, body: Buffer.alloc(1, 4) }, 65_536),
  ])
  const results = [1, 2, 7, 127, 1461, 65_536, session.length].map(size => {
    const { wire, messages } = wireFor('media')
    for (let at = 0; at < session.length; at += size) wire.feed(session.subarray(at, at + size))
    return messages.map(({ type, timestamp, body }) => [type, timestamp, body.length, body[0], body.at(-1)])
  })
  for (const result of results) {
    expect(result).toEqual([
      [9, 0x01000000, 1000, 1, 1],
      [8, 20, 300, 2, 2],
      [9, 40, 200_000, 3, 3],
      [8, 40, 0, undefined, undefined],
      [8, 60, 1, 4, 4],
    ])
  }
})

test('a body is never written to again', () => {
  const { wire, messages } = wireFor('media')
  for (const fill of [1, 2, 3])
    wire.feed(chunks({ type: 9, chunkStream: 6, body: Buffer.alloc(5000, fill) }, 128))
  expect(messages.map(({ body }) => [...new Set(body)])).toEqual([[1], [2], [3]])
  expect(new Set(messages.map(({ body }) => body.buffer)).size).toBe(3)
})

test('an aborted message is dropped and the next on its chunk stream is whole', () => {
  const { wire, messages } = wireFor('media')
  wire.feed(chunks({ type: 9, chunkStream: 6, body: Buffer.alloc(300, 1) }, 128).subarray(0, 140))
  wire.feed(chunks({ type: 2, chunkStream: 2, body: Buffer.from([0, 0, 0, 6]) }, 128))
  wire.feed(chunks({ type: 9, chunkStream: 6, body: Buffer.alloc(200, 2) }, 128))
  expect(messages.map(({ body }) => [body.length, ...new Set(body)])).toEqual([[200, 2]])
})

test('a command in AMF3 clothes, and a ping answered on a fresh chunk stream of format 1, are taken', () => {
  const { wire, messages } = wireFor('commands')
  wire.feed(Buffer.from([0x42, 0, 0, 0, 0, 0, 6, 4, 0, 7, 0, 0, 0, 1]))
  wire.feed(chunks({ type: 17, body: Buffer.concat([Buffer.from([0]), amf('x', 1)]) }, 128))
  expect(messages.map(({ type }) => type)).toEqual([17])
})

describe('what follows a hold', () => {
  test('is kept, byte for byte, and read when it ends', () => {
    const { wire, messages } = wireFor('commands')
    const take = messages.push.bind(messages)
    const held = new Wire({
      send: () => undefined,
      take: message => {
        take(message)
        if (message.type === 20) held.hold()
      },
      pending: 1 << 20,
    })
    held.feed(Buffer.concat([Buffer.from([3]), Buffer.alloc(3072)]))
    const media = chunks({ type: 9, chunkStream: 6, body: Buffer.alloc(500, 1) }, 128)
    held.feed(Buffer.concat([chunks({ type: 20, body: amf('publish', 1) }, 128), media.subarray(0, 200)]))
    held.feed(media.subarray(200))
    expect(messages.map(({ type }) => type)).toEqual([20])
    held.openForMedia()
    expect(messages.map(({ type, body }) => [type, body.length])).toEqual([
      [20, 19],
      [9, 500],
    ])
    expect(wire.handshaken).toBe(true)
  })
})

test('memory follows the bytes that came, not the length that was announced', () => {
  const { wire } = wireFor('commands')
  const capacities = ({ inPackets }: Wire): number =>
    [...inPackets.values()].reduce(
      (sum, { capacity, payload }) => sum + Math.max(capacity, payload.length),
      0,
    )
  const begin = (id: number, type: number, ...length: number[]): Buffer =>
    Buffer.concat([Buffer.from([id, 0, 0, 0, ...length, type, 0, 0, 0, 0]), Buffer.alloc(128)])
  for (let id = 3; id < 19; id++) wire.feed(begin(id, 20, 0, 0x3f, 0))
  expect(capacities(wire)).toBe(16 * 1024)
  const publisher = wireFor('media').wire
  for (let id = 3; id < 19; id++) publisher.feed(begin(id, 9, 0x7a, 0x12, 0))
  expect(capacities(publisher)).toBe(16 * 256 * 1024)
})
