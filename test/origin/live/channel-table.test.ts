import { describe, expect, test } from 'vitest'
import type { ChannelsRequest } from '../../../src/client/index.ts'
import type { PublisherId } from '../../../src/core/index.ts'
import type { Attachment, Feeder } from '../../../src/origin/live/attachment.ts'
import type { LiveChannel } from '../../../src/origin/live/channel.ts'
import { ChannelTable } from '../../../src/origin/live/channel-table.ts'
import type { HandOverRequest } from '../../../src/origin/live/hand-over-request.ts'
import { silentLogger } from '../../../src/telemetry/index.ts'
import { channel, PATH, StillClock } from './live-under-test.ts'
import { ScriptedMuxer, segmentOf, tagOf, type Step } from './scripted-muxer.ts'

const BOTH: Step = { make: 'tracks', kinds: ['video', 'audio'] }

class HeardFeeder implements Feeder {
  readonly heard: string[] = []
  cut(reason: string): void {
    this.heard.push(`cut ${reason}`)
  }
  drop(): void {
    this.heard.push('dropped')
  }
}

function asked(epoch = 'u1', more: Partial<HandOverRequest> = {}): HandOverRequest {
  return {
    ...{ channel: PATH, lease: 0, stops: 0, address: '192.0.2.7', encoder: 'obs', broadcast: undefined },
    epoch: epoch as PublisherId, // made up
    ...more,
  }
}

function tableOf(settings = [channel()]) {
  const clock = new StillClock()
  const changes: string[] = []
  const table = new ChannelTable({
    ...{ clock, log: silentLogger, newMuxer: () => new ScriptedMuxer() },
    part: () => {},
    changed: () => changes.push('changed'),
  })
  table.apply(settings)
  const live = table.at(PATH) as LiveChannel // made above
  const pass = (milliseconds: number): void => {
    clock.pass(milliseconds)
    table.tick()
  }
  const push = (attachment: Attachment, ...steps: Step[]): void =>
    live.push(attachment, [tagOf(...steps)], clock.now())
  return { table, live, clock, changes, pass, push }
}

describe('what control is told', () => {
  test('each that is not idle with its facts and advice, and events until they are taken', () => {
    const { table, live, clock, push, pass, changes } = tableOf()
    expect(table.read()).toBeUndefined()
    const attachment = live.attach(asked(), new HeardFeeder(), clock.now())
    push(attachment, BOTH, ...segmentOf('a'))
    pass(6_000)
    const report = table.read() as ChannelsRequest // there is something
    expect(report.channels).toEqual([
      {
        path: PATH,
        state: 'live',
        broadcast: { id: attachment.broadcast, startedAt: '2027-01-15T08:00:00.000Z' },
        ingest: {
          address: '192.0.2.7',
          encoder: 'obs',
          bitrate: 3_128_000,
          video: {
            codec: 'avc1.64001f',
            width: 1280,
            height: 720,
            bitrate: 3_000_000,
            framesPerSecond: 30,
            keyframeInterval: 8.3,
          },
          audio: { codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2, bitrate: 128_000 },
          gaps: 0,
        },
        advice: ['keyframe every 8.3 s: set Keyframe Interval to 2 s in OBS → Output'],
      },
    ])
    expect(report.events.map(({ kind, at, path }) => [kind, at, path])).toEqual([
      ['connected', '2027-01-15T08:00:00.000Z', PATH],
      ['live', '2027-01-15T08:00:00.000Z', PATH],
    ])
    expect(changes).toHaveLength(2)
    expect(table.read()?.events).toEqual(report.events)

    live.detach(attachment, 'lost', 'gone', clock.now())
    table.taken(report)
    const next = table.read() as ChannelsRequest // likewise
    expect(next.events.map(({ kind, detail }) => `${kind}: ${detail}`)).toEqual(['disconnected: gone'])
    expect(next.channels).toMatchObject([{ state: 'disconnected', ingest: null, advice: [] }])
  })

  test('the end of a broadcast whose channel was deleted, once', () => {
    const { table, live, clock, push } = tableOf()
    push(live.attach(asked(), new HeardFeeder(), clock.now()), BOTH, ...segmentOf('a'))
    table.apply([])
    table.apply([])
    const told = table.read()?.events.map(({ kind, detail }) => `${kind}: ${detail}`)
    expect(told?.slice(1)).toEqual(['live: ', 'ended: the channel was deleted'])
  })

  test('nothing of the end of a channel that had ended when it was deleted, or never began', () => {
    const { table, live, clock, push } = tableOf([channel(), channel({ path: '/live/other' })])
    const attachment = live.attach(asked(), new HeardFeeder(), clock.now())
    push(attachment, BOTH, ...segmentOf('a'))
    live.detach(attachment, 'unpublished', 'gone', clock.now())
    table.apply([])
    expect(table.read()?.events.map(({ kind }) => kind)).toEqual(['connected', 'live', 'ended'])
  })

  test('once more when there is nothing, then nothing', () => {
    const { table, live, clock } = tableOf()
    live.attach(asked(), new HeardFeeder(), clock.now())
    table.taken(table.read() as ChannelsRequest) // there is something
    table.apply([])
    const last = table.read() as ChannelsRequest // the channel was told of
    expect([last.channels, last.events.map(({ kind }) => kind)]).toEqual([[], ['ended']])
    table.taken(last)
    expect(table.read()).toBeUndefined()
  })

  test('the newest thousand events, when control is away', () => {
    const { table, live, clock } = tableOf()
    for (let time = 0; time < 600; time++) {
      const attachment = live.attach(asked(), new HeardFeeder(), clock.now())
      live.detach(attachment, 'lost', String(time), clock.now())
    }
    const events = table.read()?.events ?? []
    expect(events).toHaveLength(1000)
    expect(events.at(-1)?.detail).toBe('599')
  })
})

