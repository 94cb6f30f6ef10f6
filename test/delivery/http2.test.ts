import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { MiB, systemClock } from '../../src/core/index.ts'
import { EdgeBench } from './edge-bench.ts'
import {
  END_STREAM,
  frame,
  headers,
  RawHttp2,
  requestOf,
  setting,
  TYPE,
  uint32,
  type Frame,
} from './raw-http2.ts'

/** RFC 9113 §6.5.2. */
const INITIAL_WINDOW_SIZE = 4

let folder: string
let bench: EdgeBench
let session: ClientHttp2Session
let lateEnd = (): void => {}
let slowEnd = (): void => {}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-h2-'))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const files = certificateFiles(folder)
  bench = await EdgeBench.start(
    (request, response) => {
      response.setHeader('Cache-Control', 'max-age=60')
      if (request.url === '/cut') {
        response.writeHead(200, { 'Content-Length': 100 }).write('half', () => response.destroy())
      } else if (request.url === '/slow') {
        response.writeHead(200, { 'Content-Length': 10 }).write('01234')
        slowEnd = () => response.end('56789')
      } else if (request.url?.startsWith('/late')) {
        // Larger than what sockets and streams hold, so that it ends only when somebody reads it.
        response.setHeader('Cache-Control', 'no-store')
        const end = lateEnd
        lateEnd = () => {
          end()
          response.end(Buffer.alloc(4 * MiB))
        }
      } else if (request.url === '/large') {
        response.end(Buffer.alloc(8 * MiB))
      } else {
        response.end('film')
      }
    },
    { tls: { certificateFile: files.certificate, keyFile: files.key } },
  )
  session = connect(bench.url, { rejectUnauthorized: false })
  await once(session, 'connect')
})
afterAll(async () => {
  session.close()
  await bench.close()
  await rm(folder, { recursive: true, force: true })
})

async function get(
  target: string,
  headers: Record<string, string> = {},
): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  const stream = session.request({ ':path': target, ...headers })
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  let body = ''
  for await (const chunk of stream) body += String(chunk)
  return { headers: answer, body }
}

describe('over HTTP/2', () => {
  test('an object is missed, then hit', async () => {
    const miss = await get('/a')
    const hit = await get('/a')
    expect(
      [miss, hit].map(answer => [answer.headers[':status'], answer.headers['x-cache'], answer.body]),
    ).toEqual([
      [200, 'Miss from sluice', 'film'],
      [200, 'Hit from sluice', 'film'],
    ])
    expect(bench.lines.at(-1)).toMatchObject({ protocol: '2.0', scheme: 'https', complete: true, bytes: 4 })
  })

  test('a refusal and a range look as over HTTP/1.1', async () => {
    expect((await get('/members/a')).headers).toMatchObject({ ':status': 403, 'x-sluice-reason': 'missing' })
    const part = await get('/a', { range: 'bytes=1-2' })
    expect([part.headers[':status'], part.headers['content-range'], part.body]).toEqual([
      206,
      'bytes 1-2/4',
      'il',
    ])
  })

  test('bytes arrive while the object is being fetched, on many streams of one connection', async () => {
    const streams = Array.from({ length: 20 }, () => session.request({ ':path': '/slow' }))
    const first = await Promise.all(
      streams.map(async stream => String(((await once(stream, 'data')) as [Buffer])[0])),
    )
    expect(new Set(first)).toEqual(new Set(['01234']))
    slowEnd()
    const rest = await Promise.all(
      streams.map(async stream => String(((await once(stream, 'data')) as [Buffer])[0])),
    )
    expect(new Set(rest)).toEqual(new Set(['56789']))
    expect(bench.asked.filter(target => target === '/slow').length).toBe(1)
  })

  test('viewers who leave before an answer of their own comes give its connection back', async () => {
    const leaving = Array.from({ length: 64 }, (_, each) => session.request({ ':path': `/late${each}` }))
    await expect.poll(() => bench.asked.filter(target => target.startsWith('/late')).length).toBe(64)
    const closed = leaving.map(stream => once(stream, 'close'))
    for (const stream of leaving) stream.close(constants.NGHTTP2_CANCEL)
    await Promise.all(closed)
    // The server has seen them go once it answers what was sent behind.
    await get('/a')
    lateEnd()
    expect((await get('/cold')).body).toBe('film')
  })

  test('an HTTP/1.1 viewer who stops reading is not handed the whole object into memory', async () => {
    await get('/large')
    const before = bench.lines.length
    const socket = connectTls({
      port: Number(new URL(bench.url).port),
      host: '127.0.0.1',
      rejectUnauthorized: false,
    })
    await once(socket, 'secureConnect')
    socket.write('GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await once(socket, 'readable')
    await get('/a')
    await get('/a')
    expect(bench.lines.slice(before).map(line => line['path'])).not.toContain('/large')
    let size = 0
    for await (const chunk of socket) size += (chunk as Buffer).length
    expect(size).toBeGreaterThan(8 * MiB)
    expect(bench.lines.at(-1)).toMatchObject({ path: '/large', bytes: 8 * MiB, complete: true })
  })

  test('nor is one over HTTP/2, however much he said that he takes', async () => {
    await get('/large')
    const before = bench.lines.length
    const viewer = await RawHttp2.open(bench.url)
    const came = (type: number): Frame[] => viewer.frames.filter(each => each.type === type)
    const stopped = new Promise<void>(resolve => {
      viewer.socket.on('data', function stop() {
        if (came(TYPE.HEADERS).length === 0) return
        viewer.socket.off('data', stop).pause()
        resolve()
      })
    })
    viewer.send(
      frame(TYPE.SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 16 * MiB)),
      frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(16 * MiB)),
      headers(requestOf({ ':path': '/large' })),
    )
    await stopped
    await get('/a')
    await get('/a')
    expect(bench.lines.slice(before).map(line => line['path'])).not.toContain('/large')
    viewer.socket.resume()
    await expect.poll(() => bench.lines.at(-1)).toMatchObject({ path: '/large', complete: true })
    expect(bench.lines.at(-1)).toMatchObject({ bytes: 8 * MiB })
    await expect.poll(() => came(TYPE.DATA).at(-1)?.flags).toBe(END_STREAM)
    expect(came(TYPE.DATA).reduce((sum, { payload }) => sum + payload.length, 0)).toBe(8 * MiB)
    viewer.socket.destroy()
  })

  test('a body that breaks off resets its stream and leaves the others', async () => {
    await expect(get('/cut')).rejects.toThrow()
    expect((await get('/a')).body).toBe('film')
  })
})
