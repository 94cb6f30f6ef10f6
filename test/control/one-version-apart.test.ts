import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LeaseAnswer } from '../../src/client/index.ts'
import { reader, type RoleName, type TSchema } from '../../src/core/index.ts'
import { compileMatcher, readSnapshot, Snapshot } from '../../src/distribution/index.ts'
import { compileSite } from '../../src/gateway/site.ts'
import { placesOf, softwareVersion, tooFarApart } from '../../src/membership/index.ts'
import { ROOT } from '../house/tree.ts'
import { ControlFixture, newIdentity } from './fixture.ts'

interface Before {
  version: string
  /** JSON Schema by the name of the shape. */
  schemas: Record<string, TSchema>
  snapshots: Record<string, unknown>
  lease: unknown
  requests: Record<string, unknown>
}

const FOLDER = `${ROOT}/test/vectors/one-version-apart`
const [file = ''] = readdirSync(FOLDER).filter(name => name.endsWith('.json'))
const before = JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')) as Before // as make.mjs writes it

const PATHS: Record<string, string> = {
  LeaseRequest: '/v1/node/jobs/lease',
  HeartbeatRequest: '/v1/node/jobs/JOB/heartbeat',
  FinishRequest: '/v1/node/jobs/JOB/finish',
  ReleaseRequest: '/v1/node/jobs/JOB/release',
  ChannelsRequest: '/v1/node/channels',
  ViewersRequest: '/v1/node/viewers',
  NodeHealth: '/v1/node/health',
  CertificateRenewal: '/v1/node/certificate',
}

let control: ControlFixture

beforeAll(async () => {
  const reach = { url: 'https://control.example:9000', names: ['control.example'] }
  control = await ControlFixture.open({}, undefined, { reach })
  const { client } = control
  await client.createChannel({ path: '/live/stage' })
  const site = (id: string): object => ({ id, kind: 'http', url: `https://${id}.example`, headers: [] })
  await client.createDistribution({
    comment: 'what there is today',
    aliases: ['www.example.com'],
    origins: [site('one'), site('two')],
    originGroups: [{ id: 'both', members: ['one', 'two'], statuses: [500, 502] }],
    behaviours: [{ pattern: '*', originId: 'both' }],
    errors: [{ status: 404, page: '/missing.html', respondWith: 200, ttl: 5 }],
  }) // what is not so in it is refused
  await client.invalidate({ paths: ['/a', '/b/*'] })
  await client.drainNode(control.origin.id, 'drain')
  await client.drainNode(control.origin.id, 'undrain')
  await client.drainNode(control.edge.id, 'drain')
})
afterAll(() => control.end())

describe(`what control of ${before.version} says`, () => {
  it('comes from a version that today’s works with', () => {
    expect(tooFarApart(before.version, softwareVersion())).toBeUndefined()
    expect(tooFarApart(softwareVersion(), before.version)).toBeUndefined()
  })

  it.each(Object.keys(before.snapshots))('is understood by today’s %s: the snapshot', role => {
    const snapshot = readSnapshot(before.snapshots[role])
    expect(snapshot).toEqual(before.snapshots[role])
    const [distribution] = snapshot.distributions
    const host = distribution?.domain ?? ''
    expect(compileMatcher(snapshot).distribution(host)?.distribution.id).toBe(distribution?.id)
    expect(compileSite(snapshot).channel('/live/stage')?.path).toBe('/live/stage')
    expect(placesOf(snapshot, 'origin')).toEqual([])
  })

  it('is understood by today’s origin: a lease', () => {
    expect(reader(LeaseAnswer, 'the lease')(before.lease)).toEqual(before.lease)
  })
})

