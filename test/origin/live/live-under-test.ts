import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'
import { encodeFlvHeader, encodeFlvTag, type FlvTag } from '../../../src/cmaf/index.ts'
import {
  instant,
  type ChannelId,
  type Clock,
  type Instant,
  type KeyGroupId,
  type NodeId,
} from '../../../src/core/index.ts'
import type { Channel } from '../../../src/distribution/index.ts'
import {
  HAND_OVER,
  HAND_OVER_PATH,
  HAND_OVER_TYPE,
  type HandOverLine,
  type PeerVerifier,
} from '../../../src/membership/index.ts'
import { openOrigin, type OriginUnderTest } from '../origin-under-test.ts'

/** A clock that stands still until it is told. */
export class StillClock implements Clock {
  #now: Instant

  constructor(now = 1_800_000_000_000) {
    this.#now = instant(now)
  }

  now(): Instant {
    return this.#now
  }

  pass(milliseconds: number): void {
    this.#now = instant(this.#now + milliseconds)
  }
}

export const PATH = '/live/stage'

export function channel(settings: Partial<Channel> = {}): Channel {
  return {
    id: 'c1' as ChannelId, // ids of tests are made up
    path: PATH,
    ingest: { keyGroups: ['kg-1' as KeyGroupId] },
    reconnect: 30_000,
    stops: 0,
    lease: 0,
    ...settings,
  }
}

/** Believes what the token says: `edge`, `gateway`, … */
export const byWord: PeerVerifier = {
  verify: token =>
    Promise.resolve(
      token === 'edge' || token === 'gateway' || token === 'origin'
        ? { kind: 'peer', id: `${token}-1` as NodeId, role: token } // a made-up node
        : { kind: 'refused', why: 'no token' },
    ),
}

export interface LiveUnderTest extends OriginUnderTest {
  clock: StillClock
  /** As an edge asks. */
  get(path: string, init?: RequestInit): Promise<Response>
  /** Lets time pass in steps of a tick. */
  pass(milliseconds: number): void
}

/** An origin with the channel `/live/stage`, on a clock that stands still; closed when the test ends. */
export async function openLive(
  options: Parameters<typeof openOrigin>[0] & { channels?: Channel[] } = {},
): Promise<LiveUnderTest> {
  const clock = new StillClock()
  const { channels = [channel()], ...rest } = options
  const origin = await openOrigin({ peers: byWord, clock, ...rest })
  onTestFinished(() => origin.close())
  origin.live.table.apply(channels)
  return {
    ...origin,
    clock,
    get: (path, init) =>
      fetch(origin.url + path, { ...init, headers: { 'sluice-node': 'edge', ...init?.headers } }),
    pass(milliseconds) {
      for (let left = milliseconds; left > 0; left -= 250) {
        clock.pass(Math.min(250, left))
        origin.live.table.tick()
      }
    },
  }
}

export interface HandOverFields {
  channel?: string
  lease?: number
  epoch?: string
  stops?: number
  broadcast?: string
  /** Whom the gateway takes for the channel's owner. */
  owner?: string
  node?: string
  type?: string
}

/** A gateway's side of one hand-over. */
export class GivenOver {
  readonly request: ClientRequest
  readonly lines: HandOverLine[] = []
  response: IncomingMessage | undefined
  /** Of the body. */
  sent = 0
  #text = ''
  #closed = false

  constructor(port: number, fields: HandOverFields = {}) {
    const { channel = PATH, lease = 0, epoch = 'u1', stops = 0, broadcast, node = 'gateway' } = fields
    const { owner } = fields
    this.request = request({
      ...{ host: '127.0.0.1', port, method: 'POST', path: HAND_OVER_PATH, agent: false },
      headers: {
        'sluice-node': node,
        'content-type': fields.type ?? HAND_OVER_TYPE,
        [HAND_OVER.channel]: channel,
        [HAND_OVER.lease]: lease,
        [HAND_OVER.epoch]: epoch,
        [HAND_OVER.stops]: stops,
        [HAND_OVER.address]: '192.0.2.7',
        [HAND_OVER.encoder]: 'FMLE/3.0',
        ...(owner === undefined ? {} : { [HAND_OVER.owner]: owner }),
        ...(broadcast === undefined ? {} : { [HAND_OVER.broadcast]: broadcast }),
      },
    })
    this.request.on('error', () => {})
    this.request.on('close', () => (this.#closed = true))
    this.request.flushHeaders()
    onTestFinished(() => void this.request.destroy())
  }

  /** The status and, of the headers, what is ours. */
  async accepted(): Promise<{ status: number; broadcast: string; reason: string | undefined }> {
    const [response] = (await once(this.request, 'response')) as [IncomingMessage] // what the event carries
    this.response = response
    response.on('error', () => {})
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      const lines = (this.#text + text).split('\n')
      this.#text = lines.pop() ?? ''
      for (const line of lines) this.lines.push(JSON.parse(line) as HandOverLine) // asserted by the tests
    })
    const word = (name: string): string | undefined => response.headers[name]?.toString()
    const status = response.statusCode ?? 0
    return { status, broadcast: word(HAND_OVER.broadcast) ?? '', reason: word('x-sluice-reason') }
  }

  write(bytes: Uint8Array): void {
    this.sent += bytes.length
    this.request.write(bytes)
  }

  header(): void {
    this.write(encodeFlvHeader())
  }

  tags(...tags: FlvTag[]): void {
    for (const tag of tags) for (const piece of encodeFlvTag(tag)) this.write(piece)
  }

  /** Waits until the origin has muxed all that was written. */
  async taken(): Promise<void> {
    await until(() => this.lines.some(line => 'taken' in line && line.taken === this.sent), 'all is taken')
  }

  async cut(): Promise<HandOverLine> {
    const isCut = (line: HandOverLine): boolean => 'cut' in line
    await until(() => this.lines.some(isCut), 'a cut line')
    return this.lines.find(isCut) ?? { taken: -1 }
  }

  async closed(): Promise<void> {
    await until(() => this.#closed, 'the hand-over is closed')
  }
}

/** A hand-over that was accepted, with its header sent. */
export async function handOver(
  origin: { port: number },
  fields: HandOverFields = {},
): Promise<GivenOver & { broadcast: string }> {
  const given = new GivenOver(origin.port, fields)
  const { broadcast } = await given.accepted()
  given.header()
  return Object.assign(given, { broadcast })
}

/** Looks until it is so; a test that waits for longer than 10 s has failed. */
export async function until(so: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!so()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
