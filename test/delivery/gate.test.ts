import { generateKeyPairSync } from 'node:crypto'
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { createSigner, signPath } from '../../src/signing/index.ts'
import { EdgeBench, KEY_ID, keys, snapshotOf } from './edge-bench.ts'
import { rawGet, type Answer } from './raw-get.ts'

const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()
const PATH = '/members/talk/index.m3u8'

let bench: EdgeBench
beforeAll(async () => {
  bench = await EdgeBench.start((_request, response) =>
    response.writeHead(200, { 'Cache-Control': 'public, max-age=60, s-maxage=600', ETag: '"t"' }).end('film'),
  )
})
beforeEach(() => bench.node.apply(snapshotOf()))
afterAll(() => bench.close())

interface Terms {
  resource?: string
  seconds?: number
  from?: number
  ip?: string
  key?: string
  keyId?: string
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

/** Cookies by AWS's own signer. */
function cookies(terms: Terms = {}): string {
  const policy = JSON.stringify({
    Statement: [
      {
        Resource: terms.resource ?? `${bench.url}/members/talk/*`,
        Condition: {
          DateLessThan: { 'AWS:EpochTime': inSeconds(terms.seconds ?? 600) },
          ...(terms.from !== undefined && { DateGreaterThan: { 'AWS:EpochTime': inSeconds(terms.from) } }),
          ...(terms.ip !== undefined && { IpAddress: { 'AWS:SourceIp': terms.ip } }),
        },
      },
    ],
  })
  const signed = getSignedCookies({
    keyPairId: terms.keyId ?? KEY_ID,
    privateKey: terms.key ?? privateKey,
    policy,
  })
  return Object.entries(signed)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}

const ask = (path: string, cookie?: string, headers: Record<string, string> = {}): Promise<Answer> =>
  rawGet(bench.url, path, { headers: { ...headers, ...(cookie !== undefined && { Cookie: cookie }) } })

const flip = (cookie: string): string =>
  cookie.replace(
    /(CloudFront-Signature=.{20})(.)/,
    (_, head: string, char: string) => head + (char === 'A' ? 'B' : 'A'),
  )

describe('a gated path', () => {
  test.each<[string, string, (() => string) | undefined, number, string | undefined]>([
    ['good cookies', PATH, () => cookies(), 200, undefined],
    ['good cookies among others', PATH, () => `a=b; ${cookies()}; c=d`, 200, undefined],
    ['an address range that holds the viewer', PATH, () => cookies({ ip: '127.0.0.0/8' }), 200, undefined],
    [
      'a resource for any scheme and host',
      PATH,
      () => cookies({ resource: '*://*/members/talk/*' }),
      200,
      undefined,
    ],
    ['the same film spelled otherwise', '/%6Dembers/talk/index.m3u8', () => cookies(), 200, undefined],
    ['nothing', PATH, undefined, 403, 'missing'],
    ['nothing, spelled otherwise', '/%6Dembers/talk/index.m3u8', undefined, 403, 'missing'],
    [
      'half of a grant',
      PATH,
      () => `CloudFront-Policy=abc; CloudFront-Key-Pair-Id=${KEY_ID}`,
      403,
      'malformed',
    ],
    [
      'a grant without its key',
      PATH,
      () => cookies().replace(/CloudFront-Key-Pair-Id=[^;]+/, 'a=b'),
      403,
      'missing',
    ],
    ['a policy that is none', PATH, () => cookies().replace(/(Policy=)[^;]+/, '$1e30_'), 403, 'malformed'],
    ['an unknown key', PATH, () => cookies({ keyId: 'KSTRANGER00001' }), 403, 'unknown-key'],
    ["a stranger's key under a known id", PATH, () => cookies({ key: stranger }), 403, 'bad-signature'],
    ['one bit changed', PATH, () => flip(cookies()), 403, 'bad-signature'],
    [
      'a neighbour that shares a prefix',
      PATH,
      () => cookies({ resource: `${bench.url}/members/tal/*` }),
      403,
      'wrong-resource',
    ],
    [
      'a longer neighbour',
      PATH,
      () => cookies({ resource: `${bench.url}/members/talk2/*` }),
      403,
      'wrong-resource',
    ],
    [
      'another host',
      PATH,
      () => cookies({ resource: 'http://other.example/members/talk/*' }),
      403,
      'wrong-resource',
    ],
    [
      'another port',
      PATH,
      () => cookies({ resource: 'http://127.0.0.1:1/members/talk/*' }),
      403,
      'wrong-resource',
    ],
    ['an rtmp resource', PATH, () => cookies({ resource: 'rtmp://*/members/talk/*' }), 403, 'wrong-resource'],
    ['an expired grant', PATH, () => cookies({ seconds: -5 }), 403, 'expired'],
    [
      'an expired grant for something else',
      PATH,
      () => cookies({ seconds: -5, resource: '*://*/x/*' }),
      403,
      'wrong-resource',
    ],
    ['a grant of tomorrow', PATH, () => cookies({ from: 300 }), 403, 'not-yet'],
    ['a grant for another address', PATH, () => cookies({ ip: '192.0.2.0/24' }), 403, 'wrong-ip'],
    ['a path token that is none', `/~a.b.c${PATH}`, undefined, 403, 'malformed'],
    ['a path token that is none, with good cookies', `/~a.b.c${PATH}`, () => cookies(), 403, 'malformed'],
    ['dot segments out of the open', '/open/../members/talk/index.m3u8', undefined, 400, 'bad-path'],
    ['encoded dot segments', '/open/%2e%2e/members/talk/index.m3u8', undefined, 400, 'bad-path'],
  ])('with %s', async (_, path, cookie, status, reason) => {
    const answer = await ask(path, cookie?.())
    expect([answer.status, answer.headers['x-sluice-reason']]).toEqual([status, reason])
    if (status === 403)
      expect(answer.body).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>\w+<\/Code>/)
  })

  test("says CloudFront's words for a missing key and for everything that is denied", async () => {
    expect((await ask(PATH)).body).toContain(
      '<Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value</Message>',
    )
    expect((await ask(PATH, cookies({ seconds: -5 }))).body).toContain(
      '<Code>AccessDenied</Code><Message>Access denied</Message>',
    )
  })

  test('opens to a URL of AWS’s signer, canned and custom, and the URL wins over cookies', async () => {
    const url = `${bench.url}${PATH}?size=large`
    const signed = getSignedUrl({
      url,
      keyPairId: KEY_ID,
      privateKey,
      dateLessThan: new Date(Date.now() + 60_000).toISOString(),
    })
    const target = signed.slice(bench.url.length)
    expect((await ask(target)).status).toBe(200)
    const late = getSignedUrl({
      url,
      keyPairId: KEY_ID,
      privateKey,
      dateLessThan: new Date(Date.now() - 60_000).toISOString(),
    })
    const answer = await ask(late.slice(bench.url.length), cookies())
    expect([answer.status, answer.headers['x-sluice-reason']]).toEqual([403, 'expired'])
  })

  test('opens to a path token, which playlists carry on by themselves', async () => {
    const signer = createSigner(privateKey, KEY_ID)
    const { url } = signPath(signer, `${bench.url}${PATH}`, {
      expires: instant(Date.now() + 60_000),
      resource: '*://*/members/talk/*',
    })
    expect((await ask(url.slice(bench.url.length))).status).toBe(200)
    expect(
      (await ask(url.slice(bench.url.length).replace('/talk/', '/other/'))).headers['x-sluice-reason'],
    ).toBe('wrong-resource')
  })

  test('is one cached object for all viewers and carriers, and its answers are private', async () => {
    const before = bench.asked.length
    const answers = [await ask(PATH, cookies()), await ask(PATH, cookies({ seconds: 900 }))]
    expect(answers.map(answer => answer.headers['x-cache'])).toEqual(['Hit from sluice', 'Hit from sluice'])
    expect(answers[0]?.headers['cache-control']).toBe('private, max-age=60')
    expect(bench.asked.length).toBe(before)
    expect(bench.asked.every(target => !target.includes('~') && !target.includes('?'))).toBe(true)
  })

  test('closes the moment its key is gone', async () => {
    const good = cookies()
    expect((await ask(PATH, good)).status).toBe(200)
    bench.node.apply(snapshotOf({ keyGroups: snapshotOf().keyGroups.map(group => ({ ...group, keys: [] })) }))
    expect((await ask(PATH, good)).headers['x-sluice-reason']).toBe('unknown-key')
  })

  test('refuses SHA-1 where its key group does', async () => {
    bench.node.apply(
      snapshotOf({ keyGroups: snapshotOf().keyGroups.map(group => ({ ...group, sha1: 'refuse' as const })) }),
    )
    expect((await ask(PATH, cookies())).headers['x-sluice-reason']).toBe('weak-hash')
  })

  test('ignores what a viewer says of its address, unless a trusted proxy says it', async () => {
    const elsewhere = { 'X-Forwarded-For': '192.0.2.7', 'X-Forwarded-Proto': 'https' }
    const grant = cookies({ ip: '192.0.2.0/24', resource: '*://*/members/talk/*' })
    expect((await ask(PATH, grant, elsewhere)).headers['x-sluice-reason']).toBe('wrong-ip')
    const proxied = await EdgeBench.start((_request, response) => response.end('film'), {
      trustedProxies: ['127.0.0.1/32'],
    })
    try {
      const answer = await rawGet(proxied.url, PATH, { headers: { Cookie: grant, ...elsewhere } })
      expect(answer.status).toBe(200)
      expect(proxied.lines.at(-1)).toMatchObject({ address: '192.0.2.7', scheme: 'https' })
    } finally {
      await proxied.close()
    }
  })
})

