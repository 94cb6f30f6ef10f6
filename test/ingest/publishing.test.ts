import { afterEach, expect, test } from 'vitest'
import type { FlvTag } from '../../src/cmaf/index.ts'
import { amf, ecmaArray } from './amf-writer.ts'
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

async function publish(underTest: IngestUnderTest, app: string, stream: string) {
  const result = await RtmpClient.publishing({ app, stream }, { port: underTest.port })
  clients.push(result.client)
  return result
}

const video = (timestamp: number, length: number, fill = 7): FlvTag => ({
  type: 'video',
  timestamp,
  data: Buffer.concat([Buffer.from([0x17, 1, 0, 0, 0]), Buffer.alloc(length, fill)]),
})
const audio = (timestamp: number): FlvTag => ({
  type: 'audio',
  timestamp,
  data: Buffer.from([0xaf, 1, 1, 2, 3]),
})

test('tags arrive whole and in order, whatever the chunk size', async () => {
  const underTest = await start()
  const { client, status } = await publish(underTest, 'live', 'stage')
  expect(status).toEqual({ level: 'status', code: 'NetStream.Publish.Start', description: 'Publishing.' })
  const sent: FlvTag[] = []
  for (const [index, size] of [128, 1, 4096, 65_536, 1_048_576].entries()) {
    client.setChunkSize(size)
    for (const tag of [audio(index * 40), video(index * 40, size === 1 ? 300 : 700_000, index)]) {
      client.send(tag)
      sent.push(tag)
    }
  }
  const [taken] = underTest.taken
  await until(() => taken?.tags.length === sent.length, 'all tags')
  expect(taken!.tags.map(({ type, timestamp }) => ({ type, timestamp }))).toEqual(
    sent.map(({ type, timestamp }) => ({ type, timestamp })),
  )
  expect(taken!.tags.every(({ data }, index) => Buffer.from(data).equals(sent[index]!.data))).toBe(true)
  expect(underTest.ingest.publishers()).toBe(1)
  await client.unpublish('stage')
  await until(() => taken!.ends.length > 0, 'the end')
  expect(taken!.ends).toEqual(['unpublished'])
  await until(() => underTest.ingest.connections() === 0, 'the connection to close')
})

test('metadata loses its @setDataFrame and nothing else', async () => {
  const underTest = await start()
  const { client } = await publish(underTest, 'live', 'stage')
  const metadata = Buffer.concat([
    amf('onMetaData'),
    ecmaArray({ width: 1280, encoder: 'x', nested: { a: [1, 2] } }),
  ])
  client.send({ type: 'script', timestamp: 0, data: Buffer.concat([amf('@setDataFrame'), metadata]) })
  client.send({ type: 'script', timestamp: 5, data: metadata })
  client.message({ type: 15, streamId: 1, timestamp: 6, body: Buffer.concat([Buffer.from([0]), metadata]) })
  const [taken] = underTest.taken
  await until(() => taken?.tags.length === 3, 'the metadata')
  expect(taken!.tags.map(tag => ({ ...tag, data: Buffer.from(tag.data).toString('hex') }))).toEqual(
    [0, 5, 6].map(timestamp => ({ type: 'script', timestamp, data: metadata.toString('hex') })),
  )
})

test('an encoder that unpublishes closes by itself: only one that does not is closed after a while', async () => {
  const linger = 400
  const underTest = await start({ limits: { linger } })
  const { client } = await publish(underTest, 'live', 'stage')
  const from = performance.now()
  client.command('FCUnpublish', null, 'stage')
  client.command('closeStream', null)
  client.command('deleteStream', null, 1)
  await client.closed
  expect(performance.now() - from).toBeGreaterThan(linger / 2)
  expect(underTest.taken[0]?.ends).toEqual(['unpublished'])
  await until(() => underTest.ingest.connections() === 0, 'the connection to be forgotten')
})
