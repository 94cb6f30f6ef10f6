import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { EdgeBench } from './edge-bench.ts'
import { AFTER_FLOOD, FLOODS, HEADS, type Outcome } from './http2-floods.ts'
import { ask, settings, update } from './http2-requests.ts'
import { SpecPeer } from './http2-spec.ts'
import {
  CODE,
  END_STREAM,
  frame,
  GET,
  headers,
  PREFACE,
  RawHttp2,
  requestOf,
  SETTING,
  setting,
  TYPE,
} from './raw-http2.ts'
import { startTlsEdge } from './tls-edge.ts'

const LARGE = Buffer.alloc(600_000)
const STALLED = 300

let edge: EdgeBench
/** Lets go of who does not move after a third of a second. */
let hasty: EdgeBench
let closers: (() => Promise<void>)[] = []
beforeAll(async () => {
  const usual = await startTlsEdge((_request, response) => response.end('film'))
  const other = await startTlsEdge(
    (_request, response) => {
      response.setHeader('Cache-Control', 'max-age=60')
      response.end(LARGE)
    },
    { limits: { stalled: STALLED, idle: STALLED, request: STALLED } },
  )
  edge = usual.bench
  hasty = other.bench
  closers = [usual.close, other.close]
})
afterAll(async () => {
  for (const close of closers) await close()
})

async function peerOf(bench: EdgeBench, finished = onTestFinished): Promise<SpecPeer> {
  const peer = await SpecPeer.open(bench.url)
  finished(() => peer.close())
  return peer
}

/** A connection that nobody floods is answered. */
async function othersAreServed(bench: EdgeBench, finished = onTestFinished): Promise<void> {
  const other = await peerOf(bench, finished)
  await other.run([ask(requestOf({ ':method': 'HEAD' }))])
  expect((await other.answer()).status).toBe('200')
}

const over = ({ raw }: SpecPeer): boolean =>
  raw.fate !== undefined || (raw.goneAway() ?? CODE.NO_ERROR) !== CODE.NO_ERROR

const WORDS: Readonly<Record<Outcome, string>> = {
  ends: 'ends the connection',
  'goes on': 'leaves the connection going',
  either: 'is noticed by nobody else',
}

/** One alone: npx vitest run test/delivery/http2-floods.test.ts -t '3,000 requests' */
describe('a flood of', () => {
  test.each(FLOODS.map(each => [`${each.says} ${WORDS[each.outcome]}`, each] as const))(
    '%s',
    async (_, { script, outcome }) => {
      const peer = await peerOf(edge)
      await peer.run([...script, ask(GET, { stream: AFTER_FLOOD })])
      await expect
        .poll(() => over(peer) || peer.raw.end(AFTER_FLOOD) !== undefined, { timeout: 5000, interval: 5 })
        .toBe(true)
      if (outcome !== 'either')
        expect(over(peer) ? 'ends' : peer.raw.end(AFTER_FLOOD)).toBe(outcome === 'ends' ? 'ends' : 'answered')
      await othersAreServed(edge)
    },
  )

  test('PING that is never read ends the connection, and nobody else notices', async () => {
    const peer = await peerOf(hasty)
    peer.raw.socket.pause()
    const pings = Buffer.concat(Array.from({ length: 50_000 }, () => frame(TYPE.PING, 0, 0, Buffer.alloc(8))))
    const ended = new Promise(resolve => peer.raw.socket.once('error', resolve).once('close', resolve))
    for (let sent = 0; sent < 40 && !peer.raw.fate; sent += 1)
      await Promise.race([new Promise(resolve => peer.raw.socket.write(pings, resolve)), ended])
    peer.raw.socket.resume()
    await expect.poll(() => over(peer), { timeout: 5000, interval: 5 }).toBe(true)
    await othersAreServed(hasty)
  })
})

describe('a head with', () => {
  test.each(HEADS.map(each => [`${each.says}: ${each.outcome}`, each] as const))(
    '%s, and the connection goes on',
    async (_, { script, outcome }) => {
      const peer = await peerOf(edge)
      const asked = edge.asked.length
      await peer.run(script)
      await expect.poll(() => peer.raw.end(), { interval: 5 }).toBeDefined()
      if (outcome === 'reset') {
        // Neither less nor more is said of it than that it was too much (RFC 9113 §10.5.1).
        expect(peer.raw.end()).toBe(`reset ${CODE.ENHANCE_YOUR_CALM}`)
      } else expect((await peer.answer()).status).toBe(String(outcome))
      expect(edge.asked.length - asked).toBeLessThanOrEqual(outcome === 200 ? 1 : 0)
      await peer.run([ask(GET, { stream: 3 })])
      expect((await peer.answer(3)).status).toBe('200')
    },
  )
})

describe('who does not move is let go:', { timeout: 5000 }, () => {
  const window = (bytes: number): Buffer => settings(setting(SETTING.INITIAL_WINDOW_SIZE, bytes))

  /** Each of the streams is reset, or the connection ends. */
  async function letGo(peer: SpecPeer, streams: readonly number[]): Promise<void> {
    const gone = (stream: number): boolean => peer.raw.end(stream)?.startsWith('reset') === true
    while (!over(peer) && !streams.every(gone)) await peer.raw.beyond(peer.raw.frames.length)
  }

  test.concurrent('100 requests whose windows stay shut', async ({ onTestFinished: finished }) => {
    const peer = await peerOf(hasty, finished)
    const streams = Array.from({ length: 100 }, (_, each) => 1 + 2 * each)
    await peer.run([window(0), ...streams.map(stream => ask(GET, { stream }))])
    await letGo(peer, streams)
    await othersAreServed(edge, finished)
  })

  test.concurrent('a request whose connection window stays shut', async ({ onTestFinished: finished }) => {
    const peer = await peerOf(hasty, finished)
    await peer.run([window(2 ** 20), ask()])
    await letGo(peer, [1])
    expect(peer.raw.of(TYPE.DATA).reduce((sum, { payload }) => sum + payload.length, 0)).toBe(65_535)
  })

  test.concurrent(
    'a request whose window opens byte by byte (CVE-2019-9511)',
    async ({ onTestFinished: finished }) => {
      const peer = await peerOf(hasty, finished)
      await peer.run([window(0), ask()])
      const dribble = setInterval(() => void peer.send(update(1, 1)), 20)
      finished(() => clearInterval(dribble))
      await letGo(peer, [1])
    },
  )

  test.concurrent.for<[string, Buffer]>([
    ['nothing at all', Buffer.alloc(0)],
    ['half a preface', PREFACE.subarray(0, 10)],
    ['a preface and no more', Buffer.concat([PREFACE, settings()])],
    ['half the head of a frame', Buffer.concat([PREFACE, settings(), Buffer.from([0, 0])])],
    ['half a head', Buffer.concat([PREFACE, settings(), headers(GET, END_STREAM)])],
  ])('a connection with %s', async ([, bytes], { onTestFinished: finished }) => {
    const raw = await RawHttp2.open(hasty.url, bytes)
    finished(() => raw.close())
    await raw.closed
  })
})
