import { expect, test } from 'vitest'
import { nodeTable, nodeWarnings } from '../../src/cli/node-list.ts'
import type { NodeInfo } from '../../src/client/index.ts'

const EDGE: NodeInfo = {
  ...{ id: 'edge-1' as NodeInfo['id'], role: 'edge', pop: 'fra1', state: 'live', draining: false }, // a test's own
  ...{ version: 41, lastSeen: '2026-11-23T12:00:00.000Z', sequence: 6 },
  ...{ traffic: { bytesPerSecond: 1_250_000, requestsPerSecond: 40.5 }, hitRatio: 0.934, busy: 12 },
  ...{ clockOffset: -20, software: '0.5.0', controlSoftware: '0.5.0', controlAwaySince: null },
  viewers: null,
}
const NOTHING = {
  version: null,
  sequence: null,
  traffic: null,
  hitRatio: null,
  busy: null,
  clockOffset: null,
}

test('people see who is there, what it has and does, and what is unusual', () => {
  const nodes: NodeInfo[] = [
    EDGE,
    { ...EDGE, state: 'draining', draining: true, clockOffset: 1_400, software: '0.6.0' },
    {
      ...EDGE,
      state: 'draining',
      draining: true,
      busy: 0,
      pop: null,
      controlAwaySince: '2026-11-23T11:00:00.000Z',
    },
    {
      ...EDGE,
      state: 'away',
      draining: true,
      traffic: null,
      hitRatio: null,
      busy: null,
      clockOffset: 95_000,
    },
    { ...EDGE, ...NOTHING, state: 'away', lastSeen: null, software: null },
    { ...EDGE, traffic: { bytesPerSecond: 2, requestsPerSecond: 0.1 }, hitRatio: 0, clockOffset: -31_000 },
  ]
  expect(nodeTable(nodes).split('\n')).toEqual([
    'NODE    ROLE  POP   STATE               HAS  INVALIDATION  TRAFFIC              HITS  NOTES',
    'edge-1  edge  fra1  live                v41  6             10.0 Mbit/s, 40.5/s  93%',
    "edge-1  edge  fra1  draining, busy: 12  v41  6             10.0 Mbit/s, 40.5/s  93%   clock 1 s ahead of control's; Sluice 0.6.0",
    'edge-1  edge        drained             v41  6             10.0 Mbit/s, 40.5/s  93%   without control since 2026-11-23T11:00:00.000Z',
    'edge-1  edge  fra1  away, draining      v41  6                                        clock off by +95 s; last seen 2026-11-23T12:00:00.000Z',
    'edge-1  edge  fra1  away                                                              not seen yet',
    'edge-1  edge  fra1  live                v41  6             16 bit/s, 0.1/s      0%    clock off by -31 s',
  ])
  expect(nodeWarnings(nodes)).toEqual([
    "the clock of edge-1 is 95 s ahead of control's: let NTP set both",
    "the clock of edge-1 is 31 s behind control's: let NTP set both",
  ])
})

test('who serves viewers of routers says where', () => {
  const viewers = { addresses: ['203.0.113.7', '2001:db8::7'], http: 80, https: 443 }
  const location = { latitude: 48.85, longitude: 2.35 }
  const notesOf = (more: object): string | undefined =>
    nodeTable([{ ...EDGE, software: null, viewers: { ...viewers, ...more } }])
      .split('\n')
      .at(-1)
  expect(notesOf({ location, priceClass: '200' })).toContain(
    'viewers at 203.0.113.7 2001:db8::7, 48.85 2.35, class 200',
  )
  expect(notesOf({})).toContain('viewers at 203.0.113.7 2001:db8::7, class 100')
})
