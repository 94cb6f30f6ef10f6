import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { channel, handOver, openLive, PATH, until, type LiveUnderTest } from './live-under-test.ts'
import { partOf, ScriptedMuxer, segmentOf, tagOf, type Step } from './scripted-muxer.ts'

const BOTH: Step = { make: 'tracks', kinds: ['video', 'audio'] }
const FIRST = 1_800_000_000
/** What the window makes of it, for hls.js. */
const FIRST_BREAK = FIRST % 65_536

const open = (options: Parameters<typeof openLive>[0] = {}) =>
  openLive({ live: { newMuxer: () => new ScriptedMuxer() }, ...options })

/** A channel that is live, with two whole segments and an open one of three parts. */
async function live(options: Parameters<typeof openLive>[0] = {}) {
  const origin = await open(options)
  const given = await handOver(origin)
  const tell = async (...steps: Step[]): Promise<void> => {
    given.tags(tagOf(...steps))
    await given.taken()
  }
  await tell(BOTH, ...segmentOf('a'), ...segmentOf('b', { at: FIRST * 1000 + 2000 }))
  await tell(...segmentOf('c', { at: FIRST * 1000 + 4000, parts: 3, close: false }))
  const video = `${PATH}/${given.broadcast}/video`
  return { origin, given, tell, video, playlist: `${video}/playlist.m3u8` }
}

/** Ids are random: `B` and `E1`, `E2`, … in the order in which they appear. */
function named(text: string): string {
  const epochs: string[] = []
  return text.replace(/\bb[a-z0-9]{9}\b/g, 'B').replace(/\be[a-z0-9]{9}(?=-)/g, epoch => {
    if (!epochs.includes(epoch)) epochs.push(epoch)
    return `E${epochs.indexOf(epoch) + 1}`
  })
}

const OURS = /^(cache-control|content-type|sluice-.*)$/
const fieldsOf = (answer: Response) =>
  Object.fromEntries([...answer.headers].filter(([name]) => OURS.test(name)))
const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name ?? '')
const waiting = (origin: LiveUnderTest, count = 1) =>
  until(() => origin.live.table.waiting === count, `${count} requests wait`)

