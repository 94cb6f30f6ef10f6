import { expect, test } from 'vitest'
import { rank, redirectOf, steeringManifest, steeringTag, steeringUri } from '../../src/routing/index.ts'
import { E1, edge, PARIS, peer, SYDNEY } from './places.ts'

const paris = edge('paris', 1, { location: PARIS })
const sydney = edge('sydney', 2, { location: SYDNEY })
const near = { location: PARIS }

test('a player is told of edges by nearness, each a copy of the playlist under another host', () => {
  expect(steeringManifest(E1, rank([sydney, paris], near, E1), { scheme: 'https' })).toEqual({
    VERSION: 1,
    TTL: 20,
    'RELOAD-URI': '/.sluice/steering?d=E1',
    'PATHWAY-PRIORITY': ['edge-paris', 'edge-sydney', '.'],
    'PATHWAY-CLONES': [
      { 'BASE-ID': '.', ID: 'edge-paris', 'URI-REPLACEMENT': { HOST: 'e1--edge-paris.cdn.example' } },
      { 'BASE-ID': '.', ID: 'edge-sydney', 'URI-REPLACEMENT': { HOST: 'e1--edge-sydney.cdn.example' } },
    ],
  })
})

test('a player is told of the edges at the port that it has: it would keep that', () => {
  const other = edge('other', 3, { https: 8443 })
  const told = (port?: number): unknown => {
    const manifest = steeringManifest(E1, rank([paris, other], near, E1), { scheme: 'https', port })
    return [manifest['PATHWAY-PRIORITY'], manifest['RELOAD-URI']]
  }
  expect(told()).toEqual([['edge-paris', '.'], '/.sluice/steering?d=E1'])
  expect(told(8443)).toEqual([['edge-other', '.'], '/.sluice/steering?d=E1&port=8443'])
})

test('a player is told of eight edges at most', () => {
  const edges = Array.from({ length: 12 }, (_, n) => edge(`n${n}`, n + 1))
  const told = steeringManifest(E1, rank(edges, near, E1), { scheme: 'https' })
  expect([told['PATHWAY-PRIORITY'].length, told['PATHWAY-CLONES']?.length]).toEqual([9, 8])
})

test('a player is told of no edge that is dead, nor of one that does not speak its scheme', () => {
  const edges = [{ ...paris, state: 'dead' as const }, edge('plain', 3, { https: null }), sydney]
  const told = steeringManifest(E1, rank(edges, near, E1), { scheme: 'https' })
  expect(told['PATHWAY-PRIORITY']).toEqual(['edge-sydney', '.'])
  expect(steeringManifest(E1, [], { scheme: 'https' })).toEqual({
    VERSION: 1,
    TTL: 20,
    'RELOAD-URI': '/.sluice/steering?d=E1',
    'PATHWAY-PRIORITY': ['.'],
  })
})

test.each([
  ['http', 'http://e1--edge-paris.cdn.example:8080/~t/live/a.m3u8?x=%2F&y', 8080],
  ['https', 'https://e1--edge-paris.cdn.example/~t/live/a.m3u8?x=%2F&y', 8080],
] as const)(
  'a request over %s is sent to the nearest edge under a name of its own, as it came',
  (scheme, location, http) => {
    const edges = [sydney, edge('paris', 1, { location: PARIS, http })]
    const sent = redirectOf(E1, rank(edges, near, E1), { scheme, target: '/~t/live/a.m3u8?x=%2F&y' })
    expect([sent?.location, sent?.to.by]).toEqual([location, 'distance'])
  },
)

test('a request is sent to none that does not speak its scheme', () => {
  const plain = edge('plain', 3, { https: null, location: PARIS })
  const to = { scheme: 'https', target: '/' } as const
  expect(redirectOf(E1, rank([plain, sydney], near, E1), to)?.to.edge).toBe(sydney)
  expect(redirectOf(E1, rank([plain], near, E1), to)).toBeUndefined()
})

test('a playlist names a router that serves by the scheme of its viewer', () => {
  const at = { addresses: ['192.0.2.9'], http: 80, https: 8443 }
  const nodes = [peer('router-a', at, { draining: true }), peer('edge-a', at), peer('router-b', at)]
  const uri = 'https://router.cdn.example:8443/.sluice/steering?d=E1'
  expect(steeringUri(E1, nodes, 'https')).toBe(uri)
  expect(steeringUri(E1, nodes, 'http')).toBe('http://router.cdn.example/.sluice/steering?d=E1')
  expect(steeringUri(E1, nodes.slice(0, 2), 'http')).toBeUndefined()
  expect(steeringUri(E1, [peer('router-c', { ...at, http: null })], 'http')).toBeUndefined()
  expect(steeringTag(uri, undefined)).toBe(`#EXT-X-CONTENT-STEERING:SERVER-URI="${uri}"`)
  expect(steeringTag(uri, '8443')).toBe(`#EXT-X-CONTENT-STEERING:SERVER-URI="${uri}&port=8443"`)
})
