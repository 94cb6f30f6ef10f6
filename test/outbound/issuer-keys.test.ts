import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import type { IssuerId } from '../../src/core/index.ts'
import type { TrustedIssuer } from '../../src/distribution/index.ts'
import { createGuard, IssuerKeys } from '../../src/outbound/index.ts'
import { handClock } from '../delivery/edge-bench.ts'
import { issuerOf, tokenKey } from '../signing/tokens.ts'
import { startJwksServer, type JwksServer } from './jwks-server.ts'

const ID = 'iss-test' as IssuerId // a test's own
const first = tokenKey('ES256', 'first')
const second = tokenKey('EdDSA', 'second')

let folder: string
let server: JwksServer
let clock: ReturnType<typeof handClock>
let logged: unknown[]
let open: IssuerKeys[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-issuers-'))
  server = await startJwksServer(first)
  clock = handClock()
  logged = []
  open = []
})
afterEach(async () => {
  await Promise.all(open.map(each => each.close()))
  await server.close()
  await rm(folder, { recursive: true })
})

async function start(allow = ['127.0.0.0/8']): Promise<IssuerKeys> {
  const note = (fields: object, event: string): void => void logged.push({ ...fields, event })
  const keys = new IssuerKeys({
    guard: createGuard({ allow, ownPorts: [] }),
    stateDir: folder,
    clock,
    log: { info: note, warn: note },
  })
  open.push(keys)
  await keys.start()
  return keys
}

const remote = (more: Partial<TrustedIssuer> = {}): TrustedIssuer =>
  issuerOf({ kind: 'url', url: server.url }, more)
const names = (keys: IssuerKeys): (string | undefined)[] | undefined =>
  keys.of(ID)?.keys.map(({ keyId }) => keyId)

