import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { encodeFlvHeader } from '../../../src/cmaf/index.ts'
import { HAND_OVER_PATH } from '../../../src/membership/index.ts'
import {
  channel,
  GivenOver,
  handOver,
  openLive,
  PATH,
  until,
  type HandOverFields,
} from './live-under-test.ts'
import { ScriptedMuxer, segmentOf, tagOf, type Step } from './scripted-muxer.ts'

const BOTH: Step = { make: 'tracks', kinds: ['video', 'audio'] }
const scripted = { live: { newMuxer: () => new ScriptedMuxer() } }
const open = (options: Parameters<typeof openLive>[0] = {}) => openLive({ ...scripted, ...options })

const stateOf = (origin: Awaited<ReturnType<typeof open>>) => origin.live.table.at(PATH)?.state
const eventsOf = (origin: Awaited<ReturnType<typeof open>>) =>
  (origin.live.table.read()?.events ?? []).map(({ kind, detail }) => `${kind}: ${detail}`)

describe('who may hand over what', () => {
  const refusals: [string, HandOverFields, number, string][] = [
    ['a stranger', { node: 'somebody' }, 403, 'not-a-node'],
    ['an edge', { node: 'edge' }, 403, 'not-a-node'],
    ['an unknown channel', { channel: '/live/other' }, 404, 'no-channel'],
    ['a path above the channel', { channel: '/live' }, 404, 'no-channel'],
    ['a publisher from before a stop', { stops: 1 }, 410, 'stopped'],
    ['a lease that has been given to another', { stops: 2, lease: 4 }, 503, 'origin-away'],
    ['a channel without its slash', { channel: 'live/stage' }, 400, 'bad-request'],
    ['an epoch that is no id', { epoch: 'u 1' }, 400, 'bad-request'],
    ['another type of body', { type: 'video/mp4' }, 415, 'bad-request'],
  ]
  test.each(refusals)('refuses %s', async (_who, fields, status, reason) => {
    const origin = await open({ channels: [channel({ stops: 2, lease: 5 })] })
    const given = new GivenOver(origin.port, { lease: 5, ...fields })
    expect(await given.accepted()).toEqual({ status, broadcast: '', reason })
    expect(stateOf(origin)).toBe('idle')
  })

  test('a gateway may not fetch, and only the one path takes hand-overs', async () => {
    const origin = await open()
    const asGateway = await origin.get(`${PATH}/index.m3u8`, { headers: { 'sluice-node': 'gateway' } })
    expect([asGateway.status, asGateway.headers.get('x-sluice-reason')]).toEqual([403, 'not-a-node'])
    const elsewhere = await fetch(`${origin.url}/elsewhere`, {
      method: 'POST',
      headers: { 'sluice-node': 'gateway' },
    })
    expect(elsewhere.status).toBe(403)
    const get = await origin.get(HAND_OVER_PATH)
    expect(get.status).toBe(404)
  })

  test('a second encoder is busy while one is connected, and may go on when it is lost', async () => {
    const origin = await open()
    const first = await handOver(origin, { epoch: 'u1' })
    const second = new GivenOver(origin.port, { epoch: 'u2' })
    expect(await second.accepted()).toMatchObject({ status: 409, reason: 'busy' })
    first.request.destroy()
    await until(() => stateOf(origin) === 'disconnected', 'the loss is seen')
    const third = await handOver(origin, { epoch: 'u2' })
    expect(third.broadcast).toBe(first.broadcast)
  })

  test('the same publisher takes over from its own connection', async () => {
    const origin = await open()
    const first = await handOver(origin)
    first.tags(tagOf(BOTH, ...segmentOf('a', { parts: 2, close: false })))
    await first.taken()
    const second = await handOver(origin, { broadcast: first.broadcast })
    expect(second.broadcast).toBe(first.broadcast)
    await first.closed()
    second.tags(tagOf(BOTH, ...segmentOf('b', { parts: 2 })))
    await second.taken()
    expect(stateOf(origin)).toBe('live')
    expect(eventsOf(origin)).toEqual([
      'connected: FMLE/3.0 from 192.0.2.7',
      'live: ',
      'connected: FMLE/3.0 from 192.0.2.7',
      'live: ',
    ])
  })
})

