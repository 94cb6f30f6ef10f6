import { createHash } from 'node:crypto'
import { DescribeFunctionCommand, GetFunctionCommand } from '@aws-sdk/client-cloudfront'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ControlClient } from '../../src/client/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import { limitsOf } from '../../src/functions/index.ts'
import { cloudFrontOf } from './cloudfront/sdk.ts'
import { ADMIN, ControlFixture, newIdentity, until } from './fixture.ts'

let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open()
})
afterAll(() => control.end())

async function snapshot(): Promise<Snapshot> {
  return (await control.asNode(control.edge, '/v1/node/snapshot')).json() as never // our own server's
}

const PASS = 'function handler(event) { console.log("seen"); return event.request }'
const TURN =
  'function handler(event) { return { statusCode: 302, headers: { location: { value: "/log-in" } } } }'
const HANDLER = 'exports.handler = async event => event.Records[0].cf.request'
const digest = (code: string): string => createHash('sha256').update(code).digest('hex')

const EVENT = {
  version: '1.0',
  context: { eventType: 'viewer-request' },
  viewer: { ip: '192.0.2.1' },
  request: { method: 'GET', uri: '/a', querystring: {}, headers: {}, cookies: {} },
}

/** A distribution that runs these. */
async function running(...functions: object[]): Promise<string> {
  const wanted = { origin: 'https://site.example', behaviours: [{ pattern: '*', functions }] }
  const { distribution } = await control.client.createDistribution(wanted as never) // control checks it
  return distribution.id
}

async function problemOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'none',
    (error: unknown) => (error as Error).message, // the client throws nothing else
  )
}

describe('a function of CloudFront’s runtimes', () => {
  it('is written on, tried, published and run as it was published', async () => {
    const { client } = control
    const made = await client.createFunction({
      name: 'look',
      runtime: 'cloudfront-js-2.0',
      code: PASS,
      comment: 'a',
    })
    expect(made).toEqual({
      name: 'look',
      development: {
        ...{ runtime: 'cloudfront-js-2.0', comment: 'a', store: null, hosts: [] },
        ...{ sha256: digest(PASS), bytes: PASS.length, modifiedAt: expect.any(String) as string },
      },
      ...{ live: null, versions: [], changed: true, usedBy: [] },
    })
    expect(await client.testFunction('look', { event: EVENT })).toEqual({
      ...{ result: EVENT.request, error: null, logs: ['seen'], used: expect.any(Number) as number },
    })
    expect(await problemOf(running({ event: 'viewer-request', function: 'look' }))).toContain(
      'behaviour "*" at viewer-request runs "look", which was never published: sluice functions publish look',
    )
    expect((await client.publishFunction('look')).function).toMatchObject({
      changed: false,
      live: { comment: 'a' },
    })
    const id = await running({ event: 'viewer-request', function: 'look' })
    expect((await snapshot()).functions).toEqual([
      { id: 'look', runtime: 'cloudfront-js-2.0', code: { sha256: digest(PASS), bytes: PASS.length } },
    ])
    // What is written on changes nothing that runs.
    const before = (await snapshot()).version
    expect(await client.updateFunction('look', { code: TURN })).toMatchObject({ changed: true })
    expect((await snapshot()).version).toBe(before)
    expect(await client.functionCode('look')).toBe(TURN)
    expect(await client.functionCode('look', 'live')).toBe(PASS)
    const { snapshotVersion } = await client.publishFunction('look')
    expect(await snapshot()).toMatchObject({
      version: snapshotVersion,
      functions: [{ id: 'look', code: { sha256: digest(TURN) } }],
    })
    expect((await client.function('look')).usedBy).toEqual([
      { distribution: id, pattern: '*', event: 'viewer-request', function: 'look' },
    ])
    expect(await problemOf(client.deleteFunction('look'))).toContain(
      `look is run by the behaviour "*" of ${id}`,
    )
    // Of a distribution that is switched off no node needs them.
    await client.replaceDistribution(id, { ...(await client.distribution(id as never)), enabled: false }) // its own id
    expect(await snapshot()).not.toHaveProperty('functions')
    await client.deleteDistribution(id)
    await client.deleteFunction('look')
    expect(await problemOf(client.function('look'))).toContain('sluice functions list')
  })

  it('reads a store, which changes by itself', async () => {
    const { client } = control
    const code = `import cf from 'cloudfront'
      async function handler(event) { return { word: await cf.kvs().get('word') } }`
    await client.createStore({ name: 'words', items: { word: 'one' } })
    await client.createFunction({ name: 'reads', runtime: 'cloudfront-js-2.0', code, store: 'words' })
    expect(await client.testFunction('reads', { event: EVENT })).toMatchObject({ result: { word: 'one' } })
    await client.publishFunction('reads')
    const id = await running({ event: 'viewer-response', function: 'reads' })
    const first = await snapshot()
    const { store, snapshotVersion } = await client.changeStore('words', { put: { word: 'two' } })
    const second = await snapshot()
    expect(second.version).toBe(snapshotVersion)
    expect(second.functions).toEqual(first.functions)
    expect(second.stores).toEqual([
      { id: store.id, name: 'words', data: { sha256: digest('{"word":"two"}'), bytes: 14 } },
    ])
    expect(await client.testFunction('reads', { event: EVENT })).toMatchObject({ result: { word: 'two' } })
    expect(await problemOf(client.deleteStore('words'))).toContain('is read by the function reads')
    await client.replaceDistribution(id, { origin: 'https://site.example', enabled: false })
    await client.deleteFunction('reads')
    await client.deleteStore('words')
    expect(await client.stores()).toEqual([])
  })

  it('tells in a test why it failed', async () => {
    const { client } = control
    await client.createFunction({
      ...{ name: 'falls', runtime: 'cloudfront-js-2.0' },
      code: 'function handler() {\n  throw new Error("no such thing")\n}',
    })
    expect(await client.testFunction('falls', { event: EVENT })).toMatchObject({
      ...{
        result: null,
        error: { reason: 'function-failed', message: expect.stringContaining('no such thing') as string },
      },
    })
    expect(await problemOf(client.testFunction('falls', { event: {} }))).toContain(
      'set context.eventType to viewer-request',
    )
    expect(await problemOf(client.testFunction('falls', { event: EVENT, stage: 'live' }))).toContain(
      'was not published',
    )
    await client.deleteFunction('falls')
  })
})

