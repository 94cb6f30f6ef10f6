import { beforeEach, describe, expect, it } from 'vitest'
import type { ChannelReport } from '../../src/client/index.ts'
import { ChannelStates } from '../../src/control/channel-states.ts'
import { instant, newNodeId, type BroadcastId, type ChannelId } from '../../src/core/index.ts'

const ROW = {
  id: 'c1' as ChannelId, // any
  path: '/live/stage',
  keyGroup: 'default',
  reconnectMs: 30_000,
  owner: null,
  createdAt: instant(Date.UTC(2026, 10, 22)),
}
const [ONE, OTHER] = [newNodeId('origin'), newNodeId('origin')]
const [EDGE, FAR] = [newNodeId('edge'), newNodeId('edge')]

let now: number
let states: ChannelStates

beforeEach(() => {
  now = Date.UTC(2026, 10, 22, 10)
  states = new ChannelStates({ now: () => instant(now) })
})

function say(origin: typeof ONE, state: ChannelReport['state'], broadcast = 'b1'): void {
  const report: ChannelReport = {
    ...{ path: ROW.path, state, ingest: null, advice: [] },
    broadcast: { id: broadcast as BroadcastId, startedAt: '2026-11-22T09:00:00.000Z' }, // any
  }
  states.channelsOf(origin, { channels: [report], events: [] })
}

function shown(): [string, string | undefined, number] {
  const { state, broadcast, viewers } = states.viewOf(ROW)
  return [state, broadcast?.id, viewers]
}

describe('the state of a channel', () => {
  it('is idle while nobody says otherwise', () => {
    expect(states.viewOf(ROW)).toEqual({
      id: 'c1',
      path: '/live/stage',
      state: 'idle',
      keyGroup: 'default',
      reconnectSeconds: 30,
      broadcast: null,
      ingest: null,
      viewers: 0,
      advice: [],
      createdAt: '2026-11-22T00:00:00.000Z',
    })
  })

  it.each([
    ['live', 'disconnected', 'b1'],
    ['disconnected', 'live', 'b2'],
    ['live', 'ended', 'b1'],
    ['ended', 'connected', 'b2'],
    ['idle', 'ended', 'b2'],
    ['live', 'live', 'b2'],
  ] as const)('of two origins, %s and later %s, is that of %s', (first, second, wanted) => {
    say(ONE, first, 'b1')
    now += 500
    say(OTHER, second, 'b2')
    expect(shown()[1]).toBe(wanted)
  })

  it('is what its origin said last, however soon', () => {
    say(ONE, 'live')
    say(ONE, 'ended')
    expect(shown()).toEqual(['ended', 'b1', 0])
    states.channelsOf(ONE, { channels: [], events: [] })
    expect(shown()).toEqual(['idle', undefined, 0])
  })

  it('falls back to the other origin’s word, then to idle, when a report is ten seconds old', () => {
    say(ONE, 'live', 'b1')
    now += 5_000
    say(OTHER, 'ended', 'b2')
    expect(shown()[0]).toBe('live')
    now += 4_999
    expect(shown()[0]).toBe('live')
    now += 1
    expect(shown()[0]).toBe('ended')
    now += 5_000
    expect(shown()).toEqual(['idle', undefined, 0])
  })

  it('counts the viewers of all edges that still speak', () => {
    const viewers = (edge: typeof EDGE, count: number) =>
      states.viewersOf(edge, { channels: [{ path: ROW.path, viewers: count }] })
    viewers(EDGE, 3)
    now += 6_000
    viewers(FAR, 4)
    expect(shown()[2]).toBe(7)
    viewers(FAR, 2)
    expect(shown()[2]).toBe(5)
    now += 4_000
    expect(shown()[2]).toBe(2)
    states.forget(ROW.path)
    expect(shown()[2]).toBe(0)
  })
})
