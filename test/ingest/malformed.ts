import { amf, ecmaArray } from './amf-writer.ts'
import { chunks, type RawMessage, type RtmpClient } from './rtmp-client.ts'

/** How far the client comes before it misbehaves. */
export type Stage = 'open' | 'handshaken' | 'connected' | 'refused' | 'published'

export interface Malformed {
  name: string
  stage: Stage
  send: (client: RtmpClient) => void
}

const PROPERTIES = { app: 'live', tcUrl: 'rtmp://h/live', flashVer: 'x' }
const command = (...bytes: Uint8Array[]): RawMessage => ({ type: 20, body: Buffer.concat(bytes) })
const sends = (name: string, stage: Stage, message: RawMessage): Malformed => ({
  name,
  stage,
  send: client => client.message(message),
})
const raw = (name: string, stage: Stage, ...bytes: number[]): Malformed => ({
  name,
  stage,
  send: client => client.raw(Buffer.from(bytes)),
})

/** `{a:{a:{a:…` */
function nested(depth: number): Buffer {
  return Buffer.concat([...new Array<Buffer>(depth).fill(Buffer.from([3, 0, 1, 97])), Buffer.from([5])])
}

function header(type: number, length: number, options: { id?: number; format?: number } = {}): number[] {
  const { id = 3, format = 0 } = options
  const basic = id < 64 ? [(format << 6) | id] : [(format << 6) | 1, (id - 64) & 0xff, (id - 64) >> 8]
  const all = [0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff, type, 1, 0, 0, 0]
  return [...basic, ...all.slice(0, [11, 7, 3, 0][format])]
}

const FRAME = { type: 9, chunkStream: 6, streamId: 1, body: Buffer.from([0x27, 1, 0, 0, 0, 9]) }

