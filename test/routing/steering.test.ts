import { expect, test } from 'vitest'
import { rank, steeringManifest, steeringTag } from '../../src/routing/index.ts'
import { redirectOf } from '../../src/routing/index.ts'
import { E1, edge, PARIS, peer, SYDNEY } from './places.ts'

const paris = edge('paris', 1, { location: PARIS })
const sydney = edge('sydney', 2, { location: SYDNEY })
const near = { location: PARIS }

test('a player is told of edges by nearness, each a copy of the playlist under another host', () => {
  expect(steeringManifest(E1, rank([sydney, paris], near, E1), 'https')).toEqual({
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

test('where one of the ports is not the usual one, all are said: a player would keep the port that it has', () => {
  const other = edge('other', 3, { https: 8443 })
  const clones = steeringManifest(E1, rank([paris, other], near, E1), 'https')['PATHWAY-CLONES'] ?? []
  expect(clones.map(({ 'URI-REPLACEMENT': { HOST } }) => HOST)).toEqual([
    'e1--edge-paris.cdn.example:443',
    'e1--edge-other.cdn.example:8443',
  ])
})

test('a player is told of no edge that is dead, nor of one that does not speak its scheme', () => {
  const edges = [{ ...paris, state: 'dead' as const }, edge('plain', 3, { https: null }), sydney]
  const told = steeringManifest(E1, rank(edges, near, E1), 'https')
  expect(told['PATHWAY-PRIORITY']).toEqual(['edge-sydney', '.'])
  expect(steeringManifest(E1, [], 'https')).toEqual({
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
  const tag = (uri: string): string => `#EXT-X-CONTENT-STEERING:SERVER-URI="${uri}"`
  expect(steeringTag(E1, nodes, 'https')).toBe(tag('https://router.cdn.example:8443/.sluice/steering?d=E1'))
  expect(steeringTag(E1, nodes, 'http')).toBe(tag('http://router.cdn.example/.sluice/steering?d=E1'))
  expect(steeringTag(E1, nodes.slice(0, 2), 'http')).toBeUndefined()
  expect(steeringTag(E1, [peer('router-c', { ...at, http: null })], 'http')).toBeUndefined()
})
