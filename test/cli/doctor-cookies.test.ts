import { createServer, type OutgoingHttpHeaders } from 'node:http'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { instant, type KeyGroupId, type KeyId } from '../../src/core/index.ts'
import type { Behaviour, Snapshot } from '../../src/distribution/index.ts'
import { cannedPolicy, encodeCloudFront } from '../../src/signing/index.ts'
import { EdgeBench, KEY_ID, keys, snapshotOf } from '../delivery/edge-bench.ts'
import { explainingControl } from './explaining-control.ts'
import { sluice, workFolder, type Ran } from './stub-control.ts'

// Names below localhost reach this machine, and to browsers they are sites like any other.
const MEDIA = 'media.example.localhost'
const PATH = '/members/talk/index.m3u8'
const HOUR = 3600

let bench: EdgeBench
let port: string
let folder: string
let snapshot: Snapshot

beforeAll(async () => {
  bench = await EdgeBench.start((_request, response) => response.writeHead(200).end('film'))
  port = new URL(bench.url).port
})
beforeEach(async () => {
  use(snapshotOf())
  folder = workFolder(await explainingControl(() => snapshot))
})
afterAll(() => bench.close())

function use(next: Snapshot): void {
  snapshot = next
  bench.node.apply(next)
}

function behaviours(change: (all: Behaviour[]) => Behaviour[]): Snapshot {
  const [first] = snapshotOf().distributions
  if (!first) throw new Error('no distribution')
  return snapshotOf({ distributions: [{ ...first, behaviours: change(first.behaviours) }] })
}

interface Terms {
  resource?: string
  /** From now. */
  seconds?: number
  from?: number
  address?: string
  /** The whole policy instead. */
  policy?: string
  key?: KeyObject
  keyId?: string
}

const at = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

function policyOf({ resource, seconds, from, address }: Terms): string {
  const Condition = {
    DateLessThan: { 'AWS:EpochTime': at(seconds ?? 6 * HOUR) },
    ...(from === undefined ? {} : { DateGreaterThan: { 'AWS:EpochTime': at(from) } }),
    ...(address === undefined ? {} : { IpAddress: { 'AWS:SourceIp': address } }),
  }
  return JSON.stringify({
    Statement: [{ Resource: resource ?? `http://${MEDIA}/members/talk/*`, Condition }],
  })
}

type Cookies = Record<string, string>

/** Name and value of each cookie that a signer makes. */
function grant(terms: Terms = {}): Cookies {
  const policy = terms.policy ?? policyOf(terms)
  return { 'CloudFront-Policy': encodeCloudFront(Buffer.from(policy)), ...signed(policy, terms) }
}

function signed(policy: string, { key = keys.privateKey, keyId = KEY_ID }: Terms): Cookies {
  return {
    'CloudFront-Signature': encodeCloudFront(sign('sha256', Buffer.from(policy), key)),
    'CloudFront-Key-Pair-Id': keyId,
    'CloudFront-Hash-Algorithm': 'SHA256',
  }
}

function canned(): Cookies {
  const expires = at(6 * HOUR)
  const policy = cannedPolicy(`http://${MEDIA}:${port}${PATH}`, instant(expires * 1000))
  return { 'CloudFront-Expires': String(expires), ...signed(policy, {}) }
}

const GOOD = 'Domain=example.localhost; Path=/members/; Secure; HttpOnly; SameSite=Lax'
const EMBEDDED = 'Domain=example.localhost; Path=/members/; Secure; SameSite=None; Partitioned'
const PAGE = 'http://www.example.localhost/watch'

function lines(cookies: Cookies, attributes: string): string[] {
  return Object.entries(cookies).flatMap(([name, value]) => [
    '--set-cookie',
    `${name}=${value}; ${attributes}`,
  ])
}

