import { sign } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type ClientHttp2Session } from 'node:http2'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { after, systemClock } from '../../src/core/index.ts'
import { createSigner, encodeCloudFront, signPublish, type Signer } from '../../src/signing/index.ts'
import { S3Server } from '../contracts/s3-server.ts'
import { RtmpClient } from '../ingest/rtmp-client.ts'
import { AUDIENCE, ISSUER, tokenKey, tokenOf } from '../signing/tokens.ts'
import { liveSite, type LiveSite } from './live-site.ts'
import { startSluice, temporaryFolder, type Sluice } from './sluice.ts'

// A bucket that anybody may read stands in for films: what is asked here is who gets past the edge.

const FILE = '/members/talk/a.txt'
const OPEN = '/open/a.txt'

let folder: string
let store: S3Server
let sluice: Sluice
let site: LiveSite
let http2: ClientHttp2Session
/** The fallback distribution's id. */
let id: string
const issuerKey = tokenKey('ES256', 'k1')

interface Definition {
  origins: object[]
  behaviours: { pattern: string; gate: object | null; [more: string]: unknown }[]
}

beforeAll(async () => {
  folder = temporaryFolder('keys')
  store = await S3Server.start()
  store.bucket('films', 'public')
  for (const at of [FILE, OPEN]) store.put('films', at.slice(1), 'the film')
  sluice = await startSluice({ data: path.join(folder, 'data'), args: ['--allow-origin', '127.0.0.0/8'] })
  site = liveSite(sluice)
  id = sluice.ready.distribution.id
  const created = await site.client.createIssuer({
    ...{ name: 'login', issuer: ISSUER, audience: AUDIENCE },
    keys: { kind: 'inline', keys: [issuerKey.jwk] },
  })
  const definition = await shown()
  definition.origins.push({ id: 'films', bucket: 'films', endpoint: store.url, region: 'eu-central-1' })
  for (const behaviour of definition.behaviours) {
    if (behaviour.pattern === '*' || behaviour.pattern === '/members/*') behaviour['originId'] = 'films'
    if (behaviour.gate) behaviour.gate = { keyGroups: ['default'], issuers: ['login'] }
  }
  await site.settled(created.snapshotVersion)
  await update(definition)
  await site.channels('/live/stage')
  http2 = connect(sluice.ready.https, { rejectUnauthorized: false })
}, 120_000)

afterAll(async () => {
  http2?.close()
  site?.close()
  await sluice?.close()
  await store?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

async function shown(): Promise<Definition> {
  const { json } = await sluice.cli<Definition>('distribution', 'show', id)
  return json
}

async function update(definition: Definition): Promise<void> {
  const file = path.join(folder, 'definition.json')
  writeFileSync(file, JSON.stringify(definition))
  const { code, stderr } = await sluice.cli('distribution', 'update', id, '--file', file)
  expect(code, stderr).toBe(0)
}

async function newKey(type = 'p256'): Promise<Signer> {
  const made = await sluice.cli<{ id: string; privateKeyFile: string }>(
    'keys',
    'create',
    'site',
    '--type',
    type,
  )
  expect(made.code, made.stderr).toBe(0)
  return createSigner(readFileSync(made.json.privateKeyFile, 'utf8'), made.json.id)
}

async function remove(signer: Signer): Promise<void> {
  expect((await sluice.cli('keys', 'delete', signer.keyId)).code).toBe(0)
}

interface Way {
  target: string
  headers: Record<string, string>
}

const inAnHour = (): ReturnType<typeof after> => after(systemClock.now(), 3_600_000)

/** `Action` is for who writes policies by hand. */
function signedText(
  { keyId }: Signer,
  { resource, action }: { resource: string; action?: string },
): { policy: string; signature: string } {
  const pem = readFileSync(path.join(sluice.data, 'keys', `${keyId}.pem`), 'utf8')
  const condition = { DateLessThan: { 'AWS:EpochTime': Math.floor(inAnHour() / 1000) } }
  const statement = { Resource: resource, ...(action ? { Action: action } : {}), Condition: condition }
  const text = Buffer.from(JSON.stringify({ Statement: [statement] }))
  return { policy: encodeCloudFront(text), signature: encodeCloudFront(sign('sha256', text, pem)) }
}

/** The policy of a signer on each carrier. */
function ways(signer: Signer, action?: { resource: string; action?: string }): Record<string, Way> {
  const signed = action
    ? signedText(signer, action)
    : signer.sign({ resource: '*://*/members/*', expires: inAnHour() })
  const pairs = [
    ['Policy', signed.policy],
    ['Signature', signed.signature],
    ['Key-Pair-Id', signer.keyId],
    ['Hash-Algorithm', 'SHA256'],
  ] as const
  const cookie = pairs.map(([name, value]) => `CloudFront-${name}=${value}`).join('; ')
  return {
    cookies: { target: FILE, headers: { cookie } },
    query: { target: `${FILE}?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`, headers: {} },
    'path token': { target: `/~${signed.policy}.${signed.signature}.${signer.keyId}${FILE}`, headers: {} },
  }
}

/** Over HTTP/1.1: the status, and the reason of a refusal. */
async function get({ target, headers }: Way): Promise<string> {
  const answer = await fetch(`${sluice.ready.http}${target}`, { headers })
  await answer.arrayBuffer()
  return told(answer.status, answer.headers.get('x-sluice-reason'))
}

function get2({ target, headers }: Way): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = http2.request({ ':path': target, ...headers })
    stream.on('error', reject)
    stream.once('response', head => {
      stream.resume().once('end', () => resolve(told(head[':status'] ?? 0, head['x-sluice-reason'])))
    })
    stream.end()
  })
}

