// Publishing a 10 minute conforming MP4 (upload, index, acknowledged by every node) beside `ffmpeg -c copy` into HLS,
// in alternating rounds; then every segment of it asked of the origin, just in time, one after the other.
import { statSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { mintNodeToken } from '../dist/signing/index.js'
import { cli, down, ffmpeg, makeFilm, median, quantile, report, temporaryFolder, up } from './running.mjs'

const ROUNDS = 5
const folder = temporaryFolder()
const data = path.join(folder, 'data')
const film = path.join(folder, 'film.mp4')
makeFilm(film, 600)
const running = await up(data, '--no-sample')

const ours = []
const theirs = []
for (let round = 0; round < ROUNDS; round++) {
  let began = performance.now()
  cli(data, 'publish', film, `/open/film${round}`)
  ours.push(performance.now() - began)
  const out = path.join(folder, `hls${round}`)
  mkdirSync(out)
  began = performance.now()
  ffmpeg(
    '-i',
    film,
    '-c',
    'copy',
    '-f',
    'hls',
    '-hls_time',
    '4',
    '-hls_segment_type',
    'fmp4',
    '-hls_playlist_type',
    'vod',
    path.join(out, 'index.m3u8'),
  )
  theirs.push(performance.now() - began)
}
report('film', statSync(film).size / 2 ** 20, 'MiB')
report('publish, from command to acknowledged by every node', median(ours), 'ms')
report('ffmpeg -c copy into HLS, without upload', median(theirs), 'ms')
report('ratio of medians', median(ours) / median(theirs), 'publish / ffmpeg')

const identity = JSON.parse(readFileSync(path.join(data, 'nodes/edge.json'), 'utf8'))
const headers = { 'Sluice-Node': await mintNodeToken(identity, 'origin', Date.now()) }
const ask = async url => {
  const answer = await fetch(url, { headers })
  if (answer.status !== 200) throw new Error(`${url} is ${answer.status}`)
  return Buffer.from(await answer.arrayBuffer())
}
const uris = text => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
for (const round of ['first', 'second']) {
  const times = []
  const entry = new URL(`${running.ready.origin}/open/film0/index.m3u8`)
  const [playlist] = uris(String(await ask(entry)))
  const media = new URL(playlist, entry)
  for (const segment of uris(String(await ask(media)))) {
    const began = performance.now()
    await ask(new URL(segment, media))
    times.push(performance.now() - began)
  }
  report(`just-in-time segment over HTTP, ${round} pass of ${times.length}, p50`, quantile(times, 0.5), 'ms')
  report(`just-in-time segment over HTTP, ${round} pass of ${times.length}, p99`, quantile(times, 0.99), 'ms')
}
await down(running)
process.exit(0)
