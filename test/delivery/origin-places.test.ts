import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { rendezvous, systemClock, type CanonicalPath, type NodeId } from '../../src/core/index.ts'
import { OriginPlaces } from '../../src/delivery/upstream/origin-places.ts'
import { createUpstream, type Upstream, type UpstreamQuestion } from '../../src/delivery/upstream/upstream.ts'
import type { Channel, PeerNode } from '../../src/distribution/index.ts'
import { ALIVE_PATH } from '../../src/membership/index.ts'
import { createGuard } from '../../src/outbound/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { channel, PATH } from '../origin/live/live-under-test.ts'

const ids = ['origin-aaaaaaaa', 'origin-bbbbbbbb', 'origin-cccccccc']
const publicKey = { kty: 'OKP', crv: 'Ed25519', x: '' } as const
const node = (id: string, url: string): PeerNode => ({ id: id as NodeId, role: 'origin', publicKey, url }) // made up
const given = (owner: string | undefined): Channel =>
  channel(owner === undefined ? {} : { owner: owner as NodeId })
const question = (path: string, about?: string): UpstreamQuestion => ({
  ...{ distributionId: 'E1' as never, origin: { id: 'built-in', kind: 'built-in' }, access: undefined }, // any
  ...{ path: path as CanonicalPath, query: '', headers: [], snapshotVersion: 1, sequence: 0 },
  ...{ validators: undefined, patience: 'full', lane: 'held', channel: about },
})

test('a channel is asked of who has it, then of the others; a film always of the same one for a folder', () => {
  const places = new OriginPlaces(undefined)
  const nodes = ids.map(id => node(id, `https://${id}:9001`))
  const order = (about: UpstreamQuestion): (string | undefined)[] => places.for(about).map(({ id }) => id)
  const live = question(`${PATH}/index.m3u8`, PATH)
  const preferred = rendezvous(PATH, ids, id => id)
  for (const owner of [undefined, ...ids]) {
    places.follow({ nodes, channels: [given(owner)] })
    const others = preferred.filter(id => id !== owner)
    expect(order(live)).toEqual(owner === undefined ? preferred : [owner, ...others])
  }
  const film = (file: string): UpstreamQuestion => question(`/films/one/video-0123456789/${file}`)
  expect(order(film('0.m4s'))).toEqual(order(film('playlist.m3u8')))
  expect(order(film('0.m4s')).sort()).toEqual(ids)
  const firsts = new Set(
    ids.flatMap((_, n) => order(question(`/films/${n}/video-0123456789/0.m4s`))[0] ?? []),
  )
  expect(firsts.size).toBeGreaterThan(1)
  const own = new OriginPlaces('http://127.0.0.1:1')
  own.follow({ nodes, channels: [given(ids[0])] })
  expect([own.all, own.for(live)]).toEqual([[{ url: 'http://127.0.0.1:1' }], [{ url: 'http://127.0.0.1:1' }]])
})

const servers: Server[] = []
let upstream: Upstream | undefined
afterEach(async () => {
  await upstream?.close()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

/** Says its name, or nothing at all, or that the channel is another's. */
async function origin(
  name: string,
  says: 'name' | 'nothing' | 'elsewhere' | 'half',
): Promise<{ url: string; asked: number }> {
  const heard = { url: '', asked: 0 }
  const server = createServer((request, response) => {
    if (request.url === ALIVE_PATH) {
      if (says === 'name' || says === 'elsewhere') response.writeHead(204).end()
      return
    }
    heard.asked++
    if (says === 'name') response.writeHead(200, { ETag: '"one"', 'Content-Length': name.length }).end(name)
    if (says === 'half')
      response.writeHead(200, { ETag: '"one"', 'Content-Length': 2 * name.length }).write(name)
    if (says === 'elsewhere') response.writeHead(503, { 'x-sluice-reason': 'origin-away' }).end()
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  heard.url = `http://127.0.0.1:${port}`
  return heard
}

function open(): Upstream {
  upstream = createUpstream({
    ...{ url: undefined, token: () => Promise.resolve('token'), clock: systemClock, log: silentLogger },
    guard: createGuard({ allow: [], ownPorts: [] }),
  })
  return upstream
}

async function told(asking: ReturnType<Upstream['ask']>): Promise<string> {
  return text((await asking).body)
}

test('what the old origin of a channel has not answered is asked of the new one, once it is named', async () => {
  const [silent, next] = [await origin('old', 'nothing'), await origin('new', 'name')]
  const nodes = [node('origin-old', silent.url), node('origin-new', next.url)]
  const asks = open()
  asks.keep([], { nodes, channels: [given('origin-old')] })
  const asking = told(asks.ask(question(`${PATH}/index.m3u8`, PATH)))
  await expect.poll(() => silent.asked).toBe(1)
  asks.keep([], { nodes, channels: [given('origin-old')] })
  expect(next.asked).toBe(0)
  asks.keep([], { nodes, channels: [given('origin-new')] })
  expect(await asking).toBe('new')
})

test('an origin that has not the channel, or is away, is not the last word', async () => {
  const [wrong, right] = [await origin('wrong', 'elsewhere'), await origin('right', 'name')]
  const gone = await origin('gone', 'nothing')
  const server = servers.pop()
  await new Promise(resolve => server?.close(resolve))
  const nodes = [
    node('origin-wrong', wrong.url),
    node('origin-right', right.url),
    node('origin-gone', gone.url),
  ]
  const asks = open()
  for (const owner of ['origin-wrong', 'origin-gone']) {
    asks.keep([], { nodes, channels: [given(owner)] })
    expect(await told(asks.ask(question(`${PATH}/index.m3u8`, PATH)))).toBe('right')
  }
})

/** A segment of a film that is asked of this one first. */
function filmOf(nodes: PeerNode[], id: string): string {
  const folders = Array.from({ length: 50 }, (_, n) => `/films/${n}/video-0123456789`)
  return `${folders.find(folder => rendezvous(folder, nodes, each => each.id)[0]?.id === id)}/0.m4s`
}

test('a film is asked of another origin once the first one is silent, also what it has not answered yet', async () => {
  const [silent, other] = [await origin('silent', 'nothing'), await origin('other', 'name')]
  const nodes = [node('origin-silent', silent.url), node('origin-other', other.url)]
  const film = filmOf(nodes, 'origin-silent')
  const asks = open()
  asks.keep([], { nodes, channels: [] })
  expect(await told(asks.ask(question(film)))).toBe('other')
  expect(silent.asked).toBe(1)
  expect(await told(asks.ask(question(film)))).toBe('other')
  expect(silent.asked).toBe(1)
})

test('a body ends in the middle, or goes on elsewhere, once the origin that sends it is silent', async () => {
  const [silent, other] = [await origin('word', 'half'), await origin('wordword', 'name')]
  const nodes = [node('origin-silent', silent.url), node('origin-other', other.url)]
  const asks = open()
  asks.keep([], { nodes, channels: [given('origin-silent')] })
  const part = asks.ask(question(`${PATH}/b1/video/e1-1.1.m4s`, PATH))
  const film = asks.ask(question(filmOf(nodes, 'origin-silent')))
  const [first, second] = await Promise.allSettled([told(part), told(film)])
  expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ECONNRESET' } })
  expect(second).toEqual({ status: 'fulfilled', value: 'wordword' })
})
