import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type Snapshot } from '../../src/distribution/index.ts'
import { trustIssuer, type IssuerTrust } from '../../src/signing/index.ts'
import { AUDIENCE, ISSUER, issuerOf, tokenKey, tokenOf } from '../signing/tokens.ts'
import { handle } from '../../src/delivery/engine.ts'
import type { OnUpgrade } from '../../src/delivery/viewers/leavers.ts'
import { read } from '../../src/delivery/read.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'
import { snapshotWith } from './foreign-origin.ts'

const key = tokenKey('ES256', 'es')
const issuer = issuerOf({ kind: 'url', url: 'https://login.example/jwks' })
const paths = ['/*']
const exp = Math.floor(Date.now() / 1000) + 600
const Authorization = `Bearer ${tokenOf(key, { iss: ISSUER, aud: AUDIENCE, exp, paths })}`

/** Issuers of which the one that is asked for its keys answers when the test says so. */
class SlowIssuers {
  trust: IssuerTrust = trustIssuer(issuer, [])
  readonly asked: Promise<void>
  #ask = (): void => {}
  #answer = (): void => {}
  readonly #answered = new Promise<void>(resolve => (this.#answer = resolve))

  constructor() {
    this.asked = new Promise(resolve => (this.#ask = resolve))
  }

  answer(): void {
    this.trust = trustIssuer(issuer, [key.jwk])
    this.#answer()
  }

  follow(): void {}

  of(id: IssuerId): IssuerTrust | undefined {
    return id === issuer.id ? this.trust : undefined
  }

  async renew(): Promise<void> {
    this.#ask()
    await this.#answered
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

let origin: Server
let answer: (request: IncomingMessage, response: ServerResponse) => void
let switched: Socket[]
let issuers: SlowIssuers
let bench: EdgeBench
/** Settles when the edge has seen that a viewer who wanted to leave HTTP is gone. */
let left: Promise<unknown>

function snapshot(): Snapshot {
  const gate = { keyGroups: snapshotOf().keyGroups.map(({ id }) => id), issuers: [issuer.id] }
  const { port } = origin.address() as AddressInfo // listening on TCP
  return snapshotWith(
    [{ id: 'site', kind: 'http', url: `http://127.0.0.1:${port}`, headers: [], ...DEFAULT_WIRE }],
    [{ pattern: '*', methods: 'all', forward: 'all', query: 'all', gate }],
    { issuers: [issuer] },
  )
}

beforeEach(async () => {
  answer = (_request, response) => response.end('page')
  switched = []
  origin = createServer((request, response) => answer(request, response))
  origin.on('upgrade', (_request, socket: Socket) => {
    switched.push(socket)
    socket.on('error', () => {}).resume()
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  })
  await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
  issuers = new SlowIssuers()
  const onUpgrade: OnUpgrade = (request, response, leaving) => {
    left = new Promise(resolve => leaving.socket.once('close', resolve))
    handle(bench.node, read, request, response, leaving)
  }
  bench = await EdgeBench.start((_request, response) => response.end(), {
    ...{ issuers, allowOrigins: ['127.0.0.0/8'], snapshot: snapshot(), port: { onUpgrade } },
  })
})
afterEach(async () => {
  for (const socket of switched) socket.destroy()
  await bench.close()
  origin.closeAllConnections()
  await new Promise(resolve => origin.close(resolve))
})

const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }

/** A request as it is; all that comes back is in `heard`. */
async function begin(
  method: string,
  fields: Record<string, string> = {},
): Promise<{ socket: Socket; heard: () => string }> {
  const socket = connect(Number(new URL(bench.url).port), '127.0.0.1')
  await once(socket, 'connect')
  let heard = ''
  socket.on('error', () => {}).on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
  const head = Object.entries({ Host: 'cdn.localhost', Authorization, ...fields })
  socket.write(
    [`${method} /page HTTP/1.1`, ...head.map(([name, value]) => `${name}: ${value}`), '\r\n'].join('\r\n'),
  )
  return { socket, heard: () => heard }
}

test.each<[string, string, Record<string, string>, string]>([
  ['from store', 'GET', {}, '200 OK'],
  ['by its origin', 'POST', { 'Content-Length': '0' }, '200 OK'],
  ['by another protocol', 'GET', UPGRADE, '101 Switching Protocols'],
])(
  'a viewer who was being let in when a snapshot came is answered %s',
  async (_, method, fields, expected) => {
    const { socket, heard } = await begin(method, fields)
    await issuers.asked
    bench.node.apply(snapshot())
    issuers.answer()
    await expect.poll(heard, { interval: 5 }).toContain(`HTTP/1.1 ${expected}`)
    socket.destroy()
  },
)

test('what was written while a snapshot came is gone from wherever it was stored', async () => {
  issuers.answer()
  const forget = vi.spyOn(bench.node, 'forget')
  answer = (_request, response) => {
    bench.node.apply(snapshot())
    response.end('page')
  }
  const { socket, heard } = await begin('PUT', { 'Content-Length': '0' })
  await expect.poll(heard, { interval: 5 }).toContain('HTTP/1.1 200 OK')
  expect(forget.mock.calls.map(([{ path, keys }]) => [path, keys.length])).toEqual([['/page', 1]])
  socket.destroy()
})

test('a viewer who leaves while he is let in to another protocol leaves nothing behind', async () => {
  const { socket } = await begin('GET', UPGRADE)
  await issuers.asked
  socket.resetAndDestroy()
  await left
  issuers.answer()
  await expect.poll(() => bench.lines, { interval: 5 }).toMatchObject([{ path: '/page', complete: false }])
  expect([bench.node.upgraded.count, switched]).toEqual([0, []])
})
