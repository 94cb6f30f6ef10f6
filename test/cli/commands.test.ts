import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sluice, stubControl, workFolder, type Routes } from './stub-control.ts'

const ACKNOWLEDGED = { version: 7, acknowledged: [{ id: 'edge-1', ms: 12 }], missing: [] }
const BEHIND = { version: 7, acknowledged: [], missing: ['edge-1', 'edge-2'] }

const DISTRIBUTION = {
  id: 'E123456789ABCD',
  domain: 'e123456789abcd.cdn.localhost',
  aliases: [],
  enabled: true,
  comment: '',
  fallback: true,
  origins: [{ id: 'built-in', kind: 'built-in' }],
  behaviours: [
    {
      pattern: '*',
      originId: 'built-in',
      gate: null,
      ttl: { minimum: 0, default: 86400, maximum: 31536000 },
      viewerProtocol: 'allow-all',
      query: 'none',
      corsOrigins: [],
    },
  ],
}

const GROUP = { id: 'kg-1', name: 'default', keys: ['K1'], sha1: 'accept', withoutResource: 'refuse' }

const ASSET = {
  id: 'a1',
  path: '/talk',
  state: 'ready',
  version: 1,
  renditions: [],
  durationSeconds: 3725,
  error: null,
  createdAt: '2026-11-22T00:00:00.000Z',
  updatedAt: '2026-11-22T00:00:00.000Z',
}

/** Ports that are free, for who only looks. */
const FREE = {
  SLUICE_HTTP: '0',
  SLUICE_HTTPS: '0',
  SLUICE_RTMP: '0',
  SLUICE_RTMPS: '0',
  SLUICE_CONTROL_LISTEN: '0',
  SLUICE_ORIGIN: '0',
  SLUICE_ADMIN: '0',
}

/** What control makes of a wish. */
const madeToken = (wished?: Buffer) => ({
  ...{ id: 't1', token: 'secret', accessKeyId: 'SLCEOFATEST', secretAccessKey: 'hush' },
  ...(JSON.parse(wished ? String(wished) : '{}') as object), // what the command sent
})
const INVALIDATION = { id: 'I1', sequence: 3, snapshotVersion: 7 }

async function at(routes: Routes) {
  const stub = await stubControl({ 'GET /v1/acknowledgements': { body: ACKNOWLEDGED }, ...routes })
  return { stub, cwd: workFolder(stub) }
}

const ENCRYPTION = {
  ...{ id: 'C1', name: 'pay', comment: '' },
  profiles: [
    {
      ...{ id: 'P1', name: 'cards', comment: '', key: 'K1', keyName: 'cards-2026', provider: 'shop' },
      patterns: ['card*'],
    },
  ],
  byQuery: { unknown: 'reject', profiles: [] },
  byContentType: {
    unknown: 'forward',
    profiles: [{ contentType: 'application/x-www-form-urlencoded', profile: 'cards' }],
  },
}

const POLICY = {
  ...{ id: 'p-1', name: 'short', comment: 'of news', managed: false },
  says: { kind: 'response-headers', responseHeaders: { custom: [], remove: ['server'] } },
}