describe('a broadcast that another origin began', () => {
  test('is taken up under its id, with numbers of now', async () => {
    const origin = await open()
    const given = await handOver(origin, { broadcast: 'babcdef123' })
    expect(given.broadcast).toBe('babcdef123')
    given.tags(tagOf(BOTH, ...segmentOf('a')))
    await given.taken()
    const playlist = await (await origin.get(`${PATH}/babcdef123/video/playlist.m3u8`)).text()
    expect(playlist).toContain('#EXT-X-MEDIA-SEQUENCE:1800000000\n')
    expect(playlist).toContain('#EXT-X-DISCONTINUITY-SEQUENCE:53760\n')
  })

  test.each(['../secret', 'b1', 'Babcdef123', 'babcdef1234'])(
    'is begun anew when its id is %j',
    async told => {
      const origin = await open()
      const given = await handOver(origin, { broadcast: told })
      expect(given.broadcast).toMatch(/^b[a-z0-9]{9}$/)
      expect(given.broadcast).not.toBe(told)
    },
  )

  test('is not taken up by a channel that has one', async () => {
    const origin = await open()
    const first = await handOver(origin)
    first.request.destroy()
    await until(() => stateOf(origin) === 'disconnected', 'the loss is seen')
    expect((await handOver(origin, { broadcast: 'babcdef123' })).broadcast).toBe(first.broadcast)
  })

  test('is waited for by its playlist in the first seconds of an origin', async () => {
    const origin = await open()
    const asked = origin.get(`${PATH}/babcdef123/video/playlist.m3u8`)
    await until(() => origin.live.table.waiting === 1, 'the request waits')
    const given = await handOver(origin, { broadcast: 'babcdef123' })
    given.tags(tagOf(BOTH, ...segmentOf('a', { parts: 1, close: false })))
    expect((await asked).status).toBe(200)
    origin.pass(10_000)
    expect((await origin.get(`${PATH}/bzzzzzz123/video/playlist.m3u8`)).status).toBe(404)
  })
})

