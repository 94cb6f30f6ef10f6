// Ten channels of 3 Mbit/s handed over to one origin: how soon after its last frame was written a part is announced
// and fetched, and what the origin's process takes. The muxer, the windows and the server are real; the gateway and
// the edge are this script, which asks for each video part as soon as the one before has come.
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ffmpeg, report, ROOT, temporaryFolder } from './running.mjs'

const CHANNELS = Number(process.env.CHANNELS ?? 10)
const SECONDS = 20
/** Where the built program lies. */
const DIST = process.env.SLUICE_DIST ?? path.join(ROOT, 'dist')
const load = file => import(pathToFileURL(path.join(DIST, file)).href)

if (process.argv[2] === 'origin') await beOrigin()
else await measure()

async function beOrigin() {
  const { systemClock } = await load('core/index.js')
  const { createCounters } = await load('origin/counters.js')
  const { createLive, startTicking } = await load('origin/live/live.js')
  const { startOriginServer } = await load('origin/server.js')
  const { createMetrics, silentLogger: log } = await load('telemetry/index.js')
  const metrics = createMetrics('origin')
  const live = createLive({ metrics, clock: systemClock, log })
  live.table.apply(
    Array.from({ length: CHANNELS }, (_, at) => ({
      ...{ id: `c${at}`, path: `/live/c${at}`, ingest: { keyGroups: [] }, reconnect: 0, stops: 0, lease: 0 },
    })),
  )
  startTicking(live)
  const peers = { verify: async token => ({ kind: 'peer', id: 'x', role: token }) }
  const counters = createCounters(metrics, () => 0)
  const listen = { host: '127.0.0.1', port: 0 }
  const library = { find: async () => undefined }
  const server = await startOriginServer({ listen, library, live, peers, counters, clock: systemClock, log })
  let before = process.cpuUsage()
  process.on('message', async () => {
    const cpu = process.cpuUsage(before)
    before = process.cpuUsage()
    const delays = (await metrics.text())
      .split('\n')
      .filter(line => line.startsWith('sluice_origin_part_delay'))
    process.send({ cpu, delays, memory: process.memoryUsage().rss })
  })
  process.send({ port: server.port })
}

async function measure() {
  const film = path.join(temporaryFolder(), 'film.flv')
  ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=size=1280x720:rate=30:duration=${SECONDS + 1}`],
    ...['-f', 'lavfi', '-i', `sine=sample_rate=48000:duration=${SECONDS + 1}`],
    ...['-vf', 'noise=alls=12:allf=t', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
    ...['-g', '60', '-b:v', '2900k', '-maxrate', '2900k', '-bufsize', '1500k', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', '-b:a', '128k', film],
  )
  const { FlvReader, encodeFlvHeader, encodeFlvTag } = await load('cmaf/index.js')
  const bytes = readFileSync(film)
  const tags = new FlvReader().push(bytes)
  const origin = fork(fileURLToPath(import.meta.url), ['origin'])
  process.on('exit', () => origin.kill('SIGKILL'))
  const tell = () =>
    new Promise(resolve => {
      origin.once('message', resolve)
      origin.send('figures')
    })
  const { port } = await new Promise(resolve => origin.once('message', resolve))
  const announced = []
  const fetched = []
  const runs = Array.from({ length: CHANNELS }, async (_, at) => {
    await pause(at * 37)
    const channel = { path: `/live/c${at}`, written: 0, over: false }
    const asked = await handOver(port, channel.path, encodeFlvHeader())
    const viewer = view(port, channel, asked.broadcast, announced, fetched)
    const began = performance.now()
    for (const tag of tags) {
      const wait = began + tag.timestamp - performance.now()
      if (wait > 1) await pause(wait)
      if (tag.type === 'video') channel.written = performance.now()
      for (const piece of encodeFlvTag(tag)) asked.request.write(piece)
    }
    channel.over = true
    asked.request.end()
    await viewer
  })
  await pause(5_000)
  await tell()
  const began = performance.now()
  announced.length = 0
  fetched.length = 0
  await pause((SECONDS - 8) * 1000)
  const { cpu, delays, memory } = await tell()
  const wall = (performance.now() - began) * 1000
  await Promise.allSettled(runs)
  for (const line of delays) console.error(line)
  const mbits = (bytes.length * 8) / 1e6 / (SECONDS + 1)
  report('bitrate of a channel', mbits, 'Mbit/s')
  report('parts measured', announced.length, '')
  report('last frame written → playlist with its part, p50', at(announced, 0.5), 'ms')
  report('last frame written → playlist with its part, p95', at(announced, 0.95), 'ms')
  report('last frame written → part fetched, p50', at(fetched, 0.5), 'ms')
  report('last frame written → part fetched, p95', at(fetched, 0.95), 'ms')
  const percent = ((cpu.user + cpu.system) / wall) * 100
  report(`CPU of the origin, ${CHANNELS} channels`, percent, '% of a core')
  report('CPU of the origin per channel', percent / CHANNELS, '% of a core')
  report('resident memory of the origin', memory / 2 ** 20, 'MiB')
  process.exit(0)
}

async function handOver(port, channel, header) {
  const asked = request({
    ...{ host: '127.0.0.1', port, method: 'POST', path: '/.sluice/hand-over', agent: false },
    headers: {
      ...{ 'sluice-node': 'gateway', 'content-type': 'video/x-flv', 'sluice-channel': channel },
      ...{ 'sluice-lease': 0, 'sluice-epoch': 'u1', 'sluice-stops': 0 },
    },
  })
  asked.setNoDelay(true)
  asked.on('error', () => {})
  asked.write(header)
  const response = await new Promise(resolve => asked.once('response', resolve))
  response.resume()
  return { request: asked, broadcast: response.headers['sluice-broadcast'] }
}

/** Asks for each next part of the picture, as a low-latency player's edge does. */
async function view(port, channel, broadcast, announced, fetched) {
  const agent = new Agent({ keepAlive: true })
  const folder = `${channel.path}/${broadcast}/video`
  const get = file =>
    new Promise((resolve, reject) => {
      const asked = request({
        ...{ host: '127.0.0.1', port, path: `${folder}/${file}`, agent },
        headers: { 'sluice-node': 'edge' },
      })
      asked.once('error', reject)
      asked.once('response', response => {
        const chunks = []
        response.on('data', chunk => chunks.push(chunk))
        response.once('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
        )
      })
      asked.end()
    })
  let question = ''
  while (!channel.over) {
    const answer = await get(`playlist.m3u8${question}`)
    if (answer.status !== 200 || channel.over) continue
    const came = performance.now() - channel.written
    const text = answer.body.toString()
    const part = [...text.matchAll(/#EXT-X-PART:.*URI="([^"]+)"/g)].at(-1)?.[1]
    if (question !== '' && part !== undefined) {
      announced.push(came)
      await get(part)
      fetched.push(performance.now() - channel.written)
    }
    const [sequence, newest] = answer.headers['sluice-live'].split(';')[0].split('.')
    question = `?_HLS_msn=${sequence}&_HLS_part=${Number(newest) + 1}`
  }
}

function at(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)] ?? NaN
}
