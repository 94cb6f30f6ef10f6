import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { difference, look, openBrowser, type Browser } from '../e2e/browser.ts'
import { createChannel, encode, encodeWithoutEnd, media, mediaUrls, readMedia } from '../e2e/live.ts'
import { kill, LIVE_ROLES, processOf, whole, type Role } from '../e2e/roles.ts'
import { startSluice, until, type Sluice } from '../e2e/sluice.ts'

const PATH = '/live/stage'
const SPARE = '/live/spare'

/**
 * The longest that a viewer waits for something new, in milliseconds: a role is back within a second, an encoder tries
 * again after one and begins with a keyframe, a stream that goes on without its encoder noticing waits 2 s for one.
 * Nobody waits for control. The rest is for two cores that start a process, an encoder and a browser's decoder at once.
 */
const LONGEST: Record<Role, number> = { gateway: 12_000, origin: 10_000, edge: 8_000, control: 3_000 }

let sluice: Sluice
let browser: Browser
let page: Page
let encoder: ReturnType<typeof encodeWithoutEnd> | undefined
let spare: string
let urls: Awaited<ReturnType<typeof mediaUrls>>

beforeAll(async () => {
  ;[sluice, browser] = await Promise.all([startSluice(), openBrowser()])
  const url = await createChannel(sluice, PATH)
  spare = await createChannel(sluice, SPARE)
  encoder = encodeWithoutEnd(url)
  urls = await mediaUrls(sluice.ready.http + PATH)
  page = await browser.page()
  await page.goto(`${sluice.ready.http}/.sluice/player#${PATH}`)
  await plays()
}, 120_000)

afterAll(async () => {
  await encoder?.stop()
  await browser?.close()
  expect(await sluice?.close()).toBe(0)
}, 60_000)

/** Waits until the page shows a picture that moves and is of now. */
function plays(): Promise<true> {
  return until(
    () => `a moving picture\n${browser.trouble()}`,
    async () => {
      const before = await look(page)
      await new Promise(resolve => setTimeout(resolve, 400))
      const after = await look(page)
      const moves = after.seconds > before.seconds + 0.2 && difference(before.picture, after.picture) > 0.3
      return moves ? true : undefined
    },
    30_000,
  )
}

/** A viewer with low latency who asks again after whatever happens; it notes the longest time without anything new. */
function follow(url: string): { stop(): Promise<number> } {
  const end = new AbortController()
  let longest = 0
  const following = (async () => {
    let newest = ''
    let since = performance.now()
    let query = ''
    while (!end.signal.aborted) {
      const answer = await fetch(url + query).catch(() => undefined)
      const text = answer?.status === 200 ? await answer.text().catch(() => undefined) : undefined
      const last = text === undefined ? undefined : readMedia(text).segments.at(-1)
      if (last === undefined) {
        query = ''
        await new Promise(resolve => setTimeout(resolve, 100))
        continue
      }
      const [sequence, part] =
        last.uri === undefined ? [last.sequence, last.parts.length] : [last.sequence + 1, 0]
      query = `?_HLS_msn=${sequence}&_HLS_part=${part}`
      longest = Math.max(longest, performance.now() - since)
      if (query === newest) continue
      newest = query
      since = performance.now()
    }
  })()
  return {
    async stop() {
      end.abort()
      await following
      return longest
    },
  }
}

test.each(LIVE_ROLES)(
  'a broadcast and who watches it go on when the %s dies',
  async role => {
    // The page's own player, of which fatal errors are kept.
    await page.evaluate(
      `fatal = []; mine = hls; hls.on(Hls.Events.ERROR, (_, data) => data.fatal && fatal.push(data.details))`,
    )
    const before = await media(urls.video)
    const connections = encoder?.connections() ?? 0
    const viewer = follow(urls.video)
    const killed = await kill(sluice, role)
    const other = role === 'control' ? encode(spare) : undefined
    if (other) await mediaUrls(sluice.ready.http + SPARE)
    await whole(sluice)
    expect(await processOf(sluice, role)).not.toBe(killed)

    const newest = before.segments.at(-1)?.sequence ?? Infinity
    const after = await until(`new segments under ${urls.video}`, async () => {
      const answer = await fetch(urls.video)
      const playlist = answer.status === 200 ? readMedia(await answer.text()) : undefined
      return (playlist?.segments.at(-1)?.sequence ?? 0) > newest + 1 ? playlist : undefined
    })
    expect(after.ended).toBe(false)
    await plays()
    expect(await viewer.stop()).toBeLessThan(LONGEST[role])
    // The same broadcast, whichever process had it in its memory.
    expect((await mediaUrls(sluice.ready.http + PATH)).broadcast).toBe(urls.broadcast)
    expect(await page.locator('#message').getAttribute('class')).toBe('')
    // Nobody but an encoder whose connection died connects again, and only an edge is missed by players.
    expect((encoder?.connections() ?? 0) > connections).toBe(role === 'gateway')
    if (role !== 'edge') expect(await page.evaluate('[fatal, mine === hls]')).toEqual([[], true])
    await other?.stop()
  },
  90_000,
)
