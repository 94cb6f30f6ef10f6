import { afterAll, beforeAll, expect, test } from 'vitest'
import { instant, systemClock } from '../../src/core/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import { ControlFixture } from './fixture.ts'

let control: ControlFixture
let moved = 0

beforeAll(async () => {
  control = await ControlFixture.open({ clock: { now: () => instant(systemClock.now() + moved) } })
})

afterAll(() => control.end())

async function snapshot(headers: Record<string, string> = {}): Promise<Snapshot> {
  const response = await control.asNode(control.edge, '/v1/node/snapshot?wait=0', { headers })
  return (await response.json()) as Snapshot // our own server's
}

test('each node’s acknowledgement is told with its milliseconds', async () => {
  const { snapshotVersion } = await control.client.invalidate({ paths: ['/timed/*'] })
  const acknowledge = async (node: 'edge' | 'origin'): Promise<void> => {
    const headers = { 'if-none-match': `"${snapshotVersion}"` }
    expect((await control.asNode(control[node], '/v1/node/snapshot?wait=0', { headers })).status).toBe(304)
  }
  // Less than tokens of nodes may be off.
  moved += 5_000
  await acknowledge('edge')
  moved += 7_000
  await acknowledge('origin')
  // Said again, it is not later.
  await acknowledge('edge')
  const { acknowledged, missing } = await control.client.acknowledged(snapshotVersion)
  const seconds = acknowledged.map(({ id, ms }) => [id, Math.floor(ms / 1_000)])
  expect(Object.fromEntries(seconds)).toEqual({ [control.edge.id]: 5, [control.origin.id]: 12 })
  expect(missing).toEqual([])
})

test('a reference stands for one invalidation: also at once, and after a restart', async () => {
  const wanted = { paths: ['/once', '/once/*'], reference: 'deploy-7' }
  const [first, ...others] = await Promise.all(
    Array.from({ length: 5 }, () => control.client.invalidate(wanted)),
  )
  expect(others).toEqual(Array.from({ length: 4 }, () => first))
  const before = await snapshot()
  await control.restart()
  expect(await control.client.invalidate(wanted)).toEqual(first)
  const { version, sequence, invalidations } = await snapshot()
  // Nobody is told of anything new.
  expect({ version, sequence, invalidations }).toEqual({
    ...{ version: before.version, sequence: before.sequence, invalidations: before.invalidations },
  })
  expect(sequence).toBe(first?.sequence)
})