describe('keys at an address', () => {
  test('are there after one question, and an unchanged snapshot asks no other', async () => {
    const keys = await start()
    keys.follow([remote()])
    expect(names(keys)).toEqual([])
    await keys.refreshDue()
    expect(names(keys)).toEqual(['first'])
    const trust = keys.of(ID)
    keys.follow([remote()])
    await keys.refreshDue()
    expect(server.asked).toBe(1)
    expect(keys.of(ID)).toBe(trust)
    expect(keys.refreshes).toEqual({ changed: 1, unchanged: 0, failed: 0 })
  })

  test('are asked for again every five minutes, and the same set is the same value', async () => {
    const keys = await start()
    keys.follow([remote()])
    await keys.refreshDue()
    const trust = keys.of(ID)
    clock.move(299_999)
    await keys.refreshDue()
    expect(server.asked).toBe(1)
    clock.move(1)
    await keys.refreshDue()
    expect(server.asked).toBe(2)
    expect(keys.of(ID)).toBe(trust)
    server.publish(second)
    clock.move(300_000)
    await keys.refreshDue()
    expect(names(keys)).toEqual(['second'])
    expect(keys.refreshes).toEqual({ changed: 2, unchanged: 1, failed: 0 })
  })

  test('are renewed at once for an unknown kid, then not again within a minute, however many come', async () => {
    const keys = await start()
    keys.follow([remote()])
    await keys.refreshDue()
    server.publish(first, second)
    await Promise.all(Array.from({ length: 500 }, () => keys.renew(ID)))
    expect(names(keys)).toEqual(['first', 'second'])
    expect(server.asked).toBe(2)
    for (let at = 0; at < 59; at++) {
      clock.move(1000)
      await Promise.all(Array.from({ length: 10 }, () => keys.renew(ID)))
    }
    expect(server.asked).toBe(2)
    clock.move(1000)
    await Promise.all(Array.from({ length: 500 }, () => keys.renew(ID)))
    expect(server.asked).toBe(3)
  })

  test('join the question that is under way, of which only so many wait', async () => {
    const keys = await start()
    let go = (): void => {}
    server.answer(response => {
      go = () => void response.end(JSON.stringify({ keys: [first.jwk] }))
    })
    keys.follow([remote()])
    await server.askedTimes(1)
    let settled = 0
    const asks = Array.from({ length: 300 }, () => keys.renew(ID).then(() => settled++))
    await Promise.all(asks.slice(256))
    expect([settled, server.asked]).toEqual([44, 1])
    go()
    await Promise.all(asks)
    expect([names(keys), server.asked]).toEqual([['first'], 1])
  })

  test('survive the absence of their issuer, which is asked again every minute', async () => {
    const keys = await start()
    keys.follow([remote()])
    await keys.refreshDue()
    server.answer(response => response.writeHead(503).end('later'))
    clock.move(300_000)
    await keys.refreshDue()
    expect([names(keys), server.asked]).toEqual([['first'], 2])
    clock.move(59_999)
    await keys.refreshDue()
    expect(server.asked).toBe(2)
    clock.move(1)
    server.publish(second)
    await keys.refreshDue()
    expect(names(keys)).toEqual(['second'])
  })

  test('survive a restart, in a file that is nobody else’s', async () => {
    const before = await start()
    before.follow([remote()])
    await before.refreshDue()
    await before.close()
    const file = join(folder, 'issuer-keys.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      sets: [{ issuer: ID, url: server.url, keys: [first.jwk] }],
    })
    server.answer(response => response.destroy())
    const after = await start()
    after.follow([remote()])
    expect(names(after)).toEqual(['first'])
    await after.refreshDue()
    expect([names(after), after.refreshes]).toEqual([['first'], { changed: 0, unchanged: 0, failed: 1 }])
    // What was stored for one address says nothing about another.
    after.follow([remote({ keys: { kind: 'url', url: `${server.url}?other` } })])
    expect(names(after)).toEqual([])
  })

  test('that were stored in a broken file are fetched anew', async () => {
    await writeFile(join(folder, 'issuer-keys.json'), '{"sets": [{')
    const keys = await start()
    expect(logged).toMatchObject([{ event: 'stored issuer keys ignored' }])
    keys.follow([remote()])
    await keys.refreshDue()
    expect(names(keys)).toEqual(['first'])
  })

  test('end with their issuer, and change with its terms', async () => {
    const keys = await start()
    keys.follow([remote()])
    await keys.refreshDue()
    const trust = keys.of(ID)
    keys.follow([remote({ algorithms: ['EdDSA'] })])
    expect([names(keys), server.asked]).toEqual([[], 1])
    keys.follow([remote({ audience: 'other' })])
    expect([names(keys), keys.of(ID) === trust]).toEqual([['first'], false])
    keys.follow([])
    expect(keys.of(ID)).toBeUndefined()
    await keys.renew(ID)
    expect(server.asked).toBe(1)
  })
})

test('inline keys are there at once and nobody is asked', async () => {
  const keys = await start()
  keys.follow([issuerOf([first, second])])
  expect(names(keys)).toEqual(['first', 'second'])
  await keys.renew(ID)
  await keys.refreshDue()
  expect(server.asked).toBe(0)
})

test('a set that is empty closes what it opened', async () => {
  const keys = await start()
  keys.follow([remote()])
  await keys.refreshDue()
  server.publish()
  clock.move(300_000)
  await keys.refreshDue()
  expect(names(keys)).toEqual([])
})

test('only public signature keys of a set are taken, and nothing of their private halves is kept', async () => {
  const told = { ...first.privateKey.export({ format: 'jwk' }), kid: 'told' }
  const set = [
    null,
    'key',
    told,
    { kty: 'oct', k: 'c2VjcmV0', kid: 'shared' },
    { ...second.jwk, kid: 'encrypts', use: 'enc' },
    { ...second.jwk, kid: 'signs', use: undefined, key_ops: ['sign'] },
    { ...second.jwk, kid: 'x'.repeat(257) },
    { ...second.jwk, kid: 7 },
    { ...second.jwk, kid: 'verifies', key_ops: ['verify'], x5t: 'AA' },
  ]
  server.answer(response => response.end(JSON.stringify({ keys: set })))
  const keys = await start()
  keys.follow([remote()])
  await keys.refreshDue()
  await keys.close()
  expect(names(keys)).toEqual(['verifies'])
  const stored = await readFile(join(folder, 'issuer-keys.json'), 'utf8')
  expect(stored).not.toContain(told.d)
  expect(stored).not.toContain('c2VjcmV0')
})