function header(cookies: Cookies): string[] {
  const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`)
  return ['--cookie', pairs.join('; ')]
}

/** Runs the doctor; the cookies and the page are the arguments'. */
async function doctor(args: string[], ahead = 0, url = `http://${MEDIA}:${port}${PATH}`): Promise<Ran> {
  const now = (): ReturnType<typeof instant> => instant(Date.now() + ahead)
  return sluice(folder, ['doctor', 'cookies', url, ...args, '--json'], { now })
}

interface Check {
  name: string
  state: string
  found: string
  mend?: string
}

function checks({ json }: Ran): Check[] {
  return (json as { checks: Check[] }).checks // INTERFACE.md: one JSON value
}

function sick(ran: Ran, state = 'problem'): Check[] {
  return checks(ran).filter(check => check.state === state)
}

const withPage = (page: string): string[] => ['--page', page]
const well = (): string[] => [...withPage(PAGE), ...lines(grant(), GOOD)]

test('of a site where all is right it says so, check by check', async () => {
  const ran = await doctor(well())
  expect(ran.code, ran.stdout + ran.stderr).toBe(0)
  expect(checks(ran).map(({ name, state }) => `${name} ${state}`)).toEqual([
    'edge good',
    'clock good',
    'gate good',
    'CORS good',
    'Domain good',
    'Path good',
    'Secure good',
    'SameSite good',
    'cookie life good',
    'cookies good',
    'wildcard good',
    'expiry good',
    'answer good',
  ])
  expect(checks(ran).every(check => check.mend === undefined)).toBe(true)
})

interface Case {
  /** What is broken. */
  broken: string
  /** The one finding that is a problem. */
  finding: string
  mend: RegExp
  args: () => string[]
  /** Once the mend was applied; the site where all is right unless given. */
  mended?: () => string[]
}

const without = (name: string): Cookies =>
  Object.fromEntries(Object.entries(grant()).filter(([each]) => each !== name))
const changed = (name: string, change: (value: string) => string): Cookies =>
  Object.fromEntries(
    Object.entries(grant()).map(([each, value]) => [each, each === name ? change(value) : value]),
  )
const attributes =
  (own: string, page = PAGE) =>
  (): string[] => [...withPage(page), ...lines(grant(), own)]
const cookies = (make: () => Cookies) => (): string[] => [...withPage(PAGE), ...lines(make(), GOOD)]
const resource = (make: () => string): (() => string[]) => cookies(() => grant({ resource: make() }))
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

