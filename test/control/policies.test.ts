import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DistributionId } from '../../src/core/index.ts'
import type { PolicyInput } from '../../src/distribution/index.ts'
import { serverUnderTest } from './database-under-test.ts'
import { ControlFixture } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open()
})
afterAll(() => control.end())

async function snapshot(): Promise<{
  version: number
  distributions: { id: string; behaviours: object[] }[]
}> {
  return (await control.asNode(control.edge, '/v1/node/snapshot')).json() as never // our own server's
}

const says = { kind: 'cache' as const, ttl: { default: 60 }, query: ['page'] }
const named = (cache: string) => ({ behaviours: [{ pattern: '*', policies: { cache } }] })

describe('policies', () => {
  it('are the managed ones and those that were made, each found by id and by name', async () => {
    const { client } = control
    expect((await client.policies()).filter(({ managed }) => managed)).toHaveLength(20)
    const { policy, warnings } = await client.createPolicy({ name: 'listed', comment: 'of lists', says })
    expect({ ...policy, id: '' }).toEqual({
      ...{ id: '', name: 'listed', comment: 'of lists', managed: false },
      says: {
        kind: 'cache',
        ttl: { minimum: 0, default: 60, maximum: 31_536_000 },
        ...{ query: ['page'], headers: [], keyedCookies: 'none', acceptEncoding: ['br', 'gzip'] },
      },
    })
    expect(policy.id).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(warnings).toEqual([])
    expect(await client.policy(policy.id)).toEqual(policy)
    expect(await client.policy('listed')).toEqual(policy)
    expect((await client.policies()).at(-1)).toEqual(policy)
    expect((await client.replacePolicy('listed', policy as PolicyInput)).policy).toEqual(policy)
    await client.deletePolicy('listed')
    await expect(client.policy('listed')).rejects.toMatchObject({ kind: 'not-found' })
  })

  it('may be called alike where they are of different kinds, and are told apart by their ids', async () => {
    const { client } = control
    await client.createPolicy({ name: 'app', says })
    await client.createPolicy({ name: 'app', says: { kind: 'origin-request' } })
    const error: unknown = await client.policy('app').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ambiguous', kind: 'usage' })
    await expect(client.createPolicy({ name: 'app', says })).rejects.toMatchObject({ code: 'exists' })
    const policies = { cache: 'app', originRequest: 'app' }
    const { distribution } = await client.createDistribution({
      ...{ origin: 'https://app.example', behaviours: [{ pattern: '*', policies }] },
    })
    expect(new Set(Object.values(distribution.behaviours[0]?.policies ?? {})).size).toBe(2)
  })

  it('that are managed are nobody’s to change', async () => {
    const { client } = control
    const id = '658327ea-f89d-4fab-a63d-7e88639e58f6'
    const own = await client.policy(id)
    await expect(client.replacePolicy(id, own as PolicyInput)).rejects.toMatchObject({ code: 'managed' })
    await expect(client.deletePolicy('Managed-CachingOptimized')).rejects.toMatchObject({ code: 'managed' })
    await expect(client.createPolicy(own as PolicyInput)).rejects.toMatchObject({ code: 'exists' })
    const copy = await client.createPolicy({ ...own, name: 'copy' })
    expect(copy.policy).toEqual({ ...own, id: copy.policy.id, name: 'copy', managed: false })
  })
})