describe('how a hand-over ends', () => {
  test('unpublished: the playlist ends at once, stays for five minutes, and the next one is another', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a', { parts: 6, close: false })))
    given.request.end()
    await given.closed()
    expect(given.lines.at(-1)).toEqual({ taken: given.sent })
    const playlist = `${PATH}/${given.broadcast}/video/playlist.m3u8`
    const ended = await origin.get(playlist)
    expect(await ended.text()).toMatch(/#EXT-X-ENDLIST\s*$/)
    expect(ended.headers.get('sluice-cache-control')).toBe('max-age-ms=60000')
    const next = await handOver(origin, { epoch: 'u2', broadcast: given.broadcast })
    expect(next.broadcast).not.toBe(given.broadcast)
    next.tags(tagOf(BOTH, ...segmentOf('b')))
    await next.taken()
    const newer = await (await origin.get(`${PATH}/${next.broadcast}/video/playlist.m3u8`)).text()
    expect(newer).toContain('#EXT-X-MEDIA-SEQUENCE:1800000001\n')
    expect(newer).toContain('#EXT-X-DISCONTINUITY-SEQUENCE:53761\n')
    expect((await origin.get(playlist)).status).toBe(200)
    origin.pass(299_000)
    expect((await origin.get(playlist)).status).toBe(200)
    origin.pass(1_000)
    const gone = await origin.get(playlist)
    expect([gone.status, gone.headers.get('cache-control')]).toEqual([404, 'public, max-age=1'])
  })

  test('lost: the playlist stays open for the reconnect window, then it ends', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a', { parts: 6, close: false })))
    await given.taken()
    given.request.destroy()
    await until(() => stateOf(origin) === 'disconnected', 'the loss is seen')
    const playlist = `${PATH}/${given.broadcast}/video/playlist.m3u8`
    origin.pass(29_750)
    expect(await (await origin.get(playlist)).text()).not.toContain('ENDLIST')
    origin.pass(250)
    expect(await (await origin.get(playlist)).text()).toContain('ENDLIST')
    expect(eventsOf(origin)).toEqual([
      'connected: FMLE/3.0 from 192.0.2.7',
      'live: ',
      'disconnected: the connection to the encoder was lost',
      'ended: the encoder did not come back',
    ])
  })

  test('lost before any media came: nothing is left', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.request.destroy()
    await until(() => stateOf(origin) === 'disconnected', 'the loss is seen')
    origin.pass(30_000)
    expect(stateOf(origin)).toBe('idle')
    expect((await origin.get(`${PATH}/index.m3u8`)).status).toBe(404)
  })

  test('silent for 15 s: it is given up as lost', async () => {
    const origin = await open()
    const given = await handOver(origin)
    await given.taken()
    origin.pass(14_750)
    expect(stateOf(origin)).toBe('connected')
    given.tags(tagOf(BOTH))
    await given.taken()
    origin.pass(14_750)
    expect(stateOf(origin)).toBe('connected')
    origin.pass(250)
    expect(stateOf(origin)).toBe('disconnected')
    await given.closed()
  })

  test('stopped: the encoder is cut, the playlist ends, and the same publisher is refused', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a')))
    await given.taken()
    origin.live.table.apply([channel({ stops: 1 })])
    expect(await given.cut()).toEqual({ cut: 'stopped', detail: 'the channel was stopped' })
    const playlist = await origin.get(`${PATH}/${given.broadcast}/video/playlist.m3u8`)
    expect(await playlist.text()).toContain('#EXT-X-ENDLIST')
    const again = new GivenOver(origin.port, { broadcast: given.broadcast })
    expect(await again.accepted()).toMatchObject({ status: 410, reason: 'stopped' })
    const later = await handOver(origin, { stops: 1, broadcast: given.broadcast })
    expect(later.broadcast).not.toBe(given.broadcast)
  })

  test('a gateway that knows of a stop before this origin ends the broadcast by it', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a')))
    await given.taken()
    const later = await handOver(origin, { stops: 1, epoch: 'u2' })
    expect(await given.cut()).toMatchObject({ cut: 'stopped' })
    expect(later.broadcast).not.toBe(given.broadcast)
    origin.live.table.apply([channel({ stops: 1 })])
    later.tags(tagOf(BOTH))
    await later.taken()
  })

  test('deleted: the encoder is cut and nothing is found any more', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a')))
    await given.taken()
    const waiting = origin.get(`${PATH}/${given.broadcast}/video/playlist.m3u8?_HLS_msn=1800000001`)
    await until(() => origin.live.table.waiting === 1, 'the request waits')
    origin.live.table.apply([])
    expect(await given.cut()).toEqual({ cut: 'no-channel', detail: 'the channel was deleted' })
    expect((await waiting).status).toBe(404)
    expect((await origin.get(`${PATH}/index.m3u8`)).status).toBe(404)
  })

  test('a higher lease drops the window and the older hand-over', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a')))
    await given.taken()
    const next = await handOver(origin, { lease: 1, epoch: 'u2', broadcast: given.broadcast })
    await given.closed()
    // The id is free: the broadcast goes on here, with higher numbers.
    expect(next.broadcast).toBe(given.broadcast)
    next.tags(tagOf(BOTH, ...segmentOf('b')))
    await next.taken()
    const playlist = await (await origin.get(`${PATH}/${next.broadcast}/video/playlist.m3u8`)).text()
    expect(playlist).toContain('#EXT-X-MEDIA-SEQUENCE:1800000001\n')
  })

  test.each([
    ['garbage in place of FLV', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /no FLV/],
    [
      'a tag that is out of step',
      Buffer.concat([encodeFlvHeader(), Buffer.from([9, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 9, 9, 9, 9])]),
      /out of step/,
    ],
  ])('%s ends that hand-over only', async (_what, bytes, why) => {
    const origin = await open({ channels: [channel(), channel({ id: 'c2' as never, path: '/live/beside' })] }) // a made-up id
    const beside = await handOver(origin, { channel: '/live/beside' })
    const given = new GivenOver(origin.port)
    await given.accepted()
    given.write(bytes)
    const cut = await given.cut()
    expect(cut).toMatchObject({ cut: 'bad-media' })
    expect('detail' in cut && cut.detail).toMatch(why)
    expect(stateOf(origin)).toBe('disconnected')
    beside.tags(tagOf(BOTH, ...segmentOf('a')))
    await beside.taken()
    expect(origin.live.table.at('/live/beside')?.state).toBe('live')
    expect((await handOver(origin, { epoch: 'u2' })).broadcast).toMatch(/^b/)
  })

  test('an error of ours in the muxer says nothing of itself, and the next hand-over goes on', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a', { parts: 3, close: false })))
    given.tags(tagOf({ make: 'error', words: 'undefined is not a function' }))
    expect(await given.cut()).toEqual({ cut: 'bad-media', detail: 'the origin could not read the stream' })
    const next = await handOver(origin, { epoch: 'u2' })
    next.tags(tagOf(BOTH, ...segmentOf('b')))
    await next.taken()
    const playlist = await (await origin.get(`${PATH}/${next.broadcast}/video/playlist.m3u8`)).text()
    expect(playlist.match(/#EXT-X-DISCONTINUITY\n/g)).toHaveLength(1)
  })

  test('too much for the memory of a channel: cut with the reason, and the broadcast ends', async () => {
    const origin = await open({ live: { ...scripted.live, memory: 2 * 1024 * 1024 } })
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a', { close: false })))
    const large: Step = { make: 'part', track: 'video', seconds: 0.2, bytes: 'x'.repeat(600_000) }
    for (let part = 0; part < 4; part++) given.tags(tagOf(large))
    expect(await given.cut()).toEqual({
      cut: 'too-much',
      detail:
        'the stream needs more than 2 MiB of memory: lower the bitrate, and set Keyframe Interval to 2 s',
    })
    expect(stateOf(origin)).toBe('ended')
    const next = await handOver(origin, { epoch: 'u2' })
    expect(next.broadcast).not.toBe(given.broadcast)
    expect(origin.live.table.bytes).toBe(0)
  })

  test.each<[string, Step[], string]>([
    [
      'no keyframe for longer than anybody waits',
      [BOTH, ...segmentOf('a', { parts: 203, close: false })],
      'no keyframe came for 40 s: set Keyframe Interval to 2 s',
    ],
    [
      'an epoch for each picture',
      Array.from({ length: 51 }, (_, index) => [BOTH, ...segmentOf(`a${index}`, { parts: 1 })]).flat(),
      'the stream begins anew again and again: let the encoder keep one resolution and one clock',
    ],
  ])('%s: cut with the reason, and the broadcast ends', async (_what, steps, detail) => {
    const origin = await open()
    const given = await handOver(origin)
    for (const step of steps) given.tags(tagOf(step))
    expect(await given.cut()).toEqual({ cut: 'too-much', detail })
    expect(stateOf(origin)).toBe('ended')
    const next = await handOver(origin, { epoch: 'u2' })
    next.tags(tagOf(BOTH, ...segmentOf('b')))
    await next.taken()
    expect(stateOf(origin)).toBe('live')
  })

  test('a segment of 40 s, and fifty epochs in ten seconds, are still taken', async () => {
    const origin = await open()
    const given = await handOver(origin)
    for (let epoch = 0; epoch < 49; epoch++) given.tags(tagOf(BOTH, ...segmentOf('a', { parts: 1 })))
    given.tags(tagOf(BOTH, ...segmentOf('b', { parts: 200 })))
    await given.taken()
    expect(stateOf(origin)).toBe('live')
  })
})

