import { describe, expect, test } from 'vitest'
import { rendezvous, type NodeId } from '../../../src/core/index.ts'
import type { Channel, PeerNode } from '../../../src/distribution/index.ts'
import { PASSED_ON } from '../../../src/membership/index.ts'
import { Passing } from '../../../src/origin/passing.ts'
import { channel, GivenOver, handOver, openLive, PATH, until, type LiveUnderTest } from './live-under-test.ts'
import { ScriptedMuxer, segmentOf, tagOf, type Step } from './scripted-muxer.ts'

const BOTH: Step = { make: 'tracks', kinds: ['video', 'audio'] }
/** As everybody prefers them for the channel: whom nobody was given it is the first one's. */
const [FIRST = '', SECOND = ''] = rendezvous(PATH, ['origin-aaaaaaaa', 'origin-bbbbbbbb'], id => id)

interface Pair {
  first: LiveUnderTest
  second: LiveUnderTest
  /** Both hear the same snapshot. */
  apply: (settings: Partial<Channel>) => void
}

/** Two origins that know each other. */
async function pair(settings: Partial<Channel> = {}): Promise<Pair> {
  const nodes: PeerNode[] = []
  const open = async (id: string): Promise<LiveUnderTest> => {
    const self = id as NodeId // made up
    const token = () => Promise.resolve('origin')
    const origin = await openLive({
      channels: [channel(settings)],
      live: { newMuxer: () => new ScriptedMuxer(), self },
      passing: new Passing({ self, nodes: () => nodes, membership: undefined, token }),
    })
    const publicKey = { kty: 'OKP', crv: 'Ed25519', x: '' } as const
    nodes.push({ id: self, role: 'origin', publicKey, url: origin.url })
    return origin
  }
  const [first, second] = [await open(FIRST), await open(SECOND)]
  const apply = (next: Partial<Channel>): void =>
    [first, second].forEach(({ live }) => live.table.apply([channel(next)]))
  return { first, second, apply }
}

const given = (owner: string, lease: number): Partial<Channel> => ({ owner: owner as NodeId, lease }) // made up
const stateOf = ({ live }: LiveUnderTest): string | undefined => live.table.at(PATH)?.state
const passedOn = async ({ metrics }: LiveUnderTest): Promise<string[]> =>
  (await metrics.text()).split('\n').filter(line => line.startsWith('sluice_origin_passed_on_total{'))

async function publish(origin: LiveUnderTest, fields: Parameters<typeof handOver>[1] = {}) {
  const stream = await handOver(origin, fields)
  stream.tags(tagOf(BOTH, ...segmentOf('a')))
  await stream.taken()
  return stream
}

describe('what belongs to another origin', () => {
  test('is asked there, one hop far, with all that is answered', async () => {
    const { first, second } = await pair(given(SECOND, 3))
    const { broadcast } = await publish(second, { lease: 3 })
    const video = `${PATH}/${broadcast}/video/playlist.m3u8`
    for (const path of [`${PATH}/index.m3u8`, video]) {
      const [direct, passed] = [await second.get(path), await first.get(path)]
      const fields = (answer: Response) =>
        [...answer.headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name))
      expect([passed.status, fields(passed)]).toEqual([200, fields(direct)])
      expect(await passed.text()).toBe(await direct.text())
    }
    const [head, none] = [
      await first.get(video, { method: 'HEAD' }),
      await first.get(`${PATH}/${broadcast}/video/e`),
    ]
    expect([head.status, none.status]).toEqual([200, 404])
    expect((await first.get(video, { headers: { [PASSED_ON]: '1' } })).status).toBe(503)
    expect(await passedOn(first)).toEqual(['sluice_origin_passed_on_total{what="request",role="origin"} 3'])
  })

  test('is waited for there, and let go when who asked has left', async () => {
    const { first, second } = await pair(given(SECOND, 3))
    const { broadcast } = await publish(second, { lease: 3 })
    const held = `${PATH}/${broadcast}/video/playlist.m3u8?_HLS_msn=1800000001`
    const left = new AbortController()
    const asked = first.get(held, { signal: left.signal }).catch(() => undefined)
    await until(() => second.live.table.waiting === 1, 'the request waits at the owner')
    left.abort()
    await asked
    await until(() => second.live.table.waiting === 0, 'nobody waits any more')
  })

  test('is taken there from a gateway that came to the wrong one, up to its end', async () => {
    const { first, second } = await pair(given(SECOND, 3))
    const stream = await publish(first, { lease: 3, owner: SECOND })
    expect([stateOf(first), stateOf(second)]).toEqual(['idle', 'live'])
    stream.request.end()
    await until(() => stateOf(second) === 'ended', 'the end has come through')
    const lost = await publish(first, { lease: 3, epoch: 'u2' })
    lost.request.destroy()
    await until(() => stateOf(second) === 'disconnected', 'so has the loss')
    const again = await publish(first, { lease: 3, epoch: 'u3' })
    second.live.table.apply([])
    expect(await again.cut()).toMatchObject({ cut: 'no-channel' })
  })

  test('is refused for a moment where that one is away, and is not said to be absent', async () => {
    const { first, second } = await pair(given(SECOND, 3))
    await second.close()
    const answer = await first.get(`${PATH}/index.m3u8`)
    expect([
      answer.status,
      answer.headers.get('x-sluice-reason'),
      answer.headers.get('cache-control'),
    ]).toEqual([...[503, 'origin-away', 'no-store']])
    const stream = new GivenOver(first.port, { lease: 3 })
    expect(await stream.accepted()).toMatchObject({ status: 503, reason: 'origin-away' })
    expect(stateOf(first)).toBe('idle')
  })
})

