import { randomInt } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Logger } from '../../src/telemetry/index.ts'
import { amf, ecmaArray } from './amf-writer.ts'
import { ingestUnderTest, until, type Taken } from './ingest-under-test.ts'
import { chunks, RtmpClient } from './rtmp-client.ts'

export interface FuzzOptions {
  milliseconds: number
  /** The same seed makes the same sessions; default: any. */
  seed?: number
}

export interface FuzzReport {
  seed: number
  sessions: number
  /** Sessions that were accepted as publishers in spite of everything. */
  accepted: number
  /** Exceptions that were no refusal of the protocol. */
  unexpected: string[]
  /** Frames of the stream beside that came wrong, too often or not at all. */
  wrong: number
  /** Connections that are still open besides the stream's. */
  left: number
  /** Bytes of resident memory more than after the first quarter of the time. */
  growth: number
}

const AT_ONCE = 8

/** Sends valid sessions with random damage beside a live stream, for so long. */
export async function fuzzIngest({
  milliseconds,
  seed = randomInt(2 ** 31),
}: FuzzOptions): Promise<FuzzReport> {
  const random = generator(seed)
  const unexpected: string[] = []
  const log = listeningFor(unexpected)
  const beside = { sent: 0, arrived: 0, wrong: 0 }
  const count = (taken: Taken): 'more' => {
    for (const { data } of taken.tags.splice(0)) {
      if (taken.request.path !== '/live/beside') continue
      const index = beside.arrived++
      const same =
        data.length === 3000 && Buffer.from(data.buffer, data.byteOffset, 4).readUInt32BE() === index
      if (!same || data[2999] !== index % 256) beside.wrong++
    }
    return 'more'
  }
  const limits = { handshake: 2000, publish: 2000, silence: 8000, linger: 100, connectionsPerAddress: 1000 }
  const underTest = await ingestUnderTest({ limits, log, answer: count })
  const { port, ingest } = underTest
  const { client: live } = await RtmpClient.publishing({ app: 'live', stream: 'beside' }, { port })
  const ticking = setInterval(() => {
    const body = Buffer.alloc(3000, beside.sent)
    body.writeUInt32BE(beside.sent++)
    live.message({ type: 9, chunkStream: 6, streamId: 1, body })
  }, 10)

  await until(() => underTest.taken.length === 1, 'the stream beside to be accepted')
  const [stream] = underTest.taken
  let accepted = 0
  // What the test remembers of each session would count as memory of the server.
  const forget = (): void => {
    underTest.requests.splice(0)
    accepted += underTest.taken.splice(0).filter(taken => taken !== stream).length
  }

  const started = Date.now()
  let sessions = 0
  let settled: number | undefined
  const worker = async (): Promise<void> => {
    while (Date.now() - started < milliseconds) {
      await session(port, random)
      sessions++
      forget()
      if (settled === undefined && Date.now() - started > milliseconds / 4) settled = resident()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))

  await until(() => ingest.connections() <= 1, 'the damaged sessions to end', 20_000)
  clearInterval(ticking)
  await until(() => beside.arrived >= beside.sent, 'the last frame of the stream beside')
  forget()
  const report: FuzzReport = {
    ...{ seed, sessions, unexpected, wrong: beside.wrong + (stream?.ends.length ?? 1) },
    accepted,
    left: ingest.connections() - 1,
    growth: resident() - (settled ?? resident()),
  }
  live.destroy()
  await ingest.close()
  return report
}

/** Sends one damaged session in random pieces and waits for its end. */
async function session(port: number, random: () => number): Promise<void> {
  const client = await RtmpClient.open({ port })
  const below = (limit: number): number => Math.floor(random() * limit)
  let bytes = damaged(whole(below), below)
  if (below(10) > 0) bytes = Buffer.concat([Buffer.from([3]), Buffer.alloc(3072), bytes])
  for (let at = 0; at < bytes.length && !client.ended;) {
    const size = 1 + below(below(3) === 0 ? 20 : 4000)
    client.raw(bytes.subarray(at, at + size))
    at += size
    if (below(4) === 0) await new Promise(resolve => setImmediate(resolve))
  }
  if (below(3) === 0) client.destroy()
  else client.socket.end()
  await client.closed
}

/** A session of an encoder after its handshake. */
function whole(below: (limit: number) => number): Buffer {
  const size = [128, 128, 256, 4096][below(4)]!
  const command = (streamId: number, ...values: Parameters<typeof amf>): Buffer =>
    chunks({ type: 20, streamId, body: amf(...values) }, size)
  const frame = (type: number, timestamp: number): Buffer =>
    chunks(
      { type, chunkStream: type - 3, streamId: 1, timestamp, body: Buffer.alloc(below(2000), type) },
      size,
    )
  const chunkSize = Buffer.alloc(4)
  chunkSize.writeUInt32BE(size)
  return Buffer.concat([
    chunks({ type: 1, chunkStream: 2, body: chunkSize }, 128),
    command(0, 'connect', 1, {
      app: 'live',
      flashVer: 'fuzz',
      tcUrl: 'rtmp://127.0.0.1/live',
      fourCcList: ['avc1'],
    }),
    command(0, 'releaseStream', 2, null, 'stage'),
    command(0, 'FCPublish', 3, null, 'stage'),
    command(0, 'createStream', 4, null),
    command(1, 'publish', 5, null, 'stage?Signature=x', 'live'),
    chunks(
      {
        type: 18,
        streamId: 1,
        body: Buffer.concat([amf('@setDataFrame', 'onMetaData'), ecmaArray({ width: 1 })]),
      },
      size,
    ),
    ...Array.from({ length: 10 }, (_, index) => frame(index % 2 === 0 ? 9 : 8, 0xfffffe * below(3) + index)),
    command(0, 'FCUnpublish', 6, null, 'stage'),
    command(0, 'deleteStream', 7, null, 1),
  ])
}

/** Up to eight changes: bytes set, taken out, put in, repeated, or cut off. */
function damaged(bytes: Buffer, below: (limit: number) => number): Buffer {
  let changed = Buffer.from(bytes)
  for (let change = below(9); change > 0; change--) {
    const at = below(below(2) === 0 ? Math.min(700, changed.length) : changed.length)
    const length = 1 + below(below(4) === 0 ? 300 : 4)
    const [before, after] = [changed.subarray(0, at), changed.subarray(at)]
    switch (below(6)) {
      case 0:
        changed[at] = [0, 1, 0x7f, 0x80, 0xff, below(256)][below(6)]!
        break
      case 1:
        changed = Buffer.concat([before, after.subarray(length)])
        break
      case 2:
        changed = Buffer.concat([before, Buffer.from(Array.from({ length }, () => below(256))), after])
        break
      case 3:
        changed = Buffer.concat([before, after.subarray(0, length), after])
        break
      case 4:
        changed = Buffer.concat([
          before,
          Buffer.alloc(length, below(2) === 0 ? 0 : 0xff),
          after.subarray(length),
        ])
        break
      default:
        if (below(4) === 0) changed = Buffer.from(before)
    }
    if (changed.length === 0) return changed
  }
  return changed
}

/** A small generator of numbers in [0, 1) that a seed repeats (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A log that remembers what should never be in it. */
function listeningFor(unexpected: string[]): Logger {
  const note = (fields: Record<string, unknown>, event: string): void => {
    unexpected.push(`${event}: ${String(fields.why)}`)
  }
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: note,
    error: note,
    child: () => log,
  }
  return log
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // what the flag brings

function resident(): number {
  collect()
  return process.memoryUsage().rss
}
