import { rmSync } from 'node:fs'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { look, openBrowser, type Browser, type Moment } from './browser.ts'
import { ffmpeg, startSluice, temporaryFolder, until, type Sluice } from './sluice.ts'

let folder: string
let film: string
let sluice: Sluice
let browser: Browser

beforeAll(async () => {
  folder = temporaryFolder('player')
  film = path.join(folder, 'film.mp4')
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=16', '-f', 'lavfi', '-i', 'sine=440:d=16'],
    // Open groups of pictures: at a seek Chromium has nothing to begin with.
    ...['-c:v', 'libx264', '-x264-params', 'open-gop=1:bframes=3:keyint=50:scenecut=0'],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', film],
  )
  sluice = await startSluice()
  browser = await openBrowser()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await sluice?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** The player page at what stands behind its `#`. */
async function player(hash: string): Promise<Page> {
  const page = await browser.page()
  await page.goto(`${sluice.ready.http}/.sluice/player#${hash}`)
  return page
}

async function says(page: Page, sentence: string): Promise<void> {
  const message = page.locator('#message')
  await until(
    () => `the page says "${sentence}"\n${browser.trouble()}`,
    async () => ((await message.textContent()) === sentence ? true : undefined),
  )
}

function playsBehind(page: Page, seconds: number): Promise<Moment> {
  return until(
    () => `the film plays behind ${seconds} s\n${browser.trouble()}`,
    async () => {
      const moment = await look(page)
      return moment.seconds > seconds && moment.picture.length > 0 ? moment : undefined
    },
  )
}

test('the player says what is missing, plays once it is there, seeks to any place and comes to the end', async () => {
  const page = await player('/open/film')
  await says(page, 'Nothing is published at this path.')
  expect((await sluice.cli('publish', film, '/open/film')).code).toBe(0)
  await until('the path is open', async () =>
    (await fetch(`${sluice.ready.http}/open/film/index.m3u8`)).status === 200 ? true : undefined,
  )
  await page.getByRole('button', { name: 'Play' }).click()
  await playsBehind(page, 0.2)
  for (const place of [9, 3, 13]) {
    await page.locator('video').evaluate((video: HTMLVideoElement, to) => (video.currentTime = to), place)
    await playsBehind(page, place + 0.2)
  }
  await until('the end', async () =>
    (await page.locator('video').evaluate((video: HTMLVideoElement) => video.ended)) ? true : undefined,
  )
  expect((await look(page)).seconds).toBeCloseTo(16, 1)
}, 60_000)

test('the player keeps the path token that it does not show', async () => {
  expect((await sluice.cli('publish', film, '/members/film')).code).toBe(0)
  const { json } = await sluice.cli<{ player: string }>('open', '/members/film')
  const page = await player(new URL(json.player).hash.slice(1))
  await playsBehind(page, 0.2)
  expect(await page.locator('#wanted').inputValue()).toBe('/members/film/index.m3u8')
  await page.locator('video').evaluate((video: HTMLVideoElement) => (video.currentTime = 12))
  await playsBehind(page, 12)
  await page.getByRole('button', { name: 'Play' }).click()
  await until('it plays from the start', async () => {
    const { seconds } = await look(page)
    return seconds > 0.2 && seconds < 10 ? true : undefined
  })
  await says(page, '')
}, 60_000)

test.each([
  ['/members/film', 'Refused: it needs a signed cookie, URL or path token, and none came with the request.'],
  ['//site.example/film', 'Name the path of an asset, such as /sample/index.m3u8.'],
  ['/open/%zz', 'Name the path of an asset, such as /sample/index.m3u8.'],
])('the player of #%s says why it does not play', async (hash, sentence) => {
  await says(await player(hash), sentence)
})
