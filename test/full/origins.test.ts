import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signS3 } from '../../src/signing/index.ts'
import { instant } from '../../src/core/index.ts'
import { S3Server, type S3User } from '../contracts/s3-server.ts'
import { askBytes, cookieLine } from '../e2e/origin-visitor.ts'
import { cli, startSluice, temporaryFolder, until, type Outcome, type Sluice } from '../e2e/sluice.ts'

const READER: S3User = {
  accessKeyId: 'AKREADER',
  secretAccessKey: 'first/secret+of-reader',
  may: ['films:read'],
}
const SECOND: S3User = {
  accessKeyId: 'AKSECOND',
  secretAccessKey: 'second/secret+of-reader',
  may: ['films:read'],
}
const VIEWER: S3User = { accessKeyId: 'AKVIEWER', secretAccessKey: 'secret-of-a-viewer', may: ['films:read'] }
const KEY = '/members/talk/a b+c.m4s'
const ASKED = '/members/talk/a%20b+c.m4s'

const folder = temporaryFolder('origins')
let sluice: Sluice
let store: S3Server
let port: string
let cookie: string

beforeAll(async () => {
  store = await S3Server.start()
  store.users = [READER, SECOND, VIEWER]
  store.bucket('films')
  store.put('films', KEY.slice(1), 'of the bucket')
  store.put('films', 'open.txt', 'open to all')
  sluice = await startSluice({ args: ['--allow-origin', '127.0.0.1/32'] })
  port = new URL(sluice.ready.http).port
  const key = await sluice.cli('keys', 'create', 'website')
  expect(key.code, key.stderr).toBe(0)
  const signed = await sluice.cli<Record<string, string>>('sign', 'cookies', '*://*/members/*')
  expect(signed.code, signed.stderr).toBe(0)
  const { cookies = signed.json } = signed.json as { cookies?: Record<string, string> }
  cookie = cookieLine(
    Object.fromEntries(Object.entries(cookies).filter(([name]) => name.startsWith('CloudFront-'))),
  )
}, 120_000)