describe('a change of a policy', () => {
  it('is one version of the snapshot, in which all that name it follow', async () => {
    const { client } = control
    const { policy } = await client.createPolicy({ name: 'short', says })
    const ids: DistributionId[] = []
    for (const host of ['one', 'two']) {
      const made = await client.createDistribution({ origin: `https://${host}.example`, ...named('short') })
      ids.push(made.distribution.id)
    }
    const before = await snapshot()
    const changed = await client.replacePolicy('short', {
      name: 'shorter',
      says: { ...says, ttl: { default: 5 } },
    })
    const after = await snapshot()
    expect([changed.snapshotVersion, after.version]).toEqual([before.version + 1, before.version + 1])
    for (const id of ids)
      expect(after.distributions.find(each => each.id === id)?.behaviours).toMatchObject([
        { ttl: { default: 5 }, query: ['page'], policies: { cache: policy.id } },
      ])
    // What was shown of one, before or after, may be given back.
    const [id = ids[0]] = ids
    const shown = id === undefined ? undefined : await client.distribution(id)
    expect((await client.replaceDistribution(id ?? '', shown ?? {})).distribution).toEqual(shown)
  })

  it('is refused where one of them would not do, and nothing has changed then', async () => {
    const { client } = control
    const { policy } = await client.createPolicy({ name: 'plain', says })
    const { distribution } = await client.createDistribution({
      origins: [{ url: 'https://secret.example', headers: [{ name: 'x-secret', value: 'v' }] }],
      ...named('plain'),
    })
    const before = await snapshot()
    const wanted = { name: 'plain', says: { ...says, headers: ['X-Secret'] } }
    const error: unknown = await client.replacePolicy('plain', wanted).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'in-use', kind: 'usage' })
    expect(String(error)).toContain(
      `the distribution ${distribution.id} would not do then: the header "x-secret" of behaviour "*" is a secret`,
    )
    expect(await snapshot()).toEqual(before)
    expect(await client.policy('plain')).toEqual(policy)
  })

  it('never makes another kind of it', async () => {
    const { client } = control
    await client.createPolicy({ name: 'kept', says })
    const other = { name: 'kept', says: { kind: 'origin-request' as const } }
    await expect(client.replacePolicy('kept', other)).rejects.toMatchObject({ code: 'bad-policy' })
  })
})

it('a policy that behaviours name is not deleted, and they are told', async () => {
  const { client } = control
  const { policy } = await client.createPolicy({ name: 'used', says: { kind: 'origin-request' } })
  const behaviours = ['/a/*', '/b/*', '*'].map(pattern => ({ pattern, policies: { originRequest: 'used' } }))
  const { distribution } = await client.createDistribution({ origin: 'https://used.example', behaviours })
  const error: unknown = await client.deletePolicy('used').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'in-use', kind: 'conflict' })
  expect(String(error)).toContain(
    `the policy "used" is used by the behaviour "/a/*" of ${distribution.id}, the behaviour "/b/*" of ${distribution.id}, the behaviour "*" of ${distribution.id}: take it out there first`,
  )
  await client.replaceDistribution(distribution.id, { origin: 'https://used.example' })
  await client.deletePolicy(policy.id)
})

it('what a policy says is stored with control, and there after a restart', async () => {
  const { client } = control
  const { policy } = await client.createPolicy({ name: 'lasting', says })
  await control.restart()
  expect(await control.client.policy('lasting')).toEqual(policy)
})

it('a policy that changes while behaviours come to name it is what they all say in the end', async () => {
  const { client } = control
  // Where the database takes several controls they have two of them ask at once.
  const beside = serverUnderTest() === undefined ? undefined : await control.beside()
  await client.createPolicy({ name: 'raced', says })
  const change = (seconds: number) =>
    client.replacePolicy('raced', { name: 'raced', says: { ...says, ttl: { default: seconds } } })
  const make = (at: number) =>
    (beside ?? control).client.createDistribution({
      origin: `https://raced-${at}.example`,
      ...named('raced'),
    })
  for (const round of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const made = await Promise.all([
      make(round * 10),
      make(round * 10 + 1),
      change(round),
      make(round * 10 + 2),
    ])
    expect(made).toHaveLength(4)
    const using = (await client.distributions()).filter(({ origins: [first] }) =>
      first?.id.startsWith('raced-'),
    )
    expect(using).toHaveLength(round * 3)
    expect(new Set(using.map(({ behaviours: [only] }) => only?.ttl.default))).toEqual(new Set([round]))
  }
  await beside?.running.close()
})
