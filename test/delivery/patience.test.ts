import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { KiB, MiB, pause, systemClock } from '../../src/core/index.ts'
import { EdgeBench } from './edge-bench.ts'

const LARGE = Buffer.alloc(8 * MiB)
/** Written at once. */
const SMALL = Buffer.alloc(200_000)
/** One that lies packed in memory. */
const PACKED = Buffer.alloc(12_000)
const BODIES: Record<string, Buffer> = { '/page': SMALL, '/part': PACKED }

let folder: string
const benches: Record<string, EdgeBench> = {}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-patience-'))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const { certificate, key } = certificateFiles(folder)
  for (const [name, tls] of [
    ['http', undefined],
    ['https', { certificateFile: certificate, keyFile: key }],
  ] as const) {
    benches[name] = await EdgeBench.start(
      (request, response) =>
        response
          .setHeader('Cache-Control', 'max-age=60')
          .setHeader('Content-Type', 'video/mp4')
          .end(BODIES[request.url ?? ''] ?? LARGE),
      { limits: { handshake: 300, idle: 300, stalled: 600 }, ...(tls && { tls }) },
    )
  }
})
afterAll(async () => {
  for (const bench of Object.values(benches)) await bench.close()
  await rm(folder, { recursive: true, force: true })
})

const portOf = (name: string): number => Number(new URL(benches[name]?.url ?? '').port)

async function open(name: string): Promise<Socket> {
  const to = { port: portOf(name), host: '127.0.0.1' }
  const socket = name === 'https' ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to)
  socket.on('error', () => {}) // a reset is what is waited for
  await once(socket, name === 'https' ? 'secureConnect' : 'connect')
  return socket
}

/** However it ends; `once` would reject at a reset. */
const closed = (socket: Socket): Promise<void> =>
  new Promise(resolve => void socket.once('close', () => resolve()))

describe.each(['http', 'https'])('an HTTP/1.1 connection over %s', name => {
  test('is ended when it is kept alive and nothing is asked', async () => {
    const socket = await open(name)
    socket.write('GET /.sluice/player HTTP/1.1\r\nHost: a\r\n\r\n')
    socket.resume()
    await closed(socket)
  })

  test('is ended when its answer is not taken', async () => {
    const socket = await open(name)
    socket.write('GET /film HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(socket, 'readable')
    await expect
      .poll(() => benches[name]?.lines.at(-1), { timeout: 10_000 })
      .toMatchObject({ path: '/film', complete: false })
    socket.destroy()
  })

  test.each(['/page', '/part'])(
    'is ended when its answers are not taken, however small, though a byte comes now and then: %s',
    async path => {
      const socket = await open(name)
      const over = closed(socket)
      const question = `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
      socket.write(question)
      await once(socket, 'readable')
      socket.pause()
      // More than the system takes, in turns, so that the edge reads no more at once than it has to.
      for (let turn = 0; turn < 60; turn++) {
        socket.write(question.repeat(20))
        await pause(5)
      }
      const drip = setInterval(() => socket.write('G'), 100)
      onTestFinished(() => clearInterval(drip))
      await over
    },
    20_000,
  )
})

test('who opens a connection and does not begin TLS is let go', async () => {
  const socket = connect(portOf('https'), '127.0.0.1')
  socket.on('error', () => {}) // a reset is what is waited for
  socket.resume()
  await closed(socket)
})

describe('an HTTP/2 connection', () => {
  test('has a bounded number of requests under way', async () => {
    const session = connectHttp2(benches['https']?.url ?? '', { rejectUnauthorized: false })
    const [settings] = (await once(session, 'remoteSettings')) as [{ maxConcurrentStreams: number }]
    expect(settings.maxConcurrentStreams).toBe(128)
    session.close()
  })

  test('keeps a request whose answer is taken slowly and steadily, for many time limits', async () => {
    const session = connectHttp2(benches['https']?.url ?? '', { rejectUnauthorized: false })
    const stream = session.request({ ':path': '/film' })
    let size = 0
    let rest = 0
    for await (const chunk of stream) {
      size += (chunk as Buffer).length
      rest += (chunk as Buffer).length
      // A film's worth of pauses in small: each is far shorter than the limit, all together are much longer.
      if (rest >= 256 * KiB) rest = await new Promise<number>(resume => setTimeout(resume, 100, 0))
    }
    expect(size).toBe(LARGE.length)
    session.close()
  })

  test('loses a request whose answer is not taken, though pings keep it awake', async () => {
    const session = connectHttp2(benches['https']?.url ?? '', { rejectUnauthorized: false })
    session.on('error', () => {}) // a session that ends takes the stream with it, which the assertion tells apart
    await once(session, 'connect')
    const pings = setInterval(() => session.destroyed || session.ping(() => {}), 100)
    const stream = session.request({ ':path': '/film' })
    stream.on('error', () => {}) // the reset that is waited for
    await once(stream, 'response')
    await expect
      .poll(() => benches['https']?.lines.at(-1), { timeout: 10_000 })
      .toMatchObject({ protocol: '2.0', path: '/film' })
    clearInterval(pings)
    session.destroy()
  })
})