test.each<[string, Routes, number, unknown]>([
  ['assets', { 'GET /v1/assets': { body: { assets: [ASSET] } } }, 0, [ASSET]],
  ['assets', { 'GET /v1/assets': { body: { assets: [] } } }, 0, []],
  [
    'assets /none',
    { 'GET /v1/assets': { body: { assets: [] } } },
    3,
    { error: { code: 'no-asset', message: 'Nothing is published at or below /none.' } },
  ],
  ['unpublish talk', { 'DELETE /v1/assets/at': { body: { snapshotVersion: 7 } } }, 0, { path: '/talk' }],
  ['keys list', { 'GET /v1/keys': { body: { keys: [] } } }, 0, []],
  ['keys delete K1', { 'DELETE /v1/keys/K1': { body: { snapshotVersion: 7 } } }, 0, { id: 'K1' }],
  ['keys delete K2', {}, 3, { error: { code: 'not-found', message: 'There is no DELETE /v1/keys/K2.' } }],
  [
    'distribution list',
    { 'GET /v1/distributions': { body: { distributions: [DISTRIBUTION] } } },
    0,
    [DISTRIBUTION],
  ],
  ['distribution show E1', { 'GET /v1/distributions/E1': { body: DISTRIBUTION } }, 0, DISTRIBUTION],
  [
    'distribution delete E1',
    { 'DELETE /v1/distributions/E1': { body: { snapshotVersion: 7 } } },
    0,
    { id: 'E1' },
  ],
  ['issuers list', { 'GET /v1/issuers': { body: { issuers: [] } } }, 0, []],
  [
    'issuers delete login',
    { 'DELETE /v1/issuers/login': { body: { snapshotVersion: 7 } } },
    0,
    { id: 'login' },
  ],
  ['policy list', { 'GET /v1/policies': { body: { policies: [POLICY] } } }, 0, [POLICY]],
  ['policy show short', { 'GET /v1/policies/short': { body: POLICY } }, 0, POLICY],
  [
    'policy delete short',
    { 'DELETE /v1/policies/short': { body: { snapshotVersion: 7 } } },
    0,
    { id: 'short' },
  ],
  [
    'policy create',
    {},
    2,
    { error: { code: 'no-file', message: 'Name the file that says it: --file FILE.' } },
  ],
  ['encryption list', { 'GET /v1/encryptions': { body: { encryptions: [] } } }, 0, []],
  ['encryption show pay', { 'GET /v1/encryptions/pay': { body: ENCRYPTION } }, 0, ENCRYPTION],
  [
    'encryption delete pay',
    { 'DELETE /v1/encryptions/pay': { body: { snapshotVersion: 7 } } },
    0,
    { id: 'pay' },
  ],
  ['origin-access list', { 'GET /v1/origin-access': { body: { originAccess: [] } } }, 0, []],
  [
    'origin-access delete films',
    { 'DELETE /v1/origin-access/films': { body: { snapshotVersion: 7 } } },
    0,
    { id: 'films' },
  ],
  ['keys groups', { 'GET /v1/key-groups': { body: { keyGroups: [GROUP] } } }, 0, [GROUP]],
  ['keys group default', { 'GET /v1/key-groups': { body: { keyGroups: [GROUP] } } }, 0, GROUP],
  [
    'keys group typo',
    { 'GET /v1/key-groups': { body: { keyGroups: [GROUP] } } },
    3,
    {
      error: {
        code: 'not-found',
        message: 'There is no key group "typo": "sluice keys groups" lists them.',
      },
    },
  ],
  [
    'keys group default --sha1 refuse --without-resource accept',
    {
      'PATCH /v1/key-groups/default': ({ body }) => ({
        body: { ...GROUP, ...(JSON.parse(String(body)) as object), snapshotVersion: 7 },
      }),
    },
    0,
    { ...GROUP, sha1: 'refuse', withoutResource: 'accept' },
  ],
  [
    'keys group default --sha1 maybe',
    {},
    2,
    { error: { code: 'bad-word', message: '--sha1 maybe is unknown: use accept or refuse.' } },
  ],
  ['nodes', { 'GET /v1/nodes': { body: { nodes: [] } } }, 0, []],
  [
    'nodes drain edge-1',
    { 'POST /v1/nodes/edge-1/drain': { body: { snapshotVersion: 7 } } },
    0,
    { id: 'edge-1', snapshotVersion: 7 },
  ],
  [
    'nodes undrain edge-1 --no-wait',
    { 'POST /v1/nodes/edge-1/undrain': { body: { snapshotVersion: 8 } } },
    0,
    { id: 'edge-1', snapshotVersion: 8 },
  ],
  ['tokens list', { 'GET /v1/tokens': { body: { tokens: [] } } }, 0, []],
  [
    'tokens create ci --scope purge --scope read',
    { 'POST /v1/tokens': ({ body }) => ({ body: madeToken(body) }) },
    0,
    { ...madeToken(), name: 'ci', scopes: ['purge', 'read'] },
  ],
  [
    'tokens create terraform --scope all',
    { 'POST /v1/tokens': ({ body }) => ({ body: madeToken(body) }) },
    0,
    { ...madeToken(), name: 'terraform', scopes: ['admin'] },
  ],
  [
    'tokens create ci --scope everything',
    {},
    2,
    {
      error: {
        code: 'bad-scope',
        message: '--scope everything is unknown: use read, publish, keys, purge, admin or all.',
      },
    },
  ],
  ['tokens delete t1', { 'DELETE /v1/tokens/t1': { status: 204 } }, 0, { id: 't1' }],
  [
    'invalidate /a /b/*',
    { 'POST /v1/invalidations': { body: INVALIDATION } },
    0,
    { id: 'I1', status: 'Completed', nodes: [{ id: 'edge-1', ms: 12 }] },
  ],
  ['invalidate a', {}, 2, { error: { code: 'bad-path', message: '"a" is no path: begin it with "/".' } }],
  [
    'invalidate /a --no-wait',
    { 'POST /v1/invalidations': { body: INVALIDATION } },
    0,
    { id: 'I1', status: 'InProgress', nodes: [] },
  ],
])('sluice %s', async (line, routes, code, json) => {
  const { cwd } = await at(routes)
  const ran = await sluice(cwd, [...line.split(' '), '--json'])
  expect([ran.code, ran.json]).toEqual([code, json])
  expect(ran.stdout.trim().split('\n')).toHaveLength(1)
})