/** What closes the connection that it comes on, and nothing else. Numbers are those of node-media-server's crashes. */
export const MALFORMED: Malformed[] = [
  raw('a version that is not 3', 'open', 6, 1, 2, 3),
  {
    name: 'an HTTP request',
    stage: 'open',
    send: client => client.raw(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
  },
  { name: 'noise', stage: 'handshaken', send: client => client.raw(Buffer.alloc(64, 0x55)) },
  // 1
  sends('connect without tcUrl', 'handshaken', command(amf('connect', 1, { app: 'live' }))),
  sends(
    'connect with a bad tcUrl',
    'handshaken',
    command(amf('connect', 1, { app: 'live', tcUrl: 'nonsense' })),
  ),
  sends(
    'connect with a tcUrl of another type',
    'handshaken',
    command(amf('connect', 1, { app: 'live', tcUrl: 7 })),
  ),
  sends('connect without app', 'handshaken', command(amf('connect', 1, { tcUrl: 'rtmp://h/live' }))),
  sends('connect without properties', 'handshaken', command(amf('connect', 1))),
  sends('connect with null', 'handshaken', command(amf('connect', 1, null))),
  sends(
    'connect with inherited properties',
    'handshaken',
    command(amf('connect', 1, { __proto__x: PROPERTIES })),
  ),
  sends('a second connect', 'connected', command(amf('connect', 2, PROPERTIES))),
  // 2
  sends('publish without a name', 'connected', command(amf('publish', 5, null))),
  sends('publish with a number', 'connected', command(amf('publish', 5, null, 7))),
  sends('publish with 5,000 characters', 'connected', command(amf('publish', 5, null, 'x'.repeat(5000)))),
  sends('publish before connect', 'handshaken', command(amf('publish', 5, null, 'stage'))),
  sends('play without a name', 'connected', command(amf('play', 5, null))),
  sends('play', 'connected', command(amf('play', 5, null, 'stage'))),
  // 3
  sends('a command called constructor', 'handshaken', command(amf('constructor', 1, null))),
  sends('a command called toString', 'handshaken', command(amf('toString', 1, null))),
  sends('a command called __proto__', 'handshaken', command(amf('__proto__', 1, null))),
  sends('data called constructor', 'connected', { type: 18, body: amf('constructor', null) }),
  // 4
  sends('an empty chunk size', 'handshaken', { type: 1, chunkStream: 2, body: Buffer.alloc(0) }),
  sends('a short chunk size', 'handshaken', { type: 1, chunkStream: 2, body: Buffer.alloc(3) }),
  sends('a chunk size of 0', 'handshaken', { type: 1, chunkStream: 2, body: Buffer.alloc(4) }),
  sends('a chunk size of 2 GiB', 'handshaken', {
    type: 1,
    chunkStream: 2,
    body: Buffer.from([0x7f, 255, 255, 255]),
  }),
  sends('an empty window', 'handshaken', { type: 5, chunkStream: 2, body: Buffer.alloc(0) }),
  sends('a window of 0', 'handshaken', { type: 5, chunkStream: 2, body: Buffer.alloc(4) }),
  sends('an empty bandwidth', 'handshaken', { type: 6, chunkStream: 2, body: Buffer.alloc(0) }),
  sends('an empty user control event', 'handshaken', { type: 4, chunkStream: 2, body: Buffer.alloc(1) }),
  // 5
  sends('an empty command', 'handshaken', command()),
  sends('a truncated command', 'handshaken', command(amf('connect', 1, PROPERTIES).subarray(0, 40))),
  sends('a truncated string', 'handshaken', command(Buffer.from([2, 0xff, 0xff, 97]))),
  sends('a truncated number', 'handshaken', command(Buffer.from([0, 1]))),
  sends('an empty AMF3 command', 'handshaken', { type: 17, body: Buffer.from([0]) }),
  sends('an AMF3 command', 'handshaken', { type: 17, body: Buffer.from([0, 0x11, 6, 7]) }),
  sends('a command without a name', 'handshaken', command(amf(null, 1))),
  sends('a command without a transaction', 'handshaken', command(amf('connect', 'x'))),
  sends('empty data of a publisher', 'published', { type: 18, streamId: 1, body: Buffer.alloc(0) }),
  sends('truncated data of a publisher', 'published', {
    type: 18,
    streamId: 1,
    body: amf('onMetaData', { a: 1 }).subarray(0, 18),
  }),
  sends('data without a name', 'published', { type: 18, streamId: 1, body: amf(1, 2) }),
  sends('@setDataFrame of nothing', 'published', { type: 18, streamId: 1, body: amf('@setDataFrame') }),
  sends('empty AMF3 data', 'published', { type: 15, streamId: 1, body: Buffer.from([0]) }),
  // 6
  sends(
    'an array of 4,294,967,295',
    'handshaken',
    command(amf('connect', 1), Buffer.from([10, 255, 255, 255, 255, 5])),
  ),
  sends(
    'arrays within arrays',
    'handshaken',
    command(amf('connect', 1), Buffer.from(new Array<number[]>(3000).fill([10, 0, 0, 0, 1]).flat())),
  ),
  sends('an array of 4,294,967,295 in metadata', 'published', {
    type: 18,
    streamId: 1,
    body: Buffer.concat([amf('onMetaData'), Buffer.from([10, 255, 255, 255, 255, 5])]),
  }),
  // 7
  sends('an unknown marker', 'handshaken', command(amf('connect', 1), Buffer.from([0x7f]))),
  sends('an unknown marker first', 'handshaken', command(Buffer.from([0xff]))),
  sends('a property without a name', 'handshaken', command(amf('connect', 1), Buffer.from([3, 0, 0, 5]))),
  // 8
  sends('objects 4,000 deep', 'handshaken', command(amf('connect', 1), nested(4000))),
  sends('objects 33 deep', 'handshaken', command(amf('connect', 1), nested(33))),
  sends('objects 60,000 deep', 'handshaken', command(amf('connect', 1), nested(60_000))),
  sends('objects 200,000 deep', 'connected', command(amf('publish', 1), nested(200_000))),
  sends('metadata 16,000 deep', 'published', {
    type: 18,
    streamId: 1,
    body: Buffer.concat([amf('onMetaData'), nested(16_000)]),
  }),
  sends('ECMA arrays too deep', 'published', {
    type: 18,
    streamId: 1,
    body: Buffer.concat([amf('onMetaData'), ecmaArray({ a: 1 }).subarray(0, 8), nested(40)]),
  }),
  // Media of those who may not send any.
  sends('video before connect', 'handshaken', FRAME),
  sends('video before publish', 'connected', FRAME),
  sends('audio before publish', 'connected', { ...FRAME, type: 8 }),
  sends('metadata before publish', 'connected', { ...FRAME, type: 18, body: amf('onMetaData', {}) }),
  {
    name: 'a player that sends video',
    stage: 'connected',
    send: client => floodAfter(client, amf('play', 5, null, 'stage')),
  },
  {
    name: 'a refused publisher that sends video',
    stage: 'connected',
    send: client => floodAfter(client, amf('publish', 5, null, 'refused')),
  },
  { name: 'a refused publisher that goes on later', stage: 'refused', send: client => flood(client) },
  sends('a second publish', 'published', command(amf('publish', 9, null, 'other'))),
  // Chunks and messages.
  raw('a chunk stream that begins with format 3', 'handshaken', 0xc9, 0),
  raw('a chunk stream that begins with format 2', 'handshaken', 0x89, 0, 0, 0),
  raw(
    'another length inside a message',
    'handshaken',
    ...header(20, 200),
    ...new Array<number>(128).fill(0),
    ...header(20, 100, { format: 1 }),
  ),
  raw(
    'another type inside a message',
    'published',
    ...header(18, 200),
    ...new Array<number>(128).fill(0),
    ...header(20, 200, { format: 1 }),
  ),
  {
    name: 'another chunk size inside a message',
    stage: 'handshaken',
    send: client =>
      client.raw(
        Buffer.concat([
          Buffer.from([...header(20, 200), ...new Array<number>(128).fill(0)]),
          chunks({ type: 1, chunkStream: 2, body: Buffer.from([0, 0, 16, 0]) }, 128),
        ]),
      ),
  },
  {
    name: 'seventeen chunk streams',
    stage: 'handshaken',
    send: client =>
      client.raw(
        Buffer.from(
          Array.from({ length: 17 }, (_, id) =>
            header(20, 1000, { id: 3 + 300 * id }).concat(new Array<number>(128).fill(0)),
          ).flat(),
        ),
      ),
  },
  raw('a command of 16 MB', 'handshaken', ...header(20, 0xffffff)),
  raw('a video message of 16 MB', 'published', ...header(9, 0xffffff)),
  { name: 'large messages at once', stage: 'published', send: client => amplify(client) },
  raw('a shared object', 'published', ...header(19, 20)),
  raw('an aggregate', 'published', ...header(22, 20)),
  raw('message type 255', 'published', ...header(255, 1)),
  {
    name: 'a hundred commands',
    stage: 'connected',
    send: client => void Array.from({ length: 100 }, () => client.command('whatever', null)),
  },
  {
    name: 'ten streams',
    stage: 'connected',
    send: client => void Array.from({ length: 10 }, () => client.command('createStream', null)),
  },
]

function flood(client: RtmpClient): void {
  for (let frame = 0; frame < 20; frame++) client.message({ ...FRAME, timestamp: frame * 40 })
}

/** One write: the frames come in one piece with the command. */
function floodAfter(client: RtmpClient, body: Buffer): void {
  const frames = Array.from({ length: 20 }, () => chunks(FRAME, client.chunkSize))
  client.raw(Buffer.concat([chunks({ type: 20, streamId: 1, body }, client.chunkSize), ...frames]))
}

/** Ten chunk streams with nearly all of an 8 MiB message each. */
function amplify(client: RtmpClient): void {
  client.setChunkSize(1_048_576)
  const part = Buffer.alloc(1_048_576)
  for (let round = 0; round < 7; round++) {
    for (let id = 10; id < 20; id++) {
      client.raw(Buffer.from(round === 0 ? header(9, 8_000_000, { id }) : [0xc0 | id]))
      client.raw(part)
    }
  }
}
