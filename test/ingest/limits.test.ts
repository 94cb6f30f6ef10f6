import { afterEach, expect, test } from 'vitest'
import { ConnectionCount } from '../../src/inbound/index.ts'
import { INGEST_LIMITS } from '../../src/ingest/index.ts'
import { ingestUnderTest, until, type IngestUnderTest, type UnderTestOptions } from './ingest-under-test.ts'
import { RtmpClient } from './rtmp-client.ts'

const running: IngestUnderTest[] = []
const clients: RtmpClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await Promise.all(running.splice(0).map(({ ingest }) => ingest.close()))
})

async function start(options: UnderTestOptions = {}): Promise<IngestUnderTest> {
  const underTest = await ingestUnderTest(options)
  running.push(underTest)
  return underTest
}

async function open(port: number, localAddress?: string): Promise<RtmpClient> {
  const client = await RtmpClient.open({ port, ...(localAddress === undefined ? {} : { localAddress }) })
  clients.push(client)
  return client
}

/** Writes one byte of `bytes` each 20 ms until the connection is closed. */
async function trickle(client: RtmpClient, bytes: Uint8Array): Promise<number> {
  const started = performance.now()
  for (const byte of bytes) {
    if (client.ended) break
    client.raw(Buffer.from([byte]))
    await Promise.race([client.closed, new Promise(resolve => setTimeout(resolve, 20))])
  }
  return performance.now() - started
}

const C1 = Buffer.concat([Buffer.from([3]), Buffer.alloc(1536)])

test.each([
  ['says nothing', () => Promise.resolve()],
  ['shakes hands byte by byte', (client: RtmpClient) => trickle(client, C1).then(() => undefined)],
  ['stops half way', (client: RtmpClient) => Promise.resolve(client.raw(C1))],
])('who %s is gone at the deadline of the handshake', async (_, behave) => {
  const { port, ingest } = await start({ limits: { handshake: 200 } })
  const started = performance.now()
  const client = await open(port)
  await behave(client)
  await client.closed
  expect(performance.now() - started).toBeGreaterThan(190)
  expect(performance.now() - started).toBeLessThan(2000)
  await until(() => ingest.connections() === 0, 'the connection to be forgotten')
})

test('who never publishes is gone at the deadline, also when bytes keep coming', async () => {
  const { port } = await start({ limits: { publish: 300 } })
  const silent = await open(port)
  await silent.handshake()
  await silent.connect({ app: 'live', stream: '' })
  const busy = await open(port)
  await busy.handshake()
  const took = await trickle(
    busy,
    Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0x20, 0, 20, 0, 0, 0, 0]), Buffer.alloc(2000, 2)]),
  )
  expect(took).toBeLessThan(2000)
  await silent.closed
})

test('a verdict that does not come is a refusal', async () => {
  const { port } = await start({ limits: { decision: 100 }, judge: () => new Promise(() => undefined) })
  const client = await open(port)
  await client.handshake()
  await client.connect({ app: 'live', stream: '' })
  expect(await client.publish('stage')).toMatchObject({ description: /^origin-away: no decision/ })
  await client.closed
})

test('a silent publisher is lost, one whose sink is full is not', async () => {
  const underTest = await start({
    limits: { silence: 200 },
    answer: ({ request }) => (request.path.endsWith('full') ? 'full' : 'more'),
  })
  const publisher = async (stream: string): Promise<RtmpClient> => {
    const { client } = await RtmpClient.publishing({ app: 'live', stream }, { port: underTest.port })
    clients.push(client)
    client.message({ type: 9, chunkStream: 6, streamId: 1, body: Buffer.from([0x17, 1, 0, 0, 0, 0]) })
    return client
  }
  const full = await publisher('full')
  await until(() => underTest.taken[0]?.tags.length === 1, 'the tag')
  const silent = await publisher('silent')
  // The full one has been silent for longer.
  await silent.closed
  expect(full.ended).toBe(false)
  expect(underTest.taken.map(({ ends }) => ends)).toEqual([[], ['lost']])
})

test('an encoder that never closes is destroyed after its last word', async () => {
  const { port, ingest } = await start({ limits: { linger: 100 } })
  const client = await open(port)
  await client.handshake()
  await client.connect({ app: 'live', stream: '' })
  client.socket.allowHalfOpen = true
  expect((await client.publish('refused')).level).toBe('error')
  await until(() => ingest.connections() === 0, 'the connection to be destroyed', 2000)
})

