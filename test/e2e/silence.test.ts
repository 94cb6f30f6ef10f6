import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KeyedClientFile } from '../../src/app/client-file.ts'
import type { CreatedToken } from '../../src/client/index.ts'
import { sign } from '../control/cloudfront/signed.ts'
import { RtmpClient } from '../ingest/rtmp-client.ts'
import { createChannel, encode, mediaUrls } from './live.ts'
import { kill, processOf, whole, type LIVE_ROLES } from './roles.ts'
import { filesBelow, Secrets, type Leak } from './secrets.ts'
import {
  BUCKET_SECRET,
  carried,
  HEADER_SECRET,
  openSilentSite,
  signerOf,
  type Carried,
  type SilentSite,
} from './silence-site.ts'
import { startSluice, temporaryFolder, until, type Sluice } from './sluice.ts'

// One life of a Sluice that logs all it can, in which everything that is secret is used, rightly and wrongly; then
// whatever any role wrote is searched for each of these secrets in each spelling.

const MEMBERS = '/members/talk/a.txt'
const WRONG_TOKEN = 'wrong-token-0123456789-abcdefghijkl-mnopqrst'

const secrets = new Secrets()
let folder: string
let data: string
let sluice: Sluice
let site: SilentSite
/** What control answered where it refused, and what edges answered. */
const told: string[] = []

beforeAll(async () => {
  folder = temporaryFolder('silence')
  data = path.join(folder, 'data')
  const args = ['--log-level', 'debug', '--allow-origin', '127.0.0.0/8']
  sluice = await startSluice({ data, args })
  site = await openSilentSite(sluice, folder, secrets)
}, 120_000)

