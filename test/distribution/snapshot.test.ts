import { describe, expect, test } from 'vitest'
import type { DistributionId, KeyGroupId, KeyId, NodeId } from '../../src/core/index.ts'
import { firstDistribution, readSnapshot, type Snapshot } from '../../src/distribution/index.ts'

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
