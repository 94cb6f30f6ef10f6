import { generateKeyPairSync, verify } from 'node:crypto'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeCloudFront, takePathToken } from '../../src/signing/index.ts'
import { NOW, sluice, stubControl, workFolder, type Routes } from './stub-control.ts'

const HOUR = 3600
const SECONDS = NOW / 1000

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
  ...{ id: 'E123456789ABCD', domain: 'e123456789abcd.cdn.localhost', aliases: ['media.example.com'] },
  ...{ enabled: true, comment: '', fallback: true, origins: [{ id: 'built-in', kind: 'built-in' }] },
  behaviours: [
    behaviour('/members/*', { keyGroups: ['kg-members'] }),
    behaviour('/staff/*', { keyGroups: ['kg-staff'] }),
    behaviour('*', null),
  ],
}

const ROUTES: Routes = {
  'GET /v1/assets/at': ({ url }) =>
    url.searchParams.get('path') === '/members/talk'
      ? { body: { path: '/members/talk', state: 'ready' } }
      : { status: 404, body: { error: { code: 'not-found', message: 'Nothing is there.' } } },
  'GET /v1/distributions': { body: { distributions: [DISTRIBUTION] } },
  'GET /v1/key-groups': {
    body: {
      keyGroups: [
        { id: 'kg-members', name: 'default', keys: ['KOLD', 'KNEW'], sha1: 'accept' },
        { id: 'kg-staff', name: 'staff', keys: ['KSTAFF'], sha1: 'accept' },
      ],
    },
  },
}

