import { once } from 'node:events'
import { request as requestPlain, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as requestTls } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NodeId } from '../../src/core/index.ts'
import { systemClock } from '../../src/core/index.ts'
import type { PeerNode, ViewersAt } from '../../src/distribution/index.ts'
import { ConnectionCount, trustProxies } from '../../src/inbound/index.ts'
import { Guide } from '../../src/router/guide.ts'
import { startHttpServer, type HttpServer } from '../../src/router/http-server.ts'
import { silentLogger, type Logger } from '../../src/telemetry/index.ts'
import { makePair } from '../inbound/pairs.ts'
import { snapshotOf } from '../membership/fake-control.ts'
import { distribution, peer } from '../routing/places.ts'

const E1 = distribution('E1', { priceClass: '100' })
const at: ViewersAt = { addresses: ['192.0.2.1'], http: 80, https: 443, priceClass: '100' }
const PARIS = peer('edge-paris', at)
const SYDNEY = peer('edge-sydney', { ...at, addresses: ['192.0.2.2'], priceClass: 'all' })

let folder: string
let guide: Guide
let server: HttpServer
/** What the server told the log as its own errors. */
let errors: number

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-router-'))
  const pair = await makePair(folder, 'router', ['localhost'])
  const log = { ...silentLogger, error: () => void errors++ } as Logger // counts alone
  const listen = { host: '127.0.0.1', port: 0 }
  guide = new Guide({ zone: 'cdn.example', countries: undefined, clock: systemClock })
  server = await startHttpServer({
    ...{ http: listen, https: { listen, ...pair }, guide, clock: systemClock, log },
    trusted: trustProxies([]),
    count: new ConnectionCount({ connections: 100, connectionsPerAddress: 100 }),
    told: { redirected() {}, steered() {}, refused() {} },
  })
})
afterAll(async () => {
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  errors = 0
  put(PARIS, SYDNEY)
})

function put(...nodes: PeerNode[]): void {
  guide.apply(snapshotOf(1, { distributions: [E1], nodes }))
}

/** As probes find an edge that answers no more. */
function kill({ id, viewers }: PeerNode): void {
  for (const address of viewers?.addresses ?? [])
    for (let misses = 0; misses < 2; misses++) guide.table.probed({ edge: id, address }, 'silent')
}

interface Asked {
  scheme?: 'http' | 'https'
  method?: string
  target?: string
  headers?: OutgoingHttpHeaders
  body?: string
}

interface Said {
  status: number
  location: string | undefined
  body: string
}

async function ask({
  scheme = 'http',
  method = 'GET',
  target = '/a.m3u8',
  headers = {},
  body,
}: Asked): Promise<Said> {
  const request = scheme === 'http' ? requestPlain : requestTls
  const sent = request({
    ...{ host: '127.0.0.1', port: server.ports[scheme], path: target, method, agent: false },
    ...{
      headers: { host: 'e1.cdn.example', ...lengthOf(body, headers), ...headers },
      rejectUnauthorized: false,
    },
  })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return { status: answer.statusCode ?? 0, location: answer.headers.location, body: text }
}

/** A method that has no body by nature is not given one's length by itself. */
function lengthOf(body: string | undefined, headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': String(body.length) }
}

const steered = async (query = ''): Promise<string[]> => {
  const { body } = await ask({ target: `/.sluice/steering?d=E1${query}` })
  return (JSON.parse(body) as { 'PATHWAY-PRIORITY': string[] })['PATHWAY-PRIORITY']
}

const locationAt = (edge: string, target = '/a.m3u8', scheme = 'http'): string =>
  `${scheme}://e1--edge-${edge}.cdn.example${target}`

