import { describe, expect, test } from 'vitest'
import type { DistributionId, KeyGroupId, KeyId, NodeId } from '../../src/core/index.ts'
import {
  compileMatcher,
  DEFAULT_WIRE,
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
  const gate = { keyGroups: [GROUP], issuers: [] }
  const http = {
    ...{ id: 'site', kind: 'http', url: 'https://site.example', headers: [], ...DEFAULT_WIRE },
  }

  test('is given what it knows as it is', () => {
    expect(snapshotFor('edge', SNAPSHOT, 'before')).toEqual(SNAPSHOT)
    const known = { query: ['a'], forward: ['accept'], cookies: 'all', gate: null, policies: { cache: 'p' } }
    expect(given({ origins: [{ ...http, shield: 'fra' }] }, known)?.enabled).toBe(true)
    expect(given({}, { gate, cookies: 'none' })?.enabled).toBe(true)
  })

  test.each<[string, object, object?]>([
    ['a default root', { defaultRoot: 'index.html' }],
    ['countries', { geo: { mode: 'allow', countries: ['DE'] } }],
    ['a least version of TLS', { minimumTls: '1.3' }],
    ['a version of HTTP', { http: '1.1' }],
    ['a certificate', { certificate: 'films' }],
    ['TLS with an origin', { origins: [{ ...http, tls: ['1.3'] }] }],
    ['keyed cookies', {}, { keyedCookies: ['a'] }],
    ['a query for the origin alone', {}, { forwardQuery: 'all' }],
    ["the viewer's host", {}, { host: 'viewer' }],
    ['words of the edge', {}, { told: ['cloudfront-viewer-country'] }],
    ['words of the edge in the key', {}, { headers: ['cloudfront-viewer-country'] }],
    ['codings', {}, { acceptEncoding: ['gzip'] }],
    ['GET alone', {}, { methods: 'get' }],
    ['kept answers to OPTIONS', {}, { keepOptions: true }],
    ['headers of answers', {}, { responseHeaders: { custom: [], remove: ['server'] } }],
    ['all of a query but some', {}, { query: { except: ['a'] } }],
    ['all fields but some', {}, { forward: { except: ['a'] } }],
    ['some cookies', {}, { gate: null, cookies: ['a'] }],
    ['cookies behind a gate', {}, { gate, cookies: 'all' }],
  ])('is told that a distribution is switched off that says more: %s', (_what, change, rule) => {
    const told = given(change, rule)
    expect(told).toMatchObject({ id: 'E123456', enabled: false, aliases: [], errors: [] })
    expect(told?.origins).toEqual([{ id: 'built-in', kind: 'built-in' }])
    const matcher = compileMatcher({ ...SNAPSHOT, distributions: told ? [told] : [] })
    expect(matcher.distribution(first?.domain ?? '')).toBeUndefined()
    expect(matcher.distribution('nobody.example')).toBeUndefined()
  })
})