const CASES: Case[] = [
  {
    broken: 'no Domain, set by the page of another host',
    finding: 'Domain',
    mend: /Domain=example\.localhost/,
    args: attributes('Path=/; Secure; SameSite=Lax'),
    mended: attributes('Domain=example.localhost; Path=/; Secure; SameSite=Lax'),
  },
  {
    broken: 'the Domain of the page alone',
    finding: 'Domain',
    mend: /Domain=example\.localhost/,
    args: attributes('Domain=www.example.localhost; Path=/; Secure; SameSite=Lax'),
  },
  {
    broken: 'a Domain that the page is not in',
    finding: 'Domain',
    mend: /Domain=example\.localhost/,
    args: attributes(`Domain=${MEDIA}; Path=/; Secure; SameSite=Lax`),
  },
  {
    broken: 'a Domain that is a public suffix',
    finding: 'Domain',
    mend: /Domain=example\.localhost/,
    args: attributes('Domain=localhost; Path=/; Secure; SameSite=Lax'),
  },
  {
    broken: 'a Path with a wildcard',
    finding: 'Path',
    mend: /Path=\/members\/talk\/ /,
    args: attributes('Domain=example.localhost; Path=/members/*; Secure; SameSite=Lax'),
    mended: attributes('Domain=example.localhost; Path=/members/talk/; Secure; SameSite=Lax'),
  },
  {
    broken: 'the Path of something else',
    finding: 'Path',
    mend: /Path=\/members\/talk\/ /,
    args: attributes('Domain=example.localhost; Path=/account; Secure; SameSite=Lax'),
  },
  {
    broken: 'no Path, set by a page in a folder of its own',
    finding: 'Path',
    mend: /Path=\/members\/talk\/ /,
    args: attributes('Domain=example.localhost; Secure; SameSite=Lax', 'http://www.example.localhost/a/b'),
  },
  {
    broken: 'a Path that is the playlist itself',
    finding: 'Path',
    mend: /Path=\/members\/talk\/ /,
    args: attributes(`Domain=example.localhost; Path=${PATH}; Secure; SameSite=Lax`),
  },
  {
    broken: 'SameSite=None without Secure',
    finding: 'SameSite',
    mend: /Add Secure/,
    args: attributes('Domain=example.localhost; Path=/; SameSite=None'),
    mended: attributes('Domain=example.localhost; Path=/; SameSite=None; Secure'),
  },
  {
    broken: 'Partitioned without Secure',
    finding: 'Secure',
    mend: /Add Secure/,
    args: attributes('Domain=example.localhost; Path=/; SameSite=Lax; Partitioned'),
    mended: attributes('Domain=example.localhost; Path=/; SameSite=Lax; Partitioned; Secure'),
  },
  {
    broken: 'an Expires of the cookie that is over',
    finding: 'cookie life',
    mend: /Leave out Max-Age and Expires/,
    args: attributes(`${GOOD}; Expires=Wed, 21 Oct 2015 07:28:00 GMT`),
  },
  {
    broken: 'a Max-Age of nothing',
    finding: 'cookie life',
    mend: /Leave out Max-Age/,
    args: attributes(`${GOOD}; Max-Age=0`),
  },
  {
    broken: 'a cookie that is missing',
    finding: 'cookies',
    mend: /all that the signer returns/,
    args: cookies(() => without('CloudFront-Signature')),
  },
  {
    broken: 'no key id',
    finding: 'cookies',
    mend: /all that the signer returns/,
    args: cookies(() => without('CloudFront-Key-Pair-Id')),
  },
  {
    broken: 'Expires beside Policy',
    finding: 'cookies',
    mend: /Delete CloudFront-Expires/,
    args: cookies(() => ({ ...grant(), 'CloudFront-Expires': '1900000000' })),
  },
  {
    broken: 'a name in lower case',
    finding: 'cookies',
    mend: /Call it CloudFront-Policy/,
    args: cookies(() => {
      const { 'CloudFront-Policy': policy = '', ...rest } = grant()
      return { 'cloudfront-policy': policy, ...rest }
    }),
  },
  {
    broken: 'a value that was escaped',
    finding: 'cookies',
    mend: /as the signer gave it/,
    args: cookies(() => changed('CloudFront-Policy', value => `${value.slice(0, 9)}%5F${value.slice(9)}`)),
  },
  {
    broken: 'a value in plain base64',
    finding: 'cookies',
    mend: /"-" for "\+"/,
    args: cookies(() => changed('CloudFront-Signature', value => `+${value.slice(1)}`)),
  },
  {
    broken: 'an old grant on another path',
    finding: 'cookies',
    mend: /delete the old cookies/,
    args: () => [
      ...well(),
      ...lines(
        { 'CloudFront-Policy': grant({ seconds: 9 * HOUR })['CloudFront-Policy'] ?? '' },
        `${GOOD}; Path=/`,
      ),
    ],
  },
  {
    broken: 'a canned policy for a playlist',
    finding: 'canned policy',
    mend: /custom policy .*\/members\/talk\/\*/,
    args: cookies(canned),
  },
  {
    broken: 'a resource without a wildcard',
    finding: 'wildcard',
    mend: /Sign http:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => `http://${MEDIA}/members/talk`),
  },
  {
    broken: 'a resource that is the playlist',
    finding: 'wildcard',
    mend: /Sign http:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => `http://${MEDIA}${PATH}`),
  },
  {
    broken: 'a resource for playlists only',
    finding: 'wildcard',
    mend: /Sign http:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => `http://${MEDIA}/members/*.m3u8`),
  },
  {
    broken: 'a resource of the other scheme',
    finding: 'wildcard',
    mend: /Sign \*:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => `https://${MEDIA}/members/talk/*`),
    mended: resource(() => `*://${MEDIA}/members/talk/*`),
  },
  {
    broken: 'the scheme http*://, which old snippets have',
    finding: 'wildcard',
    mend: /Sign \*:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => `http*://${MEDIA}/members/talk/*`),
    mended: resource(() => `*://${MEDIA}/members/talk/*`),
  },
  {
    broken: 'a resource of the page’s host',
    finding: 'wildcard',
    mend: /Sign http:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => 'http://www.example.localhost/members/talk/*'),
  },
  {
    broken: 'a resource with another port',
    finding: 'wildcard',
    mend: /Sign http:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => `http://${MEDIA}:1/members/talk/*`),
  },
  {
    broken: 'a resource without scheme and wildcard',
    finding: 'wildcard',
    mend: /Sign \*:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => `${MEDIA}/members/talk`),
    mended: resource(() => `*://${MEDIA}/members/talk/*`),
  },
  {
    broken: 'a resource of another film',
    finding: 'wildcard',
    mend: /Sign http:\/\/media\.example\.localhost\/members\/talk\/\* instead/,
    args: resource(() => `http://${MEDIA}/members/show/*`),
  },
  {
    broken: 'a grant that is over',
    finding: 'expiry',
    mend: /Sign again/,
    args: cookies(() => grant({ seconds: -60 })),
  },
  {
    broken: 'a time in milliseconds',
    finding: 'expiry',
    mend: /Divide by 1000/,
    args: cookies(() => grant({ policy: policyOf({}).replace(/(\d{10})/, '$1000') })),
  },
  {
    broken: 'a time in quotation marks',
    finding: 'expiry',
    mend: /whole number/,
    args: cookies(() => grant({ policy: policyOf({}).replace(/(\d{10})/, '"$1"') })),
  },
  {
    broken: 'a grant that begins later',
    finding: 'not yet',
    mend: /Leave out DateGreaterThan/,
    args: cookies(() => grant({ from: 300 })),
  },
  {
    broken: 'a field that nobody knows',
    finding: 'policy',
    mend: /one statement with one Resource/,
    args: cookies(() => grant({ policy: policyOf({}).replace('"Resource"', '"Effect":"Allow","Resource"') })),
  },
  {
    broken: 'a key that nobody trusts',
    finding: 'key',
    mend: /sluice keys import NAME PUBLIC\.pem --group default/,
    args: cookies(() => grant({ keyId: 'KSTRANGER', key: stranger })),
  },
  {
    broken: 'the signature of another key',
    finding: 'key',
    mend: /CloudFront-Hash-Algorithm=SHA256/,
    args: cookies(() => grant({ key: stranger })),
  },
  {
    broken: 'SHA-256 that is not declared',
    finding: 'key',
    mend: /CloudFront-Hash-Algorithm=SHA256/,
    args: cookies(() => without('CloudFront-Hash-Algorithm')),
  },
  {
    broken: 'another address',
    finding: 'address',
    mend: /trustedProxies/,
    args: cookies(() => grant({ address: '192.0.2.0/24' })),
  },
  {
    broken: 'a page of another site, with SameSite=Lax',
    finding: 'SameSite',
    mend: /SameSite=None; Secure; Partitioned/,
    args: () => [
      ...withPage('http://www.other.localhost/'),
      ...['--login', 'http://www.example.localhost/'],
      ...lines(grant(), GOOD),
    ],
    mended: () => [
      ...withPage('http://www.other.localhost/'),
      ...['--login', 'http://www.example.localhost/'],
      ...lines(grant(), EMBEDDED),
    ],
  },
  {
    broken: 'a page by https, which is another site now',
    finding: 'SameSite',
    mend: /Serve both by https/,
    args: attributes(GOOD, 'https://www.example.localhost/'),
  },
  {
    broken: 'a page that the edge lets nobody read from',
    finding: 'CORS',
    mend: /Add http:\/\/www\.example\.org to the corsOrigins/,
    args: () => [...withPage('http://www.example.org/watch'), ...header(grant())],
    mended: () => [...withPage(PAGE), ...header(grant())],
  },
]