afterAll(async () => {
  expect(await sluice?.close()).toBe(0)
  await store?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** Runs a command that reads the key of a bucket from the environment. */
function withKey(user: S3User, ...args: string[]): Promise<Outcome<{ id: string }>> {
  return cli(args, {
    SLUICE_DATA: sluice.data,
    SLUICE_ACCESS_KEY_ID: user.accessKeyId,
    SLUICE_SECRET_ACCESS_KEY: user.secretAccessKey,
  })
}

/** Makes a distribution of this definition for a host name; resolves with its id and where it is. */
async function distribute(name: string, definition: object): Promise<{ id: string; url: string }> {
  const file = path.join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify({ aliases: [`${name}.test.localhost`], ...definition }))
  const made = await sluice.cli<{ id: string }>('distribution', 'create', '--file', file)
  expect(made.code, made.stderr).toBe(0)
  return { id: made.json.id, url: `http://${name}.test.localhost:${port}` }
}

const bucket = (access: string) => ({
  id: 'films',
  ...{ endpoint: store.url, bucket: 'films', region: 'eu-central-1', addressing: 'path', access },
})

/** A bucket behind a gate; all of it but /members/ is open. */
function films(access: string, more: object = {}): object {
  return {
    origins: [bucket(access)],
    behaviours: [
      { pattern: '/members/*', originId: 'films', gate: { keyGroups: ['default'] }, ...more },
      { pattern: '*', originId: 'films' },
    ],
  }
}

/** What the store was told last. */
const credential = (): string | undefined =>
  /Credential=([^/]+)/.exec(store.asked.at(-1)?.headers.authorization ?? '')?.[1]

/** A viewer's own signature for the object in the bucket, as AWS's tools send it. */
function ownSignature(): Record<string, string> {
  const request = {
    method: 'GET' as const, // as the edge asks
    host: new URL(store.url).host,
    path: `/films${ASKED.replace('+', '%2B')}`,
    query: '',
  }
  const flat = signS3(request, VIEWER, 'eu-central-1', instant(Date.now()))
  const names = flat.filter((_, at) => at % 2 === 0).map(name => name.toLowerCase())
  return Object.fromEntries(names.map((name, at) => [name, flat[2 * at + 1] ?? '']))
}

describe('a private bucket', () => {
  test('is closed past the CDN, and open through it to who has a grant', async () => {
    const made = await withKey(READER, 'origin-access', 'create', 'always')
    expect(made, made.stderr).toMatchObject({ code: 0, json: { kind: 'control', signing: 'always' } })
    const { url } = await distribute('always', films('always'))
    expect((await askBytes(`${store.url}/films${ASKED}`)).status).toBe(403)
    const nobody = await askBytes(`${url}${ASKED}`)
    expect([nobody.status, nobody.headers['x-sluice-reason']]).toEqual([403, 'missing'])
    const before = store.asked.length
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => askBytes(`${url}${ASKED}`, { cookie })),
    )
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.toString()}`))).toEqual(
      new Set(['200 of the bucket']),
    )
    expect(store.asked.length - before).toBe(1)
    expect(credential()).toBe('AKREADER')
    expect(JSON.stringify(store.asked)).not.toContain('CloudFront-')
    const part = await askBytes(`${url}${ASKED}`, { cookie, range: 'bytes=3-5' })
    expect([part.status, part.body.toString()]).toEqual([206, 'the'])
  })

  test('never asks without a signature, identity always with one', async () => {
    const never = await sluice.cli('origin-access', 'create', 'never', '--signing', 'never')
    expect(never, never.stderr).toMatchObject({ code: 0, json: { signing: 'never', accessKeyId: null } })
    const unsigned = await distribute('never', films('never'))
    expect((await askBytes(`${unsigned.url}/open.txt`)).status).toBe(403)
    expect(credential()).toBeUndefined()

    const identity = await withKey(READER, 'origin-access', 'create', 'identity', '--type', 'identity')
    expect(identity, identity.stderr).toMatchObject({
      code: 0,
      json: { kind: 'identity', signing: 'always' },
    })
    const signed = await distribute('identity', films('identity'))
    expect((await askBytes(`${signed.url}${ASKED}`, { cookie })).body.toString()).toBe('of the bucket')
    expect(credential()).toBe('AKREADER')
  })

  test('no-override leaves the signature of a viewer alone, where the behaviour passes it on', async () => {
    const made = await withKey(READER, 'origin-access', 'create', 'no-override', '--signing', 'no-override')
    expect(made, made.stderr).toMatchObject({ code: 0, json: { signing: 'no-override' } })
    const passing = films('no-override', { headers: ['authorization'] })
    const { url } = await distribute('no-override', passing)
    expect((await askBytes(`${url}${ASKED}`, { cookie })).status).toBe(200)
    expect(credential()).toBe('AKREADER')
    const own = await askBytes(`${url}${ASKED}`, { cookie, ...ownSignature() })
    expect([own.status, own.body.toString()]).toEqual([200, 'of the bucket'])
    expect(credential()).toBe('AKVIEWER')
    // The gate is not the bucket's: who has only the one is refused by the other.
    expect((await askBytes(`${url}${ASKED}`, ownSignature())).headers['x-sluice-reason']).toBe('missing')
  })

  test(
    'goes on through a change of its key, and the old one is of no use afterwards',
    { timeout: 60_000 },
    async () => {
      const { url } = await distribute(
        'rotating',
        films('always', { ttl: { minimum: 0, default: 0, maximum: 0 } }),
      )
      let changing = true
      const statuses = new Set<number>()
      const viewer = (async () => {
        for (let at = 0; changing; at += 1) {
          // Each is another object to the cache, so that the bucket is asked each time.
          statuses.add((await askBytes(`${url}/open.txt`)).status)
          statuses.add((await askBytes(`${url}/members/none-${at}`, { cookie })).status)
        }
      })()
      const rotated = await withKey(SECOND, 'origin-access', 'rotate', 'always')
      expect(rotated, rotated.stderr).toMatchObject({ code: 0, json: { accessKeyId: 'AKSECOND' } })
      // As an operator does once the command has returned.
      store.users = [SECOND, VIEWER]
      await askBytes(`${url}/members/after-the-change`, { cookie })
      expect(credential()).toBe('AKSECOND')
      changing = false
      await viewer
      expect([...statuses].sort()).toEqual([200, 404])
      store.users = [READER, SECOND, VIEWER]
    },
  )

  test('is listed without its secrets, which no command and no log tells', async () => {
    const listed = await sluice.cli<{ name: string; kind: string; signing: string; accessKeyId: string }[]>(
      ...['origin-access', 'list'],
    )
    expect(
      listed.json
        .map(({ name, kind, signing, accessKeyId }) => [name, kind, signing, accessKeyId])
        .sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    ).toEqual([
      ['always', 'control', 'always', 'AKSECOND'],
      ['identity', 'identity', 'always', 'AKREADER'],
      ['never', 'control', 'never', null],
      ['no-override', 'control', 'no-override', 'AKREADER'],
    ])
    const { json } = await sluice.cli<{ id: string }[]>('distribution', 'list')
    const shown = await Promise.all(json.map(({ id }) => sluice.cli('distribution', 'show', id)))
    const told = [listed, ...shown].map(({ stdout, stderr }) => stdout + stderr).join('')
    for (const { secretAccessKey } of [READER, SECOND, VIEWER])
      expect(told + sluice.output()).not.toContain(secretAccessKey)
    const used = await sluice.cli('origin-access', 'delete', 'always')
    expect([used.code === 0, used.stderr]).toEqual([false, expect.stringContaining('always')])
  })
})

describe('an HTTP server with a secret header', () => {
  let server: Server
  /** The values that it takes just now. */
  let accepted: string[] = ['first-value-of-the-header']
  const told: IncomingHttpHeaders[] = []

  beforeAll(async () => {
    server = createServer(({ headers }, response) => {
      told.push(headers)
      const right = accepted.includes(headers['x-origin-secret']?.toString() ?? '')
      response.writeHead(right ? 200 : 403, { 'Cache-Control': 'no-store', 'Set-Cookie': 'of=the-origin' })
      response.end(right ? 'a page' : 'not for you')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => void server.close())

  const site = (value?: string) => ({
    origins: [
      {
        id: 'site',
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on TCP
        headers: [{ name: 'X-Origin-Secret', ...(value === undefined ? {} : { value }) }],
      },
    ],
    behaviours: [{ pattern: '*', cookies: 'none' }],
  })

  test(
    'is given another value without a gap, and keeps it when the definition is edited',
    { timeout: 60_000 },
    async () => {
      const { id, url } = await distribute('header', site('first-value-of-the-header'))
      let changing = true
      const statuses = new Set<number>()
      const viewer = (async () => {
        while (changing) statuses.add((await askBytes(`${url}/`)).status)
      })()
      accepted = ['first-value-of-the-header', 'second-value-of-the-header']
      const file = path.join(folder, 'header.json')
      writeFileSync(
        file,
        JSON.stringify({ aliases: ['header.test.localhost'], ...site('second-value-of-the-header') }),
      )
      const updated = await sluice.cli('distribution', 'update', id, '--file', file)
      expect(updated.code, updated.stderr).toBe(0)
      accepted = ['second-value-of-the-header']
      expect((await askBytes(`${url}/after`)).body.toString()).toBe('a page')
      expect(told.at(-1)).toMatchObject({ 'x-origin-secret': 'second-value-of-the-header' })
      changing = false
      await viewer
      expect([...statuses]).toEqual([200])

      // What is shown is good input again: the value stays where it is null.
      const shown = await sluice.cli('distribution', 'show', id)
      expect(shown).toMatchObject({ json: { origins: [{ headers: [{ value: null }] }] } })
      writeFileSync(file, shown.stdout.trimEnd().split('\n').at(-1) ?? '')
      const again = await sluice.cli('distribution', 'update', id, '--file', file)
      expect(again.code, again.stderr).toBe(0)
      const answer = await askBytes(`${url}/again`, { 'x-origin-secret': 'of a viewer', cookie: 'a=1' })
      expect([answer.status, answer.headers['set-cookie']]).toEqual([200, undefined])
      expect(told.at(-1)).toMatchObject({ 'x-origin-secret': 'second-value-of-the-header' })
      expect(told.at(-1)).not.toHaveProperty('cookie')
      for (const text of [shown.stdout, updated.stdout, sluice.output()])
        expect(text).not.toMatch(/(?:first|second)-value-of-the-header/)
    },
  )

  test('on an address of this machine that is not listed is not asked, and the log says what mends it', async () => {
    const { port: listening } = server.address() as AddressInfo // it listens on TCP
    const { url } = await distribute('loopback', {
      origins: [{ id: 'site', url: `http://[::1]:${listening}` }],
    })
    const before = told.length
    expect((await askBytes(`${url}/`)).status).toBe(502)
    expect(told.length).toBe(before)
    const line = await until('the reason in the log', () =>
      Promise.resolve(
        sluice
          .output()
          .split('\n')
          .find(each => each.includes('an origin cannot be asked')),
      ),
    )
    expect(line).toContain('::1')
    expect(line).toContain('origins')
  })
})
