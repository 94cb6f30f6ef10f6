// One edge before an origin of one low-latency channel (200 ms parts, video 3 Mbit/s and audio, each with its own
// playlist), and viewers who each hold a playlist request and fetch each part, over HTTP/2 connections of their own.
// What the edge takes, what each version costs in delay, and how often the origin was asked for the same.
// VIEWERS=500 and SECONDS=20 change the load.
import { fork } from 'node:child_process'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { certificateFiles, ensureCertificates } from '../dist/app/certificates.js'
import { startEdge } from '../dist/delivery/index.js'
import { firstDistribution } from '../dist/distribution/index.js'
import { loadOrCreateIdentity } from '../dist/membership/index.js'
import { saveSnapshot } from '../dist/membership/stored-snapshot.js'
import { quantile, report, temporaryFolder } from './running.mjs'

const PART_MS = 200
const PARTS = 10
const TRACKS = { video: Buffer.alloc(75_000), audio: Buffer.alloc(3_200) }
const CHANNEL = '/live/stage'

/** Says what a hinted part or a version is, at the instant at which it is there. */
function origin() {
  const asked = new Map()
  const waiting = []
  let newest = 10_000
  let madeAt = Date.now()
  const nameOf = at => `e1-${Math.floor(at / PARTS)}.${at % PARTS}.m4s`

  function playlist(track) {
    const first = Math.floor(newest / PARTS) - 8
    const lines = ['#EXTM3U', '#EXT-X-VERSION:9', '#EXT-X-TARGETDURATION:2', `#MADE:${madeAt}`]
    for (let at = first * PARTS; at <= newest; at++) {
      if (at > newest - 30) lines.push(`#EXT-X-PART:DURATION=0.2,URI="${nameOf(at)}",INDEPENDENT=YES`)
      if (at % PARTS === PARTS - 1) lines.push('#EXTINF:2,', `e1-${Math.floor(at / PARTS)}.m4s`)
    }
    lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${nameOf(newest + 1)}"`)
    const other = track === 'video' ? 'audio' : 'video'
    lines.push(
      `#EXT-X-RENDITION-REPORT:URI="../${other}/playlist.m3u8",LAST-MSN=${Math.floor(newest / PARTS)}`,
    )
    return `${lines.join('\n')}\n`
  }

  function answer({ url, response }) {
    const track = url.pathname.split('/').at(-2)
    const isPlaylist = url.pathname.endsWith('.m3u8')
    const body = isPlaylist ? Buffer.from(playlist(track)) : TRACKS[track]
    response.writeHead(200, {
      'Content-Length': body.length,
      'Content-Type': isPlaylist ? 'application/vnd.apple.mpegurl' : 'video/mp4',
      ...(isPlaylist
        ? {
            'Cache-Control': 'no-cache',
            'Sluice-Cache-Control': `max-age-ms=${url.search === '' ? PART_MS : 12_000}`,
            'Sluice-Age-Ms': Date.now() - madeAt,
            'Sluice-Live': `${Math.floor(newest / PARTS)}.${newest % PARTS};target=2;part=0.2`,
          }
        : { 'Cache-Control': 'public, max-age=12' }),
    })
    response.end(body)
  }

  const isThere = ({ at }) => at <= newest
  const server = http.createServer((request, response) => {
    asked.set(request.url, (asked.get(request.url) ?? 0) + 1)
    const url = new URL(request.url, 'http://origin')
    const [, sequence, part] = /e1-(\d+)\.(\d+)\.m4s$/.exec(url.pathname) ?? [
      '',
      url.searchParams.get('_HLS_msn') ?? 0,
      url.searchParams.get('_HLS_part') ?? 0,
    ]
    const question = { url, response, at: Number(sequence) * PARTS + Number(part) }
    if (isThere(question)) answer(question)
    else waiting.push(question)
  })
  setInterval(() => {
    newest++
    madeAt = Date.now()
    for (const question of waiting.splice(0)) isThere(question) ? answer(question) : waiting.push(question)
  }, PART_MS)
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
  process.on('message', () => {
    const counts = [...asked].filter(([url]) => url.includes('?') || url.endsWith('.m4s'))
    const plain = [...asked]
      .filter(([url]) => url.endsWith('.m3u8'))
      .reduce((sum, [, count]) => sum + count, 0)
    process.send({ most: Math.max(...counts.map(([, count]) => count)), questions: counts.length, plain })
  })
}

