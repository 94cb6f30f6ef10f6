import { afterEach, describe, expect, test } from 'vitest'
import type { ChannelId } from '../../../src/core/index.ts'
import { createMetrics } from '../../../src/telemetry/index.ts'
import { EdgeBench, snapshotOf } from '../edge-bench.ts'
import { CHANNEL, LiveOrigin, PLAYLIST } from '../live-origin.ts'
import { rawGet } from '../raw-get.ts'
import { FunctionEdge, runnerFor, withFunctions, type Written } from './function-edge.ts'

let bench: FunctionEdge | undefined
let live: EdgeBench | undefined
afterEach(async () => {
  await bench?.close()
  await live?.close()
  bench = live = undefined
})

type Options = NonNullable<Parameters<typeof FunctionEdge.start>[1]>

async function start(
  code: string,
  options: Options = {},
  more: Partial<Written> = {},
): Promise<FunctionEdge> {
  bench = await FunctionEdge.start([{ event: 'playlist-response', code, ...more }], options)
  return bench
}

const MULTIVARIANT = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",LANGUAGE="de",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",URI="en.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1000000,AUDIO="a"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9000000,AUDIO="a"
high.m3u8
`

const answering =
  (text: string): NonNullable<Options['answer']> =>
  (_request, response) => {
    response.setHeader('Content-Type', 'application/vnd.apple.mpegurl')
    response.setHeader('Cache-Control', 'max-age=60')
    response.setHeader('ETag', '"1"')
    response.end(text)
  }

const GERMAN = `function handler({ playlist }) {
  playlist.header = playlist.header.filter(tag => !tag.attributes || tag.attributes.LANGUAGE !== 'en')
  return playlist
}`

describe.each([
  ['at an edge', false],
  ['at a regional cache', true],
])('a playlist that is changed before it is kept, %s', (_where, between) => {
  test('is changed once for all, and loses the tags of the text that it was', async () => {
    const edge = await start(GERMAN, { between, answer: answering(MULTIVARIANT) })
    for (const cache of ['Miss', 'Hit']) {
      const answer = await edge.get('/film/index.m3u8')
      expect(answer.headers.get('x-cache')).toBe(`${cache} from sluice`)
      expect(answer.headers.get('etag')).toBeNull()
      expect(await answer.text()).toBe(MULTIVARIANT.replace(/.*English.*\n/, ''))
    }
    expect(await edge.text('/film/other.txt')).toBe(MULTIVARIANT)
    expect(edge.origin.asked).toHaveLength(2)
    expect(await edge.metrics.text()).toContain('event="playlist-response",outcome="returned",role="edge"} 1')
  })
})

describe('a playlist that is changed', () => {
  test('for each request sees that, after the store', async () => {
    const edge = await start(
      `function handler({ playlist, request }) {
        const most = Number(request.querystring.most.value)
        playlist.entries = playlist.entries.filter(({ tags }) => Number(tags[0].attributes.BANDWIDTH) <= most)
        return playlist
      }`,
      { answer: answering(MULTIVARIANT) },
      { when: 'asked' },
    )
    expect(await edge.text('/i.m3u8?most=1000000')).not.toContain('high.m3u8')
    const second = await edge.get('/i.m3u8?most=9000000')
    expect([second.headers.get('x-cache'), await second.text()]).toEqual(['Hit from sluice', MULTIVARIANT])
    expect((await edge.get('/i.m3u8?most=9000000', { method: 'HEAD' })).status).toBe(200)
    expect(edge.origin.asked).toHaveLength(1)
  })

  test('is handed on stretch by stretch, with what the function has kept of those before', async () => {
    const segments = Array.from({ length: 30_000 }, (_, at) => `#EXTINF:4.000,\nsegment-${at}.m4s\n`)
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:4\n${segments.join('')}#EXT-X-ENDLIST\n`
    const edge = await start(
      `function handler({ playlist, batch, state }) {
        const n = (state || 0) + playlist.entries.length
        if (playlist.entries.length > 2000) throw new Error('too many')
        if (batch.last) playlist.tail.unshift({ name: 'EXT-X-COUNT', value: String(n) + ' ' + batch.first })
        return { playlist, state: n }
      }`,
      { answer: answering(text), behaviour: { compress: false } },
    )
    expect(await edge.text('/long.m3u8')).toBe(
      text.replace('#EXT-X-ENDLIST', '#EXT-X-COUNT:30000 30000\n#EXT-X-ENDLIST'),
    )
  })

  test('is handed on by its length too, and refused where nothing but tags comes', async () => {
    const text = (uris: number): string =>
      `#EXTM3U\n#EXT-X-TARGETDURATION:4\n${`#EXT-X-NOTE:${'n'.repeat(200_000)}\n`.repeat(6)}${'a.m4s\n'.repeat(uris)}`
    const many = `#EXTM3U\n${`#EXT-X-NOTE:${'n'.repeat(200_000)}\na.m4s\n`.repeat(20)}`
    const edge = await start(
      `function handler({ playlist, batch }) {
        if (playlist.entries.length > 6) throw new Error('too many')
        return playlist
      }`,
      {
        answer: (request, response) =>
          answering(request.url === '/tags.m3u8' ? text(1) : many)(request, response),
        behaviour: { compress: false },
      },
    )
    expect(await edge.text('/many.m3u8')).toBe(many)
    const refused = await edge.get('/tags.m3u8')
    expect([refused.status, refused.headers.get('x-sluice-reason')]).toEqual([502, 'function-result'])
  })

  test('goes out compressed once it is kept, and an origin’s coding is not asked for', async () => {
    const edge = await start(GERMAN, {
      answer: answering(MULTIVARIANT + '#EXT-X-LONG:\n'.repeat(200)),
      behaviour: { compress: true },
    })
    await edge.text('/i.m3u8')
    const answer = await rawGet(edge.edge.url, '/i.m3u8', { headers: { 'accept-encoding': 'gzip' } })
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(edge.origin.asked[0]?.fields['accept-encoding']).toBe('identity')
  })

  test('is 502 where the function fails or gives lines that are none, stored or asked', async () => {
    for (const when of ['stored', 'asked'] as const) {
      const edge = await FunctionEdge.start(
        [
          {
            ...{ event: 'playlist-response', when },
            code: `function handler({ playlist, request }) {
              if (request.uri === '/throws.m3u8') throw new Error('no')
              playlist.entries[0].uri = 'a\\n#EXT-X-KEY:METHOD=NONE'
              return playlist
            }`,
          },
        ],
        { answer: answering(MULTIVARIANT) },
      )
      const [thrown, forged] = await Promise.all([edge.get('/throws.m3u8'), edge.get('/forged.m3u8')])
      expect([thrown.status, thrown.headers.get('x-sluice-reason')]).toEqual([502, 'function-failed'])
      expect([forged.status, forged.headers.get('x-sluice-reason')]).toEqual([502, 'function-result'])
      await edge.close()
    }
  })

  test('is none: an answer under its name that begins otherwise goes out as it is', async () => {
    const edge = await start(`function handler() { throw new Error('it is no playlist') }`, {
      answer: answering('<html>\n#EXTM3U</html>'),
    })
    expect(await edge.text('/i.m3u8')).toBe('<html>\n#EXTM3U</html>')
  })
})