function told(status: number, reason: unknown): string {
  return typeof reason === 'string' ? `${status} ${reason}` : String(status)
}

/** On every carrier over both protocols, all at once. */
async function everywhere(all: Record<string, Way>): Promise<string[]> {
  return Promise.all(Object.values(all).flatMap(way => [get(way), get2(way)]))
}

const six = (word: string): string[] => Array.from({ length: 6 }, () => word)

/** Asks for the file without a pause; `stop` gives what was heard, in order. */
function poll(way: Way): { heard: string[]; stop(): Promise<string[]> } {
  const heard: string[] = []
  const state = { over: false }
  const running = (async () => {
    while (!state.over) heard.push(await get(way))
  })()
  return {
    heard,
    async stop() {
      state.over = true
      await running
      return heard
    },
  }
}

test('a key is rotated without a gap: no refusal before its end, no admission after it', async () => {
  const old = await newKey('rsa2048')
  const oldWays = ways(old)
  const cookies = oldWays['cookies'] ?? { target: '', headers: {} }
  const viewer = poll(cookies)
  const next = await newKey()
  const nextWays = ways(next)
  const nextViewer = poll(nextWays['cookies'] ?? cookies)
  expect(await everywhere(oldWays)).toEqual(six('200'))
  expect(await everywhere(nextWays)).toEqual(six('200'))
  const before = viewer.heard.length
  await remove(old)
  const heard = viewer.heard.length
  expect(await everywhere(oldWays)).toEqual(six('403 unknown-key'))
  expect(await everywhere(nextWays)).toEqual(six('200'))
  const [all, others] = await Promise.all([viewer.stop(), nextViewer.stop()])
  // One question was under way when the command returned; whatever was asked later met the new configuration.
  expect(new Set(all.slice(0, before))).toEqual(new Set(['200']))
  expect(new Set(all.slice(heard + 1))).toEqual(new Set(['403 unknown-key']))
  expect(all.slice(all.indexOf('403 unknown-key'))).not.toContain('200')
  expect(new Set(others)).toEqual(new Set(['200']))
  expect([before > 20, all.length > heard + 1, others.length > 20]).toEqual([true, true, true])
}, 60_000)

