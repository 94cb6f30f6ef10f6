import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock, type CanonicalPath, type DistributionId } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type HttpOrigin } from '../../src/distribution/index.ts'
import { createGuard } from '../../src/outbound/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { Unanswered } from '../../src/delivery/upstream/connection-fates.ts'
import { openConnections } from '../../src/delivery/upstream/origin-connections.ts'
import { createUpstream, type Upstream, type UpstreamQuestion } from '../../src/delivery/upstream/upstream.ts'
import { askPersistently } from '../../src/delivery/upstream/patience.ts'
import { EdgeBench } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import { rawGet } from './raw-get.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const siteAt = (url: string, more: Partial<HttpOrigin> = {}): HttpOrigin => ({
  ...{ id: 'site', kind: 'http', url, headers: [] },
  ...DEFAULT_WIRE,
  ...more,
})

function upstream(): Upstream {
  const guard = createGuard({ allow: ['127.0.0.0/8'], ownPorts: [] })
  const made = createUpstream({
    ...{ url: 'http://127.0.0.1:1', token: () => Promise.resolve('token') },
    ...{ clock: systemClock, guard, log: silentLogger },
  })
  closers.push(() => made.close())
  return made
}

const question = (origin: HttpOrigin, more: Partial<UpstreamQuestion> = {}): UpstreamQuestion => ({
  distributionId: 'ETEST' as DistributionId, // a test's own
  ...{ origin, access: undefined, query: '', headers: [], snapshotVersion: 1, sequence: 0 },
  path: '/a' as CanonicalPath, // a test's own
  ...{ validators: undefined, patience: 'full', lane: 'prompt', channel: undefined },
  ...more,
})

async function server(serve: (socket: Socket) => void): Promise<{ url: string; made: () => number }> {
  let made = 0
  const sockets = new Set<Socket>()
  const listening: Server = createServer(socket => {
    made++
    sockets.add(socket.on('error', () => {}))
    serve(socket)
  })
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => listening.close(resolve))
  })
  const { port } = listening.address() as AddressInfo // listening on TCP
  return { url: `http://127.0.0.1:${port}`, made: () => made }
}

describe('connections', () => {
  const failing = (fate: 'unconnected' | 'reused' | 'broken', code = 'ECONNRESET'): Unanswered =>
    new Unanswered(fate, code, Object.assign(new Error(code), { code }))

  test.each<[string, Unanswered, boolean, number, number]>([
    [
      'as often as the origin says, where none comes about',
      failing('unconnected', 'ECONNREFUSED'),
      false,
      3,
      3,
    ],
    ['once, where one attempt is said', failing('unconnected', 'UND_ERR_CONNECT_TIMEOUT'), true, 1, 1],
    ['four times, where kept ones have ended', failing('reused'), true, 1, 4],
    ['once, where what was sent on a kept one may not be sent again', failing('reused'), false, 3, 1],
    ['once, where a new one ended', failing('broken'), true, 3, 1],
    ['once, where an answer cannot be read', failing('reused', 'HPE_INVALID_CONSTANT'), true, 3, 1],
  ])('are tried %s', async (_, error, repeatable, attempts, tries) => {
    let tried = 0
    const ask = (): Promise<never> => {
      tried++
      return Promise.reject(error)
    }
    await expect(askPersistently({ ask, attempts, repeatable })).rejects.toMatchObject({ side: 'upstream' })
    expect(tried).toBe(tries)
  })

  test('that nobody takes are tried as often as the origin says', async () => {
    const gone = await server(() => {})
    await closers.pop()?.()
    await expect(upstream().ask(question(siteAt(gone.url, { attempts: 2 })))).rejects.toMatchObject({
      code: 'upstream-unreachable',
    })
  })

  test('are kept as long as the origin says, whatever it says on the wire', async () => {
    const kept = await server(socket =>
      socket.on('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=600\r\nContent-Length: 0\r\n\r\n'),
      ),
    )
    const connections = openConnections({
      ...{ url: kept.url, clock: systemClock, most: { prompt: 1 } },
      wire: { connect: 1_000, response: 1_000, keepAlive: 50 },
    })
    closers.push(() => connections.destroy())
    const answer = await connections.get('prompt', '/', [])
    for await (const chunk of answer.body) expect(chunk).toEqual([])
    await expect
      .poll(
        async () => {
          const again = await connections.get('prompt', '/', [])
          again.destroy()
          return kept.made()
        },
        { interval: 200 },
      )
      .toBeGreaterThan(1)
  })

  test('of origins with other limits are other connections', async () => {
    const one = await server(socket =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')),
    )
    const asking = upstream()
    for (const more of [{}, {}, { keepAlive: 9 }, { responseTimeout: 9 }, { attempts: 1 }]) {
      const { body } = await asking.ask(question(siteAt(one.url, more)))
      for await (const chunk of body) expect(chunk).toEqual([])
      // A connection serves again a turn after its answer has ended.
      for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    expect(one.made()).toBe(3)
  })
})

