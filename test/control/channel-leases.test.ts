import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ChannelLeases } from '../../src/control/channel-leases.ts'
import { handings, type OriginView, type OwnedChannel } from '../../src/control/channel-owners.ts'
import { createChannel, removeChannel } from '../../src/control/channels.ts'
import {
  addNode,
  ensureKeyGroup,
  heardOrigin,
  openDatabase,
  originAges,
  removeNode,
  setLocalNodes,
  type Database,
} from '../../src/control/database/index.ts'
import { Snapshots } from '../../src/control/snapshots.ts'
import { instant, newNodeId, rendezvous, type NodeId } from '../../src/core/index.ts'
import type { PeerNode } from '../../src/distribution/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { copyEmptyDatabase } from './empty-database.ts'

const publicKey = { kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43) } as const
const origin = (id: NodeId, url: string | null = `https://${id}:9001`): PeerNode => ({
  ...{ id, role: 'origin', publicKey, url },
})

const draining = (...which: NodeId[]): PeerNode[] =>
  ids.map(id => ({ ...origin(id), ...(which.includes(id) && { draining: true }) }))

const PATH = '/live/stage'
const ids = [newNodeId('origin'), newNodeId('origin'), newNodeId('origin')]
/** As everybody prefers them for the channel. */
const [FIRST = '' as NodeId, SECOND = '' as NodeId, THIRD = '' as NodeId] = rendezvous(PATH, ids, id => id)

describe('which channels are given to whom', () => {
  const all = [FIRST, SECOND, THIRD].map(id => origin(id))
  const seen = (live: NodeId[], has: NodeId[] = [], steady: NodeId[] = []): OriginView => ({
    isLive: id => live.includes(id),
    has: id => (has.includes(id) ? 'yes' : live.includes(id) ? 'no' : 'unknown'),
    isSteady: id => steady.includes(id),
  })
  const of = (owner: NodeId | null): OwnedChannel[] => [{ path: PATH, owner }]

  test.each([
    ['an owner that lives keeps it', of(SECOND), all, seen([FIRST, SECOND]), []],
    [
      'one that is gone loses it to the first that lives',
      of(FIRST),
      all,
      seen([SECOND, THIRD]),
      [SECOND, 'renewed'],
    ],
    ['nobody takes it while nobody lives', of(FIRST), all, seen([]), []],
    ['one origin alone needs not be named', of(null), [origin(FIRST)], seen([]), []],
    ['the last one has it, heard or not', of(SECOND), [origin(FIRST)], seen([]), [FIRST, 'renewed']],
    ['who had it unnamed goes on with it', of(null), all, seen([FIRST, SECOND], [SECOND]), [SECOND, 'kept']],
    ['unnamed it was the first one’s', of(null), all, seen([FIRST, SECOND]), [FIRST, 'kept']],
    ['unnamed and its first one gone', of(null), all, seen([THIRD]), [THIRD, 'renewed']],
    [
      'an idle one goes home to who is back to stay',
      of(SECOND),
      all,
      seen(ids, [], [FIRST]),
      [FIRST, 'renewed'],
    ],
    ['a broadcast does not', of(SECOND), all, seen(ids, [SECOND], [FIRST]), []],
    [
      'nor one of which nothing is known',
      of(SECOND),
      all,
      { ...seen(ids, [], [FIRST]), has: () => 'unknown' },
      [],
    ],
    [
      'an origin that drains loses one that is idle',
      of(FIRST),
      draining(FIRST),
      seen(ids),
      [SECOND, 'renewed'],
    ],
    ['and keeps its broadcast', of(FIRST), draining(FIRST), seen(ids, [FIRST]), []],
    ['it takes over none', of(THIRD), draining(FIRST), seen([FIRST, SECOND]), [SECOND, 'renewed']],
    [
      'but where all drain',
      of(THIRD),
      draining(FIRST, SECOND, THIRD),
      seen([FIRST, SECOND]),
      [FIRST, 'renewed'],
    ],
    [
      'an origin that nobody reaches gives way to one that is reached',
      of(FIRST),
      [origin(FIRST, null), origin(SECOND)],
      seen([FIRST, SECOND]),
      [SECOND, 'renewed'],
    ],
  ] as const)('%s', (_what, channels, nodes, view, [owner, number]) => {
    const wanted = owner === undefined ? [] : [{ path: PATH, owner, number }]
    expect(handings(channels, nodes, view as OriginView)).toEqual(wanted)
  })
})