describe('the very next request after the command meets', () => {
  test('a key that was deleted: no viewer and no encoder', async () => {
    const key = await newKey()
    const all = ways(key)
    const { host } = new URL(sluice.ready.rtmp ?? '')
    const { streamKey } = signPublish(key, host, '/live/stage', { expires: inAnHour() })
    const running = await RtmpClient.publishing({ app: 'live', stream: streamKey }, site.rtmp)
    expect(running.status.code).toBe('NetStream.Publish.Start')
    expect(await everywhere(all)).toEqual(six('200'))
    await remove(key)
    const refused = await RtmpClient.publishing(
      { app: 'live', stream: streamKey },
      { ...site.rtmps, tls: true },
    )
    expect(await everywhere(all)).toEqual(six('403 unknown-key'))
    expect(refused.status.description).toMatch(/^unknown-key: /)
    // A grant is judged where a broadcast begins; `live stop` is what ends one.
    expect(running.client.ended).toBe(false)
    expect((await sluice.cli('live', 'stop', '/live/stage')).code).toBe(0)
    await running.client.closed
  }, 60_000)

  test('a group that takes SHA-1 no more, and one that takes policies without a resource', async () => {
    const { keyId } = await newKey('rsa2048')
    const pem = readFileSync(path.join(sluice.data, 'keys', `${keyId}.pem`), 'utf8')
    const { policy, signature } = createSigner(pem, keyId, { hash: 'sha1' }).sign({
      ...{ resource: '*://*/members/*', expires: inAnHour() },
    })
    const inQuery = (text: string): Way => ({ target: `${FILE}?${text}&Key-Pair-Id=${keyId}`, headers: {} })
    const bySha1 = inQuery(`Policy=${policy}&Signature=${signature}`)
    const until = Math.floor(inAnHour() / 1000)
    const all = Buffer.from(`{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":${until}}}}]}`)
    const withoutResource = inQuery(
      `Policy=${encodeCloudFront(all)}&Signature=${encodeCloudFront(sign('sha256', all, pem))}&Hash-Algorithm=SHA256`,
    )
    const both = async (): Promise<string[]> =>
      Promise.all([get(bySha1), get2(bySha1), get(withoutResource), get2(withoutResource)])
    expect(await both()).toEqual(['200', '200', '403 malformed', '403 malformed'])
    expect((await sluice.cli('keys', 'group', 'default', '--sha1', 'refuse')).code).toBe(0)
    expect(await both()).toEqual(['403 weak-hash', '403 weak-hash', '403 malformed', '403 malformed'])
    expect((await sluice.cli('keys', 'group', 'default', '--without-resource', 'accept')).code).toBe(0)
    expect(await both()).toEqual(['403 weak-hash', '403 weak-hash', '200', '200'])
    expect(
      (await sluice.cli('keys', 'group', 'default', '--without-resource', 'refuse', '--sha1', 'accept')).code,
    ).toBe(0)
    expect(await both()).toEqual(['200', '200', '403 malformed', '403 malformed'])
  }, 60_000)

  test('an issuer that its behaviour trusts no more, and a gate where there was none', async () => {
    const claims = { iss: ISSUER, aud: AUDIENCE, exp: Math.floor(inAnHour() / 1000), paths: ['/members/*'] }
    const jwt = tokenOf(issuerKey, claims)
    const tokens = {
      authorization: { target: FILE, headers: { authorization: `Bearer ${jwt}` } },
      cookie: { target: FILE, headers: { cookie: `sluice-token=${jwt}` } },
      path: { target: `/~${jwt}${FILE}`, headers: {} },
    }
    const open = { target: OPEN, headers: {} }
    expect(await everywhere(tokens)).toEqual(six('200'))
    // Twice, so that it lies in the cache.
    expect([await get(open), await get(open), await get2(open)]).toEqual(['200', '200', '200'])
    const definition = await shown()
    for (const behaviour of definition.behaviours)
      if (behaviour.gate) behaviour.gate = { keyGroups: ['default'] }
    const last = definition.behaviours.at(-1)
    definition.behaviours.splice(-1, 0, { ...last, pattern: '/open/*', gate: { keyGroups: ['default'] } })
    await update(definition)
    expect(await Promise.all([get(open), get2(open)])).toEqual(['403 missing', '403 missing'])
    const after = await everywhere(tokens)
    expect(after.filter(word => !word.startsWith('403 '))).toEqual([])
    expect(await everywhere(ways(site.signer))).toEqual(six('200'))
  }, 60_000)
})

test.each([
  // resource and action; what a viewer and an encoder hear
  ['*://*', undefined, '200', 'error wrong-action'],
  ['*://*/live/*', 'play', '403 wrong-resource', 'error wrong-action'],
  ['*', undefined, '200', 'error wrong-action'],
  ['*', 'play', '200', 'error wrong-action'],
  ['rtmp://*/live/*', 'play', '403 wrong-resource', 'error wrong-action'],
  ['rtmp://*/live/*', undefined, '403 wrong-resource', 'status'],
  ['rtmp://*', 'publish', '403 wrong-resource', 'status'],
  ['*', 'publish', '403 wrong-action', 'error wrong-action'],
  ['live/stage', undefined, '403 wrong-resource', 'status'],
] as const)(
  '%s for %s: a viewer hears %s, an encoder %s',
  async (resource, action, viewer, encoder) => {
    const all = ways(site.signer, { resource, ...(action ? { action } : {}) })
    expect(await everywhere(all)).toEqual(six(viewer))
    const query = all['query']?.target.split('?')[1] ?? ''
    const { client, status } = await RtmpClient.publishing(
      { app: 'live', stream: `stage?${query}` },
      site.rtmp,
    )
    const word = status.level === 'status' ? 'status' : `error ${status.description.split(':')[0]}`
    expect(word).toBe(encoder)
    if (word === 'status') await client.unpublish('stage')
    client.socket.destroy()
    await client.closed
  },
  20_000,
)