test('one address has so many connections, and all together so many', async () => {
  const { port, ingest } = await start({ limits: { connections: 5, connectionsPerAddress: 3 } })
  const of = (address: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => open(port, address)))
  const mine = await of('127.0.0.1', 3)
  await until(() => ingest.connections() === 3, 'three connections')
  const [fourth] = await of('127.0.0.1', 1)
  await fourth!.closed
  const others = await of('127.0.0.2', 2)
  await until(() => ingest.connections() === 5, 'five connections')
  const [sixth] = await of('127.0.0.3', 1)
  await sixth!.closed
  expect([...mine, ...others].map(({ ended }) => ended)).toEqual([false, false, false, false, false])
  mine[0]!.destroy()
  await until(() => ingest.connections() === 4, 'a free place')
  const again = await open(port, '127.0.0.1')
  await again.handshake()
})

test('servers that share a count share its caps', async () => {
  const count = new ConnectionCount({ ...INGEST_LIMITS, connections: 2 })
  const [first, second] = [await start({ count }), await start({ count })]
  await open(first.port)
  await open(second.port)
  await until(() => count.all === 2, 'two connections')
  await (
    await open(second.port)
  ).closed
})

test('addresses of IPv6 count by their /64', () => {
  const count = new ConnectionCount({ ...INGEST_LIMITS, connectionsPerAddress: 2 })
  expect(count.admit('2001:db8::1')).toBeDefined()
  const leave = count.admit('2001:db8:0:0:ffff::2')
  expect(count.admit('2001:db8::3')).toBeUndefined()
  expect(count.admit('2001:db8:0:1::3')).toBeDefined()
  leave?.()
  leave?.()
  expect([count.admit('2001:db8::3'), count.admit('2001:db8::4')].map(place => place !== undefined)).toEqual([
    true,
    false,
  ])
})

test('an encoder that reads nothing is let go', async () => {
  const { port, ingest } = await start({ limits: { publish: 20_000 } })
  const { client } = await RtmpClient.publishing({ app: 'live', stream: 'stage' }, { port })
  clients.push(client)
  client.socket.pause()
  const ping = Buffer.from([0, 6, 0, 0, 0, 1])
  const send = (): void => {
    for (let index = 0; index < 2000 && !client.ended; index++)
      client.message({ type: 4, chunkStream: 2, body: ping })
  }
  const sending = setInterval(send, 1)
  await until(() => ingest.connections() === 0, 'the connection to be destroyed', 20_000)
  clearInterval(sending)
})

test('pings are answered, and bytes acknowledged each window', async () => {
  const { port } = await start()
  const { client } = await RtmpClient.publishing({ app: 'live', stream: 'stage' }, { port })
  clients.push(client)
  client.message({ type: 4, chunkStream: 2, body: Buffer.from([0, 6, 1, 2, 3, 4]) })
  await until(
    () => client.control.some(({ type, body }) => type === 4 && body.toString('hex') === '000701020304'),
    'the pong',
  )
  const acknowledgements = (): number[] =>
    client.control.filter(({ type }) => type === 3).map(({ body }) => body.readUInt32BE())
  expect(acknowledgements()).toEqual([])
  client.message({ type: 5, chunkStream: 2, body: Buffer.from([0, 0, 0x27, 0x10]) })
  for (let index = 0; index < 5; index++) {
    const known = acknowledgements().length
    client.message({ type: 9, chunkStream: 6, streamId: 1, body: Buffer.alloc(12_000, 0x27) })
    await until(() => acknowledgements().length > known, 'an acknowledgement')
  }
  const counts = acknowledgements()
  expect(counts.slice(1).every((count, index) => count - counts[index]! >= 10_000)).toBe(true)
  // The default window, for encoders that name none.
  const { client: plain } = await RtmpClient.publishing({ app: 'live', stream: 'other' }, { port })
  clients.push(plain)
  plain.setChunkSize(65_536)
  for (let index = 0; index < 3; index++)
    plain.message({ type: 9, chunkStream: 6, streamId: 1, body: Buffer.alloc(1_000_000, 0x27) })
  await until(() => plain.control.some(({ type }) => type === 3), 'an acknowledgement')
})
