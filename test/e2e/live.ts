import { spawn } from 'node:child_process'
import { expect } from 'vitest'
import { until, type Sluice } from './sluice.ts'

/** A channel as `live show --json` prints it; what the tests look at. */
export interface Shown {
  state: string
  broadcast: { id: string } | null
  viewers: number
}

/** Makes a channel, and gives the URL that an encoder publishes to. */
export async function createChannel(sluice: Sluice, path: string, ...args: string[]): Promise<string> {
  expect((await sluice.cli('live', 'create', path, ...args)).code).toBe(0)
  const signed = await sluice.cli<{ url: string }>('live', 'sign', path)
  expect(signed.code).toBe(0)
  return signed.json.url
}

export interface Encoder {
  /** ffmpeg's exit code, null when it was killed, and what it said. */
  ended: Promise<{ code: number | null; said: string }>
  /** Unpublishes. */
  stop(): Promise<void>
  /** Pulls the plug. */
  kill(): Promise<void>
}

/** ffmpeg publishing a test picture with a tone at its natural pace, keyframes every 2 s, for two minutes at most. */
export function encode(url: string, size = '320x180'): Encoder {
  const child = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-v', 'error', '-re', '-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25`],
      ...['-re', '-f', 'lavfi', '-i', 'sine=440:r=48000', '-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-tune', 'zerolatency', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-t', '120'],
      ...['-flush_packets', '1', '-f', 'flv', url],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4000)))
  child.stdin.on('error', () => {})
  const ended = new Promise<{ code: number | null; said: string }>(resolve =>
    child.once('close', code => resolve({ code, said })),
  )
  return {
    ended,
    async stop() {
      child.stdin.write('q')
      await ended
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** An encoder that connects again, as OBS does, whenever its connection dies; `stop` ends it for good. */
export function encodeWithoutEnd(url: string): { stop(): Promise<void>; connections(): number } {
  let current = encode(url)
  let connections = 1
  let stopped = false
  const again = async (): Promise<void> => {
    while (!stopped) {
      await current.ended
      if (stopped) return
      // What OBS leaves between two attempts is 2 s or more; this bears half of it.
      await new Promise(resolve => setTimeout(resolve, 1000))
      current = encode(url)
      connections++
    }
  }
  const over = again()
  return {
    connections: () => connections,
    async stop() {
      stopped = true
      await current.kill()
      await over
    },
  }
}

/** A media playlist, read line by line: not with the code that wrote it. */
export interface Media {
  text: string
  /** Seconds. */
  target: number
  partTarget: number
  partHoldBack: number
  discontinuities: number
  segments: MediaSegment[]
  hint: string | undefined
  /** URI, number and part of each rendition report. */
  reports: { uri: string; sequence: number; part: number }[]
  ended: boolean
  skipped: number
}

export interface MediaSegment {
  sequence: number
  /** Undefined while it is open. */
  uri: string | undefined
  duration: number
  init: string
  /** Milliseconds. */
  dateTime: number
  discontinuity: boolean
  parts: { uri: string; duration: number }[]
}

export function readMedia(text: string): Media {
  const one = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0)
  const skipped = one(/#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)/)
  const media: Media = {
    text,
    target: one(/#EXT-X-TARGETDURATION:(\d+)/),
    partTarget: one(/PART-TARGET=([\d.]+)/),
    partHoldBack: one(/PART-HOLD-BACK=([\d.]+)/),
    discontinuities: one(/#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)/),
    segments: [],
    hint: /#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([^"]+)"/.exec(text)?.[1],
    reports: [],
    ended: text.includes('#EXT-X-ENDLIST'),
    skipped,
  }
  let sequence = one(/#EXT-X-MEDIA-SEQUENCE:(\d+)/) + skipped
  let init = ''
  const blank = (): MediaSegment => ({
    ...{ sequence, uri: undefined, duration: 0, init, dateTime: 0, discontinuity: false, parts: [] },
  })
  let next = blank()
  for (const line of text.split('\n')) {
    const value = (pattern: RegExp): string => pattern.exec(line)?.[1] ?? ''
    if (line === '#EXT-X-DISCONTINUITY') next.discontinuity = true
    else if (line.startsWith('#EXT-X-MAP:')) next.init = init = value(/URI="([^"]+)"/)
    else if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) next.dateTime = Date.parse(value(/TIME:(.+)/))
    else if (line.startsWith('#EXT-X-PART:'))
      next.parts.push({ uri: value(/URI="([^"]+)"/), duration: Number(value(/DURATION=([\d.]+)/)) })
    else if (line.startsWith('#EXTINF:')) next.duration = Number(value(/EXTINF:([\d.]+)/))
    else if (line.startsWith('#EXT-X-RENDITION-REPORT:'))
      media.reports.push({
        uri: value(/URI="([^"]+)"/),
        sequence: Number(value(/LAST-MSN=(\d+)/)),
        part: Number(value(/LAST-PART=(\d+)/)),
      })
    else if (line !== '' && !line.startsWith('#')) {
      media.segments.push({ ...next, uri: line })
      sequence++
      next = blank()
    }
  }
  if (next.parts.length > 0) media.segments.push(next)
  return media
}

/** URLs of the playlists of the broadcast that the channel has now; waits until it has one. */
export async function mediaUrls(
  base: string,
  headers: Record<string, string> = {},
): Promise<{ video: string; audio: string; broadcast: string }> {
  return until(`${base} is live`, async () => {
    const answer = await fetch(`${base}/index.m3u8`, { headers })
    const text = await answer.text()
    const broadcast = /^(b[a-z0-9]+)\/video/m.exec(text)?.[1]
    if (answer.status !== 200 || broadcast === undefined) return undefined
    const folder = `${base}/${broadcast}`
    return { broadcast, video: `${folder}/video/playlist.m3u8`, audio: `${folder}/audio/playlist.m3u8` }
  })
}

/** The playlist as it is now; fails when it is not there. */
export async function media(url: string): Promise<Media> {
  const answer = await fetch(url)
  expect([url, answer.status]).toEqual([url, 200])
  return readMedia(await answer.text())
}
