import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sluice, stubControl, workFolder, type Routes } from './stub-control.ts'

const ACKNOWLEDGED = { version: 7, acknowledged: [{ id: 'edge-1', ms: 12 }], missing: [] }
const SHOWN = {
  id: 'E123456789ABCD',
  domain: 'e123456789abcd.cdn.localhost',
  aliases: ['media.example.com'],
  enabled: true,
  comment: 'films',
  fallback: false,
  origins: [
    { id: 'site', kind: 'http', url: 'https://site.example', headers: [{ name: 'X-Secret', value: null }] },
  ],
  behaviours: [
    {
      pattern: '/members/*',
      originId: 'site',
      gate: { keyGroups: ['kg-1'], issuers: ['iss-1'] },
      carry: 'none',
      ttl: { minimum: 0, default: 86_400, maximum: 31_536_000 },
      viewerProtocol: 'allow-all',
      query: 'none',
      headers: [],
      corsOrigins: [],
    },
  ],
  errors: [{ status: 404, ttl: 60, page: '/old.html', respondWith: 200 }],
}

interface Sent {
  name: string
  body: unknown
}

/** A control that answers changes with what is shown, and remembers what it was sent. */
async function at(routes: Routes = {}, warnings: string[] = []) {
  const sent: Sent[] = []
  const change = (name: string, key: string, value: unknown): Routes => ({
    [name]: ({ body }) => {
      sent.push({ name, body: JSON.parse(String(body)) })
      return { body: { [key]: value, snapshotVersion: 7, warnings } }
    },
  })
  const access = { id: 'EACCESS', name: 'films', kind: 'control', signing: 'always', accessKeyId: 'AKID' }
  const stub = await stubControl({
    'GET /v1/acknowledgements': { body: ACKNOWLEDGED },
    'GET /v1/distributions/E1': { body: SHOWN },
    'GET /v1/key-groups': { body: { keyGroups: [{ id: 'kg-1', name: 'default', keys: [] }] } },
    'GET /v1/issuers': { body: { issuers: [{ id: 'iss-1', name: 'login' }] } },
    ...change('POST /v1/distributions', 'distribution', SHOWN),
    ...change('PUT /v1/distributions/E1', 'distribution', SHOWN),
    ...change('POST /v1/issuers', 'issuer', { id: 'iss-1', name: 'login' }),
    ...change('POST /v1/origin-access', 'originAccess', access),
    ...change('PUT /v1/origin-access/films', 'originAccess', access),
    ...routes,
  })
  return { stub, sent, cwd: workFolder(stub) }
}

