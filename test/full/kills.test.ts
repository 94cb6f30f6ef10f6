import path from 'node:path'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { look, openBrowser, type Browser } from '../e2e/browser.ts'
import { readTruth, startReaders } from '../e2e/readers.ts'
import { kill, processOf, ROLES, whole } from '../e2e/roles.ts'
import { makeFilm, startSluice, temporaryFolder, until, type Sluice } from '../e2e/sluice.ts'

/** Long enough that a player, which buffers half a minute, still has to fetch after every kill. */
const FILM_SECONDS = 240

let folder: string
let sluice: Sluice
let browser: Browser
let page: Page

beforeAll(async () => {
  folder = temporaryFolder('kills')
  await makeFilm(path.join(folder, 'film.mp4'), FILM_SECONDS)
  sluice = await startSluice()
  expect((await sluice.cli('publish', path.join(folder, 'film.mp4'), '/open/film')).code).toBe(0)
  browser = await openBrowser()
  page = await browser.page()
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await sluice?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** Waits until the film has played on for `seconds` from where it stands. */
async function playsOn(seconds: number): Promise<void> {
  const from = (await look(page)).seconds
  await until(
    `the film plays on from ${from} s. ${browser.trouble()}`,
    async () => {
      const { seconds: at, picture } = await look(page)
      return at >= from + seconds && picture.length > 0 ? true : undefined
    },
    30_000,
  )
}

describe('with each role killed in turn', () => {
  test.each(ROLES)('a player that must fetch right after the %s died meets no fatal error', async role => {
    await page.goto('about:blank')
    await page.goto(`${sluice.ready.http}/.sluice/player#/open/film`)
    await playsOn(1)
    const killed = await kill(sluice, role)
    // Somewhere that is in no buffer.
    await page.evaluate(at => {
      const video = document.querySelector('video')
      if (video) video.currentTime = at
    }, FILM_SECONDS - 60)
    await playsOn(2)
    await whole(sluice)
    expect(await processOf(sluice, role)).not.toBe(killed)
    expect(await page.locator('#message').getAttribute('class')).not.toBe('bad')
  })

  test('every byte that arrives whole is the right one', async () => {
    const truth = await readTruth(`${sluice.ready.http}/open/film`)
    expect(truth.size).toBeGreaterThan(100)
    const readers = startReaders(sluice.ready.http, truth)
    for (const role of ROLES) {
      const before = readers.checked()
      await kill(sluice, role)
      const served = (): Promise<true | undefined> =>
        Promise.resolve(readers.checked() > before + 20 ? true : undefined)
      await until('viewers are served again', served)
      await whole(sluice)
    }
    await readers.stop()
    expect(readers.wrong).toEqual([])
    expect(readers.checked()).toBeGreaterThan(60)
  }, 90_000)
})
