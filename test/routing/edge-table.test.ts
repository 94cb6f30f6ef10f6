import { expect, test } from 'vitest'
import type { NodeId } from '../../src/core/index.ts'
import { EdgeTable, Latencies, type Edge } from '../../src/routing/index.ts'
import { instant } from '../../src/core/index.ts'
import { peer } from './places.ts'

const A = 'edge-a' as NodeId
const B = 'edge-b' as NodeId
const AT_A = { addresses: ['192.0.2.1', '2001:db8::1'], http: 80, https: 443 }
const AT_B = { addresses: ['192.0.2.2'], http: null, https: 8443 }

function tableOf(): EdgeTable {
  const table = new EdgeTable()
  table.apply({
    nodes: [
      peer(A, AT_A),
      peer(B, AT_B),
      peer('edge-silent', undefined),
      peer('edge-nowhere', { addresses: [], http: 80, https: null }),
      peer('router-r', { addresses: ['192.0.2.9'], http: 80, https: 443 }),
    ],
  })
  return table
}

const short = ({ id, state, addresses }: Edge): string => `${id} ${state} ${addresses.join(' ')}`

test('edges are those that say where viewers reach them, and each of their addresses is asked', () => {
  const table = tableOf()
  expect(table.edges.map(short)).toEqual(['edge-a serving 192.0.2.1 2001:db8::1', 'edge-b serving 192.0.2.2'])
  expect(table.targets()).toEqual([
    { edge: A, address: '192.0.2.1', scheme: 'http', port: 80 },
    { edge: A, address: '2001:db8::1', scheme: 'http', port: 80 },
    { edge: B, address: '192.0.2.2', scheme: 'https', port: 8443 },
  ])
})

test('an edge is dead after two questions without an answer, and there again after one that has one', () => {
  const table = tableOf()
  const states: string[] = []
  for (const outcome of ['silent', 'answers', 'silent', 'silent', 'silent', 'answers'] as const) {
    table.probed({ edge: B, address: '192.0.2.2' }, outcome)
    states.push(table.edges.find(({ id }) => id === B)?.state ?? '')
  }
  expect(states).toEqual(['serving', 'serving', 'serving', 'dead', 'dead', 'serving'])
})

test('an address that does not answer is left out of those of its edge, and one that cannot be asked is not', () => {
  const table = tableOf()
  const probe = (address: string, outcome: 'silent' | 'unreachable'): void =>
    table.probed({ edge: A, address }, outcome)
  probe('192.0.2.1', 'silent')
  probe('192.0.2.1', 'silent')
  expect(table.edges.map(short)[0]).toBe('edge-a serving 2001:db8::1')
  probe('2001:db8::1', 'unreachable')
  expect(table.edges.map(short)[0]).toBe('edge-a dead 192.0.2.1 2001:db8::1')
})

test('the table is the same object until something in it changes, and keeps what it knows of who stays', () => {
  const table = tableOf()
  const before = table.edges
  table.probed({ edge: B, address: '192.0.2.2' }, 'answers')
  table.probed({ edge: 'edge-gone' as NodeId, address: '192.0.2.2' }, 'silent')
  expect(table.edges).toBe(before)
  for (const outcome of ['silent', 'silent'] as const)
    table.probed({ edge: B, address: '192.0.2.2' }, outcome)
  table.apply({ nodes: [peer(A, AT_A, { draining: true }), peer(B, AT_B)] })
  expect(table.edges.map(short)).toEqual(['edge-a draining 192.0.2.1 2001:db8::1', 'edge-b dead 192.0.2.2'])
})

test('what is measured of a network is known by edge, until nobody has measured it for half an hour', () => {
  const latencies = new Latencies()
  const network = '198.51.100.0/24'
  latencies.learn(A, [{ network, milliseconds: 40 }], instant(0))
  latencies.learn(B, [{ network, milliseconds: 90 }], instant(20 * 60_000))
  latencies.learn(B, [{ network, milliseconds: 80 }], instant(25 * 60_000))
  expect(latencies.of('203.0.113.0/24', instant(0))).toBeUndefined()
  expect(latencies.of(network, instant(29 * 60_000))).toEqual(
    new Map([
      [A, 40],
      [B, 80],
    ]),
  )
  expect(latencies.of(network, instant(31 * 60_000))).toEqual(new Map([[B, 80]]))
  expect(latencies.of(network, instant(56 * 60_000))).toBeUndefined()
})