describe('numbers', () => {
  test('are those of now or above all that were used, over broadcasts and over channels made anew', () => {
    const { table, live, clock } = tableOf()
    const attachment = live.attach(asked(), new HeardFeeder(), clock.now())
    const segments = Array.from({ length: 100 }, (_, at) => segmentOf(String(at))).flat()
    live.push(attachment, [tagOf(BOTH, ...segments)], clock.now())
    expect(live.nextNumbers).toEqual({ sequence: 1_800_000_100, discontinuity: 1_800_000_001 })
    table.apply([channel({ id: 'c2' as never })]) // a made-up id
    const again = table.at(PATH)
    expect(again).not.toBe(live)
    expect(again?.nextNumbers).toEqual({ sequence: 1_800_000_100, discontinuity: 1_800_000_001 })
  })
})

describe('memory', () => {
  test('is flat over an hour', () => {
    const { table, live, clock, pass } = tableOf()
    const attachment = live.attach(asked(), new HeardFeeder(), clock.now())
    live.push(attachment, [tagOf(BOTH)], clock.now())
    const bytes: number[] = []
    for (let segment = 0; segment < 1800; segment++) {
      live.push(attachment, [tagOf(...segmentOf('x'))], clock.now())
      live.current?.rendition('video')?.playlist('none', () => [])
      pass(2_000)
      bytes.push(table.bytes)
    }
    const [first] = bytes.slice(30)
    expect(new Set(bytes.slice(30))).toEqual(new Set([first]))
    // Eight segments and ten more of grace, of 200 bytes in both tracks together.
    expect(first).toBeLessThanOrEqual(20 * 200)
  })

  test('is given back by an encoder that comes and goes', () => {
    const { table, live, clock, pass } = tableOf()
    for (let time = 0; time < 100; time++) {
      const attachment = live.attach(asked(`u${time}`), new HeardFeeder(), clock.now())
      live.push(attachment, [tagOf(BOTH, ...segmentOf('x'))], clock.now())
      live.detach(attachment, 'unpublished', 'ended', clock.now())
      pass(1_000)
    }
    expect(table.bytes).toBeLessThan(10 * 250)
    pass(300_000)
    expect([table.bytes, live.state]).toEqual([0, 'idle'])
  })
})

describe('an attachment that was replaced', () => {
  test('says nothing any more', () => {
    const { live, clock, push } = tableOf()
    const [old, young] = [new HeardFeeder(), new HeardFeeder()]
    const first = live.attach(asked(), old, clock.now())
    const second = live.attach(asked(), young, clock.now())
    expect(old.heard).toEqual(['dropped'])
    push(first, BOTH, ...segmentOf('a'))
    live.detach(first, 'unpublished', 'ended', clock.now())
    expect(live.state).toBe('connected')
    push(second, BOTH, ...segmentOf('b'))
    expect(live.state).toBe('live')
    expect(young.heard).toEqual([])
  })
})

test('a lease that the snapshot raises takes the channel away from who holds a lower one', () => {
  const { table, live, clock, push } = tableOf()
  const feeder = new HeardFeeder()
  push(live.attach(asked(), feeder, clock.now()), BOTH, ...segmentOf('a'))
  table.apply([channel({ lease: 3 })])
  expect([feeder.heard, live.state]).toEqual([['dropped'], 'idle'])
  expect(live.judge(asked('u1', { lease: 2 }))).toMatchObject({ status: 503 })
  // An older snapshot, from disk, does not lower it again.
  table.apply([channel({ lease: 1 })])
  expect(live.judge(asked('u1', { lease: 2 }))).toMatchObject({ status: 503 })
})
