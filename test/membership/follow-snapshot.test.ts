import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newNodeId, type DistributionId, type KeyGroupId } from '../../src/core/index.ts'
import { firstDistribution, type Snapshot } from '../../src/distribution/index.ts'
import {
  followSnapshot,
  softwareVersion,
  type FollowOptions,
  type SnapshotFollower,
} from '../../src/membership/index.ts'
import { newNodeKey } from '../../src/signing/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { FakeControl, snapshotOf, until, type Said } from './fake-control.ts'

let control: FakeControl
let stateDir: string
let follower: SnapshotFollower | undefined
let applied: number[]

beforeEach(async () => {
  control = await FakeControl.start()
  stateDir = await mkdtemp(join(tmpdir(), 'follower-'))
  applied = []
})

afterEach(async () => {
  const closed = follower?.close()
  await control.close()
  await closed
  await rm(stateDir, { recursive: true, force: true })
})

function follow(over: Partial<FollowOptions> = {}): SnapshotFollower {
  follower = followSnapshot({
    controlUrl: over.controlUrl ?? control.url,
    identity: { id: newNodeId('edge'), role: 'edge', ...newNodeKey() },
    stateDir,
    apply: snapshot => void applied.push(snapshot.version),
    log: silentLogger,
    ...over,
  })
  return follower
}

/** Says these one after the other, then nothing until the end of the test. */
function script(...said: Said[]): void {
  control.answer = () => said.shift() ?? new Promise<Said>(() => {})
}

function offer(version: number, epoch = 'one'): Said {
  return { status: 200, body: snapshotOf(version), headers: { 'sluice-epoch': epoch } }
}

async function store(version: number, over: { by?: string; snapshot?: Snapshot } = {}): Promise<void> {
  const kept = { epoch: 'one', by: softwareVersion(), snapshot: snapshotOf(version), ...over }
  await writeFile(join(stateDir, 'snapshot.json'), JSON.stringify(kept))
}

async function onDisk(): Promise<{ epoch: string; snapshot: Snapshot }> {
  return JSON.parse(await readFile(join(stateDir, 'snapshot.json'), 'utf8')) as {
    epoch: string
    snapshot: Snapshot
  } // written by the code under test
}

