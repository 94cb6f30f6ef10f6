import { afterEach, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import type { PublishRequest } from '../../src/ingest/index.ts'
import { amf } from './amf-writer.ts'
import { ingestUnderTest, until, type IngestUnderTest, type UnderTestOptions } from './ingest-under-test.ts'
import { chunks, RtmpClient } from './rtmp-client.ts'

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

async function connected({ port }: IngestUnderTest, app = 'live'): Promise<RtmpClient> {
  const client = await RtmpClient.connected({ app, stream: '' }, { port })
  clients.push(client)
  return client
}

/** A verdict that waits for the test. */
function gate(): { judge: (request: PublishRequest) => Promise<'accept'>; open: () => void } {
  let open = (): void => undefined
  const verdict = new Promise<'accept'>(resolve => (open = () => resolve('accept')))
  return { judge: () => verdict, open: () => open() }
}

/** A barrier: the server has read, three times over, what had come to it before. */
async function roundTrip({ port }: IngestUnderTest): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const client = await RtmpClient.connected({ app: 'barrier', stream: '' }, { port })
    client.destroy()
    await client.closed
  }
}

const frame = (timestamp: number): Buffer =>
  chunks(
    { type: 9, chunkStream: 6, streamId: 1, timestamp, body: Buffer.from([0x17, 1, 0, 0, 0, timestamp]) },
    128,
  )

test('connect is answered with the codecs of enhanced RTMP', async () => {
  const client = await connected(await start())
  expect(client.said).toEqual([
    {
      name: '_result',
      transaction: 1,
      streamId: 0,
      values: [
        { fmsVer: 'FMS/3,0,1,123', capabilities: 31, mode: 1 },
        {
          level: 'status',
          code: 'NetConnection.Connect.Success',
          description: 'Connection succeeded.',
          objectEncoding: 0,
          fourCcList: ['avc1', 'hvc1', 'av01'],
          capsEx: 0,
        },
      ],
    },
  ])
  expect(client.control.map(({ type }) => type)).toEqual([5, 6, 1])
})

test('nothing is said and no media is read until the verdict; then what came early is read', async () => {
  const { judge, open } = gate()
  const underTest = await start({ judge })
  const client = await connected(underTest)
  await client.call('createStream', null)
  const said = client.said.length
  const publish = chunks({ type: 20, streamId: 1, body: amf('publish', 9, null, 'stage', 'live') }, 128)
  client.raw(Buffer.concat([publish, frame(1), frame(2).subarray(0, 9)]))
  await until(() => underTest.requests.length === 1, 'the request')
  client.raw(Buffer.concat([frame(2).subarray(9), frame(3)]))
  await roundTrip(underTest)
  expect({ said: client.said.length, taken: underTest.taken.length }).toEqual({ said, taken: 0 })
  open()
  await until(() => underTest.taken[0]?.tags.length === 3, 'the early frames')
  expect(underTest.taken[0]!.tags.map(({ timestamp }) => timestamp)).toEqual([1, 2, 3])
  await until(() => client.statuses.length > 0, 'the status')
  expect(client.statuses.map(({ code }) => code)).toEqual(['NetStream.Publish.Start'])
})

test('the answers that encoders look for', async () => {
  const client = await connected(await start())
  expect(await client.publish('stage')).toMatchObject({ code: 'NetStream.Publish.Start' })
  expect(
    client.said.slice(1).map(({ name, transaction, streamId }) => [name, transaction, streamId]),
  ).toEqual([
    ['_result', 2, 0],
    ['_result', 3, 0],
    ['_result', 4, 0],
    ['onFCPublish', 0, 0],
    ['onStatus', 0, 1],
  ])
  expect((await client.call('getStreamLength', null, 'stage')).values).toEqual([null, 0])
})

test.each([
  ['bad-signature', 'NetStream.Publish.Denied'],
  ['expired', 'NetStream.Publish.Denied'],
  ['origin-away', 'NetStream.Publish.Denied'],
  ['no-channel', 'NetStream.Publish.BadName'],
  ['busy', 'NetStream.Publish.BadName'],
] as const)('a refusal for %s says %s, then the connection is closed', async (reason, code) => {
  const underTest = await start({ judge: () => ({ kind: 'refused', reason, detail: 'näh' }) })
  const client = await connected(underTest)
  expect(await client.publish('stage')).toEqual({ level: 'error', code, description: `${reason}: n?h` })
  await client.closed
  await until(() => underTest.ingest.connections() === 0, 'the connection to be forgotten')
})

