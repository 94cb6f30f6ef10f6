import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { difference, look, openBrowser, type Browser } from './browser.ts'
import {
  createChannel,
  encode,
  media,
  mediaUrls,
  readMedia,
  type Encoder,
  type Media,
  type Shown,
} from './live.ts'
import { startSluice, until, type Sluice } from './sluice.ts'

/** What ffmpeg's demuxer says of each init segment but the first, and of the same again whenever it reloads a playlist. */
const DEMUXER_NOTICE = 'Found duplicated MOOV Atom. Skipped it'
/** What the tests leave for processes that share two cores, beyond what is promised. */
const SLACK_MS = 1_500

let sluice: Sluice
let browser: Browser
const encoders: Encoder[] = []

beforeAll(async () => {
  ;[sluice, browser] = await Promise.all([startSluice(), openBrowser()])
}, 120_000)

afterAll(async () => {
  await Promise.all(encoders.map(encoder => encoder.kill()))
  await browser?.close()
  expect(await sluice?.close()).toBe(0)
}, 60_000)

function publish(url: string, size?: string): Encoder {
  const encoder = encode(url, size)
  encoders.push(encoder)
  return encoder
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

function count(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

interface Read {
  /** How many frames it decoded, by their size. */
  sizes: Record<string, number>
  /** Frames that stand no later than the one before. */
  backwards: number
  complaints: string[]
  code: number | null
}

/** ffmpeg on plain HLS, whole segments only, decoding picture and sound until the playlist ends. */
function readPlainly(url: string, startIndex: number): { read: Promise<Read>; said: () => string } {
  const child = spawn(
    'ffmpeg',
    [
      ...[
        '-hide_banner',
        '-nostdin',
        '-nostats',
        '-v',
        'level+info',
        '-live_start_index',
        String(startIndex),
      ],
      ...['-i', url, '-map', '0:v', '-map', '0:a', '-vf', 'showinfo=checksum=0', '-f', 'null', '-'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (data: Buffer) => (said += data.toString()))
  const read = new Promise<Read>(resolve =>
    child.once('close', code => {
      const frames = [...said.matchAll(/showinfo.* pts_time:([\d.]+) .* s:(\d+x\d+) /g)]
      const times = frames.map(frame => Number(frame[1]))
      const complaints = said.split('\n').filter(line => /\[(warning|error|fatal|panic)\]/.test(line))
      resolve({
        code,
        complaints: complaints.filter(line => !line.includes(DEMUXER_NOTICE)),
        backwards: times.filter((time, index) => index > 0 && time <= (times[index - 1] ?? 0)).length,
        sizes: count(frames.map(frame => frame[2] ?? '')),
      })
    }),
  )
  return { read, said: () => said }
}

/** Waits until both playlists of a broadcast have ended, and gives them. */
function ended(urls: { video: string; audio: string }, withinMs: number): Promise<Media[]> {
  return until(
    'ENDLIST in both playlists',
    async () => {
      const both = await Promise.all([media(urls.video), media(urls.audio)])
      return both.every(playlist => playlist.ended) ? both : undefined
    },
    withinMs,
  )
}

describe.concurrent('live', () => {
  test('ffmpeg on plain HLS reads on over an encoder that is lost and comes back with another picture, to the end; then a new broadcast begins', async () => {
    const path = '/live/plain'
    const url = await createChannel(sluice, path)
    const base = `${sluice.ready.http}${path}`
    const idle = await fetch(`${base}/index.m3u8`)
    expect([idle.status, idle.headers.get('cache-control')]).toEqual([404, 'public, max-age=1'])

    const first = publish(url)
    const urls = await mediaUrls(base)
    await until('two segments', async () =>
      (await media(urls.video)).segments.filter(segment => segment.uri !== undefined).length >= 2
        ? true
        : undefined,
    )
    const reader = readPlainly(`${base}/index.m3u8`, -3)
    await until(
      () => `the reader decodes\n${reader.said()}`,
      () => Promise.resolve(reader.said().includes('s:320x180') ? true : undefined),
    )
    await first.kill()
    await pause(2_500)
    const second = publish(url, '640x360')
    const across = await until('the playlist goes on across a discontinuity', async () => {
      const playlist = await media(urls.video)
      const behind = playlist.segments.filter(segment => segment.parts.length > 0 || segment.uri).slice(-3)
      return playlist.segments.some(segment => segment.discontinuity) && behind.length === 3
        ? playlist
        : undefined
    })
    expect(new Set(across.segments.map(segment => segment.init)).size).toBe(2)
    await pause(5_000)

    const stopped = Date.now()
    await second.stop()
    const playlists = await ended(urls, 2_000 + SLACK_MS)
    expect(Date.now() - stopped).toBeLessThan(2_000 + SLACK_MS)
    const { sizes, ...rest } = await reader.read
    expect(rest).toEqual({ code: 0, complaints: [], backwards: 0 })
    expect(Object.keys(sizes)).toEqual(['320x180', '640x360'])

    const [video] = playlists
    const listed = video?.segments.reduce((sum, segment) => sum + segment.duration, 0) ?? 0
    const again = await readPlainly(`${base}/index.m3u8`, 0).read
    expect(again).toMatchObject({ code: 0, complaints: [], backwards: 0 })
    expect(Object.keys(again.sizes)).toEqual(['320x180', '640x360'])
    const frames = Object.values(again.sizes).reduce((sum, each) => sum + each, 0)
    expect(frames).toBe(Math.round(25 * listed))

    const third = publish(url)
    const next = await until('another broadcast', async () => {
      const found = await mediaUrls(base)
      return found.broadcast === urls.broadcast ? undefined : found
    })
    const { segments } = await media(next.video)
    expect(segments[0]?.sequence).toBeGreaterThan(video?.segments.at(-1)?.sequence ?? Infinity)
    // Who still reads the one before reads it to its end.
    expect((await media(urls.video)).ended).toBe(true)
    await third.kill()
  }, 120_000)

  test('hls.js with low latency plays on by itself over a lost encoder, and says when the broadcast has ended', async () => {
    const path = '/live/screen'
    const url = await createChannel(sluice, path)
    const page = await browser.page()
    await page.goto(`${sluice.ready.http}/.sluice/player#${path}`)
    let encoder = publish(url)
    const plays = (width: number): Promise<unknown> =>
      until(
        () => `a moving picture ${width} wide\n${browser.trouble()}`,
        async () => {
          const before = await look(page)
          await pause(500)
          const after = await look(page)
          const now = await page.evaluate(() => document.querySelector('video')?.videoWidth)
          const moves =
            after.seconds > before.seconds + 0.2 && difference(before.picture, after.picture) > 0.3
          return moves && now === width ? true : undefined
        },
        30_000,
      )
    await plays(320)
    // The page's own player, of which only fatal errors are kept.
    await page.evaluate(
      `fatal = []; hls.on(Hls.Events.ERROR, (_, data) => data.fatal && fatal.push(data.details)); mine = hls`,
    )
    for (const [away, size] of [
      [3_000, '640x360'],
      [14_000, '480x270'],
    ] as const) {
      await encoder.kill()
      await pause(away)
      encoder = publish(url, size)
      await plays(parseInt(size))
    }
    expect(await page.evaluate('[fatal, mine === hls]')).toEqual([[], true])
    await encoder.stop()
    const message = page.locator('#message')
    await until(
      () => `the page says that the stream has ended\n${browser.trouble()}`,
      async () => ((await message.textContent()) === 'The stream has ended.' ? true : undefined),
    )
    expect(await message.getAttribute('class')).toBe('')
    await page.close()
  }, 150_000)

  test('an encoder that does not come back within the reconnect window ends the broadcast', async () => {
    const path = '/live/brief'
    const url = await createChannel(sluice, path, '--reconnect', '3s')
    const encoder = publish(url)
    const urls = await mediaUrls(`${sluice.ready.http}${path}`)
    const lost = Date.now()
    await encoder.kill()
    expect((await media(urls.video)).ended).toBe(false)
    await ended(urls, 6_000)
    expect(Date.now() - lost).toBeGreaterThan(2_900)
    expect(Date.now() - lost).toBeLessThan(3_000 + 2_000 + SLACK_MS)
    expect((await sluice.cli<Shown>('live', 'show', path)).json.state).toBe('ended')
  }, 60_000)

  test('a client meets the rules of rfc8216bis through the edge', async () => {
    const path = '/live/rules'
    const url = await createChannel(sluice, path)
    const encoder = publish(url)
    const urls = await mediaUrls(`${sluice.ready.http}${path}`)
    const grown = await until(
      'a playlist long enough to be skipped in',
      async () => {
        const playlist = await media(urls.video)
        return playlist.segments.length >= 9 ? playlist : undefined
      },
      30_000,
    )
    await followsPartByPart(urls.video)
    await followsPartByPart(urls.audio)
    await mergesDelta(urls.video)
    await holdsHint(urls.video)
    await refusesWhatIsBeyond(urls.video)
    await reportsTheOther(urls)
    isDatedNow(await media(urls.video))
    keepsPartRules(grown)
    await saysToViewers(urls.video)
    await encoder.kill()
  }, 90_000)
})

interface Position {
  sequence: number
  part: number
}

/** Number of the newest segment and of its newest part. */
function newestOf(playlist: Media): Position {
  const last = playlist.segments.at(-1)
  if (!last) throw new Error(`nothing is listed:\n${playlist.text}`)
  return { sequence: last.sequence, part: last.parts.length - 1 }
}

/** What comes next; after a segment that is whole it is the first part of the next. */
function nextOf(playlist: Media): Position {
  const { sequence, part } = newestOf(playlist)
  return playlist.segments.at(-1)?.uri === undefined
    ? { sequence, part: part + 1 }
    : { sequence: sequence + 1, part: 0 }
}

const reaches = (one: Position, other: Position): boolean =>
  one.sequence > other.sequence || (one.sequence === other.sequence && one.part >= other.part)

/** Each blocking reload is answered when the part is there, and not before. */
async function followsPartByPart(url: string): Promise<void> {
  let playlist = await media(url)
  const began = performance.now()
  for (let step = 0; step < 12; step++) {
    const next = nextOf(playlist)
    const asked = performance.now()
    playlist = await media(`${url}?_HLS_msn=${next.sequence}&_HLS_part=${next.part}`)
    expect(performance.now() - asked).toBeLessThan(1_000 + SLACK_MS)
    expect(reaches(newestOf(playlist), next)).toBe(true)
  }
  // Twelve parts of some 200 ms: an answer without its part, or one that was held too long, would show here.
  expect(performance.now() - began).toBeGreaterThan(12 * 150)
  expect(performance.now() - began).toBeLessThan(12 * 250 + SLACK_MS)
  const whole = nextOf(playlist).sequence
  const with0 = await media(`${url}?_HLS_msn=${whole}`)
  expect(with0.segments.find(segment => segment.sequence === whole)?.uri).toBeDefined()
}

/** What a delta leaves out is what its reader has: put together, they are the whole. */
async function mergesDelta(url: string): Promise<void> {
  const next = nextOf(await media(url))
  const query = `?_HLS_msn=${next.sequence}&_HLS_part=${next.part}`
  const [whole, delta] = await Promise.all([media(url + query), media(`${url}${query}&_HLS_skip=YES`)])
  // The delta first: who would take one is given the whole where that is at hand or being fetched.
  const same = await until('a whole and a delta of the same version', async () => {
    const other = await media(`${url}?_HLS_skip=YES`)
    const one = await media(url)
    return one.hint === other.hint && other.skipped > 0 ? ([one, other] as const) : undefined
  })
  expect(reaches(newestOf(whole), next) && reaches(newestOf(delta), next)).toBe(true)
  const [one, other] = same
  const kept = one.segments.slice(0, other.skipped)
  expect(other.segments[0]?.sequence).toBe((kept.at(-1)?.sequence ?? 0) + 1)
  expect([...kept, ...other.segments]).toEqual(one.segments)
  expect(other.text).toContain('#EXT-X-VERSION:9\n')
}

async function holdsHint(url: string): Promise<void> {
  let held = 0
  for (let arrived = 0; arrived < 5;) {
    const playlist = await media(url)
    const asked = performance.now()
    const answer = await fetch(new URL(playlist.hint ?? '', url))
    if (answer.status === 200) {
      arrived++
      held = Math.max(held, performance.now() - asked)
      expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(500)
      continue
    }
    // A hinted part that turns out to be the next segment's first never comes; with the next version the hint is right.
    expect(answer.status).toBe(404)
    const next = nextOf(playlist)
    await media(`${url}?_HLS_msn=${next.sequence}&_HLS_part=${next.part}`)
  }
  expect(held).toBeGreaterThan(50)
}

async function refusesWhatIsBeyond(url: string): Promise<void> {
  const { sequence } = newestOf(await media(url))
  const queries = [
    `_HLS_msn=${sequence + 4}`,
    `_HLS_msn=${sequence}&_HLS_part=900`,
    '_HLS_part=0',
    '_HLS_msn=x',
    `_HLS_msn=${sequence}&_HLS_msn=${sequence}`,
    '_HLS_skip=NO',
  ]
  const statuses = await Promise.all(queries.map(async query => (await fetch(`${url}?${query}`)).status))
  expect(statuses).toEqual(queries.map(() => 400))
}

/** A report names what the other playlist has, or had a moment ago. */
async function reportsTheOther({ video, audio }: { video: string; audio: string }): Promise<void> {
  for (const [one, other] of [
    [video, audio],
    [audio, video],
  ] as const) {
    const before = newestOf(await media(other))
    const next = nextOf(await media(one))
    const { reports } = await media(`${one}?_HLS_msn=${next.sequence}&_HLS_part=${next.part}`)
    const [report] = reports
    expect(reports).toHaveLength(1)
    expect(new URL(report?.uri ?? '', one).href).toBe(other)
    const said = { sequence: report?.sequence ?? 0, part: report?.part ?? 0 }
    // As a player uses a report. A plain request may meet a playlist of a part target ago (SEAMS 18), older than the report.
    const after = newestOf(await media(`${other}?_HLS_msn=${said.sequence}&_HLS_part=${said.part}`))
    expect([reaches(said, before), reaches(after, said)]).toEqual([true, true])
  }
}

/** The end of the playlist is the present, within a second. */
function isDatedNow(playlist: Media): void {
  const last = playlist.segments.at(-1)
  const length = last?.parts.reduce((sum, part) => sum + part.duration, 0) ?? 0
  expect(Math.abs(Date.now() - ((last?.dateTime ?? 0) + 1000 * length))).toBeLessThan(1_000)
}

function keepsPartRules({ segments, partTarget, partHoldBack, target }: Media): void {
  const withParts = segments.filter(segment => segment.parts.length > 0)
  expect(withParts.length).toBeGreaterThan(1)
  for (const { parts, uri } of withParts) {
    const durations = parts.map(part => part.duration)
    expect(Math.max(...durations)).toBeLessThanOrEqual(partTarget)
    const full = uri === undefined ? durations : durations.slice(0, -1)
    expect(Math.min(...full)).toBeGreaterThanOrEqual(0.85 * partTarget)
  }
  expect(partHoldBack).toBeGreaterThanOrEqual(3 * partTarget - 1e-9)
  expect(Math.max(...segments.map(segment => Math.round(segment.duration)))).toBeLessThanOrEqual(target)
}

/** Nothing of what nodes say among themselves; playlists are asked for each time, segments come out of the cache. */
async function saysToViewers(url: string): Promise<void> {
  const answer = await fetch(url)
  expect(answer.headers.get('cache-control')).toBe('no-cache')
  expect([...answer.headers.keys()].filter(name => name.startsWith('sluice-'))).toEqual([])
  const playlist = readMedia(await answer.text())
  const segment = new URL(playlist.segments.at(-2)?.uri ?? '', url)
  await (await fetch(segment)).arrayBuffer()
  const second = await fetch(segment)
  await second.arrayBuffer()
  expect(second.headers.get('x-cache')).toBe('Hit from sluice')
  expect(second.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/)
}
