import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Snapshot } from '../../src/distribution/index.ts'
import { followSnapshot, type SnapshotFollower } from '../../src/membership/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { ControlFixture, newIdentity, until } from './fixture.ts'

let control: ControlFixture
const folders: string[] = []
const followers: SnapshotFollower[] = []

beforeAll(async () => {
  control = await ControlFixture.open()
})

afterAll(async () => {
  await Promise.all(followers.map(follower => follower.close()))
  await control.end()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function poll(version: number | undefined, wait: number): Promise<Response> {
  const headers: Record<string, string> = version === undefined ? {} : { 'if-none-match': `"${version}"` }
  return control.asNode(control.edge, `/v1/node/snapshot?wait=${wait}`, { headers })
}

describe('the snapshot', () => {
  it('is told to nodes only', async () => {
    for (const [identity, status] of [
      [control.edge, 200],
      [control.origin, 200],
      [newIdentity('edge'), 403],
      [{ ...newIdentity('edge'), id: control.edge.id }, 403],
    ] as const) {
      expect((await control.asNode(identity, '/v1/node/snapshot')).status).toBe(status)
    }
    const refused = await fetch(`${control.url}/v1/node/snapshot`)
    expect([refused.status, refused.headers.get('x-sluice-reason')]).toEqual([403, 'not-a-node'])
  })

  it('names its version as its entity tag, and the nodes that are believed', async () => {
    const response = await poll(undefined, 0)
    const snapshot = (await response.json()) as Snapshot
    expect(response.headers.get('etag')).toBe(`"${snapshot.version}"`)
    expect(snapshot.nodes.map(node => node.id).sort()).toEqual([control.edge.id, control.origin.id].sort())
    expect(snapshot.fallbackDistribution).toBe(snapshot.distributions[0]?.id)
    expect((await poll(snapshot.version, 0)).status).toBe(304)
  })

  it('is held back until something changes', async () => {
    const { version } = (await (await poll(undefined, 0)).json()) as Snapshot
    let answered = false
    const waiting = poll(version, 20).finally(() => (answered = true))
    expect((await poll(version, 0)).status).toBe(304)
    expect(answered).toBe(false)
    const { snapshotVersion } = await control.client.invalidate({ paths: ['/x'] })
    expect(((await (await waiting).json()) as Snapshot).version).toBe(snapshotVersion)
  })

  it('is acknowledged by the next poll, and by nothing else', async () => {
    const { snapshotVersion } = await control.client.invalidate({ paths: ['/y'] })
    await poll(undefined, 0)
    const before = await control.client.acknowledged(snapshotVersion)
    expect(before).toEqual({
      version: snapshotVersion,
      acknowledged: [],
      missing: [control.edge.id, control.origin.id].sort(),
    })
    const waiting = control.client.acknowledged(snapshotVersion, { waitSeconds: 20 })
    const epoch = { 'if-none-match': `"${snapshotVersion}"`, 'sluice-epoch': 'another life of the database' }
    expect((await control.asNode(control.edge, '/v1/node/snapshot', { headers: epoch })).status).toBe(200)
    expect((await control.client.acknowledged(snapshotVersion)).acknowledged).toEqual([])
    await poll(snapshotVersion, 0)
    const headers = { 'if-none-match': `"${snapshotVersion}"` }
    await control.asNode(control.origin, '/v1/node/snapshot', { headers })
    expect(await waiting).toEqual({
      version: snapshotVersion,
      acknowledged: [control.edge.id, control.origin.id]
        .sort()
        .map(id => ({ id, ms: expect.any(Number) as number })),
      missing: [],
    })
    const nodes = await control.client.nodes()
    expect(
      nodes
        .map(({ role, state, version }) => ({ role, state, version }))
        .sort((a, b) => a.role.localeCompare(b.role)),
    ).toEqual([
      { role: 'edge', state: 'live', version: snapshotVersion },
      { role: 'origin', state: 'live', version: snapshotVersion },
    ])
  })
})

describe('a node that follows', () => {
  async function follow(apply: (snapshot: Snapshot) => void): Promise<SnapshotFollower> {
    const stateDir = await mkdtemp(join(tmpdir(), 'node-'))
    folders.push(stateDir)
    const follower = followSnapshot({
      controlUrl: control.url,
      identity: control.edge,
      stateDir,
      apply,
      log: silentLogger,
    })
    followers.push(follower)
    await follower.started
    return follower
  }

  it('has a change before the command that made it returns', async () => {
    const versions: number[] = []
    const follower = await follow(snapshot => void versions.push(snapshot.version))
    const { snapshotVersion } = await control.client.invalidate({ paths: ['/z'] })
    await until('the edge has it', async () => {
      const { acknowledged } = await control.client.acknowledged(snapshotVersion, { waitSeconds: 5 })
      return acknowledged.some(each => each.id === control.edge.id)
    })
    expect(versions.at(-1)).toBe(snapshotVersion)
    await follower.close()
  })

  it('goes on after a restart of control', async () => {
    const follower = await follow(() => {})
    await control.restart()
    const { snapshotVersion } = await control.client.invalidate({ paths: ['/after'] })
    await until('the edge has it', () => follower.current()?.version === snapshotVersion)
    await follower.close()
  })

  it('is told no more when it was removed', async () => {
    const follower = await follow(() => {})
    const options = control.options()
    const { port } = control.running
    await control.running.close()
    const { startControl } = await import('../../src/control/index.ts')
    const localNodes = options.localNodes.filter(node => node.role !== 'edge')
    control.running = await startControl({ ...options, listen: { host: '127.0.0.1', port }, localNodes })
    expect((await control.asNode(control.edge, '/v1/node/snapshot')).status).toBe(403)
    expect((await control.client.nodes()).map(node => node.role)).toEqual(['origin'])
    await follower.close()
    await control.restart()
    expect((await control.asNode(control.edge, '/v1/node/snapshot')).status).toBe(200)
  })
})