describe('the connection', () => {
  test('other bodies must be there in 30 s; that of a hand-over has no end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const origin = await open()
    const given = new GivenOver(origin.port)
    await given.accepted()
    const timers = vi.getTimerCount()
    const slow = connect(origin.port, '127.0.0.1')
    slow.write('POST /slow HTTP/1.1\r\nHost: o\r\nContent-Type: a/b\r\nContent-Length: 9\r\n\r\n')
    while (vi.getTimerCount() === timers) await new Promise(setImmediate)
    const closed = once(slow, 'close')
    slow.resume()
    await vi.advanceTimersByTimeAsync(30_000)
    await closed
    given.header()
    while (origin.live.table.at(PATH)?.state !== 'connected') await new Promise(setImmediate)
    expect(given.request.destroyed).toBe(false)
  })

  test('lines come without progress too', async () => {
    const origin = await open()
    const given = await handOver(origin)
    await given.taken()
    expect(given.lines[0]).toEqual({ taken: 0 })
    const before = given.lines.length
    origin.clock.pass(1_000)
    await until(() => given.lines.length > before, 'a line without progress')
    expect(given.lines.at(-1)).toEqual({ taken: given.sent })
  })

  test('closing drops hand-overs without an end, and lets go who waits', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a')))
    await given.taken()
    const waiting = origin.get(`${PATH}/${given.broadcast}/video/playlist.m3u8?_HLS_msn=1800000001`)
    await until(() => origin.live.table.waiting === 1, 'the request waits')
    origin.live.table.close()
    const answer = await waiting
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([503, 'no-store'])
    await given.closed()
    expect(given.lines.some(line => 'cut' in line)).toBe(false)
    const playlist = await origin.get(`${PATH}/${given.broadcast}/video/playlist.m3u8`)
    expect(await playlist.text()).not.toContain('ENDLIST')
    const late = new GivenOver(origin.port)
    expect(await late.accepted()).toMatchObject({ status: 503, reason: 'origin-away' })
  })

  test('a socket that dies in the middle of a tag is a lost encoder', async () => {
    const origin = await open()
    const socket = connect(origin.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      `POST ${HAND_OVER_PATH} HTTP/1.1\r\nHost: o\r\nSluice-Node: gateway\r\nContent-Type: video/x-flv\r\n` +
        `Sluice-Channel: ${PATH}\r\nSluice-Lease: 0\r\nSluice-Stops: 0\r\nSluice-Epoch: u1\r\n` +
        'Transfer-Encoding: chunked\r\n\r\n' +
        '9\r\nFLV\x01\x05\0\0\0\x09\r\n',
      'latin1',
    )
    await until(() => stateOf(origin) === 'connected', 'the hand-over is taken')
    socket.resetAndDestroy()
    await until(() => stateOf(origin) === 'disconnected', 'the loss is seen')
  })
})