test('a live playlist is changed as it goes by, and whoever waits for its next version gets that', async () => {
  const origin = new LiveOrigin()
  const channels = [
    {
      id: 'c1' as ChannelId,
      path: CHANNEL,
      ingest: { keyGroups: [] },
      ...{ reconnect: 30_000, stops: 0, lease: 0 },
    },
  ]
  const written: Written = {
    event: 'playlist-response',
    code: `function handler({ playlist }) { playlist.tail.push({ name: 'EXT-X-MARK', value: 'seen' }); return playlist }`,
  }
  const { snapshot, materials } = withFunctions(snapshotOf({ channels }), [written], undefined, 'all')
  const functions = { run: runnerFor(createMetrics('edge')), materials }
  live = await EdgeBench.start(origin.handle, { snapshot, functions })
  const ask = (query = ''): ReturnType<typeof rawGet> => rawGet(live?.url ?? '', `${PLAYLIST}${query}`)
  const first = ask()
  await origin.holds(1)
  origin.playlist('100.4')
  expect((await first).body).toBe('#EXTM3U\n#EXT-X-PART:100.4\n#EXT-X-MARK:seen\n')
  const waiting = [ask('?_HLS_msn=100&_HLS_part=5'), ask('?_HLS_msn=100&_HLS_part=5')]
  await origin.holds(1)
  origin.playlist('100.5')
  for (const each of waiting) expect((await each).body).toContain('#EXT-X-PART:100.5\n#EXT-X-MARK:seen\n')
  expect((await ask('?_HLS_msn=100&_HLS_part=4')).body).toContain('100.5')
  expect(origin.held).toEqual([])
})
