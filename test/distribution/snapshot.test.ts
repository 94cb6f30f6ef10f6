import { describe, expect, test } from 'vitest'
import type { DistributionId, KeyGroupId, KeyId, NodeId } from '../../src/core/index.ts'
import {
  compileMatcher,
  firstDistribution,
  readSnapshot,
  snapshotFor,
  type Snapshot,
} from '../../src/distribution/index.ts'

const GROUP = 'kg-1' as KeyGroupId
const SNAPSHOT: Snapshot = {
  version: 7,
  distributions: [firstDistribution('E123456' as DistributionId, 'cdn.localhost', GROUP)],
  fallbackDistribution: 'E123456' as DistributionId,
  keyGroups: [
    {
      id: GROUP,
      name: 'default',
      keys: [{ id: 'K1' as KeyId, name: 'site', type: 'p256', pem: '' }],
      sha1: 'accept',
      withoutResource: 'refuse',
    },
  ],
  issuers: [],
  originAccess: [],
  nodes: [{ id: 'edge-1' as NodeId, role: 'edge', publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'x' } }],
  channels: [],
  sequence: 3,
  invalidations: [{ sequence: 3, distributionId: 'E123456' as DistributionId, pattern: '/a/*' }],
}

test('what control sends is read back whole', () => {
  expect(readSnapshot(JSON.parse(JSON.stringify(SNAPSHOT)))).toEqual(SNAPSHOT)
})

test('groups and pages are read, and may be left out as in what an older version kept', () => {
  const [distribution] = SNAPSHOT.distributions
  expect(distribution).not.toHaveProperty('originGroups')
  const originGroups = [{ id: 'both', members: ['built-in', 'site'], statuses: [404, 503] }]
  const errors = [
    { status: 404, ttl: 5 },
    { status: 500, page: '/500.html', respondWith: 200 },
  ]
  const newer = { ...SNAPSHOT, distributions: [{ ...distribution, originGroups, errors }] }
  expect(readSnapshot(JSON.parse(JSON.stringify(newer)))).toEqual(newer)
})

describe('a snapshot that is not one is refused with the place', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /^the snapshot is not valid: /],
    ['no version', { ...SNAPSHOT, version: undefined }, /^the snapshot is not valid/],
    ['version 0', { ...SNAPSHOT, version: 0 }, /^the snapshot is not valid at \/version: /],
    [
      'a node of an unknown role',
      { ...SNAPSHOT, nodes: [{ ...SNAPSHOT.nodes[0], role: 'spy' }] },
      /^the snapshot is not valid at \/nodes\/0/,
    ],
    [
      'a key of another kind',
      { ...SNAPSHOT, nodes: [{ ...SNAPSHOT.nodes[0], publicKey: { kty: 'EC' } }] },
      /^the snapshot is not valid at \/nodes\/0/,
    ],
    [
      'a distribution without behaviours',
      { ...SNAPSHOT, distributions: [{ ...SNAPSHOT.distributions[0], behaviours: [] }] },
      /^the snapshot is not valid at \/distributions\/0\/behaviours: /,
    ],
    [
      'a gate without key groups',
      {
        ...SNAPSHOT,
        distributions: [
          {
            ...SNAPSHOT.distributions[0],
            behaviours: [{ ...SNAPSHOT.distributions[0]?.behaviours[0], gate: {} }],
          },
        ],
      },
      /^the snapshot is not valid at \/distributions\/0/,
    ],
    [
      'a relative invalidation',
      { ...SNAPSHOT, invalidations: [{ ...SNAPSHOT.invalidations[0], pattern: 'a' }] },
      /^the snapshot is not valid at \/invalidations\/0\/pattern: /,
    ],
  ])('%s', (_name, value, sentence) => {
    expect(() => readSnapshot(value)).toThrow(sentence)
  })
})

describe('a node of the version before', () => {
  const [first] = SNAPSHOT.distributions
  const [behaviour] = first?.behaviours ?? []
  const given = (change: object, rule: object = {}): Snapshot['distributions'][number] | undefined => {
    const behaviours = [{ ...behaviour, ...rule }]
    const snapshot = readSnapshot({ ...SNAPSHOT, distributions: [{ ...first, behaviours, ...change }] })
    return snapshotFor('edge', snapshot, 'before').distributions[0]
  }

  test('is given what it knows as it is', () => {
    expect(snapshotFor('edge', SNAPSHOT, 'before')).toEqual(SNAPSHOT)
    const known = { keyedCookies: ['a'], methods: 'get', told: ['cloudfront-viewer-country'] }
    expect(given({ geo: { mode: 'allow', countries: ['DE'] } }, known)?.enabled).toBe(true)
    // Who sends viewers to edges knows these.
    expect(given({ logs: { cookies: true } })).toMatchObject({ enabled: true, logs: { cookies: true } })
    expect(given({ priceClass: '100', steering: true })).toMatchObject({ enabled: true, priceClass: '100' })
  })

  test('is told of no node of a role that it does not know', () => {
    const [edge] = SNAPSHOT.nodes
    if (edge === undefined) throw new Error('the snapshot has an edge')
    const router = { ...edge, id: 'router-1' as NodeId, role: 'router' as const } // a test's own
    const snapshot = { ...SNAPSHOT, nodes: [edge, router] }
    expect(snapshotFor('edge', snapshot, 'before').nodes).toEqual([edge])
    expect(snapshotFor('edge', snapshot).nodes).toEqual([edge, router])
  })

  test.each<[string, object]>([
    ['functions', { functions: [{ event: 'viewer-request', function: 'look' }] }],
    ['encrypted fields', { encryption: 'C1' }],
  ])('is told that a distribution is switched off that says more: %s', (_what, rule) => {
    const told = given({}, rule)
    expect(told).toMatchObject({ id: 'E123456', enabled: false, aliases: [], errors: [] })
    expect(told?.origins).toEqual([{ id: 'built-in', kind: 'built-in' }])
    const matcher = compileMatcher({ ...SNAPSHOT, distributions: told ? [told] : [] })
    expect(matcher.distribution(first?.domain ?? '')).toBeUndefined()
    expect(matcher.distribution('nobody.example')).toBeUndefined()
  })
})

test('functions and what they read reach the nodes that run them', () => {
  const blob = { sha256: 'a'.repeat(64), bytes: 1 }
  const snapshot = readSnapshot({
    ...SNAPSHOT,
    functions: [{ id: 'look', runtime: 'cloudfront-js-2.0', code: blob, store: 'S1' }],
    stores: [{ id: 'S1', name: 'words', data: blob }],
  })
  for (const role of ['edge', 'regional'] as const) expect(snapshotFor(role, snapshot)).toEqual(snapshot)
  for (const role of ['origin', 'gateway', 'router'] as const) {
    expect(snapshotFor(role, snapshot)).not.toHaveProperty('functions')
    expect(snapshotFor(role, snapshot)).not.toHaveProperty('stores')
  }
})

test('encryptions reach edges and no other node', () => {
  const none = { unknown: 'reject', profiles: [] }
  const snapshot = readSnapshot({
    ...SNAPSHOT,
    encryptions: [{ id: 'C1', byQuery: none, byContentType: none }],
  })
  expect(snapshotFor('edge', snapshot)).toEqual(snapshot)
  for (const role of ['regional', 'origin', 'gateway', 'router'] as const)
    expect(snapshotFor(role, snapshot)).not.toHaveProperty('encryptions')
})