describe('an origin that says nothing', () => {
  test.each([
    ['at all', ''],
    ['but half a head', 'HTTP/1.1 200 OK\r\nConte'],
    ['but interim answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('%s is waited for as long as it says', async (_, bytes) => {
    const silent = await server(socket => socket.once('data', () => socket.write(bytes)))
    await expect(
      upstream().ask(question(siteAt(silent.url, { responseTimeout: 1, connectTimeout: 1 }))),
    ).rejects.toMatchObject({ code: 'upstream-timeout' })
    expect(silent.made()).toBe(1)
  })

  test('in the middle of a body is cut', async () => {
    const stuck = await server(socket =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')),
    )
    const answer = await upstream().ask(question(siteAt(stuck.url, { responseTimeout: 1 })))
    let body = ''
    const reading = (async () => {
      for await (const chunk of answer.body) body += Buffer.from(chunk).toString()
    })()
    await expect(reading).rejects.toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT' })
    expect(body).toBe('half')
  })
})

test('an origin that is asked in the viewer’s scheme has a port for each, and one object for both', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-wire-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const files = certificateFiles(folder)
  const [cert = '', key = '', authorities = ''] = await Promise.all(
    [files.certificate, files.key, files.authority].map(file => readFile(file, 'utf8')),
  )
  const plain = await ForeignOrigin.start((_request, response) => response.end('http'))
  const secure = await ForeignOrigin.start((_request, response) => response.end('https'), {
    tls: { cert, key },
  })
  closers.push(
    () => plain.close(),
    () => secure.close(),
  )
  const site = siteAt(plain.url, { protocol: 'match-viewer', httpPort: plain.port, httpsPort: secure.port })
  const bench = await EdgeBench.start((_request, response) => response.end(), {
    snapshot: snapshotWith([site], [{ pattern: '*' }]),
    ...{ allowOrigins: ['127.0.0.0/8'], trustedProxies: ['127.0.0.1'], authorities },
  })
  closers.push(() => bench.close())
  const get = async (target: string, proto: string): Promise<string> =>
    (await rawGet(bench.url, target, { headers: { 'X-Forwarded-Proto': proto } })).body
  expect([await get('/a', 'https'), await get('/b', 'http')]).toEqual(['https', 'http'])
  expect([await get('/a', 'http'), await get('/b', 'https')]).toEqual(['https', 'http'])
  bench.node.apply(snapshotWith([site], [{ pattern: '*' }]))
  expect([plain.asked.length, secure.asked.length]).toEqual([1, 1])
})

test('a range is asked for where the cache wants one, and given by none that was asked for the whole', async () => {
  const asked: unknown[] = []
  const origin = await ForeignOrigin.start((request, response) => {
    asked.push([request.headers.range, request.headers['if-range']])
    response.writeHead(206, { 'Content-Range': 'bytes 0-1/9', 'Content-Length': 2 }).end('ab')
  })
  closers.push(() => origin.close())
  const site = siteAt(origin.url)
  const answer = await upstream().ask(question(site, { range: 'bytes=0-1', ifRange: '"1"' }))
  expect(answer.status).toBe(206)
  answer.destroy()
  await expect(upstream().ask(question(site))).rejects.toMatchObject({ code: 'upstream-unreadable' })
  expect(asked).toEqual([
    ['bytes=0-1', '"1"'],
    [undefined, undefined],
  ])
})