describe('leases', () => {
  let folder: string
  const time = { now: 1_800_000_000_000 }
  const clock = { now: () => instant(time.now) }
  let database: Database
  let snapshots: Snapshots
  let leases: ChannelLeases

  beforeAll(async () => {
    // Embedded whatever is tested: a server has a clock of its own, which cannot be told.
    folder = await mkdtemp(path.join(tmpdir(), 'leases-'))
    await copyEmptyDatabase(folder)
    database = await openDatabase({ dataDir: folder, clock, onError: () => {} })
    await database.transaction(tx => ensureKeyGroup(tx, 'default'))
    snapshots = await Snapshots.open(database, clock)
  }, 30_000)
  afterAll(async () => {
    snapshots.close()
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** The first origin alone with a channel; the second joins it. */
  beforeEach(async () => {
    await database.transaction(async tx => {
      await removeChannel(tx, PATH).catch(() => {})
      for (const id of ids) await removeNode(tx, id, 'here')
      const { id, role } = origin(FIRST)
      const wanted = [{ id, role, publicKey, url: 'https://first:9001' }]
      await setLocalNodes(tx, wanted, { name: 'this', database: 'its-own' })
      await createChannel(tx, { path: PATH })
    })
    restart()
  })

  function restart(): void {
    const limits = { channelLease: 3_000, leaseGrace: 6_000, sweep: 500, clock }
    leases = new ChannelLeases({ database, snapshots, limits, log: silentLogger })
  }

  const join = (id: NodeId): Promise<unknown> =>
    database.transaction(tx => addNode(tx, { ...origin(id), pop: null }))

  async function channel(): Promise<[owner: NodeId | undefined, lease: number | undefined]> {
    const found = (await snapshots.current()).channels.find(({ path }) => path === PATH)
    return [found?.owner, found?.lease]
  }

  /** Time in which these are heard each second, with what they have; a look twice a second. */
  async function pass(milliseconds: number, heard: Partial<Record<NodeId, number | 'idle'>>): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 500) {
      time.now += 500
      if (left % 1_000 === 0)
        for (const [id, lease] of Object.entries(heard))
          await leases.heartbeat(id as NodeId, {
            channels: typeof lease === 'number' ? [{ path: PATH, lease }] : [],
          }) // its keys
      await leases.look()
    }
  }

  test('with one origin nothing is named and nothing written, heard or not', async () => {
    const before = (await snapshots.current()).version
    await pass(20_000, {})
    expect(await channel()).toEqual([undefined, 1])
    expect((await snapshots.current()).version).toBe(before)
  })

  test('who was alone keeps its channels when another joins, and loses them when it is silent for three seconds', async () => {
    await join(SECOND)
    expect(await channel()).toEqual([FIRST, 1])
    await pass(10_000, { [FIRST]: 1, [SECOND]: 'idle' })
    expect(await channel()).toEqual([FIRST, 1])
    await pass(2_000, { [SECOND]: 'idle' })
    expect(await channel()).toEqual([FIRST, 1])
    await pass(1_500, { [SECOND]: 'idle' })
    expect(await channel()).toEqual([SECOND, 2])
    const { lost } = await leases.heartbeat(FIRST, { channels: [{ path: PATH, lease: 1 }] })
    expect(lost).toEqual([{ path: PATH, lease: 2, owner: SECOND }])
    expect(await leases.heartbeat(SECOND, { channels: [{ path: PATH, lease: 2 }] })).toEqual({ lost: [] })
  })

  test('it comes home when its first origin has been back for half a minute and nobody broadcasts', async () => {
    await join(SECOND)
    await pass(8_000, { [SECOND]: 'idle' })
    expect(await channel()).toEqual([SECOND, 2])
    await pass(40_000, { [FIRST]: 'idle', [SECOND]: 2 })
    expect(await channel()).toEqual([SECOND, 2])
    await pass(1_000, { [FIRST]: 'idle', [SECOND]: 'idle' })
    expect(await channel()).toEqual([FIRST, 3])
  })

  test('a control that starts, or stood still, gives everybody time to be heard', async () => {
    await join(SECOND)
    await pass(8_000, { [FIRST]: 1, [SECOND]: 'idle' })
    restart()
    await pass(5_000, { [SECOND]: 'idle' })
    expect(await channel()).toEqual([FIRST, 1])
    await pass(8_000, { [FIRST]: 1, [SECOND]: 'idle' })
    time.now += 60_000
    await pass(1_000, { [SECOND]: 'idle' })
    expect(await channel()).toEqual([FIRST, 1])
    await pass(7_000, { [SECOND]: 'idle' })
    expect(await channel()).toEqual([SECOND, 2])
  })

  test('who says good-bye is not waited for, nor who is removed', async () => {
    await join(SECOND)
    await pass(1_000, { [FIRST]: 1, [SECOND]: 'idle' })
    await leases.heartbeat(FIRST, { channels: [], leaving: true })
    expect(await channel()).toEqual([SECOND, 2])
    await pass(1_000, { [FIRST]: 'idle', [SECOND]: 2 })
    expect(await channel()).toEqual([SECOND, 2])
    await database.transaction(tx => removeNode(tx, SECOND, 'here'))
    await leases.look()
    const [owner, lease] = await channel()
    expect([owner ?? FIRST, lease]).toEqual([FIRST, 3])
  })

  test('a channel that is made where there are several has an owner from the start', async () => {
    await join(SECOND)
    await join(THIRD)
    await database.transaction(async tx => {
      await removeChannel(tx, PATH)
      await createChannel(tx, { path: PATH })
    })
    expect(await channel()).toEqual([FIRST, 1])
  })

  test('what several controls write down for each other ages by the clock of the database', async () => {
    expect(await database.read(originAges)).toEqual(new Map())
    await database.transaction(tx => heardOrigin(tx, FIRST))
    const age = (await database.read(originAges)).get(FIRST)
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(60_000)
  })
})