describe('one thing that is broken', () => {
  test.each(CASES)('$broken is the one problem, $finding', async ({ finding, mend, args, mended }) => {
    const ran = await doctor(args())
    expect(
      sick(ran).map(check => check.name),
      ran.stdout,
    ).toEqual([finding])
    expect(sick(ran)[0]?.mend).toMatch(mend)
    expect(ran.code).toBe(1)
    const after = await doctor((mended ?? well)())
    expect({ sick: sick(after), code: after.code }).toEqual({ sick: [], code: 0 })
  })
})

const order = (...patterns: string[]): Snapshot =>
  behaviours(all => patterns.flatMap(pattern => all.filter(each => each.pattern === pattern)))
const gate = (pattern: string, change: Partial<Behaviour>): Snapshot =>
  behaviours(all => all.map(each => (each.pattern === pattern ? { ...each, ...change } : each)))

describe('a configuration that is wrong', () => {
  const everything = (): Snapshot =>
    behaviours(all => {
      const [members, live, rest] = all
      if (!members || !live || !rest) throw new Error('not the first distribution')
      return [live, { ...rest, pattern: '/*' }, members, rest]
    })

  test.each<[string, () => Snapshot, string, string]>([
    [
      'a gate behind what matches before',
      everything,
      'behaviour order',
      'Put /members/* before /* in distribution ETESTDISTRIBUT.',
    ],
    [
      'no gate at all',
      () => order('/live/*', '*'),
      'gate',
      'Put a behaviour /members/talk/* with a gate first in distribution ETESTDISTRIBUT.',
    ],
    [
      'https only',
      () => gate('/members/*', { viewerProtocol: 'https-only' }),
      'protocol',
      'Write https:// in the URL.',
    ],
    [
      'a redirect to https',
      () => gate('/members/*', { viewerProtocol: 'redirect-to-https' }),
      'protocol',
      'Write https:// in the URL.',
    ],
    [
      'a name that no distribution has',
      () => snapshotOf({ fallbackDistribution: null }),
      'host',
      `Make ${MEDIA} an alias of the distribution that is meant.`,
    ],
  ])('%s is the one problem', async (_, broken, finding, mend) => {
    use(broken())
    const ran = await doctor(well())
    expect(sick(ran).map(check => [check.name, check.mend])).toEqual([[finding, mend]])
    expect(ran.code).toBe(1)
    use(snapshotOf())
    expect((await doctor(well())).code).toBe(0)
  })

  test('a key of a group that the behaviour does not trust is named with its group', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = other.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const key = { id: 'KSTAFF' as KeyId, name: 'staff', type: 'p256', pem } as const // a test's own
    const group = {
      id: 'kg-staff' as KeyGroupId,
      name: 'staff',
      sha1: 'accept',
      withoutResource: 'refuse',
    } as const // a test's own
    use(snapshotOf({ keyGroups: [...snapshotOf().keyGroups, { ...group, keys: [key] }] }))
    const ran = await doctor([
      ...withPage(PAGE),
      ...lines(grant({ key: other.privateKey, keyId: 'KSTAFF' }), GOOD),
    ])
    expect(sick(ran).map(check => [check.name, check.mend])).toEqual([
      [
        'key',
        'KSTAFF is of staff, and this behaviour trusts default: sign with a key of that, or add the group to the behaviour.',
      ],
    ])
  })

  test('without control the edge alone is asked, and what it says is still explained', async () => {
    folder = workFolder()
    const ran = await doctor([...withPage(PAGE), ...lines(grant({ keyId: 'KSTRANGER' }), GOOD)])
    expect(sick(ran, 'warning').map(check => check.name)).toEqual(['control'])
    expect(sick(ran).map(check => [check.name, check.found])).toEqual([
      ['key', 'the edge refuses the cookies: unknown-key'],
    ])
  })
})

