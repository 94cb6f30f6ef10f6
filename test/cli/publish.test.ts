import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { takePathToken } from '../../src/signing/index.ts'
import { NOW, sluice, stubControl, workFolder, type Routes } from './stub-control.ts'

const RENDITION = {
  name: 'video-0123456789',
  kind: 'video',
  codec: 'avc1.64001f',
  width: 640,
  height: 360,
  bandwidth: { average: 1, peak: 2 },
  durationSeconds: 30,
}

const PUBLICATION = {
  id: 'p1',
  assetId: 'a1',
  version: 1,
  state: 'uploading',
  uploadUrl: '/v1/uploads/p1',
  progress: null,
  error: null,
  renditions: [],
  snapshotVersion: null,
  createdAt: '2026-11-22T00:00:00.000Z',
}

function behaviour(pattern: string, gate: unknown) {
  const ttl = { minimum: 0, default: 86400, maximum: 31536000 }
  return {
    pattern,
    originId: 'built-in',
    gate,
    ttl,
    viewerProtocol: 'allow-all',
    query: 'none',
    corsOrigins: [],
  }
}

const DISTRIBUTION = {
  id: 'E123456789ABCD',
  domain: 'e123456789abcd.cdn.localhost',
  aliases: [],
  enabled: true,
  comment: '',
  fallback: true,
  origins: [{ id: 'built-in', kind: 'built-in' }],
  behaviours: [behaviour('/members/*', { keyGroups: ['kg-1'] }), behaviour('*', null)],
}

/** A control that takes an upload and answers with the given states, one after the other. */
async function control(states: object[], more: Routes = {}) {
  let uploaded = Buffer.alloc(0)
  let wanted: { path?: string; size?: number } = {}
  const stub = await stubControl({
    'POST /v1/assets': ({ body }) => {
      wanted = JSON.parse(String(body)) as typeof wanted
      return { status: 201, body: { ...PUBLICATION, path: wanted.path } }
    },
    'HEAD /v1/uploads/p1': () => ({
      headers: { 'upload-offset': String(uploaded.length), 'upload-length': String(wanted.size) },
    }),
    'PATCH /v1/uploads/p1': ({ body }) => {
      uploaded = Buffer.concat([uploaded, body])
      return { status: 204, headers: { 'upload-offset': String(uploaded.length) } }
    },
    'GET /v1/assets/publications/p1': () => ({
      body: { ...PUBLICATION, path: wanted.path, ...states.shift() },
    }),
    'GET /v1/acknowledgements': {
      body: { version: 7, acknowledged: [{ id: 'edge-1', ms: 3 }], missing: [] },
    },
    'GET /v1/distributions': { body: { distributions: [DISTRIBUTION] } },
    'GET /v1/key-groups': {
      body: { keyGroups: [{ id: 'kg-1', name: 'default', keys: ['KMINE'], sha1: 'accept' }] },
    },
    ...more,
  })
  const cwd = workFolder(stub)
  writeFileSync(join(cwd, 'film.mp4'), Buffer.alloc(100_000, 7))
  return { stub, cwd, uploaded: () => uploaded, wanted: () => wanted }
}

function addKey(cwd: string, id: string) {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  writeFileSync(join(cwd, '.sluice', 'keys', `${id}.pem`), privateKey)
}

const READY = { state: 'ready', renditions: [RENDITION], snapshotVersion: 7 }

test('an open film is uploaded whole, followed until it is ready, and its playlist is told', async () => {
  const preparing = { state: 'preparing', progress: { stage: 'indexing', fraction: 0.5 } }
  const { cwd, uploaded, wanted, stub } = await control([{ state: 'queued' }, preparing, READY])
  const ran = await sluice(cwd, ['publish', 'film.mp4', 'films/talk', '--json'])
  const playlist = 'http://127.0.0.1:8080/films/talk/index.m3u8'
  expect([ran.code, ran.json]).toEqual([
    0,
    { path: '/films/talk', state: 'ready', playlist, open: playlist, renditions: [RENDITION] },
  ])
  expect(wanted()).toEqual({ path: '/films/talk', fileName: 'film.mp4', size: 100_000, ladder: 'none' })
  expect(uploaded().equals(Buffer.alloc(100_000, 7))).toBe(true)
  expect(stub.asked).toContain('GET /v1/acknowledgements')
  expect(ran.stderr.split('\n').filter(line => / \d+ %/.test(line))).toEqual([
    'uploading 0 % (0 B of 98 KiB)',
    'uploading 100 % (98 KiB of 98 KiB)',
    'queued 0 %',
    'indexing 50 %',
  ])
})