describe('distribution create', () => {
  test('takes a URL, names and a comment, and waits for the nodes', async () => {
    const { cwd, sent, stub } = await at()
    const line = 'distribution create --origin https://site.example --alias a.example --alias b.example'
    const ran = await sluice(cwd, [...line.split(' '), '--comment', 'all films', '--json'])
    expect([ran.code, ran.json]).toEqual([0, SHOWN])
    expect(sent).toEqual([
      {
        name: 'POST /v1/distributions',
        body: { origin: 'https://site.example', aliases: ['a.example', 'b.example'], comment: 'all films' },
      },
    ])
    expect(stub.asked).toContain('GET /v1/acknowledgements')
  })

  test.each<[string, object]>([
    ['--default-ttl 0', { default: 0 }],
    ['--default-ttl 90 --min-ttl 1m --max-ttl 100y', { minimum: 60, default: 90, maximum: 3_153_600_000 }],
    ['--max-ttl 1y12h', { maximum: 31_579_200 }],
    ['--max-ttl 3153600000', { maximum: 3_153_600_000 }],
  ])('puts the cache before a site with %s', async (flags, ttl) => {
    const { cwd, sent } = await at()
    const line = `distribution create --origin https://site.example ${flags}`
    expect((await sluice(cwd, line.split(' '))).code).toBe(0)
    expect(sent.map(each => each.body)).toEqual([
      { origin: 'https://site.example', behaviours: [{ pattern: '*', ttl }] },
    ])
  })

  test('takes a second server for when the first fails, and pages for errors', async () => {
    const { cwd, sent } = await at()
    const site = 'distribution create --origin https://site.example'
    const lines = [
      `${site} --fallback-origin https://b.example --failover-on 404,503 --default-ttl 0`,
      `${site} --fallback-origin https://b.example`,
      `${site} --error-page 404=/404.html --error-page 403=/a:b/app.html:200`,
    ]
    for (const line of lines) expect((await sluice(cwd, line.split(' '))).code).toBe(0)
    const origins = [{ url: 'https://site.example' }, { id: 'fallback', url: 'https://b.example' }]
    expect(sent.map(each => each.body)).toEqual([
      {
        origins,
        originGroups: [{ id: 'failover', statuses: [404, 503] }],
        behaviours: [{ pattern: '*', originId: 'failover', ttl: { default: 0 } }],
      },
      {
        origins,
        originGroups: [{ id: 'failover' }],
        behaviours: [{ pattern: '*', originId: 'failover' }],
      },
      {
        origin: 'https://site.example',
        errors: [
          { status: 404, page: '/404.html' },
          { status: 403, page: '/a:b/app.html', respondWith: 200 },
        ],
      },
    ])
  })

  test('takes a file of YAML or JSON, and says what is to be warned of', async () => {
    const { cwd, sent } = await at({}, ['something is open'])
    writeFileSync(join(cwd, 'site.yaml'), '# a site\norigins:\n  - url: https://site.example\n')
    writeFileSync(join(cwd, 'site.json'), '{"origins": [{"url": "https://site.example"}]}')
    for (const name of ['site.yaml', 'site.json']) {
      const ran = await sluice(cwd, ['distribution', 'create', '--file', name])
      expect([ran.code, ran.stdout, ran.stderr]).toEqual([
        0,
        `${SHOWN.id}  ${SHOWN.domain}\n`,
        'warning: something is open.\n',
      ])
    }
    expect(sent.map(each => each.body)).toEqual(Array(2).fill({ origins: [{ url: 'https://site.example' }] }))
  })

  test.each([
    ['distribution create', 2, 'no-origin'],
    ['distribution create --origin http://a.example --file x.yaml', 2, 'no-origin'],
    ['distribution create --file none.yaml --default-ttl 0', 2, 'ttl-and-file'],
    ...['101y', '3153600001', '1.5', '-1', '1s500ms', 'soon', '10years', 'y'].map(
      (ttl): [string, number, string] => [
        `distribution create --origin http://a.example --default-ttl=${ttl}`,
        2,
        'bad-ttl',
      ],
    ),
    ['distribution create --origin http://a.example --failover-on 500', 2, 'no-fallback'],
    [
      'distribution create --origin http://a.example --fallback-origin http://b.example --failover-on 401',
      2,
      'bad-statuses',
    ],
    ['distribution create --origin http://a.example --error-page 404', 2, 'bad-page'],
    ['distribution create --origin http://a.example --error-page 404=404.html', 2, 'bad-page'],
    ['distribution create --file none.yaml --fallback-origin http://b.example', 2, 'flags-and-file'],
    ['distribution create --file none.yaml', 3, 'no-file'],
    ['distribution create --file bad.json', 2, 'bad-file'],
    ['distribution create --file list.json', 2, 'bad-file'],
    ['distribution create --file bad.yaml', 2, 'bad-configuration'],
    ['distribution create --file large.yaml', 2, 'bad-file'],
    ['distribution update E1', 2, 'no-change'],
    ['distribution update E1 --enable --disable', 2, 'both-ways'],
    ['issuers create login', 2, 'no-issuer'],
    ['issuers create login --issuer i --audience a', 2, 'no-keys'],
    ['issuers create login --issuer i --audience a --jwks http://a --jwks-file list.json', 2, 'no-keys'],
    ['issuers create login --issuer i --audience a --jwks-file empty.json', 2, 'no-keys'],
    ['issuers create login --issuer i --audience a --jwks http://a --algorithm HS256', 2, 'bad-algorithm'],
    ['origin-access create films', 2, 'no-credentials'],
    ['origin-access create films --type oac', 2, 'bad-type'],
    ['origin-access create films --signing sometimes', 2, 'bad-signing'],
    ['origin-access rotate films', 2, 'no-credentials'],
  ])('"%s" ends with %i (%s) and sends nothing', async (line, code, error) => {
    const { cwd, sent } = await at()
    writeFileSync(join(cwd, 'bad.json'), '{"value": hush}')
    writeFileSync(join(cwd, 'list.json'), '[]')
    writeFileSync(join(cwd, 'empty.json'), '{}')
    writeFileSync(join(cwd, 'bad.yaml'), 'a: [hush\n')
    writeFileSync(join(cwd, 'large.yaml'), `a: ${'x'.repeat(1 << 20)}\n`)
    const ran = await sluice(cwd, [...line.split(' '), '--json'])
    expect([ran.code, ran.json]).toMatchObject([code, { error: { code: error } }])
    expect(ran.stdout + ran.stderr).not.toContain('hush')
    expect(sent).toEqual([])
  })
})