afterAll(async () => {
  await sluice?.close()
  if (process.env.KEEP) return
  await site?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** Asks as it stands, whatever it is; status and what the edge said. */
function get({
  target,
  headers,
}: Pick<Carried, 'target' | 'headers'>): Promise<{ status: number; body: string }> {
  const { hostname: host, port } = new URL(sluice.ready.http)
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path: target, headers: { host: site.host, ...headers } }, answer => {
      let body = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      answer.on('end', () => {
        told.push(body)
        resolve({ status: answer.statusCode ?? 0, body })
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** Bytes that are no good request, and how the edge ends the connection. */
function raw(bytes: string): Promise<void> {
  const { hostname, port } = new URL(sluice.ready.http)
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname, () => socket.end(bytes))
    socket.on('data', chunk => told.push(chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })
}

/** Of control, with the administrator's token unless told another. */
async function ask(
  method: string,
  at: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<number> {
  const { token } = JSON.parse(readFileSync(path.join(data, 'client.json'), 'utf8')) as { token: string } // as `up` writes it
  const answer = await fetch(`${sluice.ready.control}${at}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(method === 'GET' ? {} : { body }),
  })
  told.push(`${JSON.stringify([...answer.headers])}${await answer.text()}`)
  return answer.status
}

async function metricsTold(): Promise<void> {
  told.push(await (await fetch(`${sluice.ready.admin}/metrics`)).text())
}

async function crash(role: (typeof LIVE_ROLES)[number], signal: NodeJS.Signals): Promise<void> {
  const pid = await processOf(sluice, role)
  process.kill(pid ?? 0, signal)
  await until(`another ${role}`, async () => {
    const now = await processOf(sluice, role)
    return now !== undefined && now !== pid ? true : undefined
  })
  await whole(sluice)
}

test('viewers are let in and refused on every carrier', async () => {
  const made = await sluice.cli<{ id: string }>('keys', 'create', 'old', '--type', 'rsa2048')
  expect(made.code).toBe(0)
  const wrong: unknown[] = []
  for (const signer of [signerOf(data), signerOf(data, made.json.id)]) {
    for (const each of carried(MEMBERS, site, signer, secrets)) {
      const { status } = await get(each)
      if (each.leads !== 'elsewhere' && (status === 200) !== (each.leads === 'in'))
        wrong.push([each.name, status])
    }
  }
  expect(wrong).toEqual([])
  const places = [
    '/files/a.txt',
    '/stale/a.txt',
    '/stranger/a.txt',
    '/away/a.txt',
    '/forbidden/a.txt',
    '/open/a.txt',
  ]
  const statuses = await Promise.all(places.map(at => everyWay(at)))
  // Of the private ones only who has a grant gets as far as the origin; the last is open to all.
  expect(statuses).toEqual(
    [200, 502, 403, 502, 502, 200].map(status => expect.arrayContaining([status]) as unknown),
  )
  expect(site.asked.filter(({ url }) => url === MEMBERS).length).toBeGreaterThan(10)
}, 60_000)

async function everyWay(at: string): Promise<number[]> {
  const statuses = []
  for (const each of carried(at, site, signerOf(data), secrets)) statuses.push((await get(each)).status)
  return statuses
}

test('sessions are begun, HTTP/2 is spoken, and malformed requests carry what is good', async () => {
  const [cookies, custom, token, jwt] = ['cookies', 'a custom URL', 'a path token', 'a JWT in the path'].map(
    name => carried(MEMBERS, site, signerOf(data), secrets).find(each => each.name === name),
  )
  if (!cookies || !custom || !token || !jwt) throw new Error('a way is missing')
  const query = custom.target.replace(/^[^?]*\?/, '')
  for (const session of [
    `/.sluice/session?path=/members/talk/&${query}`,
    token.target.replace(MEMBERS, '/.sluice/session?path=/members/talk/'),
    jwt.target.replace(MEMBERS, '/.sluice/session?path=/members/talk/'),
  ]) {
    expect((await get({ target: session, headers: {} })).status).toBe(204)
    expect((await get({ target: session.replace('talk', 'other'), headers: {} })).status).toBe(403)
  }
  const http2 = connectHttp2(sluice.ready.https, { rejectUnauthorized: false })
  for (const { target, headers } of [cookies, custom, token, jwt]) {
    const stream = http2.request({ ':path': target, ':authority': site.host, ...headers })
    const status = await new Promise(resolve => stream.once('response', head => resolve(head[':status'])))
    stream.close()
    expect(status).toBe(200)
  }
  http2.close()
  const cookie = `Host: ${site.host}\r\nCookie: ${cookies.headers['cookie']}`
  for (const bytes of [
    `GET ${token.target} HTTP/9.9\r\n${cookie}\r\n\r\n`,
    `GET ${custom.target} HTTP/1.1\r\n${cookie}\u0000\r\n\r\n`,
    `GET ${custom.target} HTTP/1.1\r\n${cookie}\r\nX: ${'x'.repeat(30_000)}\r\n\r\n`,
    `GET ${custom.target} HTTP/1.1\r\n${cookie}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `GET ${custom.target}\r\nHost: ${query}\r\n\r\n`,
    `GET ${custom.target} HTTP/1.1\r\nHost: ${query}\r\n\r\n`,
    `GET http://user:${query}@${site.host}${token.target} HTTP/1.1\r\n${cookie}\r\n\r\n`,
    `${query} ${token.target} HTTP/1.1\r\n${cookie}\r\n\r\n`,
    `TRACE ${custom.target} HTTP/1.1\r\n${cookie}\r\nConnection: close\r\n\r\n`,
    `GET ${token.target}/${'x'.repeat(9_000)} HTTP/1.1\r\n${cookie}\r\nConnection: close\r\n\r\n`,
    `CONNECT ${site.host} HTTP/1.1\r\n${cookie}\r\n\r\n`,
  ])
    await raw(bytes)
}, 60_000)

test('control refuses what is wrong, and fails where its database does', async () => {
  const keyFolder = path.join(data, 'keys')
  const pem = readFileSync(
    path.join(keyFolder, readdirSync(keyFolder).find(name => name.endsWith('.pem')) ?? ''),
    'utf8',
  )
  const made = await sluice.cli<CreatedToken>('tokens', 'create', 'reader', '--scope', 'read')
  expect(made.code, made.stderr).toBe(0)
  secrets.add('a bearer token', made.json.token, WRONG_TOKEN)
  secrets.add('the secret of an access key', made.json.secretAccessKey)
  const reader = { authorization: `Bearer ${made.json.token}` }
  const credentials = { accessKeyId: 'AK', secretAccessKey: BUCKET_SECRET }
  const headers = [{ name: 'X-Origin-Secret', value: HEADER_SECRET }]
  const origins = [{ id: 'site', url: 'http://127.0.0.1:9', headers }]
  const broken = { name: 'broken', credentials: { ...credentials, more: HEADER_SECRET } }
  const json = JSON.stringify
  for (const secret of [made.json.secretAccessKey, BUCKET_SECRET]) {
    const key = { id: made.json.accessKeyId, secret }
    const signed = await sign(sluice.ready.control, key, {
      method: 'DELETE',
      target: '/2020-05-31/distribution/E1',
    })
    const refused = await ask('DELETE', '/2020-05-31/distribution/E1', '', signed.headers)
    expect(refused).toBe(403)
  }
  const statuses = [
    await ask('GET', '/v1/keys', '', { authorization: `Bearer ${WRONG_TOKEN}` }),
    await ask('POST', '/v1/keys', json({ name: 'x', pem, group: 'default' }), reader),
    await ask('POST', '/v1/keys', json({ name: 'x', pem, group: 'default' })),
    await ask('POST', '/v1/keys', json({ name: pem, pem, group: 'default' })),
    await ask('POST', '/v1/origin-access', json({ ...broken })),
    await ask('POST', '/v1/origin-access', json(broken).slice(0, -1)),
    await ask('POST', '/v1/origin-access', `{"name":"a","credentials":${BUCKET_SECRET}}`),
    await ask(
      'POST',
      '/v1/distributions',
      json({ origins: [{ ...origins[0], url: `http://u:${BUCKET_SECRET}@h` }] }),
    ),
    await ask('POST', '/v1/distributions', json({ origins: [{ id: 'site', headers }] })),
    await ask('POST', '/v1/assets', json({ path: '/x' }), { authorization: `Basic ${WRONG_TOKEN}` }),
    await ask('PATCH', `/v1/uploads/nothing?token=${WRONG_TOKEN}`, '', { 'upload-offset': '7' }),
  ]
  expect(statuses).toEqual([401, 403, 400, 400, 400, 400, 400, 400, 400, 401, 400])
  // A text that PostgreSQL takes in no column.
  const nul = 'a\u0000b'
  await ask(
    'POST',
    '/v1/origin-access',
    json({ name: 'nul', credentials: { ...credentials, sessionToken: nul } }),
  )
  await ask('POST', '/v1/distributions', json({ comment: nul, origins }))
  await ask('POST', '/v1/channels', json({ path: `/live/${nul}` }))
}, 60_000)

test('encoders publish by signed URLs, good and bad', async () => {
  const url = await createChannel(sluice, '/live/stage')
  const key = url.slice(url.lastIndexOf('/') + 1)
  const query = key.slice(key.indexOf('?') + 1)
  secrets.addGrant('a stream key', url)
  secrets.addGrant('a stream key', key)
  const encoder = encode(url)
  const { port } = new URL(sluice.ready.rtmp ?? '')
  const tls = { port: Number(new URL(sluice.ready.rtmps ?? '').port), host: '127.0.0.1', tls: true }
  const plain = { port: Number(port), host: '127.0.0.1' }
  const bad = key.replace(/Signature=..../, 'Signature=AAAA')
  secrets.addGrant('a stream key, changed', bad)
  await mediaUrls(`${sluice.ready.http}/live/stage`)
  for (const open of [plain, tls]) {
    for (const [app, stream] of [
      ['live', key],
      ['live', bad],
      ['live', key.replace('stage', 'other')],
      ['live', key.replace('?', '&')],
      ['live', key.replace('?', '%3F')],
      ['live', encodeURIComponent(key)],
      [`live/${key}`, key],
      [`live/${key.replace('?', '&')}`, key],
      [`live/${key.replace('?', ';')}`, `x?${query}`],
      [key, 'stage'],
      ['live', query],
    ] as const) {
      const { client, status } = await RtmpClient.publishing({ app, stream, encoder: 'FMLE/3.0' }, open)
      told.push(JSON.stringify(status))
      client.socket.destroy()
      expect(status.level).toBe('error')
    }
  }
  const viewing = await RtmpClient.connected({ app: `live?${query}`, stream: '' }, plain)
  viewing.raw(Buffer.from(`GET /?${query} HTTP/1.1\r\n\r\n`))
  await viewing.closed
  await encoder.stop()
}, 60_000)

test('commands sign, explain and examine', async () => {
  const cookie = path.join(folder, 'cookies')
  const url = `${site.base}${MEMBERS}`
  const signed = await sluice.cli<Record<string, string>>('sign', 'cookies', `${site.base}/members/*`)
  secrets.addGrant('cookies of a command', Object.values(signed.json).join('; '))
  const pairs = Object.entries(signed.json).map(([name, value]) => `${name}=${value}`)
  writeFileSync(cookie, pairs.map(pair => `Set-Cookie: ${pair}; Path=/members/; Secure`).join('\n'))
  const signing = ['url', 'path'].map(form => sluice.cli<{ url: string }>('sign', form, url))
  const urls = (await Promise.all(signing)).map(({ json }) => json.url)
  for (const each of urls) secrets.addGrant('a URL of a command', each)
  const examined = await Promise.all([
    ...urls.map(each => sluice.cli('explain', each)),
    sluice.cli('explain', urls[0]?.replace('Signature=', 'Signature=AAAA') ?? ''),
    sluice.cli('explain', url, '--cookie-file', cookie),
    sluice.cli('doctor', 'cookies', url, '--cookie-file', cookie),
    sluice.cli('publish', 'package.json', '/members/refused'),
  ])
  expect(examined.map(({ code }) => code)).toEqual([0, 0, 1, 0, 0, 1])
}, 60_000)

test('roles that crash are started anew and say no more than others', async () => {
  await metricsTold()
  await kill(sluice, 'edge')
  await crash('gateway', 'SIGABRT')
  await crash('control', 'SIGSEGV')
  await crash('origin', 'SIGABRT')
  for (const each of carried(MEMBERS, site, signerOf(data), secrets)) await get(each)
  await metricsTold()
}, 60_000)

const held = (file: string): boolean => HOLDERS.some(([, holds]) => holds(file))

/** Where secrets have to lie, each for its own user alone. */
const HOLDERS: [what: string, holds: (file: string) => boolean][] = [
  ['private signing keys', file => file.startsWith('keys/')],
  ["control's address and token", file => file === 'client.json'],
  ["control's database", file => file.startsWith('control/')],
  ['the snapshot of the edge', file => file === 'edge/snapshot.json'],
  ["the nodes' own keys", file => file.startsWith('nodes/')],
  ['keys of certificates', file => /^certificates\/.*key\.pem$/.test(file)],
]

function addPrivateKeys(): void {
  const lines = (file: string): string[] =>
    readFileSync(path.join(data, file), 'utf8')
      .split('\n')
      .filter(line => /^[A-Za-z0-9+/=]{20,}$/.test(line))
  for (const file of filesBelow(data)) {
    if (file.startsWith('keys/') || /key\.pem$/.test(file)) secrets.add(`a line of ${file}`, ...lines(file))
    if (file.startsWith('nodes/')) {
      const text = readFileSync(path.join(data, file), 'utf8')
      for (const [, key = ''] of text.matchAll(/"d":\s*"([^"]+)"/g)) secrets.add("a node's own key", key)
    }
  }
  const client = JSON.parse(readFileSync(path.join(data, 'client.json'), 'utf8')) as KeyedClientFile // as `up` writes it
  secrets.add('the token of the administrator', client.token)
  secrets.add("the secret of the administrator's access key", client.secretAccessKey)
}

test('and nothing that any of them wrote lets anybody in', async () => {
  expect(await sluice.close()).toBe(0)
  addPrivateKeys()
  expect(secrets.size).toBeGreaterThan(1000)
  const leaks: Leak[] = [
    ...secrets.below(data, held),
    ...secrets.in('stdout and stderr of the supervisor', sluice.output()),
    ...told.flatMap((text, index) => secrets.in(`answer ${index}`, text)),
  ]
  expect([...new Set(leaks.map(({ secret, where }) => `${secret} in ${where}`))]).toEqual([])
  expect(readdirSync(process.cwd()).filter(name => /^core(\.|$)|^report\./.test(name))).toEqual([])
}, 60_000)

test('though they wrote of all of it', () => {
  const log = (name: string): string => readFileSync(path.join(data, 'logs', name), 'utf8')
  const access = filesBelow(path.join(data, 'logs')).find(name => name.startsWith('access-')) ?? ''
  const lines = log(access).trimEnd().split('\n')
  const reasons = lines.map(line => (JSON.parse(line) as { reason?: string }).reason)
  expect(reasons).toEqual(
    expect.arrayContaining(['missing', 'malformed', 'bad-signature', 'wrong-resource', 'bad-path', 'method']),
  )
  expect(log('edge.log')).toContain('upstream failed')
  expect(log('edge.log')).toContain('an origin cannot be asked')
  expect(log('control.log')).toContain('database-failed')
  expect(log('gateway.log')).toContain('publisher refused')
  expect(log('gateway.log')).toContain('"level":20')
  expect(told.some(text => text.includes('sluice_gateway_connections'))).toBe(true)
})

test('the search finds each secret where it has to lie, and wherever it is put', () => {
  const found = secrets.below(data)
  const inside = (holds: (file: string) => boolean): string[] => [
    ...new Set(found.filter(({ where }) => holds(where)).map(({ where }) => where)),
  ]
  for (const [what, holds] of HOLDERS) {
    expect([what, inside(holds).length > 0]).toEqual([what, true])
    if (what !== "control's database")
      expect(inside(holds).map(file => statSync(path.join(data, file)).mode & 0o77)).toEqual(
        inside(holds).map(() => 0),
      )
  }
  expect(statSync(path.join(data, 'control')).mode & 0o77).toBe(0)
  const edge = new Set(
    found.filter(({ where }) => where === 'edge/snapshot.json').map(({ secret }) => secret),
  )
  expect([...edge]).toEqual(['a secret header', 'the secret of a bucket'])
  const logs = path.join(data, 'logs')
  for (const spelled of [
    HEADER_SECRET,
    encodeURIComponent(BUCKET_SECRET),
    JSON.stringify({ error: HEADER_SECRET }),
    Buffer.from(`Basic of ${BUCKET_SECRET} and more`).toString('base64'),
    Buffer.from(WRONG_TOKEN).toString('base64url'),
    Buffer.from(HEADER_SECRET).toString('hex'),
  ]) {
    writeFileSync(path.join(logs, 'planted.log'), `{"level":30,"msg":"${spelled}"}`)
    expect([spelled, secrets.below(logs).map(({ where }) => where)]).toEqual([
      spelled,
      expect.arrayContaining(['planted.log']),
    ])
  }
})