describe(`a node of ${before.version}`, () => {
  const roleOf = (name: string): 'origin' | 'edge' => (name === 'ViewersRequest' ? 'edge' : 'origin')

  it.each(Object.keys(before.requests))('is understood by control of today: %s', async name => {
    const lease = name === 'LeaseRequest' ? undefined : await leased()
    const path = (PATHS[name] ?? '').replace('JOB', lease ?? '')
    const body = JSON.stringify({
      ...(before.requests[name] as object),
      ...(name === 'LeaseRequest' && { wait: 0 }),
    }) // JSON objects
    const answer = await control.asNode(control[roleOf(name)], path, {
      ...{ method: 'POST', body, headers: { 'sluice-version': before.version } },
    })
    expect([answer.status, answer.status < 300 ? '' : await answer.text()]).toEqual([
      expect.toSatisfy((status: number) => status < 300),
      '',
    ])
  })

  it.each<RoleName>(['edge', 'origin'])('understands the snapshot of today: an %s', async role => {
    const identity = role === 'edge' ? control.edge : control.origin
    const answer: unknown = await (await control.asNode(identity, '/v1/node/snapshot')).json()
    const snapshot = readSnapshot(answer)
    expect([snapshot.controls?.length, snapshot.nodes.some(({ draining }) => draining)]).toEqual([1, true])
    expect(snapshot.distributions.flatMap(({ originGroups = [] }) => originGroups)).toHaveLength(1)
    expect(reader(before.schemas['Snapshot'] ?? Snapshot, 'the snapshot')(answer)).toEqual(answer)
  })

  it('is given a distribution that says more than it knows as switched off', async () => {
    await control.client.createFunction({
      ...{ name: 'new', runtime: 'cloudfront-js-2.0', code: 'function handler(e) { return e.request }' },
    })
    await control.client.publishFunction('new')
    const { distribution } = await control.client.createDistribution({
      origin: 'https://new.example',
      behaviours: [{ pattern: '*', functions: [{ event: 'viewer-request', function: 'new' }] }],
    })
    const given = async (version: string): Promise<boolean | undefined> => {
      const headers = { 'sluice-version': version }
      const answer: unknown = await (
        await control.asNode(control.edge, '/v1/node/snapshot', { headers })
      ).json()
      expect(reader(before.schemas['Snapshot'] ?? Snapshot, 'the snapshot')(answer)).toEqual(answer)
      return readSnapshot(answer).distributions.find(({ id }) => id === distribution.id)?.enabled
    }
    expect([await given(before.version), await given(softwareVersion())]).toEqual([false, true])
  })

  it('understands a lease of today', async () => {
    await leased()
    await control.upload(`/films/${newIdentity('edge').id}`)
    const lease = await control.lease()
    expect(reader(before.schemas['LeaseAnswer'] ?? LeaseAnswer, 'the lease')(lease)).toEqual(lease)
  })

  /** A job of its own, which it holds. */
  async function leased(): Promise<string> {
    await control.upload(`/films/${newIdentity('edge').id}`)
    const lease = await control.lease()
    if (lease === undefined) throw new Error('there was no job')
    return lease.job.id
  }
})

describe('shapes between control and nodes', () => {
  it('are open: a version with more to say is understood by the one before', async () => {
    const document = (await (await fetch(`${control.url}/v1/openapi.json`)).json()) as {
      paths: Record<string, object>
    } // OpenAPI
    const ofNodes = Object.entries(document.paths).filter(([path]) => path.startsWith('/v1/node/'))
    expect(ofNodes.length).toBeGreaterThan(8)
    expect(
      ofNodes.filter(([, what]) => JSON.stringify(what).includes('"additionalProperties":false')),
    ).toEqual([])
    expect(JSON.stringify(Snapshot)).not.toContain('"additionalProperties":false')
  })

  it.each(['LeaseRequest', 'ViewersRequest', 'ChannelsRequest'])(
    'take what they do not know: %s',
    async name => {
      const body = JSON.stringify({
        wait: 0,
        ...(before.requests[name] as object),
        mood: 'bright',
        ...(name === 'LeaseRequest' && { wait: 0 }),
      }) // JSON objects
      const identity = name === 'ViewersRequest' ? control.edge : control.origin
      const answer = await control.asNode(identity, PATHS[name] ?? '', { method: 'POST', body })
      expect(answer.status).toBeLessThan(300)
    },
  )
})
