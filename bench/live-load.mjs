// What the live benches publish and where: a film as an encoder would send it, channels with their signed URLs, and
// ffmpeg in the place of encoders.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ControlClient } from '../dist/client/index.js'
import { createSigner, signPublish } from '../dist/signing/index.js'
import { ffmpeg } from './running.mjs'

export const FILM_SECONDS = 20
export const FRAME_RATE = 30

/** 720p at 30 pictures a second with B-frames, 3 Mbit/s in all, keyframes every 2 s; made once and only copied then. */
export function makeEncoded(file) {
  const seconds = String(FILM_SECONDS)
  ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=1280x720:r=${FRAME_RATE}:d=${seconds}`],
    ...['-f', 'lavfi', '-i', `sine=sample_rate=48000:d=${seconds}`, '-vf', 'noise=alls=12:allf=t'],
    ...['-c:v', 'libx264', '-preset', 'superfast', '-bf', '2', '-g', String(2 * FRAME_RATE)],
    ...['-sc_threshold', '0', '-b:v', '2870k', '-maxrate', '2870k', '-bufsize', '2870k'],
    ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '128k', file],
  )
}

/** Makes channels /live/c0, /live/c1 … and gives the path and signed URL of each. */
export async function makeChannels(data, count) {
  const { url, token, rtmp } = JSON.parse(readFileSync(path.join(data, 'client.json'), 'utf8'))
  const client = new ControlClient({ url, token })
  const keys = path.join(data, 'keys')
  const [pem] = readdirSync(keys).filter(name => name.endsWith('.pem'))
  const signer = createSigner(readFileSync(path.join(keys, pem), 'utf8'), path.basename(pem, '.pem'))
  const expires = Date.now() + 3_600_000
  const channels = []
  for (let at = 0; at < count; at++) {
    const channel = `/live/c${at}`
    await client.createChannel({ path: channel })
    channels.push({ path: channel, url: signPublish(signer, new URL(rtmp).host, channel, { expires }).url })
  }
  return channels
}

const encoders = new Set()
process.on('exit', () => encoders.forEach(child => child.kill('SIGKILL')))

/** Publishes the film again and again, in its own time, until `stop`. */
export function publishFilm(film, url) {
  const looped = ['-re', '-stream_loop', '-1', '-i', film, '-c', 'copy', '-f', 'flv', url]
  const child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', ...looped], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', data => (said = (said + data).slice(-1000)))
  encoders.add(child)
  const ended = new Promise(resolve => child.once('close', resolve)).then(() => encoders.delete(child))
  return {
    pid: child.pid,
    running: () => child.exitCode === null && child.signalCode === null,
    said: () => said,
    stop() {
      child.kill('SIGKILL')
      return ended
    },
  }
}

/** One after the other, so that their pictures do not all come at the same instant. */
export async function publishAll(film, urls) {
  const publishers = []
  for (const url of urls) {
    publishers.push(publishFilm(film, url))
    await pause(67)
  }
  return publishers
}

/** Those that have ended by themselves, with their last words: a figure taken with them is none. */
export function assertRunning(publishers) {
  const ended = publishers.filter(publisher => !publisher.running())
  if (ended.length > 0) throw new Error(`${ended.length} encoders have ended: ${ended[0].said()}`)
}