describe('the documents', () => {
  test('the entry playlist names what plays, with its measured bit rates', async () => {
    const { origin } = await live()
    const answer = await origin.get(`${PATH}/index.m3u8`)
    expect(named(await answer.text())).toMatchInlineSnapshot(`
      "#EXTM3U
      #EXT-X-VERSION:7
      #EXT-X-INDEPENDENT-SEGMENTS
      #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="B/audio/playlist.m3u8"
      #EXT-X-STREAM-INF:BANDWIDTH=802,AVERAGE-BANDWIDTH=802,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio"
      B/video/playlist.m3u8
      "
    `)
    expect(fieldsOf(answer)).toEqual({
      'cache-control': 'no-cache',
      'content-type': 'application/vnd.apple.mpegurl',
      'sluice-cache-control': 'max-age-ms=1000',
      'sluice-age-ms': '0',
    })
  })

  test('a media playlist lists segments, the newest parts, the hint and the other rendition', async () => {
    const { origin, playlist } = await live()
    origin.clock.pass(70)
    const answer = await origin.get(playlist)
    expect(named(await answer.text())).toMatchInlineSnapshot(`
      "#EXTM3U
      #EXT-X-VERSION:7
      #EXT-X-INDEPENDENT-SEGMENTS
      #EXT-X-TARGETDURATION:2
      #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=0.6,HOLD-BACK=6
      #EXT-X-PART-INF:PART-TARGET=0.2
      #EXT-X-MEDIA-SEQUENCE:1800000000
      #EXT-X-DISCONTINUITY-SEQUENCE:53760
      #EXT-X-MAP:URI="E1-init.mp4"
      #EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:00.000Z
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.0.m4s",INDEPENDENT=YES
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.1.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.2.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.3.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.4.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.5.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.6.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.7.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.8.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000000.9.m4s"
      #EXTINF:2,
      E1-1800000000.m4s
      #EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:02.000Z
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.0.m4s",INDEPENDENT=YES
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.1.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.2.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.3.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.4.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.5.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.6.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.7.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.8.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000001.9.m4s"
      #EXTINF:2,
      E1-1800000001.m4s
      #EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:04.000Z
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000002.0.m4s",INDEPENDENT=YES
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000002.1.m4s"
      #EXT-X-PART:DURATION=0.2,URI="E1-1800000002.2.m4s"
      #EXT-X-PRELOAD-HINT:TYPE=PART,URI="E1-1800000002.3.m4s"
      #EXT-X-RENDITION-REPORT:URI="../audio/playlist.m3u8",LAST-MSN=1800000002,LAST-PART=2
      "
    `)
    expect(fieldsOf(answer)).toEqual({
      'cache-control': 'no-cache',
      'content-type': 'application/vnd.apple.mpegurl',
      'sluice-cache-control': 'max-age-ms=200',
      'sluice-age-ms': '70',
      'sluice-live': `${FIRST + 2}.2;target=2;part=0.2`,
    })
  })

  test('a broadcast of one track names that track only', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf({ make: 'tracks', kinds: ['audio'] }, ...segmentOf('a', { tracks: ['audio'] })))
    await given.taken()
    expect(named(await (await origin.get(`${PATH}/index.m3u8`)).text())).toMatchInlineSnapshot(`
      "#EXTM3U
      #EXT-X-VERSION:7
      #EXT-X-INDEPENDENT-SEGMENTS
      #EXT-X-STREAM-INF:BANDWIDTH=401,AVERAGE-BANDWIDTH=401,CODECS="mp4a.40.2"
      B/audio/playlist.m3u8
      "
    `)
    expect((await origin.get(`${PATH}/${given.broadcast}/video/playlist.m3u8`)).status).toBe(404)
  })

  test('skipped segments are left out when there are many', async () => {
    const { playlist, tell, origin } = await live()
    await tell({ make: 'segment-end' })
    for (const name of 'defghi') await tell(...segmentOf(name))
    const text = await (await origin.get(`${playlist}?_HLS_skip=YES`)).text()
    expect(text).toMatch(/#EXT-X-SKIP:SKIPPED-SEGMENTS=\d/)
    expect(await (await origin.get(playlist)).text()).not.toContain('#EXT-X-SKIP')
  })

  test('a version is rendered once and keeps its tag; the next has another', async () => {
    const { origin, playlist, tell } = await live()
    const etag = async () => (await origin.get(playlist)).headers.get('etag')
    const first = await etag()
    expect(await etag()).toBe(first)
    const same = await origin.get(playlist, { headers: { 'if-none-match': first ?? '' } })
    expect([same.status, same.headers.get('sluice-live')]).toEqual([304, `${FIRST + 2}.2;target=2;part=0.2`])
    await tell(partOf('c.3', 'video'))
    expect(await etag()).not.toBe(first)
  })

  test('a track that pauses is left out of the entry and goes on later, its discontinuities counted', async () => {
    const { origin, given, tell, playlist } = await live()
    await tell({ make: 'segment-end' }, { make: 'tracks', kinds: ['video'] })
    await tell(...segmentOf('d', { tracks: ['video'] }))
    const audio = `${PATH}/${given.broadcast}/audio/playlist.m3u8`
    expect(await (await origin.get(audio)).text()).not.toContain('#EXT-X-ENDLIST')
    expect(await (await origin.get(`${PATH}/index.m3u8`)).text()).not.toContain('TYPE=AUDIO')
    const asked = origin.get(`${audio}?_HLS_msn=${FIRST + 3}&_HLS_part=0`)
    await waiting(origin)
    origin.pass(3_000)
    expect((await asked).headers.get('sluice-cache-control')).toBe('no-store')
    await tell(BOTH, ...segmentOf('e'))
    const breaks = (text: string) => text.match(/#EXT-X-DISCONTINUITY\n/g)?.length
    for (const uri of [audio, playlist]) {
      const text = await (await origin.get(uri)).text()
      expect([breaks(text), text]).toEqual([
        2,
        expect.stringContaining(`#EXT-X-DISCONTINUITY-SEQUENCE:${FIRST_BREAK}\n`),
      ])
    }
    expect(await (await origin.get(`${PATH}/index.m3u8`)).text()).toContain('TYPE=AUDIO')
  })

  test('a track that comes late begins at the numbers of the other', async () => {
    const origin = await open()
    const given = await handOver(origin)
    given.tags(tagOf({ make: 'tracks', kinds: ['video'] }, ...segmentOf('a', { tracks: ['video'] })))
    given.tags(tagOf(BOTH, ...segmentOf('b')))
    await given.taken()
    const audio = await (await origin.get(`${PATH}/${given.broadcast}/audio/playlist.m3u8`)).text()
    expect(audio).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST + 1}\n`)
    expect(audio).toContain(`#EXT-X-DISCONTINUITY-SEQUENCE:${FIRST_BREAK + 1}\n`)
  })
})

