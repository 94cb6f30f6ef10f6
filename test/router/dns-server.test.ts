import { execFileSync, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { decode, encode, streamDecode, streamEncode } from 'dns-packet'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import { ConnectionCount, type ConnectionCaps } from '../../src/inbound/index.ts'
import { Answerer } from '../../src/routing/index.ts'
import { startDnsServer, type DnsServer } from '../../src/router/dns-server.ts'
import { E1, edge } from '../routing/places.ts'

let server: DnsServer | undefined
const sockets: Socket[] = []
afterEach(async () => {
  for (const each of sockets.splice(0)) each.destroy()
  await server?.close()
  server = undefined
})

const NOBODY_ELSE: ConnectionCaps = { connections: 100, connectionsPerAddress: 100 }

async function start({ idle, caps = NOBODY_ELSE }: { idle?: number; caps?: ConnectionCaps } = {}): Promise<{
  count: ConnectionCount
  port: number
}> {
  const edges = [edge('paris', 1)]
  const site = { version: 1, labels: new Map([['e1', E1]]), routers: [], edges }
  const answerer = new Answerer({
    zone: { name: 'cdn.example', nameServers: [], challenge: undefined },
    ...{ site: () => site, client: () => ({}), clock: systemClock, perSecond: 1000 },
  })
  const count = new ConnectionCount(caps)
  const listen = { host: '127.0.0.1', port: 0 }
  server = await startDnsServer({ listen, answerer, count, ...(idle !== undefined && { idle }) })
  return { count, port: server.port }
}

const ASKED = { type: 'query', id: 7, questions: [{ name: 'e1.cdn.example', type: 'A' }] } as const
const QUESTION = streamEncode({ ...ASKED, questions: [...ASKED.questions] })

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  sockets.push(socket)
  return socket
}

/** The address in the next answer; undefined when the connection ends first. */
function answer(socket: Socket): Promise<unknown> {
  return new Promise(resolve => {
    let read = Buffer.alloc(0)
    socket.once('close', () => resolve(undefined))
    socket.on('data', (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return
      socket.removeAllListeners('data')
      const [first] = streamDecode(read).answers ?? []
      resolve(first !== undefined && 'data' in first ? first.data : undefined)
    })
  })
}

test('a question that comes in pieces is answered, and so are several on one connection', async () => {
  const { port } = await start()
  const socket = open(port)
  for (let n = 0; n < 2; n++) {
    const said = answer(socket)
    socket.write(QUESTION.subarray(0, 5))
    await new Promise(resolve => setImmediate(resolve))
    socket.write(QUESTION.subarray(5))
    expect(await said).toBe('192.0.2.1')
  }
})

test('a connection that asks nothing is closed, whether it was answered before or not', async () => {
  const { port, count } = await start({ idle: 50 })
  const silent = open(port)
  const begun = open(port)
  const answered = open(port)
  begun.write(QUESTION.subarray(0, 5))
  const said = answer(answered)
  answered.write(QUESTION)
  expect(await said).toBe('192.0.2.1')
  for (const each of [silent, begun, answered]) {
    each.resume()
    if (!each.closed) await once(each, 'close')
  }
  await expect.poll(() => count.all).toBe(0)
})

test('a connection that nobody would make is closed at once', async () => {
  const { port } = await start()
  const long = open(port)
  long.write(Buffer.from([0x10, 0x01]))
  await once(long.resume(), 'close')
  const none = open(port)
  none.write(Buffer.from([0, 1, 0]))
  await once(none.resume(), 'close')
})

test('who asks on and on and does not listen is answered no more', async () => {
  const many = 300_000
  let answered = 0
  const count = new ConnectionCount(NOBODY_ELSE)
  const listen = { host: '127.0.0.1', port: 0 }
  const answerer = { answer: () => (answered++, Buffer.alloc(200)) }
  server = await startDnsServer({ listen, answerer, count, idle: 200 })
  const socket = open(server.port)
  socket.pause()
  socket.write(Buffer.concat(new Array<Buffer>(many).fill(QUESTION)))
  await expect.poll(() => count.all).toBe(1)
  await expect.poll(() => count.all, { timeout: 20_000 }).toBe(0)
  expect(answered).toBeGreaterThan(0)
  expect(answered).toBeLessThan(many)
})

test.each([
  ['of one address', { connections: 100, connectionsPerAddress: 2 }],
  ['of all', { connections: 2, connectionsPerAddress: 100 }],
])('there are no more connections %s than may be, and one that ends makes room', async (_whose, caps) => {
  const { port, count } = await start({ caps })
  const [first, second] = [open(port), open(port)]
  for (const each of [first, second]) {
    const said = answer(each)
    each.write(QUESTION)
    expect(await said).toBe('192.0.2.1')
  }
  const turnedAway = open(port)
  await once(turnedAway.resume(), 'close')
  first.destroy()
  await expect.poll(() => count.all).toBe(1)
  const third = open(port)
  const said = answer(third)
  third.write(QUESTION)
  expect([await said, count.all]).toEqual(['192.0.2.1', 2])
})

/** Sends bytes to a port from port 0, as nobody does who wants an answer; that needs the right to forge. */
const FORGE = `
import socket, struct, sys
said = bytes.fromhex(sys.argv[2])
head = struct.pack('!HHHH', 0, int(sys.argv[1]), 8 + len(said), 0)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
raw.sendto(head + said, ('127.0.0.1', 0)) if said else None
`
const mayForge = spawnSync('python3', ['-c', FORGE, '1', '']).status === 0

test.skipIf(!mayForge)('a question from port 0 is nobody’s, and the next is answered', async () => {
  const { port } = await start()
  const question = encode({ ...ASKED, questions: [...ASKED.questions] })
  execFileSync('python3', ['-c', FORGE, String(port), question.toString('hex')])
  const socket = createSocket('udp4')
  try {
    socket.send(question, port, '127.0.0.1')
    const [answer] = (await once(socket, 'message')) as [Buffer]
    expect(decode(answer).answers).toMatchObject([{ data: '192.0.2.1' }])
  } finally {
    socket.close()
  }
})