describe('an open path', () => {
  test('ignores grants, good or bad, and a path token before it', async () => {
    expect((await ask('/open/film', flip(cookies()))).status).toBe(200)
    const { url } = signPath(createSigner(stranger, 'KSTRANGER00001'), `${bench.url}/open/film`, {
      expires: instant(0),
    })
    expect((await ask(url.slice(bench.url.length))).status).toBe(200)
    expect(bench.asked.filter(target => target === '/open/film').length).toBe(1)
  })
})

describe('the record', () => {
  test.each([
    ['with its dots escaped', (token: string) => `/${token.replaceAll('.', '%2E')}${PATH}`],
    ['behind another token', (token: string) => `/${token}/${token}${PATH}`],
    ['in the middle of a path', (token: string) => `/open/${token}/film`],
  ])('never lets a path token into the record, even %s', async (_where, path) => {
    const signer = createSigner(privateKey, KEY_ID)
    const terms = { expires: instant(Date.now() + 60_000), resource: '*://*/members/talk/*' }
    const { url } = signPath(signer, `${bench.url}${PATH}`, terms)
    const token = url.slice(bench.url.length + 1).split('/')[0] ?? ''
    const before = bench.lines.length
    await ask(path(token))
    await expect.poll(() => bench.lines.length).toBeGreaterThan(before)
    const [, signature = ''] = token.split('.')
    expect(JSON.stringify(bench.lines.slice(before))).not.toContain(signature)
  })
})