function makeKey() {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

async function place(routes: Routes = ROUTES) {
  const stub = await stubControl(routes)
  const cwd = workFolder(stub)
  const pairs = new Map<string, string>()
  for (const [id, age] of [
    ['KOLD', 3],
    ['KNEW', 2],
    ['KSTAFF', 1],
    ['KNOBODY', 0],
  ] as const) {
    const pair = makeKey()
    const file = join(cwd, '.sluice', 'keys', `${id}.pem`)
    writeFileSync(file, pair.privateKey, { mode: 0o600 })
    utimesSync(file, SECONDS - age, SECONDS - age)
    pairs.set(id, pair.publicKey)
  }
  return { cwd, pairs }
}

type Cookies = Record<string, string>

/** The policy as its verifier reads it, after the signature was checked against the public key. */
function verified(pairs: Map<string, string>, policy: string, signature: string, id: string): unknown {
  const bytes = decodeCloudFront(policy) ?? new Uint8Array()
  const signed = decodeCloudFront(signature) ?? new Uint8Array()
  expect(verify('sha256', bytes, pairs.get(id) ?? '', signed)).toBe(true)
  return JSON.parse(Buffer.from(bytes).toString())
}

function policyOf(resource: string, more: object = {}, ttl = 6 * HOUR) {
  return {
    Statement: [
      { Resource: resource, Condition: { DateLessThan: { 'AWS:EpochTime': SECONDS + ttl }, ...more } },
    ],
  }
}

test.each([
  ['/members/talk', '*://*/members/talk/*', 'KNEW'],
  ['/members/*', '*://*/members/*', 'KNEW'],
  ['/members/page.html', '*://*/members/page.html', 'KNEW'],
  ['/staff/*', '*://*/staff/*', 'KSTAFF'],
  ['/open.html', '*://*/open.html', 'KSTAFF'],
  ['http://127.0.0.1:8080/members/talk/*', 'http://127.0.0.1:8080/members/talk/*', 'KNEW'],
  ['https://media.example.com/staff/*', 'https://media.example.com/staff/*', 'KSTAFF'],
  ['*://*/members/*', '*://*/members/*', 'KNEW'],
])(
  'sign cookies %s opens %s, with the newest key here that its behaviour trusts (%s)',
  async (target, resource, id) => {
    const { cwd, pairs } = await place()
    const ran = await sluice(cwd, ['sign', 'cookies', target, '--json'])
    const cookies = ran.json as Cookies
    expect(ran.code, ran.stderr).toBe(0)
    expect(Object.keys(cookies)).toEqual([
      'CloudFront-Policy',
      'CloudFront-Signature',
      'CloudFront-Key-Pair-Id',
      'CloudFront-Hash-Algorithm',
    ])
    expect(cookies['CloudFront-Key-Pair-Id']).toBe(id)
    expect(
      verified(pairs, cookies['CloudFront-Policy'] ?? '', cookies['CloudFront-Signature'] ?? '', id),
    ).toEqual(policyOf(resource))
    expect(ran.stderr).toBe(`opens ${resource} until 2026-11-22T06:00:00Z\n`)
  },
)

test('the conditions are what the flags say', async () => {
  const { cwd, pairs } = await place()
  const flags = [
    '--ttl',
    '90m',
    '--ip',
    '192.0.2.0/24',
    '--not-before',
    '2026-11-22T01:00:00Z',
    '--key',
    'KOLD',
  ]
  const { json } = await sluice(cwd, ['sign', 'cookies', '/members/*', '--json', ...flags])
  const cookies = json as Cookies
  expect(
    verified(pairs, cookies['CloudFront-Policy'] ?? '', cookies['CloudFront-Signature'] ?? '', 'KOLD'),
  ).toEqual(
    policyOf(
      '*://*/members/*',
      { DateGreaterThan: { 'AWS:EpochTime': SECONDS + HOUR }, IpAddress: { 'AWS:SourceIp': '192.0.2.0/24' } },
      1.5 * HOUR,
    ),
  )
})

test.each([
  ['http://127.0.0.1:8080/members/talk/*', 'Path=/members/talk/; HttpOnly; SameSite=Lax'],
  ['https://media.example.com/members/*', 'Path=/members/; Secure; HttpOnly; SameSite=Lax'],
  ['http://e1.cdn.localhost:8080/members/talk/*', 'Path=/members/talk/; Secure; HttpOnly; SameSite=Lax'],
  ['/members/talk/*', 'Path=/members/talk/; HttpOnly; SameSite=Lax'],
  ['/members/talk', 'Path=/members/talk/; HttpOnly; SameSite=Lax'],
  ['/members/page.html', 'Path=/members/; HttpOnly; SameSite=Lax'],
])('Set-Cookie lines for %s end with %s', async (target, tail) => {
  const { cwd } = await place()
  const { stdout } = await sluice(cwd, ['sign', 'cookies', target, '--format', 'set-cookie'])
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(4)
  for (const line of lines) expect(line).toMatch(/^Set-Cookie: CloudFront-/)
  for (const line of lines) expect(line.endsWith(`; ${tail}`), line).toBe(true)
})

test('a signed URL of an asset opens its playlist and all inside it', async () => {
  const { cwd, pairs } = await place()
  const { json } = await sluice(cwd, ['sign', 'url', '/members/talk', '--json'])
  const { url, resource, expires } = json as Record<string, string>
  expect([resource, expires]).toEqual(['*://*/members/talk/*', '2026-11-22T06:00:00Z'])
  const { origin, pathname, searchParams } = new URL(url ?? '')
  expect(`${origin}${pathname}`).toBe('http://127.0.0.1:8080/members/talk/index.m3u8')
  expect(searchParams.get('Hash-Algorithm')).toBe('SHA256')
  const signed = verified(
    pairs,
    searchParams.get('Policy') ?? '',
    searchParams.get('Signature') ?? '',
    'KNEW',
  )
  expect(signed).toEqual(policyOf('*://*/members/talk/*'))
})

test('a signed URL of one file is canned', async () => {
  const { cwd } = await place()
  const { json } = await sluice(cwd, ['sign', 'url', 'http://127.0.0.1:8080/members/a.pdf', '--json'])
  const { url, resource } = json as Record<string, string>
  expect(resource).toBe('http://127.0.0.1:8080/members/a.pdf')
  expect(new URL(url ?? '').searchParams.get('Expires')).toBe(String(SECONDS + 6 * HOUR))
})

test('a path token stands before the path', async () => {
  const { cwd, pairs } = await place()
  const { json, stdout } = await sluice(cwd, ['sign', 'path', '/members/talk', '--json'])
  const { url } = json as Record<string, string>
  const taken = takePathToken(new URL(url ?? '').pathname)
  if (taken.token === undefined) throw new Error(stdout)
  expect(taken.rest).toBe('/members/talk/index.m3u8')
  expect(verified(pairs, taken.token.policy, taken.token.signature, 'KNEW')).toEqual(
    policyOf('*://*/members/talk/*'),
  )
})

test.each([
  ['url', '/members/talk/*', 'http://127.0.0.1:8080/members/talk/index.m3u8'],
  ['path', '/members/talk/*', 'http://127.0.0.1:8080/members/talk/index.m3u8'],
  ['path', 'http://h:1/members/talk/*', 'http://h:1/members/talk/index.m3u8'],
  ['path', '/members/*', 'http://127.0.0.1:8080/members/'],
])('sign %s %s opens first %s', async (form, target, wanted) => {
  const { cwd } = await place()
  const { json } = await sluice(cwd, ['sign', form, target, '--json'])
  const { origin, pathname } = new URL((json as Record<string, string>)['url'] ?? '')
  expect(`${origin}${takePathToken(pathname).rest}`).toBe(wanted)
})

test('a key in a file signs without any server, when a wildcard or a URL says what is meant', async () => {
  const cwd = workFolder()
  writeFileSync(join(cwd, 'KFILE.pem'), makeKey().privateKey)
  writeFileSync(join(cwd, 'key.pem'), makeKey().privateKey)
  const good = await sluice(cwd, ['sign', 'cookies', '/members/*', '--key-file', 'KFILE.pem', '--json'])
  expect(good).toMatchObject({ code: 0, json: { 'CloudFront-Key-Pair-Id': 'KFILE' } })
  const named = await sluice(cwd, [
    'sign',
    'url',
    'http://h/a',
    '--key-file',
    'key.pem',
    '--key',
    'KX',
    '--json',
  ])
  expect((named.json as Cookies)['url']).toContain('Key-Pair-Id=KX')
  expect(await sluice(cwd, ['sign', 'url', 'http://h/a', '--key-file', 'key.pem', '--json'])).toMatchObject({
    code: 2,
    json: { error: { code: 'no-key-id' } },
  })
  const unknown = await sluice(cwd, ['sign', 'cookies', '/members/talk', '--key-file', 'KFILE.pem', '--json'])
  expect(unknown).toMatchObject({ code: 2, json: { error: { code: 'bad-target' } } })
})

test.each([
  [['/members/talk', '--ttl', '5'], 2, 'bad-ttl'],
  [['/members/talk', '--ttl', '0s'], 2, 'bad-ttl'],
  [['/members/talk', '--not-before', 'soon'], 2, 'bad-time'],
  [['/members/talk', '--not-before', '2027-01-01T00:00:00Z'], 2, 'bad-policy'],
  [['/members/talk', '--ip', 'here'], 2, 'bad-policy'],
  [['/members/talk', '--key', 'KNONE'], 3, 'no-key'],
  [['/members/talk', '--key', '../client'], 3, 'no-key'],
  [['/members/talk', '--key-file', 'none.pem', '--key', 'KX'], 3, 'no-key'],
  [['/members/../talk'], 2, 'bad-target'],
  [['members/talk'], 2, 'bad-target'],
  [['ftp://h/x'], 2, 'bad-target'],
])('sign url %j ends with %i', async (argv, code, reason) => {
  const { cwd } = await place()
  expect(await sluice(cwd, ['sign', 'url', ...argv, '--json'])).toMatchObject({
    code,
    json: { error: { code: reason } },
  })
})

test.each([
  [['url', 'http://h/members/*.pdf'], 'bad-target'],
  [['url', '/members/*.pdf'], 'bad-target'],
  [['cookies', '/members/*', '--format', 'xml'], 'bad-format'],
])('sign %j is a usage error', async (argv, reason) => {
  const { cwd } = await place()
  expect(await sluice(cwd, ['sign', ...argv, '--json'])).toMatchObject({
    code: 2,
    json: { error: { code: reason } },
  })
})
