import { readFileSync } from 'node:fs'
import { request, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AssetId } from '../../src/core/index.ts'
import { EdgeBench, snapshotOf } from '../delivery/edge-bench.ts'
import { grantFor } from '../delivery/grants.ts'
import { ROOT } from '../house/tree.ts'
import { openOrigin, publish, type OriginUnderTest } from '../origin/origin-under-test.ts'
import { openBrowser, type Browser } from './browser.ts'
import { until } from './sluice.ts'

const FILM = '/members/talk'
const ENTRY = `${FILM}/index.m3u8`
const HLS_JS = readFileSync(createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js'))

/** What the fragment asks for: `src`, how (`player`), with credentials or not, and a session before it. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>site</title><video muted playsinline></video>
<script src="/hls.js"></script>
<script type="module">
const wanted = new URLSearchParams(location.hash.slice(1))
const video = document.querySelector('video')
const withCredentials = wanted.get('credentials') === 'include'
window.state = 'loading'
if (wanted.has('session')) {
  const answer = await fetch(wanted.get('session'), { credentials: 'include' })
  window.session = answer.status
}
if (wanted.get('player') === 'native') {
  if (video.canPlayType('application/vnd.apple.mpegurl') === '') window.state = 'cannot'
  video.crossOrigin = withCredentials ? 'use-credentials' : 'anonymous'
  video.onerror = () => (window.state = 'refused')
  video.src = wanted.get('src')
} else if (wanted.has('src')) {
  const hls = new Hls({ xhrSetup: xhr => { xhr.withCredentials = withCredentials } })
  hls.on(Hls.Events.ERROR, (_event, data) => {
    // Before it is fatal, hls.js tries again for some time.
    if (data.response?.code !== 403) return
    window.state = 'refused ' + data.networkDetails.getResponseHeader('X-Sluice-Reason')
  })
  hls.loadSource(wanted.get('src'))
  hls.attachMedia(video)
}
video.play().catch(() => {})
</script>`

let origin: OriginUnderTest
let bench: EdgeBench
let site: Server
let browser: Browser
/** What the site's next page sets. */
let cookies: string[] = []

beforeAll(async () => {
  origin = await openOrigin()
  const sample = readFileSync(path.join(ROOT, 'media/sample.mp4'))
  const { result } = await publish(origin, sample, { path: FILM, assetId: 'a-talk' as AssetId }) // a test's own
  expect(result.kind).toBe('packaged')
  bench = await EdgeBench.start(passOn)
  site = createServer((asked, answer) => {
    if (asked.url === '/hls.js') return answer.setHeader('Content-Type', 'text/javascript').end(HLS_JS)
    answer.setHeader('Set-Cookie', cookies)
    return answer.setHeader('Content-Type', 'text/html').end(PAGE)
  })
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  // Debian's Chromium blocks third-party cookies as it comes, others do so with this.
  browser = await openBrowser({ flags: ['--test-third-party-cookie-phaseout'] })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  site?.close()
  await bench?.close()
  await origin?.close()
}, 60_000)

beforeEach(async () => {
  cookies = []
  await browser.context.clearCookies()
  const snapshot = snapshotOf()
  for (const behaviour of snapshot.distributions[0]?.behaviours ?? []) behaviour.carry = 'define'
  bench.node.apply(snapshot)
})

/** The edge's questions go to a real origin. */
function passOn(asked: IncomingMessage, answer: ServerResponse): void {
  const up = request(origin.url + (asked.url ?? ''), { headers: asked.headers }, came => {
    answer.writeHead(came.statusCode ?? 502, came.headers)
    came.pipe(answer)
  })
  up.on('error', () => answer.destroy())
  up.end()
}

/** The media as pages name it. */
const media = (target: string): string => `http://media.cdn.localhost:${new URL(bench.url).port}${target}`

function pageAt(host: string): string {
  const { port } = site.address() as AddressInfo // listening on TCP
  return `http://${host}:${port}/`
}

interface Wanted {
  src: string
  player?: 'hls.js' | 'native'
  credentials?: 'include' | 'omit'
  session?: string
}

/** A page of the host, and every request for media that it made. */
async function open(host: string, wanted: Wanted): Promise<{ page: Page; asked: URL[] }> {
  const page = await browser.page()
  // What a browser has fetched with a grant it may show again without asking.
  await (await browser.context.newCDPSession(page)).send('Network.clearBrowserCache')
  const asked: URL[] = []
  page.on('request', each => {
    const url = new URL(each.url())
    if (url.hostname === 'media.cdn.localhost') asked.push(url)
  })
  await page.goto(`${pageAt(host)}#${new URLSearchParams({ ...wanted }).toString()}`)
  return { page, asked }
}

const SAME_SITE = 'www.cdn.localhost'
const OTHER_SITE = 'www.partner.localhost'

interface Shown {
  state: string
  seconds: number
  width: number
  frames: number
}

const shown = (page: Page): Promise<Shown> =>
  page.evaluate(() => {
    const video = document.querySelector('video')
    return {
      state: (window as unknown as { state?: string }).state ?? '', // the page's own
      seconds: video?.currentTime ?? 0,
      width: video?.videoWidth ?? 0,
      frames: video?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
    }
  })

async function plays(page: Page): Promise<void> {
  let last: Shown | undefined
  const { width } = await until(
    () => `the film plays: ${JSON.stringify(last)}\n${browser.trouble()}`,
    async () => {
      last = await shown(page)
      return last.seconds > 2 && last.frames > 25 ? last : undefined
    },
    30_000,
  )
  expect(width).toBeGreaterThan(0)
  await page.close()
}

async function ends(page: Page, state: string): Promise<void> {
  let last = ''
  await until(
    () => `${state}, not ${last}\n${browser.trouble()}`,
    async () => {
      last = (await shown(page)).state
      return last.startsWith('refused') ? true : undefined
    },
  )
  expect(last).toBe(state)
  await page.close()
}

const grant = grantFor(`*://*${FILM}/*`, { seconds: 3600 })

/** As a site sets them at log-in. */
function setBySite(attributes: string): string[] {
  return grant.cookie.split('; ').map(pair => `${pair}; Path=/; HttpOnly; Secure; ${attributes}`)
}

describe('a page of the same site', () => {
  test.each(['hls.js', 'native'] as const)('plays in %s with cookies and credentials', async player => {
    cookies = setBySite('Domain=cdn.localhost; SameSite=Lax')
    const { page } = await open(SAME_SITE, { src: media(ENTRY), player, credentials: 'include' })
    await plays(page)
  })

  test('is refused without credentials, which it has but does not send', async () => {
    cookies = setBySite('Domain=cdn.localhost; SameSite=Lax')
    const { page } = await open(SAME_SITE, { src: media(ENTRY), credentials: 'omit' })
    await ends(page, 'refused missing')
  })
})

describe('a page of another site', () => {
  test('is refused with cookies that the browser keeps from third parties', async () => {
    const visit = await browser.page()
    cookies = setBySite('SameSite=None')
    // Cookies know hosts and no ports.
    await visit.goto(pageAt('media.cdn.localhost'))
    cookies = []
    // They are good ones: whoever opens the media itself sends them.
    expect((await visit.goto(media(ENTRY)))?.status()).toBe(200)
    await visit.close()
    const { page } = await open(OTHER_SITE, { src: media(ENTRY), credentials: 'include' })
    await ends(page, 'refused missing')
  })

  test.each([
    ['a signed query', `/.sluice/session?path=${FILM}/&${grant.query}`],
    ['a path token', `${grant.token}/.sluice/session?path=${FILM}/`],
  ])('plays with the partitioned cookies of a session from %s', async (_carrier, session) => {
    const { page } = await open(OTHER_SITE, {
      src: media(ENTRY),
      credentials: 'include',
      session: media(session),
    })
    await plays(page)
    const kept = await browser.context.cookies(media(ENTRY))
    expect(kept.map(each => [each.name, each.domain, each.path, each.httpOnly, each.sameSite])).toEqual(
      ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'].map(name => [
        ...[`CloudFront-${name}`, 'media.cdn.localhost', `${FILM}/`, true, 'None'],
      ]),
    )
    // The jar is the embedding site's: a third site has none of it.
    const third = await open('www.third.localhost', { src: media(ENTRY), credentials: 'include' })
    await ends(third.page, 'refused missing')
  })

  test.each(['hls.js', 'native'] as const)(
    'plays in %s behind a path token, without cookies',
    async player => {
      const { page, asked } = await open(OTHER_SITE, { src: media(grant.token + ENTRY), player })
      await plays(page)
      if (player === 'hls.js') {
        expect(asked.length).toBeGreaterThan(3)
        expect(asked.filter(url => !url.pathname.startsWith(grant.token))).toEqual([])
      }
    },
  )

  test('plays behind a signed query on the entry playlist alone, which playlists carry on', async () => {
    const { page, asked } = await open(OTHER_SITE, { src: media(`${ENTRY}?${grant.query}`) })
    await plays(page)
    expect(asked.filter(url => url.pathname.endsWith('.m3u8')).length).toBeGreaterThan(1)
    expect(asked.filter(url => !url.pathname.endsWith('.m3u8')).length).toBeGreaterThan(1)
    expect(new Set(asked.map(url => url.search))).toEqual(new Set([`?${grant.query}`]))
    expect(await browser.context.cookies()).toEqual([])
  })

  test('is refused behind the same query where playlists do not carry it on', async () => {
    bench.node.apply(snapshotOf())
    const { page } = await open(OTHER_SITE, { src: media(`${ENTRY}?${grant.query}`) })
    await ends(page, 'refused missing')
  })
})

test('all of them shared what the origin was asked for once, and nothing of a grant went further', () => {
  const film = bench.asked.filter(url => url.startsWith(FILM))
  expect(film.length).toBeGreaterThan(3)
  expect(new Set(film).size).toBe(film.length)
  const written = JSON.stringify([bench.asked, bench.lines])
  expect([grant.policy, grant.signature].filter(secret => written.includes(secret))).toEqual([])
})
