// One channel seen from both ends: an encoder that notes when it wrote each picture, and a client of the origin that
// holds the hinted part and notes when it came.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { FlvReader, sequenceHeaderOf } from '../dist/cmaf/index.js'
import { mintNodeToken } from '../dist/signing/index.js'
import { FRAME_RATE } from './live-load.mjs'
import '../test/control/typescript-loader.mjs'

const TIMESCALE = 90_000
const { RtmpClient } = await import('../test/ingest/rtmp-client.ts')

/** Publishes the film to the channel over and over, and follows its video at the origin. */
export async function measureParts({ data, origin, film, channel }) {
  const url = new URL(channel.url)
  const [, app, stream] = /^\/([^/]+)\/(.+)$/.exec(url.pathname + url.search)
  const { client, status } = await RtmpClient.publishing({ app, stream }, { port: Number(url.port) })
  if (status.code !== 'NetStream.Publish.Start') throw new Error(`${status.code}: ${status.description}`)
  client.setChunkSize(4096)
  const state = { over: false, written: [], waits: [] }
  const sending = send(client, new FlvReader().push(readFileSync(film)), state)
  const watching = watch({ data, origin, path: channel.path, state })
  // A failure is told where it is waited for.
  for (const running of [sending, watching]) running.catch(() => {})
  return {
    restart() {
      state.waits = []
    },
    taken: () => state.waits,
    async stop() {
      state.over = true
      client.destroy()
      await Promise.all([sending, watching])
    },
  }
}

async function send(client, tags, state) {
  const headers = tags.filter(tag => tag.type === 'script' || sequenceHeaderOf(tag))
  const media = tags.filter(tag => !headers.includes(tag))
  const videos = media.filter(({ type }) => type === 'video').length
  for (const tag of headers) client.send({ ...tag, timestamp: 0 })
  const began = performance.now()
  for (let round = 0; !state.over; round++) {
    const shift = Math.round((round * videos * 1000) / FRAME_RATE)
    for (const tag of media) {
      const timestamp = tag.timestamp + shift
      const wait = began + timestamp - performance.now()
      if (wait > 1) await pause(wait)
      if (state.over) return
      client.send({ ...tag, timestamp })
      if (tag.type === 'video') state.written.push(performance.now())
    }
  }
}

async function watch({ data, origin, path: channel, state }) {
  const identity = JSON.parse(readFileSync(path.join(data, 'nodes/edge.json'), 'utf8'))
  const agent = new Agent({ keepAlive: true })
  let token = { text: '', at: -Infinity }
  const get = async file => {
    // As nodes do, which mint one a minute.
    if (Date.now() - token.at > 30_000)
      token = { text: await mintNodeToken(identity, 'origin', Date.now()), at: Date.now() }
    return ask(new URL(file, origin), { agent, headers: { 'Sluice-Node': token.text } })
  }
  let entry
  for (let tries = 0; tries < 50; tries++) {
    entry = await get(`${channel}/index.m3u8`)
    if (entry.status === 200) break
    await pause(100)
  }
  const [video] = /^\S*video\/playlist\.m3u8/m.exec(String(entry.body)) ?? []
  if (video === undefined) throw new Error(`${channel} has no video: ${entry.status} ${entry.body}`)
  const playlist = `${channel}/${video}`
  const folder = path.posix.dirname(playlist)
  const first = String((await get(playlist)).body)
  const [, oldest] = /#EXT-X-PART:.*URI="([^"]+)"/.exec(first)
  const [, hinted] = /#EXT-X-PRELOAD-HINT:.*URI="([^"]+)"/.exec(first)
  const start = framesOf((await get(`${folder}/${oldest}`)).body).decodeTime
  for (let hint = hinted; !state.over;) {
    const answer = await get(`${folder}/${hint}`)
    const at = performance.now()
    if (state.over) return
    if (answer.status === 200) {
      const { decodeTime, frames } = framesOf(answer.body)
      const last = Math.round(((decodeTime - start) * FRAME_RATE) / TIMESCALE) + frames - 1
      const written = state.written[last]
      if (written !== undefined) state.waits.push(at - written)
    }
    // The name of the next part; the first of a segment when that one is not made.
    const next = String((await get(playlist)).body)
    hint = /#EXT-X-PRELOAD-HINT:.*URI="([^"]+)"/.exec(next)?.[1]
    if (hint === undefined) return
  }
}

/** Where a part begins and how many pictures it has, as its boxes say (ISO/IEC 14496-12: tfdt, trun). */
function framesOf(bytes) {
  const tfdt = bytes.indexOf('tfdt') + 4
  const decodeTime =
    bytes[tfdt] === 1 ? Number(bytes.readBigUInt64BE(tfdt + 4)) : bytes.readUInt32BE(tfdt + 4)
  return { decodeTime, frames: bytes.readUInt32BE(bytes.indexOf('trun') + 8) }
}

function ask(url, options) {
  return new Promise((resolve, reject) => {
    const asked = request(url, options, answer => {
      const chunks = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.once('error', reject)
      answer.once('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks) }))
    })
    asked.once('error', reject)
    asked.end()
  })
}