describe('distribution show', () => {
  test('is a file that update takes', async () => {
    const { cwd, sent } = await at()
    const { stdout } = await sluice(cwd, ['distribution', 'show', 'E1', '--json'])
    writeFileSync(join(cwd, 'shown.json'), stdout)
    expect((await sluice(cwd, ['distribution', 'update', 'E1', '--file', 'shown.json'])).code).toBe(0)
    expect(sent).toEqual([{ name: 'PUT /v1/distributions/E1', body: SHOWN }])
  })

  test('calls whom a gate trusts by name, for people', async () => {
    const { cwd } = await at()
    const { stdout } = await sluice(cwd, ['distribution', 'show', 'E1'])
    expect(stdout.split('\n')).toEqual([
      'E123456789ABCD e123456789abcd.cdn.localhost media.example.com enabled',
      'films',
      '',
      'ORIGIN  KIND  PLACE',
      'site    http  https://site.example with X-Secret',
      '',
      'PATHS       ORIGIN  ACCESS                  LIFETIME MIN / DEFAULT / MAX',
      '/members/*  site    signed: default, login  0 / 86400 / 31536000 s',
      '',
      'ERROR  PAGE       SENT AS',
      '404    /old.html  200',
      '',
    ])
  })
})

test.each([
  ['--disable', false],
  ['--enable', true],
])('distribution update %s changes nothing else', async (flag, enabled) => {
  const { cwd, sent } = await at()
  expect((await sluice(cwd, ['distribution', 'update', 'E1', flag])).code).toBe(0)
  expect(sent.map(each => each.body)).toEqual([{ ...SHOWN, enabled }])
})

describe('issuers create', () => {
  const base = ['issuers', 'create', 'login', '--issuer', 'https://login.example/', '--audience', 'films']

  test('takes a URL of keys and says what else', async () => {
    const { cwd, sent } = await at()
    const flags = ['--algorithm', 'ES256', '--algorithm', 'EdDSA', '--claim', 'globs', '--cookie', 'member']
    const ran = await sluice(cwd, [...base, '--jwks', 'https://login.example/jwks', ...flags, '--json'])
    expect([ran.code, ran.json]).toEqual([0, { id: 'iss-1', name: 'login' }])
    expect(sent.map(each => each.body)).toEqual([
      {
        name: 'login',
        issuer: 'https://login.example/',
        audience: 'films',
        keys: { kind: 'url', url: 'https://login.example/jwks' },
        algorithms: ['ES256', 'EdDSA'],
        claim: 'globs',
        cookie: 'member',
      },
    ])
  })

  test('takes a file of public keys, and lets no private one leave', async () => {
    const { cwd, sent } = await at()
    const pair = generateKeyPairSync('ed25519')
    const write = (name: string, key: object): void =>
      writeFileSync(join(cwd, name), JSON.stringify({ keys: [key] }))
    const jwk = pair.publicKey.export({ format: 'jwk' })
    write('public.json', jwk)
    write('private.json', pair.privateKey.export({ format: 'jwk' }))
    expect((await sluice(cwd, [...base, '--jwks-file', 'public.json'])).code).toBe(0)
    expect(sent.map(each => each.body)).toMatchObject([{ keys: { kind: 'inline', keys: [jwk] } }])
    const refused = await sluice(cwd, [...base, '--jwks-file', 'private.json', '--json'])
    expect([refused.code, refused.json]).toMatchObject([2, { error: { code: 'private-key' } }])
    expect(sent).toHaveLength(1)
  })
})