test('a gated film opens with a path token of the newest trusted key', async () => {
  const { cwd } = await control([READY])
  addKey(cwd, 'KMINE')
  addKey(cwd, 'KSTRANGER')
  const ran = await sluice(cwd, ['publish', 'film.mp4', '/members/talk', '--json'])
  const { playlist, open } = ran.json as { playlist: string; open: string }
  expect(playlist).toBe('http://127.0.0.1:8080/members/talk/index.m3u8')
  const taken = takePathToken(new URL(open).pathname)
  expect(taken).toMatchObject({ rest: '/members/talk/index.m3u8', token: { keyId: 'KMINE' } })
  expect(ran.stderr).toContain('http://e123456789abcd.cdn.localhost:8080/.sluice/player#/~')
})

test('a gated film without a key here is published all the same, with a warning', async () => {
  const { cwd } = await control([READY])
  const ran = await sluice(cwd, ['publish', 'film.mp4', '/members/talk', '--json'])
  const playlist = 'http://127.0.0.1:8080/members/talk/index.m3u8'
  expect([ran.code, ran.json]).toMatchObject([0, { playlist, open: playlist }])
  expect(ran.stderr).toContain('warning: no link that opens it could be made: No private key here is trusted')
})

test('--no-wait returns once it is uploaded', async () => {
  const { cwd, stub, uploaded } = await control([])
  const ran = await sluice(cwd, ['publish', 'film.mp4', '/talk', '--no-wait', '--json'])
  const playlist = 'http://127.0.0.1:8080/talk/index.m3u8'
  expect([ran.code, ran.json]).toEqual([0, { path: '/talk', state: 'queued', playlist }])
  expect(uploaded()).toHaveLength(100_000)
  expect(
    stub.asked.filter(each => each.includes('publications') || each.includes('acknowledgements')),
  ).toEqual([])
})

test('a film that cannot be prepared is errored, with its sentence and 1', async () => {
  const error = { code: 'not-media', message: 'This is no film.' }
  const { cwd } = await control([{ state: 'errored', error }])
  const ran = await sluice(cwd, ['publish', 'film.mp4', '/talk', '--json'])
  expect([ran.code, ran.json]).toEqual([1, { path: '/talk', state: 'errored', error }])
  expect(ran.stderr).toContain('error: This is no film.\n')
})

test('a path that is taken is a conflict', async () => {
  const error = { code: 'path-taken', message: 'Something is published inside.' }
  const { cwd } = await control([], { 'POST /v1/assets': { status: 409, body: { error } } })
  const ran = await sluice(cwd, ['publish', 'film.mp4', '/talk', '--json'])
  expect([ran.code, ran.json]).toEqual([4, { path: '/talk', state: 'errored', error }])
})

test.each([
  [['none.mp4', '/talk'], 3, 'no-file'],
  [['empty.mp4', '/talk'], 1, 'empty-file'],
  [['.', '/talk'], 1, 'not-a-file'],
])('%j: nothing is asked of control', async (argv, code, reason) => {
  const { cwd, stub } = await control([])
  writeFileSync(join(cwd, 'empty.mp4'), '')
  const ran = await sluice(cwd, ['publish', ...argv, '--json'])
  expect(ran).toMatchObject({ code, json: { path: '/talk', state: 'errored', error: { code: reason } } })
  expect(stub.asked).toEqual([])
})

test.each([
  [['film.mp4', '/talk/'], 'bad-path'],
  [['film.mp4', '/a b'], 'bad-path'],
  [['film.mp4', '/talk', '--ladder', '720p'], 'no-ladders'],
  [['film.mp4', '/talk', '--ladder', 'auto'], 'no-ladders'],
  [['film.mp4', '/talk', '--ladder', 'best'], 'bad-ladder'],
  [['film.mp4', '/talk', '--wait', 'some'], 'bad-wait'],
])('%j is a usage error', async (argv, reason) => {
  const ran = await sluice(workFolder(), ['publish', ...argv, '--json'])
  expect(ran).toMatchObject({ code: 2, json: { error: { code: reason } } })
})

