import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NodeHealth, NodeInfo } from '../../src/client/index.ts'
import { after, systemClock, type Instant, type Milliseconds, type NodeId } from '../../src/core/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import { nodeTokenSource, softwareVersion, type NodeIdentity } from '../../src/membership/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { NodeHealths } from '../../src/control/node-healths.ts'
import { ControlFixture, newIdentity } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  const reach = { url: 'https://control.example:9000', names: ['control.example'] }
  control = await ControlFixture.open({}, undefined, { reach })
})
afterAll(() => control.end())

const HEALTH: NodeHealth = {
  ...{ software: softwareVersion(), state: 'serving', snapshot: 3, sequence: 2 },
  ...{ traffic: { bytesPerSecond: 1_250_000, requestsPerSecond: 40 }, hitRatio: 0.93, busy: 12 },
  ...{ roundTrip: 0, controlAwaySince: null },
}

/** As a node whose clock is so far ahead asks. */
async function ask(
  identity: NodeIdentity,
  {
    ahead = 0,
    ...more
  }: { ahead?: Milliseconds; path?: string; body?: object; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Headers; code: string | undefined; message: string | undefined }> {
  const clock = { now: (): Instant => after(systemClock.now(), ahead) }
  const response = await fetch(`${control.url}${more.path ?? '/v1/node/health'}`, {
    method: 'POST',
    body: JSON.stringify(more.body ?? HEALTH),
    headers: {
      'sluice-node': await nodeTokenSource(identity, 'control', clock)(),
      'sluice-clock': String(clock.now()),
      'sluice-version': softwareVersion(),
      'content-type': 'application/json',
      ...more.headers,
    },
  })
  const text = await response.text()
  const error =
    text === '' ? undefined : (JSON.parse(text) as { error?: { code: string; message: string } }).error // our own server's
  return { status: response.status, headers: response.headers, code: error?.code, message: error?.message }
}

async function infoOf({ id }: NodeIdentity): Promise<NodeInfo | undefined> {
  return (await control.client.nodes()).find(node => node.id === id)
}

async function snapshotOf(identity: NodeIdentity): Promise<Snapshot> {
  return (await (await control.asNode(identity, '/v1/node/snapshot')).json()) as Snapshot // our own server's
}

describe('what a node says of itself', () => {
  it('is shown with it, and answered with the time', async () => {
    const answer = await ask(control.edge)
    expect(answer.status).toBe(204)
    expect(Math.abs(Number(answer.headers.get('sluice-clock')) - Date.now())).toBeLessThan(10_000)
    expect(answer.headers.get('sluice-version')).toBe(softwareVersion())
    expect(await infoOf(control.edge)).toEqual({
      ...{ id: control.edge.id, role: 'edge', pop: null, state: 'live', version: null, draining: false },
      ...{ lastSeen: expect.any(String) as unknown, sequence: 2, busy: 12, hitRatio: 0.93 },
      ...{ traffic: HEALTH.traffic, clockOffset: expect.any(Number) as unknown, controlAwaySince: null },
      ...{ software: softwareVersion(), controlSoftware: softwareVersion(), viewers: null },
    })
  })

  it('may have words that this control does not know', async () => {
    const body = { ...HEALTH, mood: 'bright', traffic: { ...HEALTH.traffic, packetsPerSecond: 3 } }
    expect((await ask(control.edge, { body })).status).toBe(204)
    const healths = new NodeHealths(systemClock, silentLogger)
    healths.keep([control.edge.id])
    healths.reported(control.edge.id, body, 0)
    expect(healths.ours()[0]?.health).toEqual(HEALTH)
  })

  it.each([
    ['nothing', {}],
    ['a negative rate', { ...HEALTH, traffic: { bytesPerSecond: -1, requestsPerSecond: 0 } }],
    ['more hits than requests', { ...HEALTH, hitRatio: 2 }],
    ['a version without end', { ...HEALTH, software: 'x'.repeat(1_000) }],
  ])('is refused where it is %s', async (_, body) => {
    expect((await ask(control.edge, { body })).status).toBe(400)
  })

  it('is taken of nodes alone', async () => {
    expect(await ask(newIdentity('edge'))).toMatchObject({ status: 403, code: 'not-a-node' })
  })
})

describe('clocks', () => {
  it.each([-25_000, 20_000])('that are off by %i ms are shown', async ahead => {
    expect((await ask(control.edge, { ahead })).status).toBe(204)
    const { clockOffset } = (await infoOf(control.edge)) ?? {}
    expect(Math.abs((clockOffset ?? 0) - ahead)).toBeLessThan(5_000)
  })

  it('are compared at the moment when the question was half way', async () => {
    const body = { ...HEALTH, roundTrip: 8_000 }
    await ask(control.edge, { ahead: -4_000, body })
    expect(Math.abs((await infoOf(control.edge))?.clockOffset ?? 9_999)).toBeLessThan(2_000)
  })

  it.each([
    [180_000, '180 s ahead of'],
    [-180_000, '180 s behind'],
  ])(
    'that are off by %i ms make tokens useless: the node is told so, and so is who asks',
    async (ahead, spoken) => {
      await ask(control.origin)
      const refused = await ask(control.origin, { ahead })
      expect(refused).toMatchObject({ status: 401, code: 'clock-off' })
      expect(refused.message).toMatch(new RegExp(`the clock of ${control.origin.id} is ${spoken} control's`))
      expect(Math.abs(Number(refused.headers.get('sluice-clock')) - Date.now())).toBeLessThan(10_000)
      const { clockOffset } = (await infoOf(control.origin)) ?? {}
      expect(Math.abs((clockOffset ?? 0) - ahead)).toBeLessThan(5_000)
      expect(await control.running.metrics()).toMatch(/^sluice_control_clocks_off\{role="control"\} 1$/m)
      await ask(control.origin)
      expect(await control.running.metrics()).toMatch(/^sluice_control_clocks_off\{role="control"\} 0$/m)
    },
  )

  it('are not blamed where an old token is sent again, or a stranger signs one', async () => {
    const now = String(systemClock.now())
    const old = await ask(control.edge, { ahead: -180_000, headers: { 'sluice-clock': now } })
    expect(old).toMatchObject({ status: 403, code: 'not-a-node' })
    const stranger = { ...newIdentity('edge'), id: control.edge.id }
    expect(await ask(stranger, { ahead: -180_000 })).toMatchObject({ status: 403, code: 'not-a-node' })
    for (const clock of ['', 'x', '-1', '9'.repeat(40)])
      expect(await ask(control.edge, { ahead: -180_000, headers: { 'sluice-clock': clock } })).toMatchObject({
        ...{ status: 403, code: 'not-a-node' },
      })
  })
})

describe('a node of another version', () => {
  const minor = Number(softwareVersion().split('.')[1])

  it.each([minor - 1, minor, minor + 1])('0.%i.0 is served', async of => {
    expect((await ask(control.edge, { headers: { 'sluice-version': `0.${of}.0` } })).status).toBe(204)
  })

  it.each([
    [minor - 2, 'upgrade the node'],
    [minor + 2, 'upgrade control first'],
  ])('0.%i.0 is told which to upgrade, whatever it asks', async (of, mend) => {
    for (const path of ['/v1/node/health', '/v1/node/viewers']) {
      const refused = await ask(control.edge, { path, headers: { 'sluice-version': `0.${of}.0` } })
      expect(refused).toMatchObject({ status: 403, code: 'version-apart' })
      expect(refused.message).toContain(mend)
    }
    expect(await infoOf(control.edge)).toMatchObject({ software: `0.${of}.0`, traffic: null })
  })
})

describe('draining', () => {
  afterEach(async () => {
    for (const { id } of [control.edge, control.origin]) await control.client.drainNode(id, 'undrain')
  })

  it('is told to all nodes, shown, and taken back', async () => {
    await ask(control.edge)
    const { snapshotVersion } = await control.client.drainNode(control.edge.id, 'drain')
    const snapshot = await snapshotOf(control.origin)
    expect(snapshot.version).toBe(snapshotVersion)
    expect(snapshot.nodes.map(({ id, draining }) => [id, draining])).toEqual(
      [control.edge, control.origin].map(({ id }) => [id, id === control.edge.id ? true : undefined]).sort(),
    )
    expect(await infoOf(control.edge)).toMatchObject({ state: 'draining', draining: true, busy: 12 })
    expect((await control.client.drainNode(control.edge.id, 'drain')).snapshotVersion).toBe(snapshotVersion)
    const back = await control.client.drainNode(control.edge.id, 'undrain')
    expect(back.snapshotVersion).toBe(snapshotVersion + 1)
    expect(await infoOf(control.edge)).toMatchObject({ state: 'live', draining: false })
  })

  it('outlives a restart of control, and its own nodes being named anew', async () => {
    await control.client.drainNode(control.edge.id, 'drain')
    await control.restart()
    expect(await infoOf(control.edge)).toMatchObject({ draining: true })
  })

  it('gives an origin no job, and one that waits for it the job when it is over', async () => {
    await control.client.drainNode(control.origin.id, 'drain')
    const publication = await control.upload(`/films/${randomUUID()}`)
    expect(await control.lease(0)).toBeUndefined()
    const waiting = control.lease(20)
    await control.client.drainNode(control.origin.id, 'undrain')
    const lease = await waiting
    expect(lease?.job).toMatchObject({ kind: 'package', publicationId: publication.id })
    const path = `/v1/node/jobs/${lease?.job.id}/release`
    const body = { attempt: lease?.attempt, reason: { code: 'x', message: 'y' } }
    expect((await control.post(control.origin, path, body)).status).toBe(200)
  })

  it('of a node that is not there says how to find those that are', async () => {
    await expect(control.client.drainNode('edge-none', 'drain')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('sluice nodes') as unknown,
    })
  })
})