describe('origin-access', () => {
  test('reads its key from the environment or from files, and tells no secret', async () => {
    const { cwd, sent } = await at()
    const file = join(cwd, 'secret')
    writeFileSync(file, 'key-hush\n')
    const env = { SLUICE_ACCESS_KEY_ID: 'AKID', SLUICE_SECRET_ACCESS_KEY_FILE: file }
    const line = ['origin-access', 'create', 'films', '--signing', 'no-override', '--json']
    const made = await sluice(cwd, line, { env })
    const rotated = await sluice(cwd, ['origin-access', 'rotate', 'films'], {
      env: { ...env, SLUICE_SESSION_TOKEN: 'session-hush' },
    })
    expect([made.code, made.json]).toMatchObject([0, { id: 'EACCESS', accessKeyId: 'AKID' }])
    expect([rotated.code, rotated.stdout]).toEqual([0, 'films uses AKID; the old key may be deleted\n'])
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'key-hush' }
    expect(sent).toEqual([
      {
        name: 'POST /v1/origin-access',
        body: { name: 'films', kind: 'control', signing: 'no-override', credentials },
      },
      {
        name: 'PUT /v1/origin-access/films',
        body: { credentials: { ...credentials, sessionToken: 'session-hush' } },
      },
    ])
    for (const ran of [made, rotated]) expect(ran.stdout + ran.stderr).not.toContain('hush')
  })

  test('needs both halves of a key, and none where nothing is signed', async () => {
    const { cwd, sent } = await at()
    const half = { env: { SLUICE_ACCESS_KEY_ID: 'AKID' } }
    expect((await sluice(cwd, ['origin-access', 'create', 'films'], half)).code).toBe(2)
    expect((await sluice(cwd, ['origin-access', 'create', 'films', '--signing', 'never'])).code).toBe(0)
    expect(sent.map(each => each.body)).toEqual([{ name: 'films', kind: 'control', signing: 'never' }])
  })
})

describe('distribution update', () => {
  const [rule] = SHOWN.behaviours

  test('changes lifetimes of what no other behaviour matches, and nothing else', async () => {
    const { cwd, sent } = await at()
    const line = 'distribution update E1 --default-ttl 10m --max-ttl 1h'
    expect((await sluice(cwd, line.split(' '))).code).toBe(0)
    const ttl = { minimum: 0, default: 600, maximum: 3600 }
    expect(sent.map(each => each.body)).toEqual([{ ...SHOWN, behaviours: [{ ...rule, ttl }] }])
  })

  test('puts a second server behind the first, and changes it and what it is for', async () => {
    const first = await at()
    const line = 'distribution update E1 --fallback-origin https://b.example'
    expect((await sluice(first.cwd, line.split(' '))).code).toBe(0)
    const grouped = {
      ...SHOWN,
      origins: [...SHOWN.origins, { id: 'fallback', url: 'https://b.example' }],
      originGroups: [{ id: 'failover', members: ['site', 'fallback'] }],
      behaviours: [{ ...rule, originId: 'failover' }],
    }
    expect(first.sent.map(each => each.body)).toEqual([grouped])
    const originGroups = [{ id: 'failover', members: ['site', 'fallback'], statuses: [500] }]
    const then = await at({ 'GET /v1/distributions/E1': { body: { ...grouped, originGroups } } })
    for (const flags of ['--failover-on 404,500', '--fallback-origin https://c.example'])
      expect((await sluice(then.cwd, `distribution update E1 ${flags}`.split(' '))).code).toBe(0)
    expect(then.sent.map(each => each.body)).toEqual([
      { ...grouped, originGroups: [{ ...originGroups[0], statuses: [404, 500] }] },
      {
        ...{ ...grouped, originGroups },
        origins: [...SHOWN.origins, { id: 'fallback', url: 'https://c.example' }],
      },
    ])
  })

  test('changes the page of an error, not how long the error is kept', async () => {
    const { cwd, sent } = await at()
    const line = 'distribution update E1 --error-page 404=/new.html --error-page 500=/500.html'
    expect((await sluice(cwd, line.split(' '))).code).toBe(0)
    const errors = [
      { status: 404, ttl: 60, page: '/new.html' },
      { status: 500, page: '/500.html' },
    ]
    expect(sent.map(each => each.body)).toEqual([{ ...SHOWN, errors }])
  })

  test.each([
    ['--failover-on 500', 'no-fallback'],
    ['--file none.yaml --default-ttl 0', 'ttl-and-file'],
  ])('with %s ends with %s', async (flags, error) => {
    const { cwd, sent } = await at()
    const ran = await sluice(cwd, `distribution update E1 ${flags} --json`.split(' '))
    expect([ran.code, ran.json]).toMatchObject([2, { error: { code: error } }])
    expect(sent).toEqual([])
  })
})