async function site(ranges: boolean, body: Buffer) {
  const server = createServer((request, response) => {
    const asked = ranges ? /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') : null
    const headers = { etag: '"1"', ...(ranges ? { 'accept-ranges': 'bytes' } : {}) }
    if (request.url?.startsWith('/gone')) return response.writeHead(404).end()
    // As a signed URL that was made for GET.
    if (request.method !== 'GET') return response.writeHead(403).end()
    if (request.url?.startsWith('/cut')) {
      return response.writeHead(200, { 'content-length': 100 }).write('half', () => response.destroy())
    }
    if (asked && body.length === 0) return response.writeHead(416, { 'content-range': 'bytes */0' }).end()
    if (!asked) return response.writeHead(200, { ...headers, 'content-length': body.length }).end(body)
    const part = body.subarray(Number(asked[1]), Number(asked[2]) + 1)
    const given = `bytes ${asked[1]}-${Number(asked[1]) + part.length - 1}/${body.length}`
    return response
      .writeHead(206, { ...headers, 'content-length': part.length, 'content-range': given })
      .end(part)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

test.each([
  ['is read in parts', true],
  ['whose server gives no parts is downloaded first', false],
])('a URL %s', async (_, ranges) => {
  const body = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => at % 251))
  const { cwd, uploaded, wanted } = await control([READY])
  const ran = await sluice(cwd, [
    'publish',
    `${await site(ranges, body)}/a/film%20one.mp4?secret=1`,
    '/talk',
    '--json',
  ])
  expect(ran).toMatchObject({ code: 0, json: { state: 'ready' } })
  expect(uploaded().equals(body)).toBe(true)
  expect(wanted()).toMatchObject({ fileName: 'film one.mp4', size: 3_000_000 })
})

test('a URL may hold a percent sign that encodes nothing', async () => {
  const { cwd, wanted } = await control([READY])
  const ran = await sluice(cwd, [
    'publish',
    `${await site(true, Buffer.alloc(10))}/100%.mp4`,
    '/talk',
    '--json',
  ])
  expect(ran).toMatchObject({ code: 0, json: { state: 'ready' } })
  expect(wanted()).toMatchObject({ fileName: '100%.mp4' })
})

test.each([
  ['/gone?secret=1', 10, 3, 'no-source'],
  ['/cut?secret=1', 10, 1, 'no-source'],
  ['/empty?secret=1', 0, 1, 'empty-file'],
])('a URL that cannot be read (%s) is told without its query', async (path, size, code, reason) => {
  const { cwd } = await control([])
  const ran = await sluice(cwd, [
    'publish',
    `${await site(true, Buffer.alloc(size))}${path}`,
    '/talk',
    '--json',
  ])
  expect(ran).toMatchObject({ code, json: { error: { code: reason } } })
  expect(ran.stdout + ran.stderr).not.toContain('secret')
})

const ASSET = {
  ...{
    id: 'a1',
    path: '/members/talk',
    state: 'ready',
    version: 1,
    renditions: [],
    durationSeconds: 1,
    error: null,
  },
  ...{ createdAt: '2026-11-22T00:00:00.000Z', updatedAt: '2026-11-22T00:00:00.000Z' },
}

test('open gives an address for players, a link for browsers, and how long they are good', async () => {
  const { cwd } = await control([], { 'GET /v1/assets/at': { body: ASSET } })
  addKey(cwd, 'KMINE')
  const ran = await sluice(cwd, ['open', 'members/talk', '--json'])
  const { path, url, player, expires } = ran.json as Record<string, string>
  expect([ran.code, path, expires]).toEqual([
    0,
    '/members/talk',
    new Date(NOW + 6 * 3_600_000).toISOString().replace('.000Z', 'Z'),
  ])
  const token = new URL(url ?? '').pathname
  expect(url).toBe(`http://127.0.0.1:8080${token}`)
  expect(player).toBe(`http://e123456789abcd.cdn.localhost:8080/.sluice/player#${token}`)
  expect((await sluice(cwd, ['open', '/members/talk'])).stdout.startsWith('http://127.0.0.1:8080/~')).toBe(
    true,
  )
})

test('open of something open needs no key and never ends', async () => {
  const { cwd } = await control([], { 'GET /v1/assets/at': { body: { ...ASSET, path: '/talk' } } })
  const ran = await sluice(cwd, ['open', '/talk/index.m3u8', '--json'])
  expect(ran.json).toEqual({
    path: '/talk',
    url: 'http://127.0.0.1:8080/talk/index.m3u8',
    player: 'http://e123456789abcd.cdn.localhost:8080/.sluice/player#/talk/index.m3u8',
    expires: null,
  })
})

test('open without a trusted key, of nothing, and of something unfinished fails with a sentence', async () => {
  const gated = await control([], { 'GET /v1/assets/at': { body: ASSET } })
  expect(await sluice(gated.cwd, ['open', '/members/talk', '--json'])).toMatchObject({
    code: 1,
    json: { error: { code: 'no-key' } },
  })
  const nothing = await control([])
  expect((await sluice(nothing.cwd, ['open', '/x', '--json'])).code).toBe(3)
  const unfinished = await control([], { 'GET /v1/assets/at': { body: { ...ASSET, state: 'preparing' } } })
  expect(await sluice(unfinished.cwd, ['open', '/x', '--json'])).toMatchObject({
    code: 1,
    json: { error: { message: '/x is preparing.' } },
  })
})
