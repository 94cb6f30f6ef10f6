import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Behaviour, Snapshot } from '../../src/distribution/index.ts'
import { createMetrics } from '../../src/telemetry/index.ts'
import { createGuard } from '../../src/outbound/index.ts'
import { peer } from '../routing/places.ts'
import { DISTRIBUTION, EdgeBench, snapshotOf } from './edge-bench.ts'
import { httpOrigin, runnerFor, withFunctions, type Written } from './functions/function-edge.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { grantFor } from './grants.ts'
import { rawGet, type Answer } from './raw-get.ts'

const ROUTER = peer('router-a', { addresses: ['192.0.2.9'], http: 8080, https: null })
const MASTER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nvideo.m3u8\n'
const MEDIA = '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ns1.m4s\n#EXT-X-ENDLIST\n'
const ITS_OWN = MASTER.replace('#EXTM3U\n', '#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI="/mine"\n')

/** What hands a signed query on, as a multivariant playlist has it. */
const NAMES = ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm']
const CARRIED_HEAD = `#EXT-X-VERSION:11\n${NAMES.map(name => `#EXT-X-DEFINE:QUERYPARAM="${name}"\n`).join('')}`
const CARRIED_QUERY = `?${NAMES.map(name => `${name}={$${name}}`).join('&')}`

const grant = grantFor('*://*/members/*')

function serve(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', 'http://site')
  response.setHeader('Content-Type', 'application/vnd.apple.mpegurl')
  response.setHeader('Cache-Control', pathname.includes('/never/') ? 'no-store' : 'max-age=60')
  response.setHeader('ETag', '"m1"')
  if (pathname.endsWith('own.m3u8')) response.end(ITS_OWN)
  else response.end(pathname.endsWith('video.m3u8') ? MEDIA : MASTER)
}

let origin: ForeignOrigin
let bench: EdgeBench | undefined
beforeEach(async () => void (origin = await ForeignOrigin.start(serve)))
afterEach(async () => {
  await bench?.close()
  bench = undefined
  await origin.close()
})

async function start(
  {
    steering = true,
    nodes = [ROUTER],
    behaviour = {},
  }: Partial<Pick<Snapshot, 'nodes'>> & {
    steering?: boolean
    behaviour?: Partial<Behaviour>
  } = {},
  written: readonly Written[] = [],
): Promise<EdgeBench> {
  const told = snapshotWith([httpOrigin(origin.url)], [{ pattern: '*', ...behaviour }], { nodes })
  const steered = { ...told, distributions: told.distributions.map(each => ({ ...each, steering })) }
  const { snapshot, materials } = withFunctions(steered, written)
  bench = await EdgeBench.start((_request, response) => void response.end(), {
    snapshot,
    guard: createGuard({ allow: ['127.0.0.0/8'], ownPorts: [] }),
    ...(written.length > 0 && { functions: { run: runnerFor(createMetrics('edge')), materials } }),
  })
  return bench
}

/** At the port that this viewer has. */
function tagOf({ url }: EdgeBench): string {
  const server = `http://router.cdn.localhost:8080/.sluice/steering?d=${DISTRIBUTION}`
  return `#EXT-X-CONTENT-STEERING:SERVER-URI="${server}&port=${new URL(url).port}"\n`
}

const after = (text: string, head: string): string => text.replace('#EXTM3U\n', () => `#EXTM3U\n${head}`)
const get = ({ url }: EdgeBench, path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  rawGet(url, path, { headers })

/** The behaviour of the first distribution that a grant opens. */
const gated = (): Partial<Behaviour> => {
  const gate = snapshotOf().distributions[0]?.behaviours.find(each => each.gate !== undefined)?.gate
  if (gate === undefined) throw new Error('the first distribution has a gate')
  return { gate, carry: 'define', query: 'all' }
}

describe('a playlist of a distribution whose players are steered', () => {
  test('says where, whoever fetches it, from store, and when nobody stores it', async () => {
    const edge = await start()
    for (const path of ['/film/index.m3u8', '/film/index.m3u8', '/never/index.m3u8']) {
      const { body, headers } = await get(edge, path)
      expect([body, headers['content-length']]).toEqual([
        after(MASTER, tagOf(edge)),
        String(Buffer.byteLength(body)),
      ])
      expect(headers['etag']).toMatch(/^"m1-s[0-9a-f]{8}"$/)
    }
    expect(origin.asked.map(({ target }) => target)).toEqual(['/film/index.m3u8', '/never/index.m3u8'])
  })

  test('has an entity tag of its own, by which it is confirmed', async () => {
    const edge = await start()
    const { etag = '' } = (await get(edge, '/film/index.m3u8')).headers
    const asked = async (tag: string): Promise<number> =>
      (await get(edge, '/film/index.m3u8', { 'If-None-Match': tag })).status
    expect([await asked(etag), await asked('"m1"')]).toEqual([304, 200])
  })

  test('is as it was where it is none of several, or names a server of its own', async () => {
    const edge = await start()
    expect((await get(edge, '/film/video.m3u8')).body).toBe(MEDIA)
    expect((await get(edge, '/film/own.m3u8')).body).toBe(ITS_OWN)
  })

  test.each([
    ['it does not say so', { steering: false }],
    ['no router is there', { nodes: [] }],
    ['the router drains', { nodes: [{ ...ROUTER, draining: true }] }],
    ['no router speaks the scheme', { nodes: [peer('router-b', { addresses: [], http: null, https: 443 })] }],
  ])('is as it was where %s', async (_why, options) => {
    const edge = await start(options)
    expect(await get(edge, '/film/index.m3u8')).toMatchObject({ body: MASTER, headers: { etag: '"m1"' } })
  })

  test('for a signed query has both tags', async () => {
    const edge = await start({ behaviour: gated() })
    for (const path of ['/members/film/index.m3u8', '/members/never/index.m3u8']) {
      const both = [await get(edge, `${path}?${grant.query}`), await get(edge, `${path}?${grant.query}`)]
      for (const { status, body } of both) {
        const carried = after(MASTER, CARRIED_HEAD).replace('video.m3u8', () => `video.m3u8${CARRIED_QUERY}`)
        expect([status, body]).toEqual([200, after(carried, tagOf(edge))])
      }
    }
    const { body } = await get(edge, '/members/film/index.m3u8', { Cookie: grant.cookie })
    expect(body).toBe(after(MASTER, tagOf(edge)))
  })

  test('is given to a function for each request with both tags in it', async () => {
    const code = `function handler({ playlist }) {
      playlist.header.push({ name: 'EXT-X-SEEN', value: playlist.header.map(({ name }) => name).join() })
      playlist.header = playlist.header.filter(({ name }) => name !== 'EXT-X-CONTENT-STEERING')
      return playlist
    }`
    const edge = await start({ behaviour: gated() }, [{ event: 'playlist-response', when: 'asked', code }])
    const defines = NAMES.map(() => 'EXT-X-DEFINE').join()
    for (const path of [
      '/members/film/index.m3u8',
      '/members/film/index.m3u8',
      '/members/never/index.m3u8',
    ]) {
      const { status, body } = await get(edge, `${path}?${grant.query}`)
      expect(status).toBe(200)
      expect(body).toContain(`#EXT-X-SEEN:EXTM3U,EXT-X-CONTENT-STEERING,EXT-X-VERSION,${defines}\n`)
      expect(body).not.toContain('#EXT-X-CONTENT-STEERING')
      expect(body).toContain(`video.m3u8${CARRIED_QUERY}\n`)
    }
  })
})
