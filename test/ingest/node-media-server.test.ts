import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { newPacket, RtmpParts } from '../../src/ingest/node-media-server.ts'

/** What src/ingest knows of node-media-server's inside. When this fails, read its sources again before anything else. */
const require = createRequire(import.meta.url)
const Rtmp = require('node-media-server/src/protocol/rtmp.js') as new () => Record<string, unknown> // as its source says

test('the version is the one whose inside is known', () => {
  expect((require('node-media-server/package.json') as { version: string }).version).toBe('4.4.3')
})

test.each([
  ['protocol/rtmp.js', '0e14c79f7c4c8beefcce74fe2103596266f4a2ef9c539d55a8203617ab62d5a5'],
  ['protocol/amf.js', 'a864ceaa62b5bb43910910fc52b4181eb39b26a2f62a3c61fe7790f4424a6a3b'],
  ['core/logger.js', 'fe7b6ceb1ddf22634652dc7a5c8fa20c8efd18f2dbc52c18b060742648d57c0d'],
])('src/%s is what was read', (file, digest) => {
  const text = readFileSync(require.resolve(`node-media-server/src/${file}`))
  expect(createHash('sha256').update(text).digest('hex')).toBe(digest)
})

test('a parser made without its constructor is what its constructor makes, but for what is not used', () => {
  const theirs = new Rtmp()
  const ours = new RtmpParts() as unknown as Record<string, unknown> // compared field by field
  const unused = ['flv', 'onConnectCallback', 'onPlayCallback', 'onPushCallback', 'onPacketCallback']
  expect(Object.keys(ours).sort()).toEqual(
    Object.keys(theirs)
      .filter(name => !unused.includes(name))
      .sort(),
  )
  const state = (parser: Record<string, unknown>): string =>
    JSON.stringify(
      Object.keys(ours)
        .sort()
        .map(name => [name, typeof parser[name], parser[name]]),
    )
  expect(state(ours)).toBe(state(theirs))
  expect(newPacket()).toEqual({ ...(theirs.parserPacket as object) })
  expect(Object.getPrototypeOf(ours)).toBe(Rtmp.prototype)
})

test('every method that is called or replaced is there, with as many arguments', () => {
  const methods = {
    ...{
      parserData: 1,
      chunkRead: 3,
      packetParse: 0,
      chunkMessageHeaderRead: 0,
      packetAlloc: 0,
      packetHandler: 0,
    },
    ...{ sendACK: 1, sendWindowACK: 1, setPeerBandwidth: 2, setChunkSize: 1, sendStreamStatus: 2 },
    ...{ sendInvokeMessage: 2, sendStatusMessage: 4, respondCreateStream: 1 },
  }
  const prototype = Rtmp.prototype as Record<string, (...values: unknown[]) => unknown>
  expect(Object.fromEntries(Object.keys(methods).map(name => [name, prototype[name]?.length]))).toEqual(
    methods,
  )
})

test('the states of the parser have the numbers that are waited for', () => {
  const parser = new RtmpParts()
  const states: number[] = []
  parser.packetHandler = () => void states.push(parser.parserPacket.header.length)
  parser.parserData(Buffer.concat([Buffer.from([3]), Buffer.alloc(1536)]))
  states.push(parser.handshakeState)
  parser.parserData(Buffer.alloc(1536))
  states.push(parser.handshakeState, parser.parserState)
  parser.parserData(Buffer.from([3, 0, 0, 0, 0, 0, 2, 20, 0, 0, 0, 0, 7]))
  states.push(parser.parserState, parser.parserPacket.bytes)
  parser.parserData(Buffer.from([7]))
  states.push(parser.parserState, parser.parserPacket.bytes)
  expect(states).toEqual([2, 3, 0, 4, 1, 2, 0, 0])
})