describe('a handler of Lambda@Edge', () => {
  it('has versions, each of which stays as it was', async () => {
    const { client } = control
    await client.createFunction({
      name: 'sign',
      runtime: 'lambda-edge',
      code: HANDLER,
      hosts: ['API.example'],
    })
    expect(await problemOf(running({ event: 'origin-request', function: 'sign' }))).toContain(
      'which has no version yet: sluice functions publish sign',
    )
    expect((await client.publishFunction('sign')).version).toBe(1)
    // The same once more is no other version.
    expect((await client.publishFunction('sign')).version).toBe(1)
    await client.updateFunction('sign', { code: `${HANDLER} // 2` })
    expect((await client.publishFunction('sign')).version).toBe(2)
    expect(await problemOf(running({ event: 'origin-request', function: 'sign' }))).toContain(
      'write "sign:2"',
    )
    expect(await problemOf(running({ event: 'origin-request', function: 'sign:7' }))).toContain(
      'has no version 7: the newest is "sign:2"',
    )
    const id = await running({ event: 'origin-request', function: 'sign:1', body: true })
    expect(await snapshot()).toMatchObject({
      functions: [
        { id: 'sign:1', runtime: 'lambda-edge', code: { sha256: digest(HANDLER) }, hosts: ['api.example'] },
      ],
    })
    expect(await problemOf(client.deleteFunction('sign', 1))).toContain('sign:1 is run by')
    await client.deleteFunction('sign', 2)
    // Numbers never come again.
    await client.updateFunction('sign', { code: `${HANDLER} // 3` })
    expect((await client.publishFunction('sign')).version).toBe(3)
    await client.replaceDistribution(id, { origin: 'https://site.example' })
    await client.deleteFunction('sign')
  })

  it('runs at viewer events with so much code as CloudFront takes there, at origin events with more', async () => {
    const { client } = control
    const most = limitsOf('lambda-edge', 'viewer-request').code
    const code = HANDLER.padEnd(most, ' ')
    await client.createFunction({ name: 'large', runtime: 'lambda-edge', code })
    await client.publishFunction('large')
    await client.updateFunction('large', { code: `${code} ` })
    await client.publishFunction('large')
    const ids = [
      await running({ event: 'viewer-request', function: 'large:1' }),
      await running({ event: 'origin-request', function: 'large:2' }),
    ]
    for (const event of ['viewer-request', 'viewer-response'])
      expect(await problemOf(running({ event, function: 'large:2' }))).toContain(
        `behaviour "*" at ${event} runs "large:2", whose code has ${most + 1} bytes, and at viewer events ${most} run at most`,
      )
    for (const id of ids) await client.replaceDistribution(id, { origin: 'https://site.example' })
    await client.deleteFunction('large')
  })
})

