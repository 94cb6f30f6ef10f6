import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { codeOf, systemClock, type CanonicalPath, type DistributionId } from '../../src/core/index.ts'
import { createGuard } from '../../src/outbound/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'
import { createUpstream, type Upstream, type UpstreamQuestion } from '../../src/delivery/upstream/upstream.ts'

const QUESTION: UpstreamQuestion = {
  distributionId: 'ETEST' as DistributionId, // a test's own
  origin: { id: 'built-in', kind: 'built-in' },
  access: undefined,
  path: '/a' as CanonicalPath, // a test's own
  query: '',
  headers: [],
  snapshotVersion: 1,
  sequence: 0,
  validators: undefined,
  patience: 'brief',
  lane: 'prompt',
  channel: undefined,
}

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** An upstream before an origin of which every connection is in the test's hands. */
async function before(serve: (socket: Socket) => void): Promise<Upstream> {
  const sockets = new Set<Socket>()
  const origin: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {}) // the other side may have let go already
    serve(socket)
  })
  await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
  const { port } = origin.address() as AddressInfo // listening on TCP
  const upstream = createUpstream({
    url: `http://127.0.0.1:${port}`,
    token: () => Promise.resolve('token'),
    clock: systemClock,
    guard: createGuard({ allow: [], ownPorts: [] }),
    log: silentLogger,
  })
  closers.push(async () => {
    await upstream.close()
    sockets.forEach(socket => socket.destroy())
    await new Promise(resolve => origin.close(resolve))
  })
  return upstream
}

describe('an origin', () => {
  test.each([
    ['that speaks no HTTP', '\u0016\u0003\u0001 rubbish\r\n\r\n', 'upstream-unreadable'],
    [
      'that frames its answer in two ways',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
      'upstream-unreadable',
    ],
    ['that ends in the middle of its head', 'HTTP/1.1 200 OK\r\nContent-Le', 'upstream-unreachable'],
    [
      'with a head of a megabyte',
      `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(1_000_000)}\r\n\r\n`,
      'upstream-unreadable',
    ],
  ])('%s gives no answer', async (_what, bytes, code) => {
    const upstream = await before(socket => socket.once('data', () => socket.end(bytes)))
    await expect(upstream.ask(QUESTION)).rejects.toMatchObject({
      code,
      side: 'upstream',
    })
  })

  test('that answers nobody keeps a bounded number waiting', async () => {
    const upstream = await before(() => {})
    const waiting = Array.from({ length: 2_000 }, () => upstream.ask(QUESTION).catch(() => {}))
    await expect(upstream.ask(QUESTION)).rejects.toMatchObject({
      code: 'upstream-overloaded',
      side: 'upstream',
    })
    // What may be held is counted apart: neither keeps the other from being asked.
    let held = 'waiting'
    const other = upstream
      .ask({ ...QUESTION, lane: 'held' })
      .catch((error: unknown) => (held = String(codeOf(error))))
    await Promise.resolve()
    expect(held).toBe('waiting')
    await upstream.close()
    await Promise.all([...waiting, other])
    expect(held).toBe('upstream-unreachable')
  })
})