test('a verdict that throws is a refusal', async () => {
  const client = await connected(await start({ judge: () => Promise.reject(new Error('secret')) }))
  expect(await client.publish('stage')).toEqual({
    level: 'error',
    code: 'NetStream.Publish.Denied',
    description: 'origin-away: the server could not decide, try again',
  })
})

test('an encoder that does not wait for the verdict hears the refusal, and its connection is not reset', async () => {
  const { judge, open } = gate()
  const underTest = await start({
    judge: async request => {
      await judge(request)
      return { kind: 'refused', reason: 'expired', detail: 'since yesterday' }
    },
  })
  const client = await connected(underTest)
  client.message({ type: 20, streamId: 1, body: amf('publish', 9, null, 'stage', 'live') })
  for (let index = 0; index < 100; index++) {
    client.message({ type: 9, chunkStream: 6, streamId: 1, body: Buffer.alloc(10_000, index) })
  }
  await until(() => underTest.requests.length === 1, 'the request')
  open()
  expect(await client.nextStatus()).toMatchObject({ description: 'expired: since yesterday' })
  await client.closed
  expect(client.broken).toBeUndefined()
  expect(underTest.taken).toEqual([])
})

test('a player hears no-play, whatever it sends after that', async () => {
  const underTest = await start()
  const client = await connected(underTest)
  client.raw(
    Buffer.concat([
      chunks({ type: 20, streamId: 1, body: amf('play', 4, null, 'stage') }, 128),
      frame(1),
      frame(2),
    ]),
  )
  expect(await client.nextStatus()).toEqual({
    level: 'error',
    code: 'NetStream.Play.Failed',
    description: 'no-play: streams are watched over HTTP, RTMP only takes them in',
  })
  await client.closed
  expect(underTest.requests).toEqual([])
})

test('an encoder that leaves before the verdict aborts the request, and its sink is ended', async () => {
  const { judge, open } = gate()
  const underTest = await start({ judge })
  const client = await connected(underTest)
  client.message({ type: 20, streamId: 1, body: amf('publish', 9, null, 'stage', 'live') })
  await until(() => underTest.requests.length === 1, 'the request')
  client.destroy()
  await until(() => underTest.requests[0]!.signal.aborted, 'the abort')
  open()
  await until(() => underTest.taken[0]?.ends.length === 1, 'the end')
  expect(underTest.taken[0]).toMatchObject({ tags: [], ends: ['lost'] })
})

test.each([
  ['FCUnpublish', [null, 'stage'], 0],
  ['deleteStream', [null, 1], 0],
  ['closeStream', [null], 1],
] as const)('%s is a clean end, told once', async (name, values, streamId) => {
  const underTest = await start()
  const client = await connected(underTest)
  await client.publish('stage')
  client.raw(
    Buffer.concat([frame(1), chunks({ type: 20, streamId, body: amf(name, 9, ...values) }, 128), frame(2)]),
  )
  client.command('deleteStream', null, 1)
  await client.closed
  expect(underTest.taken.map(({ tags, ends }) => [tags.length, ends])).toEqual([[1, ['unpublished']]])
})

test('a deleteStream of another stream ends nothing', async () => {
  const underTest = await start()
  const client = await connected(underTest)
  await client.publish('stage')
  client.command('deleteStream', null, 2)
  client.raw(frame(1))
  await until(() => underTest.taken[0]?.tags.length === 1, 'the frame')
  expect(underTest.taken[0]!.ends).toEqual([])
})

test.each([
  ['is reset', (client: RtmpClient) => void client.socket.resetAndDestroy()],
  ['is closed', (client: RtmpClient) => void client.socket.end()],
])('a connection that %s without a word is a loss', async (_, leave) => {
  const underTest = await start()
  const client = await connected(underTest)
  await client.publish('stage')
  leave(client)
  await until(() => underTest.taken[0]!.ends.length > 0, 'the end')
  expect(underTest.taken[0]!.ends).toEqual(['lost'])
  expect(underTest.requests[0]!.signal.aborted).toBe(true)
})

test('a publisher that is cut hears why, and nothing that it sends is taken', async () => {
  const underTest = await start()
  const client = await connected(underTest)
  await client.publish('stage')
  underTest.requests[0]!.publisher.cut('stopped', 'the channel was stopped')
  client.raw(Buffer.concat([frame(1), frame(2)]))
  expect(await client.nextStatus(1)).toEqual({
    level: 'error',
    code: 'NetStream.Publish.Denied',
    description: 'stopped: the channel was stopped',
  })
  await client.closed
  expect(underTest.taken[0]).toMatchObject({ tags: [], ends: ['lost'] })
  underTest.requests[0]!.publisher.cut('stopped', 'twice')
  underTest.requests[0]!.publisher.resume()
})

