import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { createSigner, signCookies } from '../../src/signing/index.ts'
import { createChannel, encode, mediaUrls, readMedia, type Encoder, type Media, type Shown } from './live.ts'
import { multiplexedLine, plainLine, secureLine, Tally, watch, type Line } from './live-viewers.ts'
import { metric } from './roles.ts'
import { startSluice, type Sluice } from './sluice.ts'

const VIEWERS = 100
const WATCH_MS = 10_000
const CHANNELS = { open: '/live/square', gated: '/members/live/hall' }

let sluice: Sluice
let encoders: Encoder[] = []

beforeAll(async () => {
  sluice = await startSluice()
  const urls = await Promise.all(Object.values(CHANNELS).map(channel => createChannel(sluice, channel)))
  encoders = urls.map(url => encode(url))
}, 120_000)

afterAll(async () => {
  await Promise.all(encoders.map(encoder => encoder.kill()))
  expect(await sluice?.close()).toBe(0)
}, 60_000)

/** Cookies for the gated channel, of which no two are alike. */
function cookieMaker(): (viewer: number) => string {
  const folder = path.join(sluice.data, 'keys')
  const file = readdirSync(folder).find(name => name.endsWith('.pem')) ?? ''
  const signer = createSigner(readFileSync(path.join(folder, file), 'utf8'), path.basename(file, '.pem'))
  return viewer => {
    const expires = instant(Date.now() + 3_600_000 + 1000 * viewer)
    const cookies = signCookies(signer, { resource: `*://*${CHANNELS.gated}/*`, expires })
    return Object.entries(cookies)
      .map(([name, value]) => `${name}=${value}`)
      .join('; ')
  }
}

interface Viewer {
  line: Line
  playlist: string
  skip: 'YES' | undefined
}

/** By turns on either channel, over each kind of connection, with and without deltas; every fifth follows the sound too. */
async function crowd(): Promise<Viewer[]> {
  const cookieOf = cookieMaker()
  const { http, https } = sluice.ready
  const makers = [plainLine, multiplexedLine, secureLine, multiplexedLine]
  const open = await mediaUrls(http + CHANNELS.open)
  const gated = await mediaUrls(http + CHANNELS.gated, { cookie: cookieOf(0) })
  return Array.from({ length: VIEWERS }, (_, index) => index).flatMap(index => {
    const make = makers[(index >> 1) % makers.length] ?? plainLine
    const headers: Record<string, string> =
      index % 2 === 0 ? { 'user-agent': `viewer ${index}` } : { cookie: cookieOf(index) }
    const line = make(make === plainLine ? http : https, headers)
    const urls = index % 2 === 0 ? open : gated
    const skip = index % 3 === 0 ? undefined : 'YES'
    const viewer = { line, playlist: new URL(urls.video).pathname, skip } as const
    return index % 5 === 0 ? [viewer, { ...viewer, playlist: new URL(urls.audio).pathname }] : [viewer]
  })
}

async function begin({ line, playlist }: Viewer): Promise<Media> {
  const { status, body } = await line.get(playlist)
  expect([playlist, status]).toEqual([playlist, 200])
  return readMedia(body.toString())
}

test(`${VIEWERS} viewers with low latency cost the origin one request for each version, form and part`, async () => {
  const viewers = await crowd()
  const firsts = await Promise.all(viewers.map(begin))
  const asked = (kind: string): Promise<number> =>
    metric(sluice, 'sluice_origin_requests_total', `kind="${kind}"`)
  const kinds = ['playlist', 'part', 'segment', 'multivariant', 'init', 'other'] as const
  const before = await Promise.all(kinds.map(asked))

  const tally = new Tally()
  const stop = new AbortController()
  const watching = viewers.map(
    (viewer, index) => watch(firsts[index] as Media, { ...viewer, tally, signal: stop.signal }), // as many as viewers
  )
  await new Promise(resolve => setTimeout(resolve, WATCH_MS))
  const shown = await Promise.all(
    Object.values(CHANNELS).map(channel => sluice.cli<Shown>('live', 'show', channel)),
  )
  stop.abort()
  await Promise.all(watching)
  const after = await Promise.all(kinds.map(asked))
  for (const { line } of new Set(viewers)) line.close()

  expect(tally.troubles).toEqual([])
  // Each saw about five versions a second and as many parts.
  expect(tally.answers).toBeGreaterThan((viewers.length * 5 * WATCH_MS) / 1000)
  const [playlists, parts, ...rest] = after.map((value, index) => value - (before[index] ?? 0))
  expect(rest).toEqual([0, 0, 0, 0])
  expect(parts).toBeLessThanOrEqual(tally.parts.size)
  expect(playlists).toBeLessThanOrEqual(tally.questions.size)
  // Each part makes a version, and so does each segment that becomes whole; each is asked for in two forms at most.
  const versions =
    tally.parts.size + tally.segments.size + new Set(viewers.map(viewer => viewer.playlist)).size
  expect(playlists).toBeLessThanOrEqual(2 * versions)
  const audience = shown.map(({ json }) => json.viewers)
  for (const count of audience)
    expect([count >= VIEWERS / 2 - 5, count <= VIEWERS / 2 + 1]).toEqual([true, true])
}, 90_000)
