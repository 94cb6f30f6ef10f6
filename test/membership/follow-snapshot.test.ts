import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newNodeId, type DistributionId, type FunctionId, type KeyGroupId } from '../../src/core/index.ts'
import { firstDistribution, type Blob, type PeerNode, type Snapshot } from '../../src/distribution/index.ts'
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
      nodes: [],
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

  it.each(['0.6.9', '0.99.0'])('asks for the same version again that a Sluice %s has stored', async by => {
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
      behaviours: known.behaviours.map(each => ({
        ...each,
        functions: [{ event: 'viewer-request' as const, function: 'look' as FunctionId }], // as above
      })),
    }
    const nodes: PeerNode[] = (['edge', 'router'] as const).map(role => ({
      ...{ id: newNodeId(role), role, publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'x' } },
    }))
    const whole = snapshotOf(7, { distributions: [known, closed], nodes })
    script({ ...offer(7), body: whole })
    await follow().started
    await until('the acknowledgement', () => control.heard.length === 2)
    const { snapshot } = await onDisk()
    expect(snapshot.distributions).toMatchObject([known, { id: closed.id, enabled: false }])
    expect(JSON.stringify(snapshot.distributions[1])).not.toContain('functions')
    expect(snapshot.nodes.map(({ role }) => role)).toEqual(['edge'])
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

describe('blobs that a snapshot names', () => {
  const CODE = Buffer.from('function handler(event) { return event.request }')
  const sha256 = createHash('sha256').update(CODE).digest('hex')

  /** With one function, of this code. */
  function naming(version: number, code: Blob = { sha256, bytes: CODE.length }): Said {
    const id = 'look' as FunctionId // a test's own
    return {
      ...offer(version),
      body: snapshotOf(version, { functions: [{ id, runtime: 'cloudfront-js-2.0', code }] }),
    }
  }
  const bytes = (given: Buffer): Said => ({
    ...{ status: 200, body: given, headers: { 'content-type': 'application/octet-stream' } },
  })
  /** Says the snapshots one after the other, and what is given for a blob. */
  function serve(snapshots: Said[], blob: () => Said): void {
    control.answer = ({ url }) =>
      url.startsWith('/v1/node/blobs/') ? blob() : (snapshots.shift() ?? new Promise<Said>(() => {}))
  }
  const asked = (): string[] => control.heard.map(({ url }) => url).filter(url => url.includes('/blobs/'))
  const kept = (): Promise<string[]> => readdir(join(stateDir, 'blobs'))

  it('are there before it is applied, and kept for a start without control', async () => {
    serve([naming(3)], () => bytes(CODE))
    const given: [number, string][] = []
    const apply: FollowOptions['apply'] = ({ version }, materials) =>
      void given.push([version, Buffer.from(materials.get(sha256) ?? []).toString()])
    await follow({ apply }).started
    await until('it is stored', () => control.heard.at(-1)?.headers['if-none-match'] === '"3"')
    expect(given).toEqual([[3, CODE.toString()]])
    expect(asked()).toEqual([`/v1/node/blobs/${sha256}`])
    expect((await stat(join(stateDir, 'blobs', sha256))).mode & 0o777).toBe(0o600)
    await follower?.close()
    const { url } = control
    await control.close()
    await follow({ apply, controlUrl: url }).started
    expect(given).toEqual([
      [3, CODE.toString()],
      [3, CODE.toString()],
    ])
    control = await FakeControl.start()
  })

  it('are asked for once, and deleted when no snapshot names them', async () => {
    serve([naming(3), naming(4), offer(5)], () => bytes(CODE))
    await follow().started
    await until('the last', () => control.heard.at(-1)?.headers['if-none-match'] === '"5"')
    expect(applied).toEqual([3, 4, 5])
    expect(asked()).toHaveLength(1)
    expect(await kept()).toEqual([])
  })

  it.each<[string, Said]>([
    ['missing', { status: 404, body: { error: { code: 'no-blob', message: 'gone' } } }],
    ['of another digest', bytes(Buffer.from('something else'))],
  ])('keep a snapshot from being applied while they are %s', async (_what, bad) => {
    let tries = 0
    // A newer one may name others: the snapshot is asked for again each time.
    control.answer = ({ url, headers }) =>
      !url.startsWith('/v1/node/blobs/')
        ? headers['if-none-match'] === undefined
          ? naming(3)
          : new Promise<Said>(() => {})
        : ++tries < 3
          ? bad
          : bytes(CODE)
    await follow().started
    expect([applied, tries]).toEqual([[3], 3])
    expect(await kept()).toEqual([sha256])
  })

  it('that do not come keep no node from starting with what lies on its disk', async () => {
    await store(7)
    let come: (said: Said) => void = () => {}
    control.answer = ({ url, headers }) => {
      if (url.startsWith('/v1/node/blobs/')) return new Promise<Said>(resolve => (come = resolve))
      return headers['if-none-match'] === '"9"' ? new Promise<Said>(() => {}) : naming(9)
    }
    await follow().started
    expect(applied).toEqual([7])
    await until('it asks again', () => asked().length === 2)
    come(bytes(CODE))
    await until('it caught up', () => applied.at(-1) === 9)
    expect(applied).toEqual([7, 9])
  })

  it('that are damaged on the disk are fetched before it starts, however long control is away', async () => {
    serve([naming(3)], () => bytes(CODE))
    await follow().started
    await until('it is stored', () => control.heard.at(-1)?.headers['if-none-match'] === '"3"')
    await follower?.close()
    await writeFile(join(stateDir, 'blobs', sha256), Buffer.concat([CODE, Buffer.from(' ')]))
    control.answer = () => ({ status: 503 })
    control.heard.length = 0
    const node = follow()
    await until('some tries', () => control.heard.length >= 4)
    expect(node.current()).toBeUndefined()
    serve([naming(3)], () => bytes(CODE))
    await node.started
    expect(applied).toEqual([3, 3])
    expect(await readFile(join(stateDir, 'blobs', sha256))).toEqual(CODE)
  })

  it('that came before a kill are not asked for again', async () => {
    serve([naming(3)], () => bytes(CODE))
    let end: (() => void) | undefined
    const killed = follow({ apply: () => new Promise<void>(resolve => (end = resolve)) })
    await until('it is being applied', () => end !== undefined)
    expect(await kept()).toEqual([sha256])
    // What a kill in the middle of writing one leaves.
    await writeFile(join(stateDir, 'blobs', `${sha256}.0a1b2c3d.tmp`), 'half')
    serve([naming(3)], () => bytes(CODE))
    const again = follow()
    await again.started
    await until('it is stored', () => control.heard.at(-1)?.headers['if-none-match'] === '"3"')
    expect([applied, asked().length]).toEqual([[3], 1])
    expect(await kept()).toEqual([sha256])
    end?.()
    await killed.close()
  })

  it('are asked for again where the disk has something else under their name', async () => {
    await mkdir(join(stateDir, 'blobs'))
    await writeFile(join(stateDir, 'blobs', sha256), 'half of')
    serve([naming(3)], () => bytes(CODE))
    await follow().started
    expect(asked()).toHaveLength(1)
    expect(await readFile(join(stateDir, 'blobs', sha256))).toEqual(CODE)
  })
})
