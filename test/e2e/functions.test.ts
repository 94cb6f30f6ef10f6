import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import * as api from '@aws-sdk/client-cloudfront'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { systemClock } from '../../src/core/index.ts'
import { Recipient } from '../fields/recipient.ts'
import { askBytes, type BytesAnswer } from './origin-visitor.ts'
import { makeFilm, startSluice, temporaryFolder, type Outcome, type Sluice } from './sluice.ts'

const recipient = new Recipient()
const EVENT = {
  version: '1.0',
  context: { eventType: 'viewer-request' },
  viewer: { ip: '192.0.2.1' },
  request: { method: 'GET', uri: '/a', querystring: {}, headers: {}, cookies: {} },
}

let folder: string
let sluice: Sluice
/** Answers with the URL that it was asked for. */
let plain: Server
/** Speaks TLS, and keeps the bodies that it got. */
let secure: Server
const forms: string[] = []
/** The distribution's name. */
let domain: string
let id: string

beforeAll(async () => {
  folder = temporaryFolder('functions')
  await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
  const files = certificateFiles(folder)
  plain = createHttpServer((asked, answer) => {
    answer.setHeader('cache-control', 'max-age=3600')
    answer.end(`${asked.url} to ${String(asked.headers['x-word'])}`)
  })
  secure = createServer(
    { cert: readFileSync(files.certificate), key: readFileSync(files.key) },
    (asked, answer) => {
      let body = ''
      asked.on('data', (chunk: Buffer) => (body += chunk.toString()))
      asked.on('end', () => {
        forms.push(body)
        answer.end('stored')
      })
    },
  )
  for (const server of [plain, secure]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  sluice = await startSluice({
    args: ['--allow-origin', '127.0.0.0/8'],
    env: { NODE_EXTRA_CA_CERTS: files.authority },
  })
}, 120_000)

afterAll(async () => {
  await sluice?.close()
  plain?.close()
  secure?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** The path of a file with this text. */
function file(name: string, text: string): string {
  const at = path.join(folder, name)
  writeFileSync(at, text)
  return at
}

/** Runs a command that has to succeed. */
async function done<T>(...args: string[]): Promise<T> {
  const { code, json, stderr }: Outcome<T> = await sluice.cli<T>(...args)
  expect(code, stderr).toBe(0)
  return json
}

async function make(name: string, code: string, ...options: string[]): Promise<void> {
  const runtime = options.includes('--runtime') ? [] : ['--runtime', 'cloudfront-js-2.0']
  await done('functions', 'create', name, file(`${name}.js`, code), ...runtime, ...options)
  await done('functions', 'publish', name)
}

function view(at: string): Promise<BytesAnswer> {
  return askBytes(`http://${domain}:${new URL(sluice.ready.http).port}${at}`)
}

async function shown(at: string): Promise<string> {
  const { status, body } = await view(at)
  return `${status} ${body.toString()}`
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port // it listens

const SITE = 'site'
const OPEN = { originId: SITE, forward: 'all', query: 'all' } as const

/** Behaviours before the last one, which runs nothing. */
async function behave(...behaviours: object[]): Promise<void> {
  const definition = {
    origins: [{ id: SITE, kind: 'http', url: `http://127.0.0.1:${portOf(plain)}` }],
    behaviours: [...behaviours.map(each => ({ ...OPEN, ...each })), { pattern: '*', ...OPEN }],
  }
  const at = file('site.json', JSON.stringify(definition))
  if (id !== undefined) await done('distribution', 'update', id, '--file', at)
  else ({ id, domain } = await done<{ id: string; domain: string }>('distribution', 'create', '--file', at))
}

describe('a function', () => {
  const greets = (word: string): string => `function handler(event) {
    console.log('asked for', event.request.uri)
    event.request.headers['x-word'] = { value: '${word}' }
    return event.request
  }`
  const GREETING = { pattern: '/greet/*', functions: [{ event: 'viewer-request', function: 'greet' }] }

  test('is tried, published and named, and what is published next runs at the next request', async () => {
    const code = file('greet.js', greets('one'))
    await done('functions', 'create', 'greet', code, '--runtime', 'cloudfront-js-2.0')
    const event = file('event.json', JSON.stringify(EVENT))
    const tested = await done<{ used: number }>('functions', 'test', 'greet', '--event', event)
    expect(tested).toEqual({
      result: { ...EVENT.request, headers: { 'x-word': { value: 'one' } } },
      ...{ error: null, logs: ['asked for /a'], used: expect.any(Number) as number },
    })
    await done('functions', 'publish', 'greet')
    await behave(GREETING)
    expect([await shown('/greet/a'), await shown('/a')]).toEqual([
      '200 /greet/a to one',
      '200 /a to undefined',
    ])
    await done('functions', 'update', 'greet', file('greet.js', greets('two')))
    expect(await shown('/greet/b')).toBe('200 /greet/b to one')
    await done('functions', 'publish', 'greet')
    expect(await shown('/greet/c')).toBe('200 /greet/c to two')
  }, 60_000)

  test('that breaks is a 502 with its reason, and the site beside it goes on', async () => {
    await make('breaks', 'function handler(event) { return event.none.uri }')
    await make('hangs', 'function handler(event) { for (;;); }')
    const at = (name: string): object => ({
      ...{ pattern: `/${name}/*`, functions: [{ event: 'viewer-request', function: name }] },
    })
    await behave(GREETING, at('breaks'), at('hangs'))
    const heard = await Promise.all(['/breaks/a', '/hangs/a', '/greet/d', '/d'].map(view))
    expect(heard.map(({ status, headers }) => [status, headers['x-sluice-reason']])).toEqual([
      [502, 'function-failed'],
      [502, 'function-timeout'],
      [200, undefined],
      [200, undefined],
    ])
    expect(heard[0]?.body.toString()).not.toContain('none')
  }, 60_000)

  test('answers by its store, which is changed by a command of its own', async () => {
    await done('stores', 'create', 'words', '--file', file('words.json', '{"word":"first"}'))
    const code = `import cf from 'cloudfront'
      async function handler() { return { statusCode: 200, body: await cf.kvs().get('word') } }`
    await make('tells', code, '--store', 'words')
    await behave({ pattern: '/word', functions: [{ event: 'viewer-request', function: 'tells' }] })
    expect(await shown('/word')).toBe('200 first')
    await done('stores', 'put', 'words', 'word', 'second')
    expect(await shown('/word')).toBe('200 second')
  }, 60_000)

  test('of Lambda@Edge sees what the origin answers', async () => {
    const code = `exports.handler = async event => {
      const { request, response } = event.Records[0].cf
      response.headers['x-seen'] = [{ key: 'X-Seen', value: request.uri }]
      return response
    }`
    await make('sees', code, '--runtime', 'lambda-edge')
    await behave({ pattern: '/seen/*', functions: [{ event: 'origin-response', function: 'sees:1' }] })
    const answers = [await view('/seen/a'), await view('/seen/a')]
    expect(answers.map(({ headers }) => [headers['x-cache'], headers['x-seen']])).toEqual([
      ['Miss from sluice', '/seen/a'],
      ['Hit from sluice', '/seen/a'],
    ])
  }, 60_000)
})

test('a playlist is what a function makes of it, and its film plays on', async () => {
  const film = path.join(folder, 'film.mp4')
  await makeFilm(film, 6)
  await done('publish', film, '/open/film')
  const code = `function handler({ playlist }) {
    playlist.header.push({ name: 'EXT-X-SESSION-DATA', attributes: { 'DATA-ID': 'example.by', VALUE: 'a function' } })
    return playlist
  }`
  await make('says', code, '--runtime', 'sluice-js-1')
  const own = sluice.ready.distribution.id
  const definition = await done<{ behaviours: { pattern: string }[] }>('distribution', 'show', own)
  const last = definition.behaviours.at(-1)
  const functions = [{ event: 'playlist-response', function: 'says' }]
  definition.behaviours.splice(-1, 0, { ...last, ...{ pattern: '/open/film/index.m3u8', functions } })
  await done('distribution', 'update', own, '--file', file('own.json', JSON.stringify(definition)))
  const entry = new URL(`${sluice.ready.http}/open/film/index.m3u8`)
  const next = (text: string): string =>
    text.split('\n').find(line => line !== '' && !line.startsWith('#')) ?? ''
  const master = await (await fetch(entry)).text()
  expect(master).toContain('#EXT-X-SESSION-DATA:DATA-ID="example.by",VALUE="a function"\n')
  const media = new URL(next(master), entry)
  const segment = await fetch(new URL(next(await (await fetch(media)).text()), media))
  expect([segment.status, (await segment.arrayBuffer()).byteLength > 1000]).toEqual([200, true])
}, 60_000)

describe('AWS’s own client', () => {
  let client: api.CloudFrontClient

  beforeAll(async () => {
    const env = await done<Record<string, string>>('env')
    client = new api.CloudFrontClient({
      ...{ endpoint: env['AWS_ENDPOINT_URL'] ?? '', region: env['AWS_REGION'] ?? '', maxAttempts: 1 },
      credentials: {
        accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
    })
  })

  test('makes, tries and publishes a function, and a behaviour that runs it', async () => {
    const code = `function handler(event) {
      return { statusCode: 302, headers: { location: { value: '/log-in?to=' + event.request.uri } } }
    }`
    const made = await client.send(
      new api.CreateFunctionCommand({
        ...{ Name: 'turn', FunctionCode: Buffer.from(code) },
        FunctionConfig: { Comment: '', Runtime: 'cloudfront-js-2.0' },
      }),
    )
    const { TestResult: result } = await client.send(
      new api.TestFunctionCommand({
        ...{ Name: 'turn', IfMatch: made.ETag, EventObject: Buffer.from(JSON.stringify(EVENT)) },
      }),
    )
    expect(JSON.parse(result?.FunctionOutput ?? '')).toEqual({
      response: { statusCode: 302, headers: { location: { value: '/log-in?to=/a' } } },
    })
    const { FunctionSummary: live } = await client.send(
      new api.PublishFunctionCommand({ Name: 'turn', IfMatch: made.ETag }),
    )
    const { DistributionConfig: config, ETag: etag } = await client.send(
      new api.GetDistributionConfigCommand({ Id: id }),
    )
    const uses = { FunctionARN: live?.FunctionMetadata?.FunctionARN, EventType: 'viewer-request' as const }
    const wanted = {
      ...config,
      DefaultCacheBehavior: {
        ...config?.DefaultCacheBehavior,
        FunctionAssociations: { Quantity: 1, Items: [uses] },
      },
    } as api.DistributionConfig // as it was shown
    await client.send(
      new api.UpdateDistributionCommand({ Id: id, IfMatch: etag, DistributionConfig: wanted }),
    )
    await api.waitUntilDistributionDeployed({ client, minDelay: 1, maxDelay: 1, maxWaitTime: 30 }, { Id: id })
    const { status, headers } = await view('/shop')
    expect([status, headers['location']]).toEqual([302, '/log-in?to=/shop'])
  }, 60_000)
})

/** Posts a form to the edge over TLS. */
function post(host: string, form: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host, 'content-type': 'application/x-www-form-urlencoded' }
    const { port } = new URL(sluice.ready.https)
    const asked = request(
      {
        method: 'POST',
        path: '/pay',
        headers,
        host: '127.0.0.1',
        port,
        servername: host,
        rejectUnauthorized: false,
      },
      answer => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
      },
    )
    asked.once('error', reject).end(form)
  })
}

test('a field of a form reaches the origin as a message that AWS’s decryptor opens', async () => {
  await done('keys', 'import', recipient.keyName, file('public.pem', recipient.pem), '--group', 'fields')
  const encryption = {
    name: 'pay',
    profiles: [{ name: 'cards', key: recipient.keyName, provider: recipient.provider, patterns: ['card_*'] }],
    byContentType: { unknown: 'reject', profiles: [{ profile: 'cards' }] },
    byQuery: { unknown: 'reject', profiles: [] },
  }
  await done('encryption', 'create', file('pay.json', JSON.stringify(encryption)))
  const definition = {
    origins: [{ id: 'shop', kind: 'http', url: `https://localhost:${portOf(secure)}` }],
    behaviours: [
      {
        ...{ pattern: '*', originId: 'shop', encryption: 'pay' },
        ...{ viewerProtocol: 'https-only', methods: 'all' },
      },
    ],
  }
  const made = await done<{ domain: string }>(
    ...['distribution', 'create', '--file', file('shop.json', JSON.stringify(definition))],
  )
  expect(await post(made.domain, 'name=Ada&card_number=4111+1111')).toBe(200)
  const form = new URLSearchParams(forms[0])
  expect([...form.keys(), form.get('name')]).toEqual(['name', 'card_number', 'Ada'])
  expect((await recipient.read(form.get('card_number') ?? '')).toString()).toBe('4111 1111')
}, 60_000)