test('a page of another origin that is listed may read', async () => {
  const page = [...withPage('http://www.example.org/watch'), ...header(grant())]
  expect(sick(await doctor(page)).map(check => check.name)).toEqual(['CORS'])
  use(gate('/members/*', { corsOrigins: ['http://www.example.org'] }))
  expect((await doctor(page)).code).toBe(0)
})

test.each([
  [60_000, 'ahead of'],
  [-60_000, 'behind'],
])('a clock here that is %i ms off is the one problem', async (ahead, word) => {
  const ran = await doctor(well(), ahead)
  expect(sick(ran).map(check => check.name)).toEqual(['clock'])
  expect(sick(ran)[0]?.found).toMatch(new RegExp(`^the clock here is (59|60|61) s ${word} the edge's$`))
  expect(sick(ran)[0]?.mend).toMatch(/time service/)
})

test('third-party cookies that are not partitioned are a warning', async () => {
  const page = ['--page', 'http://www.other.localhost/', '--login', 'http://www.example.localhost/']
  const ran = await doctor([...page, ...lines(grant(), EMBEDDED.replace('; Partitioned', ''))])
  expect([ran.code, sick(ran, 'warning').map(check => [check.name, check.mend])]).toEqual([
    0,
    [['SameSite', 'Add Partitioned; it must be set while that page is open.']],
  ])
})

