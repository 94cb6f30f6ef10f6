import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { NodeHealth, NodeInfo } from '../../src/client/index.ts'
import { systemClock } from '../../src/core/index.ts'
import type { Snapshot, ViewersAt } from '../../src/distribution/index.ts'
import { nodeTokenSource, softwareVersion } from '../../src/membership/index.ts'
import { ControlFixture } from './fixture.ts'

const AT: ViewersAt = {
  ...{ addresses: ['203.0.113.7'], http: 80, https: 443 },
  location: { latitude: 48.9, longitude: 2.4 },
}
const HEALTH: NodeHealth = {
  ...{ software: softwareVersion(), state: 'serving', snapshot: 3, sequence: 2 },
  ...{ traffic: { bytesPerSecond: 0, requestsPerSecond: 0 }, hitRatio: 0, busy: 0 },
  ...{ roundTrip: 0, controlAwaySince: null },
}

let control: ControlFixture
beforeAll(async () => void (control = await ControlFixture.open()))
afterAll(() => control.end())
afterEach(() => report(null))

/** The edge says where viewers reach it, or nothing of that. */
async function report(viewers?: object | null): Promise<number> {
  const { status } = await fetch(`${control.url}/v1/node/health`, {
    method: 'POST',
    body: JSON.stringify({ ...HEALTH, viewers }),
    headers: {
      'sluice-node': await nodeTokenSource(control.edge, 'control', systemClock)(),
      'sluice-version': softwareVersion(),
      'content-type': 'application/json',
    },
  })
  return status
}

/** As another node is told. */
async function told(): Promise<{ version: number; viewers: ViewersAt | undefined }> {
  const answer = await control.asNode(control.origin, '/v1/node/snapshot')
  const { version, nodes } = (await answer.json()) as Snapshot // our own server's
  return { version, viewers: nodes.find(({ id }) => id === control.edge.id)?.viewers }
}

async function shown(): Promise<NodeInfo['viewers'] | undefined> {
  return (await control.client.nodes()).find(({ id }) => id === control.edge.id)?.viewers
}

test('where viewers reach an edge is told to all nodes and shown, and is a new snapshot when it changes', async () => {
  const { version, viewers } = await told()
  expect(viewers).toBeUndefined()
  for (const said of [AT, AT, undefined]) {
    expect(await report(said)).toBe(204)
    expect(await told()).toEqual({ version: version + 1, viewers: AT })
  }
  expect(await shown()).toEqual(AT)
  const moved = { ...AT, addresses: ['203.0.113.8', '2001:db8::8'], https: null, priceClass: '200' }
  expect([await report(moved), await told()]).toEqual([204, { version: version + 2, viewers: moved }])
})

test('it is kept over a restart of control, before anybody says it again', async () => {
  await report(AT)
  await control.restart()
  expect((await told()).viewers).toEqual(AT)
})

test('it is forgotten when the edge says that it is nowhere', async () => {
  await report(AT)
  await report(null)
  expect([(await told()).viewers, await shown()]).toEqual([undefined, null])
})

test.each([
  ['is at a port that is none', { ...AT, http: 70_000 }],
  ['is off the earth', { ...AT, location: { latitude: 91, longitude: 0 } }],
  ['is of no price class', { ...AT, priceClass: '300' }],
  ['has addresses without end', { ...AT, addresses: Array.from({ length: 17 }, (_, n) => `192.0.2.${n}`) }],
  ['has a name in the place of an address', { ...AT, addresses: ['media.example'] }],
])('what %s is refused, and what was said before holds', async (_what, viewers) => {
  await report(AT)
  expect([await report(viewers), (await told()).viewers]).toEqual([400, AT])
})