test('a second publish on a connection is refused as busy and ends both', async () => {
  const underTest = await start()
  const client = await connected(underTest)
  await client.publish('stage')
  const { values } = await client.call('createStream', null)
  expect(values).toEqual([null, 2])
  client.message({ type: 20, streamId: 2, body: amf('publish', 9, null, 'other', 'live') })
  expect(await client.nextStatus(1)).toMatchObject({
    code: 'NetStream.Publish.BadName',
    description: /^busy: /,
  })
  await client.closed
  expect(underTest.requests.map(({ path }) => path)).toEqual(['/live/stage'])
  expect(underTest.taken[0]!.ends).toEqual(['lost'])
})

test.each<[string, number, Buffer]>([
  ['metadata', 18, amf('onMetaData', { comment: 'x'.repeat(60_000) })],
  ['commands', 20, amf('_result', 1, { comment: 'x'.repeat(15_000) })],
])(
  'a flood of %s ends its publisher, and no other; media beside it is not counted',
  async (_, type, body) => {
    let now = 1_800_000_000_000
    const underTest = await start({ clock: { now: () => instant(now) } })
    const other = await connected(underTest)
    await other.publish('other')
    const client = await connected(underTest)
    await client.publish('stage')
    client.setChunkSize(1_000_000)
    const send = (count: number): void => {
      for (let index = 0; index < count; index++) client.message({ type, streamId: 1, body })
    }
    const most = Math.floor((511 * 1024) / body.length)
    const media = Buffer.alloc(1_000_000, 0x17)
    for (let minute = 0; minute < 2; minute++) {
      send(most)
      client.message({ type: 9, chunkStream: 6, streamId: 1, timestamp: minute, body: media })
      await until(
        () => underTest.taken[1]!.tags.filter(tag => tag.type === 'video').length === minute + 1,
        'media behind what is allowed',
      )
      now += 60_000
    }
    send(most + 1)
    await client.closed
    expect(underTest.taken.map(({ ends }) => ends)).toEqual([[], ['lost']])
    expect(underTest.ingest.publishers()).toBe(1)
  },
)

test('a full sink pauses the encoder, and resume lets it go on', async () => {
  const underTest = await start({ answer: ({ tags }) => (tags.length === 1 ? 'full' : 'more') })
  const client = await connected(underTest)
  await client.publish('stage')
  client.setChunkSize(1_000_000)
  const body = Buffer.alloc(1_000_000)
  for (let index = 0; index < 40; index++)
    client.message({ type: 9, chunkStream: 6, streamId: 1, timestamp: index, body })
  const [taken] = underTest.taken
  await until(() => taken!.tags.length > 0, 'the first tag')
  await roundTrip(underTest)
  expect(taken!.tags.length).toBe(1)
  expect(client.socket.writableLength).toBeGreaterThan(20_000_000)
  underTest.requests[0]!.publisher.resume()
  await until(() => taken!.tags.length === 40, 'the rest')
  expect(taken!.tags.map(({ timestamp }) => timestamp)).toEqual(
    Array.from({ length: 40 }, (_, index) => index),
  )
})

test('what an encoder calls itself is cut and made printable; its statement of the host is passed on', async () => {
  const underTest = await start()
  const client = await RtmpClient.connected(
    {
      app: 'live',
      stream: '',
      tcUrl: 'rtmp://user:pass@Media.Example:1935/live',
      encoder: `\n${'é'}${'x'.repeat(100)}`,
    },
    { port: underTest.port },
  )
  clients.push(client)
  await client.publish('stage?a=%2F&b')
  const { encoder, authority, path, query, scheme } = underTest.requests[0]!
  expect({ encoder, authority, path, query, scheme }).toEqual({
    encoder: 'x'.repeat(64),
    authority: 'Media.Example:1935',
    path: '/live/stage',
    query: 'a=%2F&b',
    scheme: 'rtmp',
  })
})

test('closing the server ends everybody', async () => {
  const underTest = await start()
  const client = await connected(underTest)
  await client.publish('stage')
  const idle = await RtmpClient.open({ port: underTest.port })
  await until(() => underTest.ingest.connections() === 2, 'both connections')
  await underTest.ingest.close()
  await Promise.all([client.closed, idle.closed])
  expect(underTest.taken[0]!.ends).toEqual(['lost'])
})