async function edge(originUrl, folder) {
  const distribution = firstDistribution('EBENCHDISTRIBU', 'cdn.localhost', 'kg-bench')
  const channel = {
    id: 'cbench',
    path: CHANNEL,
    ingest: { keyGroups: ['kg-bench'] },
    reconnect: 30_000,
    stops: 0,
    lease: 0,
  }
  const snapshot = {
    ...{ version: 1, distributions: [distribution], fallbackDistribution: distribution.id, keyGroups: [] },
    ...{ nodes: [], channels: [channel], sequence: 0, invalidations: [] },
  }
  await saveSnapshot(folder, { epoch: 'bench', snapshot })
  await ensureCertificates(folder, 'cdn.localhost', Date.now())
  const { certificate, key } = certificateFiles(folder)
  const port = await freePort()
  const role = await startEdge({
    http: { host: '127.0.0.1', port: 0 },
    https: { listen: { host: '127.0.0.1', port }, certificateFile: certificate, keyFile: key },
    ...{ controlUrl: 'http://127.0.0.1:9', originUrl, stateDir: folder, pop: 'bench', trustedProxies: [] },
    identity: await loadOrCreateIdentity(path.join(folder, 'edge.json'), 'edge'),
    ...{ memoryCacheBytes: 256 * 2 ** 20, accessLogFolder: path.join(folder, 'log'), logLevel: 'error' },
  })
  while (role.health().kind !== 'ready') await new Promise(resolve => setTimeout(resolve, 10))
  process.send({ port })
  let from
  process.on('message', word => {
    if (word === 'begin') from = { at: performance.now(), cpu: process.cpuUsage() }
    else {
      const { user, system } = process.cpuUsage(from.cpu)
      const share = (user + system) / 1000 / (performance.now() - from.at)
      process.send({ share, mebibytes: process.memoryUsage().rss / 2 ** 20 })
    }
  })
}

/** The edge tells its port to its supervisor only. */
function freePort() {
  return new Promise(resolve => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

const delays = []
let errors = 0
let answers = 0
let ended = false

function get(session, target) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': target })
    let status = 0
    const chunks = []
    stream.on('response', headers => (status = headers[':status']))
    stream.on('data', chunk => target.includes('.m3u8') && chunks.push(chunk))
    stream.on('error', reject)
    stream.on('end', () => {
      answers++
      if (status === 200) resolve(Buffer.concat(chunks).toString())
      else reject(new Error(`${target} is ${status}`))
    })
  })
}

async function follow(session, track) {
  const folder = `${CHANNEL}/b1/${track}`
  let text = await get(session, `${folder}/playlist.m3u8`)
  while (!ended) {
    const [, sequence, part] = /PRELOAD-HINT:TYPE=PART,URI="e1-(\d+)\.(\d+)/.exec(text)
    text = await get(session, `${folder}/playlist.m3u8?_HLS_msn=${sequence}&_HLS_part=${part}&_HLS_skip=YES`)
    delays.push(Date.now() - Number(/#MADE:(\d+)/.exec(text)[1]))
    await get(session, `${folder}/e1-${sequence}.${part}.m4s`)
  }
}

async function main() {
  // What is stopped from outside takes its children along, which go with `exit`.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))
  const viewers = Number(process.env.VIEWERS ?? 100)
  const seconds = Number(process.env.SECONDS ?? 12)
  const heard = child => new Promise(resolve => child.once('message', resolve))
  const start = (...args) => {
    const child = fork(fileURLToPath(import.meta.url), args, {
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    process.on('exit', () => child.kill('SIGKILL'))
    return child
  }
  const originChild = start('origin')
  const { port: originPort } = await heard(originChild)
  const edgeChild = start('edge', `http://127.0.0.1:${originPort}`, temporaryFolder())
  const { port } = await heard(edgeChild)
  const sessions = Array.from({ length: viewers }, () =>
    http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }),
  )
  const watching = sessions.flatMap(session =>
    Object.keys(TRACKS).map(track => follow(session, track).catch(() => void errors++)),
  )
  await new Promise(resolve => setTimeout(resolve, 3_000))
  delays.length = answers = 0
  edgeChild.send('begin')
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  edgeChild.send('end')
  const { share, mebibytes } = await heard(edgeChild)
  const figures = [delays.slice(), answers]
  ended = true
  await Promise.all(watching)
  originChild.send('end')
  const { most, questions, plain } = await heard(originChild)
  report(`edge with ${viewers} low-latency viewers over HTTP/2, CPU`, share * 100, '% of a core')
  report('memory of the edge', mebibytes, 'MiB')
  report('answers to viewers', figures[1] / seconds, 'a second')
  report('version made → whole at the viewer, p50', quantile(figures[0], 0.5), 'ms')
  report('version made → whole at the viewer, p95', quantile(figures[0], 0.95), 'ms')
  report('times that the origin was asked for one version or part, at most', most, `of ${questions}`)
  report('plain playlists that the origin was asked for', plain, 'in all')
  report('errors', errors, 'in all')
  process.exit(0)
}

const [, , role, ...args] = process.argv
if (role === 'origin') origin()
else if (role === 'edge') await edge(...args)
else await main()