describe('pages on other origins', () => {
  const cors = ({ headers }: Answer): unknown[] => [
    headers['access-control-allow-origin'],
    headers['access-control-allow-credentials'],
    headers.vary,
  ]

  test.each([
    ['http://www.cdn.localhost:3000', true],
    ['http://localhost:3000', true],
    ['http://127.0.0.1:3000', true],
    ['https://www.example.com', false],
    ['null', false],
    ['file://', false],
  ])('%s may read gated answers with credentials: %s', async (origin, allowed) => {
    const expected = allowed ? [origin, 'true', 'Origin'] : [undefined, undefined, 'Origin']
    expect(cors(await ask(PATH, cookies(), { Origin: origin }))).toEqual(expected)
    const refused = await ask(PATH, undefined, { Origin: origin })
    expect(cors(refused)).toEqual(expected)
    if (allowed) expect(refused.headers['access-control-expose-headers']).toContain('X-Sluice-Reason')
  })

  test.each([
    ['https://www.example.com', 'media.example.com', true],
    ['https://example.com', 'media.example.com', true],
    ['https://example.co.uk', 'other.co.uk', false],
    ['https://one.github.io', 'two.github.io', false],
    ['https://example.com.evil.example', 'media.example.com', false],
  ])('%s is on the site of %s: %s', async (origin, host, same) => {
    const answer = await rawGet(bench.url, PATH, { headers: { Origin: origin, Host: host } })
    expect(answer.headers['access-control-allow-origin']).toBe(same ? origin : undefined)
  })

  test('that the behaviour lists may read gated answers', async () => {
    const snapshot = snapshotOf()
    snapshot.distributions[0]?.behaviours[0]?.corsOrigins.push('https://partner.example')
    bench.node.apply(snapshot)
    expect(cors(await ask(PATH, cookies(), { Origin: 'https://partner.example' }))[0]).toBe(
      'https://partner.example',
    )
  })

  test('may read open answers without credentials', async () => {
    expect(cors(await ask('/open/film', undefined, { Origin: 'https://any.example' }))).toEqual([
      '*',
      undefined,
      undefined,
    ])
  })

  test('may send a preflight without a grant', async () => {
    const answer = await rawGet(bench.url, PATH, {
      method: 'OPTIONS',
      headers: {
        Origin: 'http://localhost:3000',
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'range',
      },
    })
    expect([answer.status, ...cors(answer), answer.headers['access-control-allow-headers']]).toEqual([
      204,
      'http://localhost:3000',
      'true',
      'Origin',
      'range',
    ])
  })
})
