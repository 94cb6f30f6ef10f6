import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ChannelId } from '../../src/core/index.ts'
import type { Channel } from '../../src/distribution/index.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'
import { CHANNEL, FOLDER, LiveOrigin, PLAYLIST } from './live-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

const OTHER = '/live/other'
const CHANNELS: Channel[] = [CHANNEL, OTHER].map(path => ({
  id: `c${path}` as ChannelId, // a test's own
  path,
  ingest: { keyGroups: [] },
  ...{ reconnect: 30_000, stops: 0, lease: 0 },
}))

let origin: LiveOrigin
let bench: EdgeBench

beforeEach(async () => {
  origin = new LiveOrigin()
  bench = await EdgeBench.start(origin.handle, { snapshot: snapshotOf({ channels: CHANNELS }) })
})
afterEach(() => bench.close())

const get = (target: string): Promise<Answer> => rawGet(bench.url, target)

test.each(['/film/index.m3u8', '/film/v/playlist.m3u8', `${CHANNEL}/index.m3u8`])(
  'made-up directives make one question of %s, and one object',
  async target => {
    const answers = ['', '?_HLS_msn=1', '?_HLS_msn=2&_HLS_skip=YES', '?_HLS_msn=<>', '?_HLS_x=3'].map(query =>
      get(target + query),
    )
    await origin.holds(1)
    await get('/.sluice/player')
    origin.part(Buffer.from('#EXTM3U\n'))
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(bench.asked).toEqual([target])
    expect(bench.node.cache.objects).toBe(1)
  },
)

test('whoever asks everything of one channel keeps viewers of no other one waiting', async () => {
  const crowd = Array.from({ length: 420 }, (_, msn) => get(`${PLAYLIST}?_HLS_msn=${msn}`))
  await origin.holds(400)
  const refused = await Promise.race(crowd)
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
  const others = [get(`${OTHER}/b1/video/playlist.m3u8`), get('/film.mp4')]
  await origin.holds(402)
  origin.part(Buffer.from('x'))
  expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200])
  const statuses = (await Promise.all(crowd)).map(({ status }) => status)
  expect(statuses.filter(status => status === 503)).toHaveLength(20)
  const again = get(`${FOLDER}/e1-100.5.m4s`)
  await origin.holds(1)
  origin.part(Buffer.from('x'))
  expect((await again).status).toBe(200)
})
