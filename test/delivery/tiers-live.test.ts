import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ChannelId } from '../../src/core/index.ts'
import { handClock, snapshotOf } from './edge-bench.ts'
import { CHANNEL, LiveOrigin, PLAYLIST, playlistText } from './live-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'
import { TierBench } from './tier-bench.ts'

const NEXT = '?_HLS_msn=100&_HLS_part=5'
const clock = handClock()
let origin: LiveOrigin
let bench: TierBench
let close = (): Promise<unknown> => Promise.resolve()

beforeEach(async () => {
  origin = new LiveOrigin()
  const server = createServer((request, response) => {
    response.sendDate = false
    origin.handle(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const originUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // listening on TCP
  const channel = {
    id: 'c1' as ChannelId, // a test's own
    ...{ path: CHANNEL, ingest: { keyGroups: [] }, reconnect: 30_000, stops: 0, lease: 0 },
  }
  bench = await TierBench.start({
    ...{ edges: 3, snapshot: snapshotOf({ channels: [channel] }), originUrl, clock },
  })
  close = async () => {
    await bench.close()
    await new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
})
afterEach(() => close())

function ask(edge: number, target: string): Promise<Answer> {
  return rawGet(bench.edges[edge]?.url ?? '', target)
}

test('viewers at three edges who wait for what is to come are one question to the origin', async () => {
  const viewers = [0, 1, 2].flatMap(edge => Array.from({ length: 10 }, () => ask(edge, PLAYLIST + NEXT)))
  await expect.poll(() => bench.regional.node.cache.fills).toBe(1)
  await expect.poll(() => bench.edges.map(({ node }) => node.cache.fills)).toEqual([1, 1, 1])
  await origin.holds(1)
  origin.playlist('100.5')
  const answers = await Promise.all(viewers)
  expect(answers.map(({ status, body }) => [status, body])).toEqual(
    answers.map(() => [200, playlistText('100.5')]),
  )
  // What nodes say among themselves stays among them, and viewers keep no playlist (SEAMS 18).
  for (const { headers } of answers) {
    expect(headers['cache-control']).toBe('no-cache')
    expect(Object.keys(headers).filter(name => /^sluice-/.test(name))).toEqual([])
  }
})

test('a playlist lives as long as its maker said, however many tiers it has come through', async () => {
  const first = ask(0, PLAYLIST)
  await origin.holds(1)
  origin.playlist('100.1', { lifetimeMs: 200 })
  expect((await first).body).toBe(playlistText('100.1'))
  clock.move(150)
  // The second edge has it from the regional cache, 150 ms old.
  expect((await ask(1, PLAYLIST)).body).toBe(playlistText('100.1'))
  clock.move(49)
  expect((await ask(1, PLAYLIST)).body).toBe(playlistText('100.1'))
  clock.move(2)
  const later = ask(1, PLAYLIST)
  await origin.holds(1)
  origin.playlist('100.2', { lifetimeMs: 200 })
  expect((await later).body).toBe(playlistText('100.2'))
})

test('a question that is held at a regional cache which is killed is held at the origin', async () => {
  const viewer = ask(0, PLAYLIST + NEXT)
  await origin.holds(1)
  const killed = bench.regional.kill()
  await expect.poll(() => origin.held.length, { timeout: 10_000 }).toBe(1)
  await killed
  await origin.holds(1)
  origin.playlist('100.5')
  expect((await viewer).body).toBe(playlistText('100.5'))
})

test('nobody is shown an older version after a newer one, wherever that came from', async () => {
  const first = ask(0, PLAYLIST)
  await origin.holds(1)
  origin.playlist('100.4', { lifetimeMs: 200 })
  expect((await first).body).toBe(playlistText('100.4'))
  await bench.regional.kill()
  await bench.regional.restart()
  clock.move(300)
  const other = ask(1, PLAYLIST)
  await origin.holds(1)
  // An origin that is behind the one before.
  origin.playlist('100.3', { lifetimeMs: 2_000 })
  expect((await other).body).toBe(playlistText('100.3'))
  await expect.poll(async () => (await fetch(`${bench.regional.url}/.sluice/alive`)).status).toBe(204)
  const again = ask(0, PLAYLIST)
  await Promise.race([again, origin.holds(1).then(() => origin.playlist('100.3'))])
  expect((await again).body).toBe(playlistText('100.4'))
})

test('what is out of reach is refused by the tier that knows it, and kept by none', async () => {
  const first = ask(0, PLAYLIST)
  await origin.holds(1)
  origin.playlist('100.4')
  await first
  const far = await ask(1, `${PLAYLIST}?_HLS_msn=200`)
  expect([far.status, origin.held.length]).toEqual([400, 0])
})