describe('a follower', () => {
  it('applies, stores, then acknowledges by the next poll', async () => {
    script(offer(3), offer(4))
    await follow().started
    await until('the third poll', () => control.heard.length === 3)
    expect(applied).toEqual([3, 4])
    expect(
      control.heard.map(({ url, headers }) => [url, headers['if-none-match'], headers['sluice-epoch']]),
    ).toEqual([
      ['/v1/node/snapshot?wait=0', undefined, undefined],
      ['/v1/node/snapshot?wait=25', '"3"', 'one'],
      ['/v1/node/snapshot?wait=25', '"4"', 'one'],
    ])
    expect(await onDisk()).toEqual({
      epoch: 'one',
      by: softwareVersion(),
      snapshot: snapshotOf(4),
      withheld: [],
    })
    expect((await stat(join(stateDir, 'snapshot.json'))).mode & 0o777).toBe(0o600)
    expect(await readdir(stateDir)).toEqual(['snapshot.json'])
  })

  it('starts with what control says, and not with what lies on its disk', async () => {
    await store(7)
    script(offer(9))
    await follow().started
    await until('the acknowledgement', () => control.heard.length === 2)
    expect(applied).toEqual([9])
    // What is not applied yet is not acknowledged.
    expect(control.heard.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"9"'])
    expect((await onDisk()).snapshot.version).toBe(9)
  })

  it.each(['refuses', 'says nothing'])('starts from its disk when control %s, and catches up', async how => {
    await store(7)
    const { url } = control
    if (how === 'refuses') await control.close()
    else control.answer = () => new Promise<Said>(() => {})
    const node = follow({ controlUrl: url })
    await node.started
    expect(node.current()?.version).toBe(7)
    if (how === 'refuses') control = await FakeControl.start(Number(new URL(url).port))
    script(offer(9))
    await until('it caught up', () => applied.at(-1) === 9)
    expect(applied).toEqual([7, 9])
  })

  it.each(['0.5.9', '0.99.0'])('asks for the same version again that a Sluice %s has stored', async by => {
    // It was given less then than it would be now, and control sees no difference by the number.
    await store(7, { by })
    let said = 0
    control.answer = ({ headers }) => {
      if (++said === 1) return new Promise<Said>(() => {}) // the start does not wait for it
      return headers['if-none-match'] === undefined ? offer(7) : new Promise<Said>(() => {})
    }
    await follow().started
    await until('the acknowledgement', () => control.heard.length === 3)
    expect(applied).toEqual([7, 7])
    expect(control.heard.map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      undefined,
      '"7"',
    ])
    expect(await onDisk()).toMatchObject({ by: softwareVersion(), snapshot: { version: 7 } })
  })

  it('stores what the version before would not follow beside what that may read, and starts with it', async () => {
    const known = firstDistribution('E123456' as DistributionId, 'cdn.localhost', 'kg-1' as KeyGroupId) // a test's own
    const closed = {
      ...{ ...known, id: 'E654321' as DistributionId, domain: 'e654321.cdn.localhost' }, // as above
      geo: { mode: 'allow' as const, countries: ['DE'] },
    }
    const whole = snapshotOf(7, { distributions: [known, closed] })
    script({ ...offer(7), body: whole })
    await follow().started
    await until('the acknowledgement', () => control.heard.length === 2)
    const { snapshot } = await onDisk()
    expect(snapshot.distributions).toMatchObject([known, { id: closed.id, enabled: false }])
    expect(snapshot.distributions[1]).not.toHaveProperty('geo')
    await follower?.close()
    control.answer = () => new Promise<Said>(() => {})
    const again = follow()
    await again.started
    expect(again.current()).toEqual(whole)
  })

  it('believes its disk rather than a control that is behind it', async () => {
    await store(7)
    script(offer(6), offer(8))
    await follow().started
    await until('the newer one', () => applied.at(-1) === 8)
    expect(applied).toEqual([7, 8])
  })

  it('starts from its disk while control is away, and catches up', async () => {
    await store(7)
    control.answer = () => ({ status: 503 })
    const node = follow()
    await node.started
    expect(node.current()?.version).toBe(7)
    await until('some tries', () => control.heard.length >= 3)
    script(offer(9))
    await until('it caught up', () => node.current()?.version === 9)
    expect(applied).toEqual([7, 9])
  })

  it('does not acknowledge what it could not apply, and tries it again', async () => {
    let failures = 0
    control.answer = () => (applied.length === 0 ? offer(5) : new Promise<Said>(() => {}))
    follow({
      apply(snapshot) {
        if (failures++ < 2) throw new Error('not now')
        applied.push(snapshot.version)
      },
    })
    await until('it is acknowledged', () => control.heard.at(-1)?.headers['if-none-match'] === '"5"')
    expect(applied).toEqual([5])
    expect(control.heard.slice(0, -1).map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('never goes back within one epoch', async () => {
    script(offer(8), offer(6), offer(8), offer(10))
    const node = follow()
    await until('the newer one', () => node.current()?.version === 10)
    expect(applied).toEqual([8, 10])
  })

  it('takes a lower version of another epoch: control’s database began anew', async () => {
    script(offer(8), offer(2, 'two'), offer(3, 'two'))
    const node = follow()
    await until('the newest', () => node.current()?.version === 3)
    expect(applied).toEqual([8, 2, 3])
    expect(control.heard[2]?.headers).toMatchObject({ 'if-none-match': '"2"', 'sluice-epoch': 'two' })
  })

  it.each([
    ['half a file', '{"epoch":"one","snaps'],
    ['another shape', '{"epoch":"one","snapshot":{"version":"x"}}'],
    ['nothing', ''],
  ])('ignores %s on its disk', async (_what, text) => {
    await writeFile(join(stateDir, 'snapshot.json'), text)
    script(offer(2))
    await follow().started
    expect(applied).toEqual([2])
  })

  it('ignores an answer that is no snapshot', async () => {
    script({ status: 200, body: { version: 'x' } }, { status: 200, body: 'hello' }, offer(2))
    await follow().started
    expect(applied).toEqual([2])
  })

  it('ends its poll when it is closed, also before it ever started', async () => {
    script()
    const node = follow()
    await until('the poll', () => control.heard.length === 1)
    await node.close()
    await expect(node.started).rejects.toMatchObject({ code: 'closed' })
  })
})
