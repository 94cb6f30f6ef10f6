// needs: gst-launch-1.0 [gstreamer1.0-tools]
// needs: ffmpeg
import { spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packets } from '../e2e/encoder.ts'
import { liveSite, type LiveSite } from '../e2e/live-site.ts'
import { framehashes, startSluice, temporaryFolder, until, type Sluice } from '../e2e/sluice.ts'

const RATE = 25
const SECONDS = 5

/** Elements that speak RTMP: GStreamer's own, and the one around librtmp, whose options stand behind the URL. */
const SINKS = [
  { sink: 'rtmp2sink', location: (url: string) => url, category: 'rtmp2*' },
  { sink: 'rtmpsink', location: (url: string) => `${url} live=1`, category: 'rtmp' },
] as const

/** Without these there is nothing to be said: they come with other packages than the program. */
const ELEMENTS = ['x264enc', 'flvmux', 'voaacenc', 'h264parse', 'aacparse']

const folder = temporaryFolder('encoders')
let sluice: Sluice
let site: LiveSite

beforeAll(async () => {
  sluice = await startSluice()
  site = liveSite(sluice)
}, 120_000)

afterAll(async () => {
  site?.close()
  expect(await sluice?.close()).toBe(0)
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

function has(element: string): boolean {
  return spawnSync('gst-inspect-1.0', ['--exists', element]).status === 0
}

/** Sends pictures and sound for some seconds at their own pace, and keeps them; what it printed comes with its exit code. */
async function publish(
  sink: string,
  location: string,
  kept: string,
  env: Record<string, string> = {},
): Promise<{ code: number | null; said: string }> {
  const picture = `videotestsrc is-live=true num-buffers=${RATE * SECONDS} ! video/x-raw,width=320,height=180,framerate=${RATE}/1 ! x264enc tune=zerolatency key-int-max=${RATE} ! h264parse ! queue ! mux.`
  const sound = `audiotestsrc is-live=true samplesperbuffer=1024 num-buffers=${Math.ceil((48_000 / 1024) * SECONDS)} ! audio/x-raw,rate=48000,channels=2 ! voaacenc ! aacparse ! queue ! mux.`
  const words =
    `${picture} ${sound} flvmux name=mux streamable=true ! tee name=both ! queue ! ${sink} name=out both. ! queue ! filesink name=kept`.split(
      ' ',
    )
  words.splice(words.indexOf('name=out') + 1, 0, `location=${location}`)
  const child = spawn('gst-launch-1.0', ['-q', ...words, `location=${kept}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  }
  return new Promise(resolve => child.once('close', code => resolve({ code, said })))
}

describe.each(SINKS)('$sink', ({ sink, location, category }) => {
  const lacks = [...ELEMENTS, sink].filter(element => !has(element))
  if (lacks.length > 0) console.log(`skipped ${sink}: GStreamer lacks ${lacks.join(', ')}`)
  const channel = `/live/${sink}`
  const kept = path.join(folder, `${sink}.flv`)

  test.skipIf(lacks.length > 0)('publishes, and what it sent plays without a warning', async () => {
    await site.channels(channel)
    expect(await publish(sink, location(site.sign(channel).url), kept)).toEqual({ code: 0, said: '' })
    await until('the broadcast ends', () =>
      Promise.resolve(site.events(channel).includes('ended') || undefined),
    )
    expect(site.events(channel)).toEqual(['connected', 'live', 'ended'])
    const { video, audio } = await packets(site.playlist(channel))
    const sent = await packets(kept)
    // A broadcast begins with its first keyframe: the sound before it is left out.
    expect({ video, audio }).toEqual({ video: sent.video, audio: sent.audio.slice(-audio.length) })
    expect([video.length > 2 * RATE, audio.length > sent.audio.length - 2 * RATE]).toEqual([true, true])
    expect((await framehashes('-i', site.playlist(channel))).warnings).toBe('')
  })

  test.skipIf(lacks.length > 0)('is refused by a reason', async () => {
    const at = `${channel}-refused`
    await site.channels(at)
    // librtmp tells people that it could not connect, and the status only to who debugs.
    const env = { GST_DEBUG: `${category}:6`, GST_DEBUG_NO_COLOR: '1' }
    const { code, said } = await publish(sink, location(`${sluice.ready.rtmp}${at}`), kept, env)
    expect(code).not.toBe(0)
    expect(said).toContain('NetStream.Publish.Denied')
    expect(said).toContain('missing: the request carries no signed policy')
    expect(site.events(at)).toEqual([])
    expect((await fetch(site.playlist(at))).status).toBe(404)
  })
})