test('a token is all that stands on stdout; its access key is told beside it', async () => {
  const { cwd } = await at({ 'POST /v1/tokens': ({ body }) => ({ body: madeToken(body) }) })
  const { stdout, stderr } = await sluice(cwd, ['tokens', 'create', 'ci', '--scope', 'purge'])
  expect(stdout).toBe('secret\n')
  expect(stderr).toBe(
    't1 may purge. Its access key, whose secret is shown only now:\n' +
      '  AWS_ACCESS_KEY_ID=SLCEOFATEST\n  AWS_SECRET_ACCESS_KEY=hush\nThe token, shown only now:\n',
  )
})

test('invalidate names the paths and the distribution', async () => {
  let body: unknown
  const { cwd } = await at({
    'POST /v1/invalidations': request => {
      body = JSON.parse(String(request.body))
      return { body: INVALIDATION }
    },
  })
  await sluice(cwd, ['invalidate', '/a', '/b/*', '--distribution', 'E1'])
  expect(body).toEqual({ paths: ['/a', '/b/*'], distributionId: 'E1' })
})

test('nodes that do not take a change in time are named in a warning, and the command has succeeded', async () => {
  const { cwd } = await at({
    'GET /v1/acknowledgements': { body: BEHIND },
    'POST /v1/invalidations': { body: INVALIDATION },
  })
  const ran = await sluice(cwd, ['invalidate', '/a', '--json'])
  expect([ran.code, ran.json]).toEqual([0, { id: 'I1', status: 'InProgress', nodes: [] }])
  expect(ran.stderr).toBe(
    'warning: it is done, but edge-1, edge-2 did not take it within 5 s; "sluice nodes" shows when they have.\n',
  )
})

test('--no-wait asks no node', async () => {
  const { cwd, stub } = await at({ 'DELETE /v1/keys/K1': { body: { snapshotVersion: 7 } } })
  await sluice(cwd, ['keys', 'delete', 'K1', '--no-wait'])
  expect(stub.asked).toEqual(['DELETE /v1/keys/K1'])
})

test.each([
  ['p256', [], 'prime256v1'],
  ['rsa2048', ['--type', 'rsa2048'], undefined],
])('keys create makes %s, and the private key stays in the data folder', async (_type, flags, curve) => {
  let sent = ''
  const { cwd } = await at({
    'POST /v1/keys': ({ body }) => {
      sent = String(body)
      return { body: { id: 'KNEW', name: 'bar', group: 'films', snapshotVersion: 7 } }
    },
  })
  const ran = await sluice(cwd, ['keys', 'create', 'bar', '--group', 'films', '--json', ...flags])
  const file = join(cwd, '.sluice', 'keys', 'KNEW.pem')
  expect([ran.code, ran.json]).toEqual([0, { id: 'KNEW', name: 'bar', group: 'films', privateKeyFile: file }])
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).toContain('BEGIN PRIVATE KEY')
  expect(sent).not.toContain('PRIVATE')
  expect(JSON.parse(sent)).toMatchObject({
    name: 'bar',
    group: 'films',
    pem: expect.stringContaining('BEGIN PUBLIC KEY') as string,
  })
  const { createPublicKey } = await import('node:crypto')
  expect(createPublicKey(readFileSync(file)).asymmetricKeyDetails?.namedCurve).toBe(curve)
})

test('keys create without a data folder leaves the key in the current folder, and nothing when control refuses', async () => {
  const stub = await stubControl({
    'GET /v1/acknowledgements': { body: ACKNOWLEDGED },
    'POST /v1/keys': { body: { id: 'KNEW', name: 'bar', group: 'default', snapshotVersion: 7 } },
  })
  const cwd = workFolder()
  const env = { SLUICE_CONTROL: stub.url, SLUICE_TOKEN: 'a-token-of-the-tests' }
  await sluice(cwd, ['keys', 'create', 'bar'], { env })
  expect(readdirSync(cwd)).toEqual(['KNEW.pem'])
  const refused = await sluice(cwd, ['keys', 'create', 'bar'], { env: { ...env, SLUICE_TOKEN: 'wrong' } })
  expect(refused.code).toBe(5)
  expect(readdirSync(cwd)).toEqual(['KNEW.pem'])
})