describe('what is not taken', () => {
  const base = { name: 'bad', runtime: 'cloudfront-js-2.0', code: PASS } as const
  it.each<[string, object, RegExp]>([
    [
      'code with a syntax error',
      { code: 'function handler(event) {\n  return event.\n}' },
      /the code of the function "bad": .*(?:3|line)/s,
    ],
    ['too much code', { code: `${PASS}//${'x'.repeat(10_240)}` }, /the code is longer than 10240 bytes/],
    [
      'a store that there is not',
      { store: 'none' },
      /there is no key value store "none": sluice stores list/,
    ],
    ['hosts where nothing is fetched', { hosts: ['api.example'] }, /handlers of Lambda@Edge alone may fetch/],
    [
      'a host that is none',
      { runtime: 'lambda-edge', code: HANDLER, hosts: ['http://a'] },
      /write it as api\.example\.com/,
    ],
    ['a name with a dot', { name: 'a.b' }, /name/],
  ])('%s', async (_what, change, sentence) => {
    expect(await problemOf(control.client.createFunction({ ...base, ...change }))).toMatch(sentence)
    expect(await control.client.functions()).toEqual([])
  })

  it('another runtime that does not run the code that there is', async () => {
    const { client } = control
    const code = `import cf from 'cloudfront'
      async function handler(event) { return event.request }`
    await client.createFunction({ ...base, code })
    expect(await problemOf(client.updateFunction('bad', { runtime: 'cloudfront-js-1.0' }))).toContain(
      'the code of the function "bad"',
    )
    expect((await client.function('bad')).development.runtime).toBe('cloudfront-js-2.0')
    expect(await problemOf(client.updateFunction('bad', { runtime: 'lambda-edge' }))).toContain(
      'make another for lambda-edge',
    )
    await client.deleteFunction('bad')
  })

  it('another runtime than the behaviours know', async () => {
    const { client } = control
    await client.createFunction(base)
    expect(await problemOf(client.createFunction(base))).toContain('there is a function "bad" already')
    expect(await client.updateFunction('bad', { runtime: 'cloudfront-js-1.0' })).toMatchObject({
      development: { runtime: 'cloudfront-js-1.0' },
    })
    expect(
      await problemOf(client.updateFunction('bad', { runtime: 'lambda-edge', code: HANDLER })),
    ).toContain('make another for lambda-edge')
    await client.deleteFunction('bad')
  })
})

describe('a store', () => {
  it('is put into and taken from in one step', async () => {
    const { client } = control
    const made = await client.createStore({ name: 'kept', comment: 'of a test', items: { b: '2', a: '1' } })
    expect(made).toMatchObject({ name: 'kept', comment: 'of a test', items: 2, bytes: 17, usedBy: [] })
    await client.changeStore(made.id, { put: { c: '3' }, remove: ['a'] })
    expect(await client.storeItems('kept')).toEqual({ b: '2', c: '3' })
    expect(await problemOf(client.changeStore('kept', { put: { d: '4' }, remove: ['a'] }))).toContain(
      'has no key "a"',
    )
    expect(await client.storeItems('kept')).toEqual({ b: '2', c: '3' })
    await client.deleteStore('kept')
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['a key', { ['k'.repeat(513)]: '' }, /has 513 characters: 512 at most/],
    ['a value', { k: 'v'.repeat(1025) }, /has 1025 characters: 1024 at most/],
    ['an empty key', { '': 'v' }, /a key of the key value store "large" is empty/],
    [
      'everything together',
      Object.fromEntries(Array.from({ length: 5200 }, (_, at) => [`k${at}`, 'v'.repeat(1020)])),
      /would have \d+ bytes: 5242880 at most/,
    ],
  ])('is not too large: %s', async (_what, items, sentence) => {
    expect(await problemOf(control.client.createStore({ name: 'large', items }))).toMatch(sentence)
  })
})

