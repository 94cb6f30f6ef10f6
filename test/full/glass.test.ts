import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishClock, readDelays, type ClockEncoder } from '../../bench/clock-encoder.mjs'
import { openBrowser, type Browser } from '../e2e/browser.ts'
import { startSluice, until, type Sluice } from '../e2e/sluice.ts'

/** Three target durations: what players keep between themselves and the end of a playlist without parts. */
const PLAIN_HOLD_BACK_MS = 6_000

let sluice: Sluice
let browser: Browser
let encoder: ClockEncoder | undefined

beforeAll(async () => {
  ;[sluice, browser] = await Promise.all([startSluice(), openBrowser()])
}, 120_000)

afterAll(async () => {
  encoder?.kill()
  await browser.close()
  expect(await sluice.close()).toBe(0)
}, 60_000)

/** Cookies as a site's log-in sets them. */
async function logIn(path: string, origin: string): Promise<void> {
  const signed = await sluice.cli<Record<string, string>>('sign', 'cookies', `https://*${path}/*`)
  expect(signed.code).toBe(0)
  await browser.context.addCookies(
    Object.entries(signed.json).map(([name, value]) => ({
      name,
      value,
      url: origin,
      secure: true,
      httpOnly: true,
    })),
  )
}

/** The protocols over which the page fetched what lies under a path. */
function protocols(page: Page, path: string): Promise<string[]> {
  return page.evaluate(prefix => {
    const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[] // what 'resource' means
    const own = entries.filter(entry => new URL(entry.name).pathname.startsWith(prefix))
    // What the player gave up has none.
    return [...new Set(own.map(entry => entry.nextHopProtocol).filter(name => name !== ''))]
  }, path)
}

test('a gated live picture is on the screen before plain HLS could show it, over HTTP/2 with cookies', async () => {
  const path = '/members/live/stage'
  expect(await sluice.cli('live', 'create', path)).toMatchObject({ code: 0, json: { path, state: 'idle' } })
  const signed = await sluice.cli<{ url: string }>('live', 'sign', path)
  expect(signed.code).toBe(0)
  encoder = publishClock(signed.json.url, { seconds: 60 })
  const origin = `https://${sluice.ready.distribution.domain}:${new URL(sluice.ready.https).port}`
  const page = await browser.page()
  const refused = await page.goto(`${origin}${path}/index.m3u8`)
  expect([refused?.status(), refused?.headers()['x-sluice-reason']]).toEqual([403, 'missing'])

  await logIn(path, origin)
  await page.goto(`${origin}/.sluice/player#${path}`)
  await until(
    () => `the picture moves\n${browser.trouble()}`,
    () => page.evaluate(() => ((document.querySelector('video')?.currentTime ?? 0) > 1 ? true : undefined)),
    20_000,
  )
  // The player closes in on the live edge by and by.
  const delays = await until(
    () => `a picture less than ${PLAIN_HOLD_BACK_MS} ms old\n${browser.trouble()}`,
    async () => {
      const seen = (await page.evaluate(readDelays, 3)).sort((a, b) => a - b)
      const middle = seen[seen.length >> 1]
      return seen.length > 30 && middle !== undefined && middle < PLAIN_HOLD_BACK_MS ? seen : undefined
    },
    30_000,
  )
  expect(delays.length).toBeGreaterThan(30)
  expect(await protocols(page, `${path}/`)).toEqual(['h2'])
  encoder.stop()
  expect(await encoder.ended).toEqual({ code: 0, said: '' })
}, 120_000)