describe('a channel that nobody was given', () => {
  test('is its first origin’s, wherever it is asked for', async () => {
    const { first, second } = await pair()
    const { broadcast } = await publish(second)
    expect([stateOf(first), stateOf(second)]).toEqual(['live', 'idle'])
    expect((await second.get(`${PATH}/${broadcast}/video/playlist.m3u8`)).status).toBe(200)
  })

  test('is taken by another where that one is away, who keeps it while it has it', async () => {
    const { first, second } = await pair()
    await first.close()
    const { broadcast } = await publish(second)
    expect(stateOf(second)).toBe('live')
    expect((await second.get(`${PATH}/${broadcast}/video/playlist.m3u8`)).status).toBe(200)
  })
})

describe('a higher number', () => {
  test('of the snapshot takes the window away at once; who waits is told to ask again, and then hears the other', async () => {
    const { first, second, apply } = await pair(given(FIRST, 3))
    const old = await publish(first, { lease: 3 })
    const video = `${PATH}/${old.broadcast}/video/playlist.m3u8`
    const held = first.get(`${video}?_HLS_msn=1800000001`)
    await until(() => first.live.table.waiting === 1, 'the request waits')
    apply(given(SECOND, 4))
    await old.closed()
    const early = first.get(video)
    await until(() => second.live.table.waiting === 1, 'who asks now waits at the new one')
    expect([(await held).status, (await held).headers.get('x-sluice-reason')]).toEqual([503, 'origin-away'])
    expect([stateOf(first), first.live.table.bytes, first.live.table.read()?.channels]).toEqual([
      'idle',
      0,
      [],
    ])
    first.clock.pass(30_000)
    second.clock.pass(30_000)
    const next = await publish(second, { lease: 4, epoch: 'u1', broadcast: old.broadcast })
    expect(next.broadcast).toBe(old.broadcast)
    expect((await early).status).toBe(200)
    const playlist = await (await first.get(video)).text()
    expect(playlist).toContain('#EXT-X-MEDIA-SEQUENCE:1800000030\n')
    // What comes late does not bring it back.
    first.live.table.apply([channel(given(FIRST, 3))])
    expect(await (await first.get(video)).text()).toBe(playlist)
    expect(await new GivenOver(first.port, { lease: 3, epoch: 'u9' }).accepted()).toMatchObject({
      status: 409,
    })
  })

  test('of control’s answer to a heartbeat does so before the snapshot', async () => {
    const { first } = await pair(given(FIRST, 3))
    const old = await publish(first, { lease: 3 })
    expect(first.live.table.held()).toEqual([{ path: PATH, lease: 3 }])
    first.live.table.lost([{ path: PATH, lease: 4, owner: SECOND as NodeId }]) // made up
    await old.closed()
    expect([stateOf(first), first.live.table.held()]).toEqual(['idle', []])
  })

  test('of a gateway makes the one whom it names the owner, before that one has heard of it', async () => {
    const { first, second } = await pair(given(FIRST, 3))
    await publish(second, { lease: 4, owner: SECOND })
    expect([stateOf(first), stateOf(second)]).toEqual(['idle', 'live'])
    expect(second.live.table.held()).toEqual([{ path: PATH, lease: 4 }])
    await publish(first, { lease: 5, owner: SECOND, epoch: 'u2' })
    expect([stateOf(first), second.live.table.held()]).toEqual(['idle', [{ path: PATH, lease: 5 }]])
  })

  test('that a gateway has not heard of keeps it from the owner’s place only', async () => {
    const { first, second, apply } = await pair(given(FIRST, 3))
    apply(given(SECOND, 4))
    await publish(second, { lease: 3, owner: FIRST })
    expect([stateOf(first), stateOf(second)]).toEqual(['idle', 'live'])
    await publish(first, { lease: 3, owner: FIRST, epoch: 'u1' })
    expect([stateOf(first), stateOf(second)]).toEqual(['idle', 'live'])
  })

  test('says by itself how often the channel was stopped: after a restore that is less than before', async () => {
    const { first, apply } = await pair({ ...given(FIRST, 3), stops: 120 })
    // Control's answer to a heartbeat may come before.
    first.live.table.lost([{ path: PATH, lease: 2_000, owner: null }])
    apply({ ...given(FIRST, 2_000), stops: 80 })
    await publish(first, { lease: 2_000, stops: 80 })
    expect(stateOf(first)).toBe('live')
    apply({ ...given(FIRST, 2_000), stops: 2_001 })
    await until(() => stateOf(first) === 'ended', 'a stop counts as ever')
  })

  test('that names nobody else leaves a running broadcast where it is', async () => {
    const { first, apply } = await pair()
    const stream = await publish(first)
    apply(given(FIRST, 0))
    stream.tags(tagOf(...segmentOf('b')))
    await stream.taken()
    expect(stateOf(first)).toBe('live')
  })
})