test('a track that comes late counts discontinuities like the other, also where the numbers wrap', async () => {
  const origin = await open()
  origin.clock.pass((65_535 - FIRST_BREAK) * 1000)
  const given = await handOver(origin)
  given.tags(tagOf({ make: 'tracks', kinds: ['video'] }, ...segmentOf('a', { tracks: ['video'] })))
  given.tags(tagOf(BOTH, ...segmentOf('b')))
  await given.taken()
  const audio = await (await origin.get(`${PATH}/${given.broadcast}/audio/playlist.m3u8`)).text()
  expect(audio).toContain('#EXT-X-DISCONTINUITY-SEQUENCE:65536\n')
  const video = await (await origin.get(`${PATH}/${given.broadcast}/video/playlist.m3u8`)).text()
  expect(video).toContain('#EXT-X-DISCONTINUITY-SEQUENCE:65535\n')
})

describe('the media', () => {
  test('init, segment and parts, with their lifetimes', async () => {
    const { origin, video, playlist } = await live()
    const text = await (await origin.get(playlist)).text()
    const [init = ''] = names(text, /URI="(e\w+-init\.mp4)"/g)
    const [segment = ''] = names(text, /^(e\w+-\d+\.m4s)$/gm)
    const parts = names(text, /#EXT-X-PART:.*URI="([^"]+)"/g).slice(0, 10)
    const initAnswer = await origin.get(`${video}/${init}`)
    expect(await initAnswer.text()).toBe('init video')
    const lasting = { 'cache-control': 'public, max-age=76', 'content-type': 'video/mp4' }
    expect(fieldsOf(initAnswer)).toEqual(lasting)
    const whole = await origin.get(`${video}/${segment}`)
    expect(fieldsOf(whole)).toEqual(lasting)
    const bytes = await whole.text()
    expect(bytes).toBe(Array.from({ length: 10 }, (_, part) => `video a.${part};`).join(''))
    const answers = await Promise.all(parts.map(part => origin.get(`${video}/${part}`)))
    expect((await Promise.all(answers.map(answer => answer.text()))).join('')).toBe(bytes)
    expect(fieldsOf(answers[0] ?? whole)).toEqual({ ...lasting, 'cache-control': 'public, max-age=12' })
  })

  test('HEAD, ranges and entity tags', async () => {
    const { origin, video, playlist } = await live()
    const [segment = ''] = names(await (await origin.get(playlist)).text(), /^(e\w+-\d+\.m4s)$/gm)
    const head = await origin.get(`${video}/${segment}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '100', ''])
    const range = await origin.get(`${video}/${segment}`, { headers: { range: 'bytes=10-18' } })
    expect([range.status, range.headers.get('content-range'), await range.text()]).toEqual([
      206,
      'bytes 10-18/100',
      'video a.1',
    ])
    expect(range.headers.get('etag')).toBe(`"${segment}"`)
    const same = await origin.get(`${video}/${segment}`, { headers: { 'if-none-match': `"${segment}"` } })
    expect(same.status).toBe(304)
  })

  test('what left the playlist can be fetched for 20 s, and its memory is given back', async () => {
    const { origin, video, playlist, tell } = await live()
    const [segment = ''] = names(await (await origin.get(playlist)).text(), /^(e\w+-\d+\.m4s)$/gm)
    await tell({ make: 'segment-end' })
    for (const name of 'defghi') await tell(...segmentOf(name))
    expect(await (await origin.get(playlist)).text()).not.toContain(segment)
    const before = origin.live.table.bytes
    origin.pass(10_000)
    await tell({ make: 'segment', at: 0 })
    origin.pass(9_750)
    expect((await origin.get(`${video}/${segment}`)).status).toBe(200)
    origin.pass(250)
    expect(origin.live.table.bytes).toBe(before - 200)
    const gone = await origin.get(`${video}/${segment}`)
    expect([gone.status, gone.headers.get('cache-control')]).toEqual([404, 'public, max-age=1'])
  })

  test('a reader that does not read holds nobody up', async () => {
    const { origin, video, given, tell, playlist } = await live()
    await tell({ make: 'part', track: 'video', seconds: 0.2, bytes: 'x'.repeat(8_000_000) })
    await tell(partOf('c.4', 'audio'))
    const part = names(await (await origin.get(playlist)).text(), /PART:.*URI="([^"]+)"/g).at(-1) ?? ''
    const slow = connect(origin.port, '127.0.0.1')
    slow.pause()
    slow.write(`GET ${video}/${part} HTTP/1.1\r\nHost: o\r\nSluice-Node: edge\r\n\r\n`)
    await once(slow, 'connect')
    await tell(partOf('c.5', 'video'))
    expect(await (await origin.get(`${video}/${part}`)).text()).toHaveLength(8_000_000)
    expect(given.lines.at(-1)).toEqual({ taken: given.sent })
    slow.destroy()
  })
})

describe('blocking requests', () => {
  test('wait for their part and are answered with it, for as long as it lasts', async () => {
    const { origin, playlist, tell } = await live()
    const asked = origin.get(`${playlist}?_HLS_msn=${FIRST + 2}&_HLS_part=3`)
    await waiting(origin)
    await tell(partOf('c.3', 'audio'))
    expect(origin.live.table.waiting).toBe(1)
    await tell(partOf('c.3', 'video'))
    const answer = await asked
    expect(await answer.text()).toMatch(/URI="e\w+-1800000002\.3\.m4s"/)
    expect(fieldsOf(answer)).toMatchObject({
      'sluice-cache-control': 'max-age-ms=12000',
      'sluice-live': `${FIRST + 2}.3;target=2;part=0.2`,
    })
    expect(origin.live.table.waiting).toBe(0)
  })

  test('a part past the end means part 0 of the next segment', async () => {
    const { origin, playlist, tell } = await live()
    const asked = origin.get(`${playlist}?_HLS_msn=${FIRST + 2}&_HLS_part=4`)
    await waiting(origin)
    await tell(partOf('c.3', 'video'), { make: 'segment-end' })
    expect(origin.live.table.waiting).toBe(1)
    await tell(...segmentOf('d', { parts: 1, close: false }))
    expect((await asked).headers.get('sluice-live')).toBe(`${FIRST + 3}.0;target=2;part=0.2`)
  })

  test('a whole segment is waited for to its end', async () => {
    const { origin, playlist, tell } = await live()
    const asked = origin.get(`${playlist}?_HLS_msn=${FIRST + 2}`)
    await waiting(origin)
    await tell(partOf('c.3', 'video'))
    expect(origin.live.table.waiting).toBe(1)
    await tell({ make: 'segment-end' })
    expect(await (await asked).text()).toMatch(/\ne\w+-1800000002\.m4s\n/)
  })

  test('what is there already, or long gone, is answered at once', async () => {
    const { origin, playlist } = await live()
    for (const query of [
      `_HLS_msn=${FIRST + 2}&_HLS_part=2`,
      `_HLS_msn=${FIRST + 1}`,
      `_HLS_msn=${FIRST - 500}&_HLS_part=1`,
    ]) {
      expect((await origin.get(`${playlist}?${query}`)).status).toBe(200)
    }
  })

  test.each([
    `_HLS_msn=${FIRST + 5}`,
    `_HLS_msn=${FIRST + 2}&_HLS_part=18`,
    '_HLS_part=1',
    '_HLS_msn=abc',
    '_HLS_msn=-1',
    `_HLS_msn=${FIRST}&_HLS_msn=${FIRST}`,
    '_HLS_skip=MAYBE',
    `_HLS_msn=${FIRST}&_HLS_part=`,
  ])('%s is refused', async query => {
    const { origin, playlist } = await live()
    const answer = await origin.get(`${playlist}?${query}`)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store'])
  })

  test('without progress they are 503 after three target durations', async () => {
    const { origin, playlist } = await live()
    const asked = origin.get(`${playlist}?_HLS_msn=${FIRST + 2}&_HLS_part=3`)
    await waiting(origin)
    origin.pass(5_750)
    expect(origin.live.table.waiting).toBe(1)
    origin.pass(250)
    const answer = await asked
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([503, 'no-store'])
  })

  test('while the encoder is lost they hear after half of that what they know, not to be kept', async () => {
    const { origin, given, playlist } = await live()
    const before = await (await origin.get(playlist)).text()
    const asked = origin.get(`${playlist}?_HLS_msn=${FIRST + 3}&_HLS_part=0`)
    await waiting(origin)
    given.request.destroy()
    await until(() => origin.live.table.at(PATH)?.state === 'disconnected', 'the loss is seen')
    origin.pass(2_750)
    expect(origin.live.table.waiting).toBe(1)
    origin.pass(250)
    const answer = await asked
    expect([answer.status, answer.headers.get('sluice-cache-control')]).toEqual([200, 'no-store'])
    // The open segment has been closed; nothing else has changed.
    const text = await answer.text()
    expect(text).not.toContain('ENDLIST')
    expect(text.startsWith(before.slice(0, before.indexOf('#EXT-X-PRELOAD-HINT')))).toBe(true)
  })

  test('are woken by an encoder that comes back, after a discontinuity', async () => {
    const { origin, given, playlist } = await live()
    given.request.destroy()
    await until(() => origin.live.table.at(PATH)?.state === 'disconnected', 'the loss is seen')
    origin.pass(2_500)
    const asked = origin.get(`${playlist}?_HLS_msn=${FIRST + 3}&_HLS_part=0`)
    await waiting(origin)
    const again = await handOver(origin, { epoch: 'u2' })
    again.tags(tagOf(BOTH, ...segmentOf('d', { parts: 1, close: false })))
    const answer = await asked
    expect(answer.headers.get('sluice-live')).toBe(`${FIRST + 3}.0;target=2;part=0.2`)
    const text = named(await answer.text())
    expect(text.slice(text.indexOf('#EXT-X-DISCONTINUITY\n'))).toMatchInlineSnapshot(`
      "#EXT-X-DISCONTINUITY
      #EXT-X-MAP:URI="E2-init.mp4"
      #EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:00.000Z
      #EXT-X-PART:DURATION=0.2,URI="E2-1800000003.0.m4s",INDEPENDENT=YES
      #EXT-X-PRELOAD-HINT:TYPE=PART,URI="E2-1800000003.1.m4s"
      #EXT-X-RENDITION-REPORT:URI="../audio/playlist.m3u8",LAST-MSN=1800000003,LAST-PART=0
      "
    `)
  })

  test('the hinted part is held, and only that', async () => {
    const { origin, video, playlist, tell } = await live()
    const [hint = ''] = names(await (await origin.get(playlist)).text(), /PRELOAD-HINT:.*URI="([^"]+)"/g)
    const asked = origin.get(`${video}/${hint}`)
    await waiting(origin)
    const beyond = await origin.get(`${video}/${hint.replace('.3.m4s', '.4.m4s')}`)
    expect([beyond.status, beyond.headers.get('cache-control')]).toEqual([404, 'public, max-age=1'])
    await tell(partOf('c.3', 'video'))
    expect(await (await asked).text()).toBe('video c.3;')
  })

  test('a hint that does not come true is 404 as soon as that is known', async () => {
    const { origin, video, playlist, tell } = await live()
    const [hint = ''] = names(await (await origin.get(playlist)).text(), /PRELOAD-HINT:.*URI="([^"]+)"/g)
    const asked = origin.get(`${video}/${hint}`)
    await waiting(origin)
    await tell({ make: 'segment-end' })
    expect((await asked).status).toBe(404)
  })

  test('many waiters are woken at once; one too many is sent away; who leaves makes room', async () => {
    const { origin, playlist, tell } = await live({
      live: { newMuxer: () => new ScriptedMuxer(), mostWaiting: 3 },
    })
    const query = `${playlist}?_HLS_msn=${FIRST + 2}&_HLS_part=3`
    const leaving = new AbortController()
    const left = origin.get(query, { signal: leaving.signal }).catch(() => 'left')
    const asked = [origin.get(query), origin.get(query)]
    await waiting(origin, 3)
    const full = await origin.get(query)
    expect([full.status, full.headers.get('cache-control')]).toEqual([503, 'no-store'])
    leaving.abort()
    expect(await left).toBe('left')
    await waiting(origin, 2)
    asked.push(origin.get(query))
    await waiting(origin, 3)
    await tell(partOf('c.3', 'video'))
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await origin.metrics.text()).toContain('sluice_origin_held_total{result="gone",role="origin"} 1\n')
  })
})

describe('before there is media', () => {
  test('an idle channel is 404 for a second', async () => {
    const origin = await open()
    const answer = await origin.get(`${PATH}/index.m3u8`)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, 'public, max-age=1'])
  })

  test('the entry playlist of a connected channel is held until it has a whole segment', async () => {
    const origin = await open()
    const given = await handOver(origin)
    const asked = origin.get(`${PATH}/index.m3u8`)
    await waiting(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a', { parts: 6, close: false })))
    await given.taken()
    expect(origin.live.table.waiting).toBe(1)
    given.tags(tagOf({ make: 'segment-end' }))
    expect((await asked).status).toBe(200)
  })

  test('nothing within three seconds is 404; a track that does not come is left out', async () => {
    const origin = await open()
    const given = await handOver(origin)
    const asked = origin.get(`${PATH}/index.m3u8`)
    await waiting(origin)
    origin.pass(3_000)
    const answer = await asked
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, 'public, max-age=1'])
    given.tags(tagOf(BOTH, ...segmentOf('a', { tracks: ['video'] })))
    await given.taken()
    expect(await (await origin.get(`${PATH}/index.m3u8`)).text()).not.toContain('mp4a')
  })

  test('a media playlist is held for its first part', async () => {
    const origin = await open()
    const given = await handOver(origin)
    const asked = origin.get(`${PATH}/${given.broadcast}/video/playlist.m3u8`)
    await waiting(origin)
    given.tags(tagOf(BOTH, ...segmentOf('a', { parts: 1, close: false })))
    expect((await asked).headers.get('sluice-live')).toBe(`${FIRST}.0;target=2;part=0.2`)
  })
})

describe('what else lies there', () => {
  test.each([
    '/index.m3u8',
    '/live/index.m3u8',
    `${PATH}/bzzzzzzzzz/video/playlist.m3u8`,
    `${PATH}/bzzzzzzzzz/text/playlist.m3u8`,
    `${PATH}/archive/index.m3u8`,
    `${PATH}/bzzzzzzzzz/video/ezzzzzzzzz-1.m4s`,
  ])('%s is not found', async path => {
    const { origin } = await live()
    origin.pass(10_000)
    const answer = await origin.get(path)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, 'public, max-age=1'])
  })

  test('channels do not see each other', async () => {
    const { origin, video } = await live({
      channels: [channel(), channel({ id: 'c2' as never, path: '/live/other' })], // a made-up id
    })
    origin.pass(10_000)
    expect((await origin.get(`${video.replace('stage', 'other')}/playlist.m3u8`)).status).toBe(404)
  })
})
