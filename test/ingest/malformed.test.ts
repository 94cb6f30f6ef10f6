import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FlvTag } from '../../src/cmaf/index.ts'
import { ingestUnderTest, until, type IngestUnderTest, type Taken } from './ingest-under-test.ts'
import { MALFORMED, type Stage } from './malformed.ts'
import { RtmpClient } from './rtmp-client.ts'

const MOST_GROWTH = 40 * 1024 * 1024
/** Less than any deadline: what closes a connection within it is the input. */
const AT_ONCE = 3000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // what the flag brings

let underTest: IngestUnderTest
let live: RtmpClient
let ticking: NodeJS.Timeout
let before: number
let sent = 0
let arrived = 0
const wrong: string[] = []

/** The frames of the stream beside; made anew for each comparison, since what is kept would count as memory. */
function frame(index: number): FlvTag {
  const data = Buffer.alloc(12_000, index)
  data.writeUInt32BE(index, 8)
  return { type: 'video', timestamp: index * 5, data }
}

function compare({ request, tags }: Taken): 'more' {
  if (request.path !== '/live/stage') return 'more'
  for (const { type, timestamp, data } of tags.splice(0)) {
    const expected = frame(arrived++)
    const same =
      type === 'video' && timestamp === expected.timestamp && Buffer.compare(data, expected.data) === 0
    if (!same) wrong.push(`${type} of ${data.length} bytes at ${timestamp} instead of frame ${arrived - 1}`)
  }
  return 'more'
}

beforeAll(async () => {
  underTest = await ingestUnderTest({ answer: compare })
  const beside = await RtmpClient.publishing({ app: 'live', stream: 'stage' }, { port: underTest.port })
  live = beside.client
  live.setChunkSize(4096)
  ticking = setInterval(() => live.send(frame(sent++)), 5)
  await until(() => arrived > 100, 'the stream beside to run')
  collect()
  before = process.memoryUsage().rss
})

afterAll(async () => {
  clearInterval(ticking)
  live?.destroy()
  await underTest.ingest.close()
})

async function clientAt(stage: Stage): Promise<RtmpClient> {
  const client = await RtmpClient.open({ port: underTest.port })
  if (stage === 'open') return client
  await client.handshake()
  if (stage === 'handshaken') return client
  await client.connect({ app: 'live', stream: '' })
  if (stage === 'refused') expect((await client.publish('refused')).level).toBe('error')
  if (stage === 'published') expect((await client.publish('other')).level).toBe('status')
  return client
}

test.each(MALFORMED)('$name ($stage) closes its own connection and no other', async ({ stage, send }) => {
  const accepted = underTest.taken.length + (stage === 'published' ? 1 : 0)
  const client = await clientAt(stage)
  send(client)
  await until(() => client.ended, 'the connection to close', AT_ONCE)
  await until(() => underTest.ingest.connections() === 1, 'the connection to be forgotten')
  expect(underTest.ingest.publishers()).toBe(1)
  expect(underTest.taken).toHaveLength(accepted)
  if (stage !== 'published') return
  const { tags, ends } = underTest.taken.at(-1)!
  expect({ tags, ends }).toEqual({ tags: [], ends: ['lost'] })
})

test('the stream beside them lost no tag and gained none, and memory has not grown', async () => {
  clearInterval(ticking)
  await until(() => arrived >= sent, 'the last frame')
  expect({ wrong, arrived, ends: underTest.taken[0]?.ends }).toEqual({ wrong: [], arrived: sent, ends: [] })
  collect()
  expect(process.memoryUsage().rss - before).toBeLessThan(MOST_GROWTH)
})