describe('where control is', () => {
  it('is told to nodes', async () => {
    expect((await snapshotOf(control.edge)).controls).toEqual(['https://control.example:9000'])
  })

  it('is not told of a control that only its own machine reaches', async () => {
    const local = await ControlFixture.open()
    const answer = await local.asNode(local.edge, '/v1/node/snapshot')
    const snapshot: unknown = await answer.json()
    expect(snapshot).not.toHaveProperty('controls')
    await local.end()
  })

  it('is the same after a restart, which is no change', async () => {
    const { version } = await snapshotOf(control.edge)
    await control.restart()
    expect((await snapshotOf(control.edge)).version).toBe(version)
  })
})

describe('what is known of nodes', () => {
  const time = { now: 1_000_000 }
  const clock = { now: () => time.now as Instant }
  const one = 'edge-1' as NodeId // a test's own
  const other = 'edge-2' as NodeId // the same
  const known = (): NodeHealths => {
    const healths = new NodeHealths(clock, silentLogger)
    healths.keep([one, other])
    return healths
  }

  it('is of the nodes of the snapshot alone, and forgotten with them', () => {
    const healths = known()
    healths.reported(one, HEALTH, 0)
    healths.reported('edge-9' as NodeId, HEALTH, 0) // not of the snapshot
    healths.learn([{ id: 'edge-8', age: 0, health: HEALTH, offset: 0, software: '0.5.0' }])
    expect(healths.ours().map(({ id }) => id)).toEqual([one])
    healths.keep([])
    expect([healths.ours(), healths.info(one).busy]).toEqual([[], null])
  })

  it('goes round between controls: who heard last is believed, and nobody repeats what he was told', () => {
    const [here, there] = [known(), known()]
    here.reported(one, HEALTH, 5)
    time.now += 1_000
    there.reported(one, { ...HEALTH, busy: 99 }, 6)
    there.refused(other, { offset: 95_000 })
    const [ours, theirs] = [here.ours(), there.ours()]
    here.learn(theirs)
    there.learn(ours)
    expect([here.info(one).busy, there.info(one).busy]).toEqual([99, 99])
    expect([here.info(other).clockOffset, here.clocksOff]).toEqual([95_000, 1])
    expect(here.ours()).toEqual([])
  })

  it('is no traffic of now when it is old', () => {
    const healths = known()
    healths.reported(one, HEALTH, 0)
    time.now += 15_000
    expect(healths.info(one)).toMatchObject({ traffic: null, hitRatio: null, busy: null, sequence: 2 })
    expect(healths.ours()).toEqual([])
  })
})