describe('what may hold secrets', () => {
  it('is shown to administrators alone, by either API', async () => {
    const { client, url } = control
    await client.createFunction({ name: 'secret', runtime: 'cloudfront-js-2.0', code: PASS })
    await client.createStore({ name: 'secrets', items: { key: 'of an issuer' } })
    for (const scope of ['read', 'purge'] as const) {
      const made = await client.createToken({ name: scope, scopes: [scope] })
      const theirs = new ControlClient({ url, token: made.token })
      expect(await problemOf(theirs.functionCode('secret'))).toContain('admin')
      expect(await problemOf(theirs.storeItems('secrets'))).toContain('admin')
      const cloudFront = cloudFrontOf(url, made)
      expect(await problemOf(cloudFront.send(new GetFunctionCommand({ Name: 'secret' })))).toContain('admin')
      const { FunctionSummary } = await cloudFront.send(new DescribeFunctionCommand({ Name: 'secret' }))
      expect(FunctionSummary?.Name).toBe('secret')
    }
    await client.deleteFunction('secret')
    await client.deleteStore('secrets')
  })
})

describe('blobs', () => {
  it('of the snapshot before are given while nodes take it, and are deleted afterwards', async () => {
    const own = await ControlFixture.open()
    const { client } = own
    const code = `import cf from 'cloudfront'
      async function handler(event) { return cf.kvs().get('k') }`
    await client.createStore({ name: 'moves', items: { k: '0' } })
    await client.createFunction({ name: 'reads', runtime: 'cloudfront-js-2.0', code, store: 'moves' })
    await client.publishFunction('reads')
    const functions = [{ event: 'viewer-request', function: 'reads' }]
    const wanted = { origin: 'https://site.example', behaviours: [{ pattern: '*', functions }] }
    await client.createDistribution(wanted as never) // control checks it
    const told = (await (await own.asNode(own.edge, '/v1/node/snapshot')).json()) as Snapshot // our own server's
    const data = told.stores?.[0]?.data.sha256 ?? ''
    await client.changeStore('moves', { put: { k: '1' } })
    const asked = await own.asNode(own.edge, `/v1/node/blobs/${data}`)
    expect([asked.status, await asked.text()]).toEqual([200, '{"k":"0"}'])
    own.limits.sweepBlobs = 50
    await own.restart()
    const headers = { authorization: `Bearer ${ADMIN}` }
    await until('it is deleted', async () => {
      const backup = await (await fetch(`${own.url}/v1/backup`, { headers })).text()
      return !backup.includes(data)
    })
    expect(await client.storeItems('moves')).toEqual({ k: '1' })
    expect(await client.functionCode('reads', 'live')).toBe(code)
    await own.end()
  })

  it('are given to the nodes that run them, while a snapshot names them', async () => {
    const { client } = control
    await client.createFunction({ name: 'given', runtime: 'cloudfront-js-2.0', code: PASS })
    const get = (identity = control.edge): Promise<Response> =>
      control.asNode(identity, `/v1/node/blobs/${digest(PASS)}`)
    // Nobody runs it.
    expect((await get()).status).toBe(404)
    await client.publishFunction('given')
    const id = await running({ event: 'viewer-request', function: 'given' })
    await snapshot()
    const answer = await get()
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      ...[200, 'application/octet-stream', PASS],
    ])
    expect((await get(control.origin)).status).toBe(403)
    expect((await get(newIdentity('edge'))).status).toBe(403)
    await client.replaceDistribution(id, { origin: 'https://site.example' })
    await snapshot()
    // A node may still be taking the one before.
    expect((await get()).status).toBe(200)
    await client.deleteFunction('given')
    await client.invalidate({ paths: ['/*'] })
    await snapshot()
    expect((await get()).status).toBe(404)
  })
})