describe('a request is sent on', () => {
  test.each([
    ['with its query as it came', '/a%2Fb.m3u8?x=%2F&y&=&Policy=a-~_&x=1'],
    ['to no other host, whatever its path looks like', '//evil.example/%0d%0aX:1'],
    ['with a backslash', '/\\evil.example/'],
    ['with an at sign', '/@evil.example/'],
  ])('%s', async (_, target) => {
    for (const scheme of ['http', 'https'] as const)
      expect(await ask({ target, scheme })).toMatchObject({
        ...{ status: 302, location: locationAt('paris', target, scheme) },
      })
  })

  test.each<[string, Asked]>([
    ['a long body', { body: 'x'.repeat(100_000), headers: { 'content-type': 'text/plain' } }],
    ['a body of no type', { body: 'x' }],
    ['a body of a type that is none', { body: 'x', headers: { 'content-type': 'rubbish' } }],
    ['a type that cannot be', { body: 'x', headers: { 'content-type': ';;=' } }],
    ['a body of JSON that is none', { body: '{', headers: { 'content-type': 'application/json' } }],
    ['a body in chunks', { body: 'x', headers: { 'transfer-encoding': 'chunked' } }],
    [
      'no more than its head, which is as long as an edge takes',
      { headers: { cookie: `a=${'x'.repeat(20_000)}` } },
    ],
  ])('with %s, which goes to the edge', async (_, asked) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expect([method, await ask({ ...asked, method })]).toEqual([
        method,
        { status: 307, location: locationAt('paris'), body: '' },
      ])
    expect(errors).toBe(0)
  })

  test('to an edge beyond its price class where none of it speaks its scheme', async () => {
    put(peer('edge-paris', { ...at, http: null }), SYDNEY)
    expect((await ask({})).location).toBe(locationAt('sydney'))
    expect((await ask({ scheme: 'https' })).location).toBe(locationAt('paris', '/a.m3u8', 'https'))
    expect(await steered()).toEqual(['edge-sydney', '.'])
  })

  test('to none that drains or is dead, and to any when all are', async () => {
    kill(PARIS)
    expect([(await ask({})).location, await steered()]).toEqual([locationAt('sydney'), ['edge-sydney', '.']])
    kill(SYDNEY)
    expect([(await ask({})).location, await steered()]).toEqual([locationAt('paris'), ['edge-paris', '.']])
    put({ ...PARIS, draining: true }, { ...SYDNEY, draining: true })
    // Of the two only one is there to end what it has begun.
    guide.table.probed({ edge: 'edge-sydney' as NodeId, address: '192.0.2.2' }, 'answers')
    expect((await ask({})).location).toBe(locationAt('sydney'))
  })
})

describe('refused is', () => {
  test.each<[string, number, Asked]>([
    ['a host that is nobody’s', 403, { headers: { host: 'www.example.org' } }],
    ['what is the router’s own and not there', 404, { target: '/.sluice/nothing' }],
    ['a target that is longer than edges take', 404, { target: `/${'x'.repeat(8192)}` }],
    ['a method that edges do not know', 405, { method: 'PROPFIND' }],
    ['the steering of what is not there', 404, { target: '/.sluice/steering?d=E9' }],
  ])('%s: %i', async (_, status, asked) => {
    expect(await ask(asked)).toMatchObject({ status, location: undefined })
    expect(errors).toBe(0)
  })

  test('everything where no edge has told where it is', async () => {
    put(peer('edge-paris', undefined))
    expect([(await ask({})).status, await steered()]).toEqual([503, ['.']])
  })

  test('a distribution that is switched off', async () => {
    guide.apply(snapshotOf(1, { distributions: [{ ...E1, enabled: false }], nodes: [PARIS] }))
    expect([(await ask({})).status, (await ask({ target: '/.sluice/steering?d=E1' })).status]).toEqual([
      403, 404,
    ])
  })

  test('what is no HTTP, and the next is answered', async () => {
    for (const said of ['\0\0\0\0', 'GET / HTTP/1.1\r\n\r\n', 'GET /\x80 HTTP/1.1\r\nHost: \x80\r\n\r\n']) {
      const socket = connect(server.ports.http, '127.0.0.1')
      socket.on('error', () => {}) // the router may end it
      socket.end(Buffer.from(said, 'latin1'))
      await once(socket.resume(), 'close')
    }
    expect([(await ask({})).status, errors]).toEqual([302, 0])
  })
})

test.each(['0', '99999', '-1', '443x', '', '8443'])(
  'a player is told of no edge at a port where none is: %s',
  async port => {
    const standard = port === '' || /[^\d]/.test(port)
    expect(await steered(`&port=${port}`)).toEqual(standard ? ['edge-paris', '.'] : ['.'])
  },
)