test('keys import sends public keys and refuses private ones before they leave', async () => {
  const pair = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const { cwd, stub } = await at({
    'POST /v1/keys': { body: { id: 'K9', name: 'bar', group: 'default', snapshotVersion: 7 } },
  })
  writeFileSync(join(cwd, 'pub.pem'), pair.publicKey)
  writeFileSync(join(cwd, 'key.pem'), pair.privateKey)
  const good = await sluice(cwd, ['keys', 'import', 'bar', 'pub.pem', '--json'])
  expect([good.code, good.json]).toEqual([0, { id: 'K9', name: 'bar', group: 'default' }])
  const asked = stub.asked.length
  expect(await sluice(cwd, ['keys', 'import', 'bar', 'key.pem', '--json'])).toMatchObject({
    code: 2,
    json: { error: { code: 'private-key' } },
  })
  writeFileSync(join(cwd, 'film.mp4'), Buffer.alloc(2_000_000))
  expect(await sluice(cwd, ['keys', 'import', 'bar', 'film.mp4', '--json'])).toMatchObject({
    code: 2,
    json: { error: { code: 'no-public-key' } },
  })
  expect(await sluice(cwd, ['keys', 'import', 'bar', 'no.pem', '--json'])).toMatchObject({
    code: 3,
    json: { error: { code: 'no-file' } },
  })
  expect(stub.asked).toHaveLength(asked)
})