/** A website that answers the same to everything. */
async function website(status: number, headers: OutgoingHttpHeaders): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.method === 'OPTIONS' ? 204 : status, headers).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port: own } = server.address() as AddressInfo // listening on TCP
  return `http://www.example.localhost:${own}`
}

describe('the log-in', () => {
  const setCookies = (): string[] =>
    Object.entries(grant()).map(([name, value]) => `${name}=${value}; ${GOOD}`)

  test('is asked for its cookies', async () => {
    const site = await website(302, { 'set-cookie': ['session=1; Path=/', ...setCookies()], location: '/' })
    const ran = await doctor(['--page', `${site}/watch`, '--login', `${site}/login`])
    expect([ran.code, sick(ran), sick(ran, 'warning')]).toEqual([0, [], []])
    expect(checks(ran).find(check => check.name === 'clock')?.found).toMatch(/the clock of the log-in/)
  })

  test('has a clock that is compared with the edge’s', async () => {
    const date = new Date(Date.now() + 120_000).toUTCString()
    const site = await website(200, { 'set-cookie': setCookies(), date })
    const ran = await doctor(['--login', `${site}/login`])
    expect(sick(ran).map(check => check.name)).toEqual(['clock'])
    expect(sick(ran)[0]?.found).toMatch(/the clock of the log-in is 1(19|20|21) s ahead of the edge's/)
  })

  test.each<[string, OutgoingHttpHeaders, string]>([
    ['that sets no cookies', {}, 'login'],
    ['that sets others', { 'set-cookie': ['session=1'] }, 'cookies'],
  ])('%s is the one problem', async (_, headers, finding) => {
    const ran = await doctor(['--login', await website(200, headers)])
    expect(sick(ran).map(check => check.name)).toEqual([finding])
  })
})

describe('what answers is no edge', () => {
  test.each<[string, number, OutgoingHttpHeaders, string]>([
    ['a firewall', 403, {}, 'gate'],
    ['a broken server', 502, {}, 'edge'],
    [
      'a proxy that allows every origin',
      403,
      { 'x-sluice-reason': 'missing', 'access-control-allow-origin': '*' },
      'CORS',
    ],
  ])('%s is the one problem', async (_, status, headers, finding) => {
    const site = await website(status, headers)
    const ran = await doctor(['--page', PAGE], 0, `${site}${PATH}`)
    expect(sick(ran).map(check => check.name)).toEqual([finding])
    expect(sick(ran)[0]?.mend).toMatch(/proxy|log/)
  })

  test('nobody is', async () => {
    const ran = await doctor([], 0, `http://127.0.0.1:1${PATH}`)
    expect(sick(ran).map(check => check.name)).toEqual(['edge'])
  })
})

test.each([
  [
    'a file with the lines of sign cookies',
    () =>
      lines(grant(), GOOD)
        .filter(each => each !== '--set-cookie')
        .map(each => `Set-Cookie: ${each}`)
        .join('\n'),
  ],
  ['a file with its JSON', () => JSON.stringify(grant())],
  [
    'a file with curl’s options',
    () =>
      Object.entries(grant())
        .map(([name, value]) => `-b ${name}=${value}`)
        .join(' '),
  ],
  ['a file with a Cookie header', () => `Cookie: ${header(grant())[1]}`],
])('%s is read', async (_, content) => {
  writeFileSync(join(folder, 'cookies'), content())
  const ran = await doctor(['--page', PAGE, '--cookie-file', 'cookies'])
  expect([ran.code, sick(ran)], ran.stdout).toEqual([0, []])
})

test('people read a line for each check and how to mend what is wrong', async () => {
  const url = `http://${MEDIA}:${port}${PATH}`
  const args = lines(grant(), GOOD.replace('/members/', '/images/*'))
  const ran = await sluice(folder, ['doctor', 'cookies', url, ...withPage(PAGE), ...args], {
    now: () => instant(Date.now()),
  })
  expect(ran.stdout.split('\n')).toContain('ok      gate: without cookies the answer is 403, missing')
  expect(ran.stdout).toMatch(
    /PROBLEM Path: .*: Path=\/images\/\* is compared letter by letter: browsers know no "\*" there\n {8}Set them with Path=\/members\/talk\/ \(or Path=\/\)\.\n/,
  )
})

test('nothing that lets in is printed', async () => {
  const secrets = Object.values(grant()).filter(value => value.length > 40)
  for (const { args } of CASES) {
    const { stdout, stderr } = await doctor(args())
    const given = args().join('\n')
    for (const secret of given.match(/[A-Za-z0-9_~-]{60,}/g) ?? secrets) {
      expect(stdout + stderr).not.toContain(secret.slice(0, 40))
    }
  }
})

test.each([
  [['doctor', 'cookies', 'ftp://h/x'], 'bad-url'],
  [['doctor', 'cookies', 'rtmp://h/live/x'], 'bad-url'],
  [['doctor', 'cookies', 'http://h/x?Policy=a&Signature=b&Key-Pair-Id=K'], 'signed-url'],
  [['doctor', 'cookies', 'http://h/x', '--page', 'www.example.org'], 'bad-url'],
  [['doctor', 'cookies', 'http://h/x', '--cookie', 'a=b', '--cookie-file', 'f'], 'two-cookies'],
])('%j is a usage error', async (argv, code) => {
  expect(await sluice(folder, [...argv, '--json'])).toMatchObject({ code: 2, json: { error: { code } } })
})

test.each([
  [['ftp://h/x'], 'The URL cannot be asked for'],
  [['rtmp://h/live/x'], 'The URL cannot be asked for'],
  [['http://h/x', '--page', 'www.example.org'], '--page cannot be asked for'],
])('%j is told how browsers ask, and nothing of encoders', async (argv, what) => {
  expect(await sluice(folder, ['doctor', 'cookies', ...argv, '--json'])).toMatchObject({
    json: { error: { message: `${what}: begin it with "http://" or "https://".` } },
  })
})
