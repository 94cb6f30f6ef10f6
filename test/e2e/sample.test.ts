import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkoutOfLinks, startShell, type Shell } from '../readme/shell.ts'
import { filmMoves, openBrowser, type Browser } from './browser.ts'
import { until } from './sluice.ts'

let folder: string
let terminal: Shell
let browser: Browser

beforeAll(async () => {
  folder = checkoutOfLinks()
  terminal = startShell('npm start', folder)
  browser = await openBrowser()
}, 60_000)

afterAll(async () => {
  await browser.close()
  terminal.kill()
  await terminal.ended
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** The first link that the start prints. */
async function printedLink(): Promise<string> {
  const said = /http:\/\/\S+\/\.sluice\/player#\S+/
  const found = await until(
    () => `npm start prints a link\n${terminal.output()}`,
    () => Promise.resolve(said.exec(terminal.output())?.[0] ?? (terminal.running() ? undefined : '')),
    90_000,
  )
  expect(found, terminal.output()).not.toBe('')
  return found
}

test(
  'the sample plays by the link that npm start prints, and Ctrl-C ends it',
  { timeout: 180_000 },
  async () => {
    const link = await printedLink()
    expect(link).toMatch(/^http:\/\/e[a-z0-9]+\.cdn\.localhost:\d+\/\.sluice\/player#\/sample\/index\.m3u8$/)
    const page = await browser.page()
    await page.goto(link)
    await page.locator('video').evaluate((video: HTMLVideoElement) => video.play())
    await filmMoves(browser, page)
    const pictures = process.env.SLUICE_TEST_PICTURES
    if (pictures !== undefined) await page.screenshot({ path: `${pictures}/sample.png` })

    // npm and its shell get the Ctrl-C as well, and tell their caller of that; Sluice's own exit code is 0.
    terminal.interrupt()
    expect([0, 130, null]).toContain(await terminal.ended)
    expect(terminal.output()).toContain('Sluice has ended.')
  },
)