test.each([
  [true, 'made the key group typo; behaviours trust it that name it\n'],
  [false, ''],
])('keys import says whether it made the group: %s', async (groupMade, said) => {
  const { cwd } = await at({
    'POST /v1/keys': { body: { id: 'K9', name: 'bar', group: 'typo', groupMade, snapshotVersion: 7 } },
  })
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(join(cwd, 'pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
  const ran = await sluice(cwd, ['keys', 'import', 'bar', 'pub.pem', '--group', 'typo'])
  expect([ran.code, ran.stdout, ran.stderr]).toEqual([0, 'K9\n', said])
})

test('assets are a table for people', async () => {
  const { cwd } = await at({ 'GET /v1/assets': { body: { assets: [ASSET] } } })
  const { stdout } = await sluice(cwd, ['assets'])
  expect(stdout).toBe('PATH   STATE  LENGTH   RENDITIONS\n/talk  ready  1:02:05\n')
})

test('reset deletes what Sluice made and leaves what it did not', async () => {
  const { cwd } = await at({})
  const mine = join(cwd, '.sluice', 'holiday.mp4')
  writeFileSync(mine, 'mine')
  const asked = await sluice(cwd, ['reset', '--json'])
  expect(asked).toMatchObject({ code: 2, json: { error: { code: 'not-confirmed' } } })
  const no = await sluice(cwd, ['reset', '--json'], { ask: () => Promise.resolve('n') })
  expect(no.code).toBe(1)
  expect(existsSync(join(cwd, '.sluice', 'client.json'))).toBe(true)
  const yes = await sluice(cwd, ['reset', '--yes', '--json'])
  const made = ['client.json', 'keys'].map(name => join(cwd, '.sluice', name))
  expect([yes.code, yes.json]).toEqual([0, { deleted: made }])
  expect(readdirSync(join(cwd, '.sluice'))).toEqual(['holiday.mp4'])
  expect((await sluice(cwd, ['reset', '--yes', '--json'])).json).toEqual({ deleted: [] })
})

test('trust names the certificate and every system, once there is one', async () => {
  const { cwd } = await at({})
  expect((await sluice(cwd, ['trust', '--json'])).code).toBe(3)
  const { ensureCertificates } = await import('../../src/app/certificates.ts')
  const { mkdirSync } = await import('node:fs')
  mkdirSync(join(cwd, '.sluice', 'certificates'))
  const { instant } = await import('../../src/core/index.ts')
  await ensureCertificates(join(cwd, '.sluice', 'certificates'), 'cdn.localhost', instant(Date.now()))
  const file = join(cwd, '.sluice', 'certificates', 'ca.pem')
  const ran = await sluice(cwd, ['trust', '--json'])
  expect(ran).toMatchObject({ code: 0, json: { certificate: file } })
  const { stdout } = await sluice(cwd, ['trust'])
  for (const word of ['update-ca-certificates', 'certutil', 'Firefox', 'macOS', file])
    expect(stdout).toContain(word)
})

test('config check and print say what holds and why', async () => {
  const cwd = workFolder()
  writeFileSync(join(cwd, 'sluice.yaml'), 'http: 81\n')
  expect(await sluice(cwd, ['config', 'check', '--json'])).toMatchObject({
    code: 0,
    json: { valid: true, file: 'sluice.yaml', distributions: [] },
  })
  const { stdout } = await sluice(cwd, ['config', 'print'], { env: { SLUICE_HTTPS: '444' } })
  expect(stdout).toContain('# --http, SLUICE_HTTP; from: file\nhttp: 81\n')
  expect(stdout).toContain('# --https, SLUICE_HTTPS; from: environment\nhttps: 444\n')
  writeFileSync(join(cwd, 'sluice.yaml'), 'htp: 81\n')
  const bad = await sluice(cwd, ['config', 'check', '--json'])
  expect(bad).toMatchObject({
    code: 2,
    json: {
      error: { code: 'unknown-key', message: 'sluice.yaml has an unknown key "htp": did you mean "http"?' },
    },
  })
})

test('config check names the distributions of the file, and config print --reference is a good file', async () => {
  const cwd = workFolder()
  const { code, stdout } = await sluice(cwd, ['config', 'print', '--reference'])
  expect(code).toBe(0)
  writeFileSync(join(cwd, 'sluice.yaml'), stdout)
  expect(await sluice(cwd, ['config', 'check'])).toMatchObject({
    code: 0,
    stdout: 'sluice.yaml: good, with the distributions example\n',
  })
  writeFileSync(join(cwd, 'sluice.yaml'), 'distributions:\n  a: { origin: ftp://a.example }\n')
  const bad = await sluice(cwd, ['config', 'check', '--json'])
  expect(bad).toMatchObject({ code: 2, json: { error: { code: 'bad-distribution' } } })
})

test('doctor finds a server that is away, and gives every problem a mend', async () => {
  const cwd = workFolder({ url: 'http://127.0.0.1:9', asked: [] })
  const env = { ...FREE, SLUICE_ADMIN: '203.0.113.1:0' }
  const ran = await sluice(cwd, ['doctor', '--json'], { env })
  const { ok, checks } = ran.json as {
    ok: boolean
    checks: { name: string; state: string; found: string; mend?: string }[]
  }
  expect([ran.code, ok]).toEqual([1, false])
  const problems = checks.filter(check => check.state === 'problem').map(check => check.name)
  expect(problems).toEqual(['port admin', 'control'])
  for (const check of checks)
    expect(check.state === 'good' || check.mend !== undefined, check.name).toBe(true)
  expect(checks.map(check => check.name)).toEqual(
    expect.arrayContaining(['node', 'data folder', 'disk', 'port http', 'ffmpeg', 'control']) as string[],
  )
})

test.each([
  ['answers', 'rtmp', 'good', 'answers at'],
  ['is something else', 'HTTP/1.1 400 Bad Request\r\n', 'problem', 'something else answers at'],
  ['hangs up', '', 'problem', 'nothing answers at'],
])('doctor finds that the RTMP port %s', async (_what, says, state, found) => {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', hello => socket.end(says === 'rtmp' ? hello.subarray(0, 1) : says))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  const rtmp = `rtmp://127.0.0.1:${port}`
  const stub = await stubControl({ 'GET /v1/nodes': { body: { nodes: [] } } })
  const { json } = await sluice(workFolder(stub, { rtmp }), ['doctor', '--json'], { env: FREE })
  await new Promise(resolve => server.close(resolve))
  const { checks } = json as { checks: { name: string; state: string; found: string }[] }
  expect(checks.filter(check => check.name === 'rtmp')).toEqual([
    expect.objectContaining({ state, found: `${found} ${rtmp}` }),
  ])
})

test('doctor is content with a server whose nodes are in step', async () => {
  const node = { id: 'edge-1', role: 'edge', state: 'live', version: 7, lastSeen: '2026-11-22T00:00:00.000Z' }
  const { cwd } = await at({ 'GET /v1/nodes': { body: { nodes: [node] } } })
  const { json } = await sluice(cwd, ['doctor', '--json'], { env: FREE })
  const { checks } = json as { checks: { name: string; state: string; found: string }[] }
  expect(checks).toEqual(
    expect.arrayContaining([
      { name: 'nodes', state: 'good', found: '1, all have version 7' },
      { name: 'clock', state: 'good', found: "0 s apart from control's" },
    ]) as unknown[],
  )
})
