import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { findBrowser } from '../tools.mjs'
import { until } from './sluice.ts'

/** A real Chromium with a profile of its own. Close it in the end. */
export interface Browser {
  context: BrowserContext
  /** A new tab whose console and failed requests are kept for `trouble()`. */
  page(): Promise<Page>
  /** What pages wrote to their consoles and which requests failed, for the message of a failing test. */
  trouble(): string
  close(): Promise<void>
}

/** Names below `localhost` lead to this machine without a resolver; every other name must not resolve at all. */
const LOOPBACK_ONLY =
  'MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  `--host-resolver-rules=${LOOPBACK_ONLY}`,
]

/** Starts the browser that this machine has, headless, reaching loopback only. */
export async function openBrowser(options: { flags?: string[] } = {}): Promise<Browser> {
  const executablePath = findBrowser()
  if (executablePath === undefined) throw new Error('No Chrome, Chromium or Edge: "npm test" installs one.')
  const profile = mkdtempSync(path.join(os.tmpdir(), 'sluice-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [...FLAGS, ...(options.flags ?? [])],
    viewport: { width: 1000, height: 700 },
    ignoreHTTPSErrors: true,
  })
  const said: string[] = []
  return {
    context,
    async page() {
      const page = await context.newPage()
      page.on('console', message => said.push(`${message.type()}: ${message.text()}`))
      page.on('pageerror', error => said.push(`error: ${error.message}`))
      page.on('response', answer => {
        if (answer.status() >= 400) said.push(`${answer.status()}: ${new URL(answer.url()).pathname}`)
      })
      return page
    },
    trouble: () => said.slice(-40).join('\n'),
    async close() {
      await context.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

/** One look at the page's video. */
export interface Moment {
  /** Where the film is. */
  seconds: number
  /** Brightness of an 8 by 8 grid of the picture; empty while there is none. */
  picture: number[]
  /** Bytes of sound decoded until now: above nought means that there is a track and that it plays. */
  soundBytes: number
}

/** What the page's `<video>` shows just now. */
export function look(page: Page): Promise<Moment> {
  return page.evaluate(() => {
    const video = document.querySelector('video')
    if (video === null || video.videoWidth === 0) return { seconds: 0, picture: [], soundBytes: 0 }
    const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 })
    const drawing = canvas.getContext('2d')
    drawing?.drawImage(video, 0, 0, 8, 8)
    const pixels = drawing?.getImageData(0, 0, 8, 8).data ?? new Uint8ClampedArray()
    const picture = Array.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i + 1] ?? 0)
    const sound = video as { webkitAudioDecodedByteCount?: number } // Chromium's own, in no library of types
    return { seconds: video.currentTime, picture, soundBytes: sound.webkitAudioDecodedByteCount ?? 0 }
  })
}

/** How much two pictures differ: the mean difference of their brightness, 0 to 255. */
export function difference(a: number[], b: number[]): number {
  if (a.length === 0 || a.length !== b.length) return 0
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length
}

/** That the page's film plays: its picture changes by so much over so many seconds of it, and it can be heard. */
export async function filmMoves(
  browser: Browser,
  page: Page,
  least: { seconds: number; difference: number } = { seconds: 2, difference: 1 },
): Promise<void> {
  const early = await until(
    () => `a picture\n${browser.trouble()}`,
    async () => {
      const moment = await look(page)
      return moment.seconds > 0.5 && moment.picture.length > 0 ? moment : undefined
    },
  )
  const late = await until(
    () => `the film goes on\n${browser.trouble()}`,
    async () => {
      const moment = await look(page)
      return moment.seconds > early.seconds + least.seconds ? moment : undefined
    },
  )
  expect(difference(early.picture, late.picture)).toBeGreaterThan(least.difference)
  expect(late.soundBytes).toBeGreaterThan(0)
}
