// The origin that ours and its peers stand before, in a process of its own on the client's core. What it answers is in
// the name: `2k-1.m3u8` has 2 KiB, `512k-7.m4s` 512 KiB, `slow-…` comes over 0.3 s. It counts what it is asked.
import { fork } from 'node:child_process'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { CLIENT, pin } from './cores.mjs'

const UNITS = { b: 1, k: 1024, m: 1024 ** 2 }
const LARGEST = 8 * UNITS.m
const SLOW = { first: 100, pieces: 8, apart: 25 }

/** Starts it; `counts` resolves with how often each URL was asked for since the last time. */
export async function startOrigin() {
  const child = fork(fileURLToPath(import.meta.url), ['serve'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  const heard = () => new Promise(resolve => child.once('message', resolve))
  const { port } = await heard()
  pin(child.pid, CLIENT)
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async counts() {
      const answer = heard()
      child.send('counts')
      return new Map(await answer)
    },
    close() {
      process.off('exit', kill)
      child.kill('SIGKILL')
    },
  }
}

function serve() {
  const bytes = Buffer.alloc(LARGEST, 'The quick brown fox jumps over the lazy dog. ')
  let asked = new Map()
  let last = ''
  const server = http.createServer((request, response) => {
    // A million names would only fill memory; a crowd asks for one.
    if (asked.size < 10_000) asked.set(request.url, (asked.get(request.url) ?? 0) + 1)
    last = request.url
    const [, slow, amount, unit, type] = /\/(slow-)?(\d+)([bkm])-[^/?]*\.(m3u8|m4s)/.exec(last) ?? []
    const size = Number(amount) * UNITS[unit]
    if (!(size <= LARGEST)) return response.writeHead(404).end()
    response.writeHead(200, {
      'Content-Type': type === 'm3u8' ? 'application/vnd.apple.mpegurl' : 'video/mp4',
      'Content-Length': size,
      'Cache-Control': 'public, max-age=86400',
      'Last-Modified': 'Sun, 01 Nov 2026 00:00:00 GMT',
      ETag: `"${size}"`,
    })
    const body = bytes.subarray(0, size)
    if (slow === undefined) response.end(body)
    else trickle(response, body)
  })
  server.keepAliveTimeout = 600_000
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
    process.send({ port: server.address().port }),
  )
  process.on('message', () => {
    process.send([...asked])
    asked = new Map()
  })
  process.on('disconnect', () => process.exit())
}

function trickle(response, body) {
  const piece = Math.ceil(body.length / SLOW.pieces)
  let at = 0
  const next = () => {
    response.write(body.subarray(at, (at += piece)))
    if (at < body.length) setTimeout(next, SLOW.apart)
    else response.end()
  }
  setTimeout(next, SLOW.first)
}

if (process.argv[2] === 'serve' && process.argv[1] === fileURLToPath(import.meta.url)) serve()