describe('an answer that is no key set', () => {
  test.each<[string, Parameters<JwksServer['answer']>[0], string]>([
    ['404', response => response.writeHead(404).end(), 'it answered 404'],
    [
      'a redirect',
      response => response.writeHead(302, { Location: 'http://127.0.0.1:1/keys?secret' }).end(),
      'it answered a redirect, which is not followed: name the address of the keys themselves',
    ],
    [
      'a page',
      response => response.end('<html>'),
      'what it answered is no JSON Web Key Set, an object with a list of keys',
    ],
    [
      'an object without keys',
      response => response.end('{}'),
      'what it answered is no JSON Web Key Set, an object with a list of keys',
    ],
    [
      'more than 64 KiB',
      response => response.end(`{"keys":[],"pad":"${'x'.repeat(65_536)}"}`),
      'its answer has more than 64 KiB',
    ],
    [
      'half of what it promised',
      response => {
        response.writeHead(200, { 'Content-Length': '100' }).write('{', () => response.destroy())
      },
      'aborted',
    ],
  ])('changes nothing and is logged: %s', async (_name, how, error) => {
    server.answer(how)
    const keys = await start()
    keys.follow([remote()])
    await keys.refreshDue()
    expect(names(keys)).toEqual([])
    expect(logged).toMatchObject([
      { issuer: ID, name: 'login', error, event: 'issuer keys cannot be fetched' },
    ])
    expect(JSON.stringify(logged)).not.toContain('secret')
  })
})

test('an address that the guard refuses is not asked, by number or by name', async () => {
  const keys = await start([])
  const named = server.url.replace('127.0.0.1', 'localhost')
  const issuers = [remote(), remote({ id: 'iss-named' as IssuerId, keys: { kind: 'url', url: named } })]
  keys.follow(issuers)
  await keys.refreshDue()
  expect(server.asked).toBe(0)
  expect(logged).toMatchObject([{ code: 'address-refused' }, { code: 'address-refused' }])
})

test('an issuer whose certificate nobody vouches for is not believed', async () => {
  await ensureCertificates(folder, 'cdn.localhost', clock.now())
  const files = certificateFiles(folder)
  const [cert, key] = await Promise.all([files.certificate, files.key].map(file => readFile(file)))
  let asked = 0
  const secure = createServer({ cert, key }, (_request, response) => {
    asked++
    response.end(JSON.stringify({ keys: [first.jwk] }))
  })
  await new Promise<void>(resolve => secure.listen(0, '127.0.0.1', resolve))
  const { port } = secure.address() as AddressInfo // listening on TCP
  try {
    const keys = await start()
    keys.follow([remote({ keys: { kind: 'url', url: `https://127.0.0.1:${port}/jwks.json` } })])
    await keys.refreshDue()
    expect([names(keys), asked, keys.refreshes.failed]).toEqual([[], 0, 1])
    expect(logged).toMatchObject([{ code: expect.stringMatching(/SIGNATURE|SELF_SIGNED|ISSUER/) as string }])
  } finally {
    await new Promise(resolve => secure.close(resolve))
  }
})

test.each<[string, Parameters<JwksServer['answer']>[0]]>([
  ['never answers', () => {}],
  ['never ends its answer', response => void response.writeHead(200).write('{"keys":[')],
])('an issuer that %s is given up after five seconds', async (_, how) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    server.answer(how)
    const keys = await start()
    keys.follow([remote()])
    await server.askedTimes(1)
    vi.advanceTimersByTime(4_999)
    expect(keys.refreshes.failed).toBe(0)
    const answered = keys.refreshDue()
    vi.advanceTimersByTime(1)
    await answered
    expect([names(keys), keys.refreshes.failed]).toEqual([[], 1])
  } finally {
    vi.useRealTimers()
  }
})

test('closing ends a question that nobody answers, and none is asked after it', async () => {
  server.answer(() => {})
  const keys = await start()
  keys.follow([remote()])
  await server.askedTimes(1)
  await keys.close()
  expect(keys.refreshes.failed).toBe(0)
  await keys.refreshDue()
  expect(server.asked).toBe(1)
})
